"""The values that the server fills in where the user set none, for each built-in kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gitopsd.sim.pod_defaults import default_pod_spec, default_pod_template, open_host_ports

Obj = dict[str, Any]
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"  # an annotation the server keeps
RBAC = "rbac.authorization.k8s.io"


def set_missing(obj: Obj, **values: Any) -> Obj:
    """Set each value that `obj` lacks; return `obj`."""
    for name, value in values.items():
        if obj.get(name) is None:
            obj[name] = value
    return obj


def default(kind: str, obj: Obj) -> None:
    """Fill in the defaults of a decoded object of a built-in kind, in place."""
    filler = _FILLERS.get(kind)
    if filler is not None:
        filler(obj)


def _namespace(obj: Obj) -> None:
    name = obj["metadata"].get("name")
    if name:
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name


def _secret(obj: Obj) -> None:
    set_missing(obj, type="Opaque")


def _claim(obj: Obj) -> None:
    set_missing(obj["spec"], volumeMode="Filesystem")
    set_missing(obj["status"], phase="Pending")


def _volume(obj: Obj) -> None:
    set_missing(obj["spec"], persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    set_missing(obj["status"], phase="Pending")


def _service(obj: Obj) -> None:
    spec = set_missing(obj["spec"], sessionAffinity="None", type="ClusterIP")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    if spec["sessionAffinity"] == "ClientIP":
        affinity = set_missing(spec, sessionAffinityConfig={})["sessionAffinityConfig"]
        set_missing(set_missing(affinity, clientIP={})["clientIP"], timeoutSeconds=10800)
    for port in spec.get("ports", ()):
        set_missing(port, protocol="TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port["port"]
    if spec["type"] in ("NodePort", "LoadBalancer") or spec.get("externalIPs"):
        set_missing(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        set_missing(spec, allocateLoadBalancerNodePorts=True)
    if spec["type"] != "ExternalName":
        set_missing(spec, internalTrafficPolicy="Cluster")


def _pod(obj: Obj) -> None:
    spec = obj["spec"]
    for container in (*(spec.get("containers") or ()), *spec.get("initContainers", ())):
        limits = container["resources"].get("limits")
        if limits:
            requests = container["resources"].setdefault("requests", {})
            set_missing(requests, **limits)
    set_missing(spec, enableServiceLinks=True)
    default_pod_spec(spec)
    open_host_ports(spec)
    set_missing(obj["status"], phase="Pending")


def _deployment(obj: Obj) -> None:
    spec = set_missing(obj["spec"], replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = set_missing(spec["strategy"], type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = set_missing(strategy, rollingUpdate={})["rollingUpdate"]
        set_missing(rolling, maxUnavailable="25%", maxSurge="25%")
    default_pod_template(spec["template"])


def _replica_set(obj: Obj) -> None:
    default_pod_template(set_missing(obj["spec"], replicas=1)["template"])


def _stateful_set(obj: Obj) -> None:
    spec = set_missing(
        obj["spec"], replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady", serviceName=""
    )
    strategy = set_missing(spec["updateStrategy"], type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        set_missing(set_missing(strategy, rollingUpdate={})["rollingUpdate"], partition=0)
    retention = set_missing(spec, persistentVolumeClaimRetentionPolicy={})["persistentVolumeClaimRetentionPolicy"]
    set_missing(retention, whenDeleted="Retain", whenScaled="Retain")
    for claim in spec.get("volumeClaimTemplates", ()):
        set_missing(claim, apiVersion="v1", kind="PersistentVolumeClaim")
        _claim(claim)
    default_pod_template(spec["template"])


def _daemon_set(obj: Obj) -> None:
    spec = set_missing(obj["spec"], revisionHistoryLimit=10)
    strategy = set_missing(spec["updateStrategy"], type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = set_missing(strategy, rollingUpdate={})["rollingUpdate"]
        set_missing(rolling, maxUnavailable=1, maxSurge=0)
    obj["metadata"].setdefault("annotations", {}).setdefault(TEMPLATE_GENERATION, "0")
    default_pod_template(spec["template"])


def _job(obj: Obj) -> None:
    spec = obj["spec"]
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    set_missing(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False, manualSelector=False)
    set_missing(spec, podReplacementPolicy="Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    labels = spec["template"]["metadata"].get("labels")
    if labels and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(labels)
    default_pod_template(spec["template"])


def _cron_job(obj: Obj) -> None:
    spec = set_missing(
        obj["spec"], concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1
    )
    default_pod_template(spec["jobTemplate"]["spec"]["template"])


def _network_policy(obj: Obj) -> None:
    spec = obj["spec"]
    for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
        for port in rule.get("ports", ()):
            set_missing(port, protocol="TCP")
    set_missing(spec, policyTypes=["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def _autoscaler(obj: Obj) -> None:
    spec = set_missing(obj["spec"], minReplicas=1)
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    set_missing(spec, metrics=[{"type": "Resource", "resource": cpu}])
    behavior = spec.get("behavior")
    if behavior is not None:
        fast = {"type": "Percent", "value": 100, "periodSeconds": 15}
        down = set_missing(behavior, scaleDown={})["scaleDown"]
        up = set_missing(behavior, scaleUp={})["scaleUp"]
        set_missing(down, selectPolicy="Max", policies=[fast])
        set_missing(
            up,
            stabilizationWindowSeconds=0,
            selectPolicy="Max",
            policies=[{"type": "Pods", "value": 4, "periodSeconds": 15}, dict(fast)],
        )


def _binding(obj: Obj) -> None:
    set_missing(obj["roleRef"], apiGroup=RBAC)
    if not obj["roleRef"]["apiGroup"]:
        obj["roleRef"]["apiGroup"] = RBAC
    for subject in obj.get("subjects", ()):
        if subject["kind"] in ("User", "Group"):
            set_missing(subject, apiGroup=RBAC)


def _storage_class(obj: Obj) -> None:
    set_missing(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _priority_class(obj: Obj) -> None:
    set_missing(obj, preemptionPolicy="PreemptLowerPriority")


def _ingress_class(obj: Obj) -> None:
    parameters = obj["spec"].get("parameters")
    if parameters is not None:
        set_missing(parameters, scope="Cluster")


def _definition(obj: Obj) -> None:
    spec = obj["spec"]
    names = spec["names"]
    if not names.get("singular"):
        names["singular"] = names["kind"].lower()
    if not names.get("listKind"):
        names["listKind"] = f"{names['kind']}List"
    set_missing(spec, conversion={"strategy": "None"})
    if not obj["status"].get("storedVersions"):
        stored = [version["name"] for version in spec.get("versions") or () if version["storage"]]
        obj["status"]["storedVersions"] = stored[:1]


def _webhooks(obj: Obj) -> None:
    for hook in obj.get("webhooks", ()):
        set_missing(hook, failurePolicy="Fail", matchPolicy="Equivalent", timeoutSeconds=10)
        set_missing(hook, namespaceSelector={}, objectSelector={})
        for rule in hook.get("rules", ()):
            set_missing(rule, scope="*")
        service = hook["clientConfig"].get("service")
        if service is not None:
            set_missing(service, port=443)


def _mutating_webhooks(obj: Obj) -> None:
    _webhooks(obj)
    for hook in obj.get("webhooks", ()):
        set_missing(hook, reinvocationPolicy="Never")


def _admission_policy(obj: Obj) -> None:
    set_missing(obj["spec"], failurePolicy="Fail")
    _match(obj["spec"].get("matchConstraints"))


def _admission_binding(obj: Obj) -> None:
    _match(obj["spec"].get("matchResources"))


def _match(match: Obj | None) -> None:
    if match is not None:
        set_missing(match, matchPolicy="Equivalent", namespaceSelector={}, objectSelector={})
        for rule in _rules(match):
            set_missing(rule, scope="*")


def _rules(match: Obj) -> Iterator[Obj]:
    yield from match.get("resourceRules", ())
    yield from match.get("excludeResourceRules", ())


def _api_service(obj: Obj) -> None:
    service = obj["spec"].get("service")
    if service is not None:
        set_missing(service, port=443)


def _endpoints(obj: Obj) -> None:
    for subset in obj.get("subsets", ()):
        for port in subset.get("ports", ()):
            set_missing(port, protocol="TCP")


def _endpoint_slice(obj: Obj) -> None:
    for port in obj.get("ports") or ():
        set_missing(port, name="", protocol="TCP")


def _limit_range(obj: Obj) -> None:
    for limit in obj["spec"].get("limits") or ():
        if limit["type"] != "Container":
            continue
        fallback = set_missing(limit, default=dict(limit.get("max", {})))["default"]
        requests = set_missing(limit, defaultRequest={})["defaultRequest"]
        set_missing(requests, **limit.get("min", {}))
        set_missing(requests, **fallback)
        for name in ("default", "defaultRequest"):
            if not limit[name]:
                del limit[name]


_FILLERS: dict[str, Callable[[Obj], None]] = {
    "Namespace": _namespace,
    "Secret": _secret,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "Service": _service,
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "NetworkPolicy": _network_policy,
    "HorizontalPodAutoscaler": _autoscaler,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "StorageClass": _storage_class,
    "PriorityClass": _priority_class,
    "IngressClass": _ingress_class,
    "CustomResourceDefinition": _definition,
    "ValidatingWebhookConfiguration": _webhooks,
    "MutatingWebhookConfiguration": _mutating_webhooks,
    "ValidatingAdmissionPolicy": _admission_policy,
    "MutatingAdmissionPolicy": _admission_policy,
    "ValidatingAdmissionPolicyBinding": _admission_binding,
    "MutatingAdmissionPolicyBinding": _admission_binding,
    "APIService": _api_service,
    "Endpoints": _endpoints,
    "EndpointSlice": _endpoint_slice,
    "LimitRange": _limit_range,
}
