"""What the simulated cluster's controllers make of the objects in it."""

from __future__ import annotations

from typing import Any

from tests.contract.kubernetes.api import Answer, Api, until
from tests.contract.kubernetes.objects import deployment, deployments, service, services


def condition(obj: Any, kind: str) -> str:
    conditions = obj.get("status", {}).get("conditions") or []
    return next((one["status"] for one in conditions if one["type"] == kind), "")


def pods_at(space: str) -> str:
    return f"/api/v1/namespaces/{space}/pods"


async def settled(api: Api, path: str, **status: Any) -> Any:
    """Wait until the object at `path` has these values in its status; return it."""

    def good(answer: Answer) -> bool:
        found = answer.body.get("status", {})
        return answer.status == 200 and all(found.get(name) == value for name, value in status.items())

    return (await until(lambda: api.get(path), good)).body


async def test_deployment_becomes_available_with_its_pods_ready(api: Api, space: str) -> None:
    path = deployments(space, "web")
    (await api.apply(path, deployment("web", replicas=3))).ok()

    found = await settled(api, path, replicas=3, readyReplicas=3, availableReplicas=3, updatedReplicas=3)

    assert ("True", "True") == (condition(found, "Available"), condition(found, "Progressing"))
    assert found["metadata"]["generation"] == found["status"]["observedGeneration"]
    assert {"Running"} == {pod["status"]["phase"] for pod in (await api.get(pods_at(space))).ok()["items"]}


async def test_new_image_replaces_the_pods_through_a_new_replica_set(api: Api, space: str) -> None:
    path = deployments(space, "web")
    (await api.apply(path, deployment("web", "web:1", replicas=2))).ok()
    await settled(api, path, readyReplicas=2)

    (await api.apply(path, deployment("web", "web:2", replicas=2))).ok()
    found = await settled(api, path, observedGeneration=2, updatedReplicas=2, replicas=2, availableReplicas=2)

    sets = (await api.get(f"/apis/apps/v1/namespaces/{space}/replicasets")).ok()["items"]
    images = {pod["spec"]["containers"][0]["image"] for pod in (await api.get(pods_at(space))).ok()["items"]}
    assert [0, 2] == sorted(one["spec"]["replicas"] for one in sets)
    assert {"web:2"} == images
    assert "2" == found["metadata"]["annotations"]["deployment.kubernetes.io/revision"]


async def test_pods_of_a_crashing_image_never_become_ready(api: Api, space: str) -> None:
    for name, image in (("one", "registry.example.com/crash-me:1"), ("two", "web:broken")):
        (await api.apply(deployments(space, name), deployment(name, image))).ok()

    def crashing(answer: Answer) -> bool:
        states = [pod["status"].get("containerStatuses", [{}])[0].get("state", {}) for pod in answer.body["items"]]
        return ["CrashLoopBackOff"] * 2 == [state.get("waiting", {}).get("reason") for state in states]

    pods = (await until(lambda: api.get(pods_at(space)), crashing)).body["items"]
    found = (await api.get(deployments(space, "one"))).ok()
    assert {"False"} == {condition(pod, "Ready") for pod in pods}
    assert "False" == condition(found, "Available")


async def test_rollout_that_does_not_progress_says_so(api: Api, space: str) -> None:
    path = deployments(space, "web")
    (await api.apply(path, deployment("web", "web:broken", progressDeadlineSeconds=20))).ok()

    found = (await until(lambda: api.get(path), lambda answer: condition(answer.body, "Progressing") == "False")).body

    reasons = {one["type"]: one["reason"] for one in found["status"]["conditions"]}
    assert "ProgressDeadlineExceeded" == reasons["Progressing"]


async def test_annotations_of_a_deployment_go_on_its_replica_set(api: Api, space: str) -> None:
    body = deployment("web")
    body["metadata"]["annotations"] = {"gitopsd.io/tracking-id": "shop:apps/Deployment:x/web"}
    (await api.apply(deployments(space, "web"), body)).ok()

    sets = await until(
        lambda: api.get(f"/apis/apps/v1/namespaces/{space}/replicasets"), lambda answer: bool(answer.body["items"])
    )

    (one,) = sets.body["items"]
    assert "shop:apps/Deployment:x/web" == one["metadata"]["annotations"]["gitopsd.io/tracking-id"]


async def test_paused_deployment_makes_nothing_until_resumed(api: Api, space: str) -> None:
    path = deployments(space, "web")
    (await api.apply(path, deployment("web", paused=True))).ok()
    await settled(api, path, observedGeneration=1)
    assert [] == (await api.get(pods_at(space))).ok()["items"]

    (await api.apply(path, deployment("web", paused=False))).ok()

    await settled(api, path, readyReplicas=1)


async def test_deleted_pod_is_made_anew(api: Api, space: str) -> None:
    path = deployments(space, "web")
    (await api.apply(path, deployment("web"))).ok()
    await settled(api, path, readyReplicas=1)
    (pod,) = (await api.get(pods_at(space))).ok()["items"]

    (await api.delete(f"{pods_at(space)}/{pod['metadata']['name']}")).ok()

    def another(answer: Answer) -> bool:
        return [one["metadata"]["uid"] for one in answer.body["items"]] not in ([], [pod["metadata"]["uid"]])

    await until(lambda: api.get(pods_at(space)), another)
    await settled(api, path, readyReplicas=1)


async def test_stateful_set_makes_numbered_pods_with_bound_claims(api: Api, space: str) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    path = f"/apis/apps/v1/namespaces/{space}/statefulsets/db"
    spec = {**deployment("db", replicas=2)["spec"], "serviceName": "db"}
    spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
    (
        await api.apply(
            path, {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": spec}
        )
    ).ok()

    found = await settled(api, path, replicas=2, readyReplicas=2)

    names = [pod["metadata"]["name"] for pod in (await api.get(pods_at(space))).ok()["items"]]
    bound = await until(
        lambda: api.get(f"/api/v1/namespaces/{space}/persistentvolumeclaims"),
        lambda answer: ["Bound", "Bound"] == [one["status"].get("phase") for one in answer.body["items"]],
    )
    assert ["db-0", "db-1"] == names
    assert ["data-db-0", "data-db-1"] == [one["metadata"]["name"] for one in bound.body["items"]]
    assert found["status"]["currentRevision"] == found["status"]["updateRevision"]


async def test_daemon_set_has_its_pod_on_the_node(api: Api, space: str) -> None:
    path = f"/apis/apps/v1/namespaces/{space}/daemonsets/agent"
    spec = {name: value for name, value in deployment("agent")["spec"].items() if name != "replicas"}
    (
        await api.apply(
            path, {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": spec}
        )
    ).ok()

    await settled(api, path, desiredNumberScheduled=1, numberReady=1, numberAvailable=1, updatedNumberScheduled=1)


def job(image: str, **spec: Any) -> dict[str, Any]:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}}
    body = {"template": template, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": body}


def jobs_at(space: str) -> str:
    return f"/apis/batch/v1/namespaces/{space}/jobs/job"


async def test_job_completes(api: Api, space: str) -> None:
    (await api.apply(jobs_at(space), job("task:1", completions=2, parallelism=2))).ok()

    found = (
        await until(lambda: api.get(jobs_at(space)), lambda answer: condition(answer.body, "Complete") == "True")
    ).body

    assert 2 == found["status"]["succeeded"]
    assert found["status"]["completionTime"]


async def test_job_of_a_crashing_image_fails_after_its_retries(api: Api, space: str) -> None:
    (await api.apply(jobs_at(space), job("crash:1", backoffLimit=1))).ok()

    found = (
        await until(lambda: api.get(jobs_at(space)), lambda answer: condition(answer.body, "Failed") == "True")
    ).body

    assert 2 == found["status"]["failed"]


async def test_finished_job_is_removed_after_its_time(api: Api, space: str) -> None:
    (await api.apply(jobs_at(space), job("task:1", ttlSecondsAfterFinished=1))).ok()

    await api.gone(jobs_at(space))


async def test_load_balancers_get_an_address(api: Api, space: str) -> None:
    ingress = f"/apis/networking.k8s.io/v1/namespaces/{space}/ingresses"
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    (await api.apply(services(space, "web"), service("web", type="LoadBalancer"))).ok()
    (await api.post(ingress, {"metadata": {"name": "web"}, "spec": {"defaultBackend": backend}})).ok()

    for path in (services(space, "web"), f"{ingress}/web"):
        await until(lambda: api.get(path), lambda answer: "ingress" in answer.body["status"].get("loadBalancer", {}))  # noqa: B023 - awaited here


async def test_deleted_claim_goes(api: Api, space: str) -> None:
    path = f"/api/v1/namespaces/{space}/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    (await api.post(path, {"metadata": {"name": "data"}, "spec": spec})).ok()

    (await api.delete(f"{path}/data")).ok()

    await api.gone(f"{path}/data")
