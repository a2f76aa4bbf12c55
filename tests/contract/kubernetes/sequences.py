"""Generated requests: several managers write one object of one kind in every way, rightly and wrongly."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gitopsd.sim.patches import merge_patched
from tests.contract.kubernetes.api import APPLY_PATCH, JSON_PATCH, MERGE_PATCH
from tests.contract.kubernetes.objects import GROUP

JSON = "application/json"
YES_OR_NO = (True, False)
MANAGERS = ("one", "two", "three")
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request; what differs between clusters is filled in by who sends it."""

    method: str
    body: Any = None
    content_type: str = JSON
    query: dict[str, str] = field(default_factory=dict)
    subresource: str = ""
    collection: bool = False
    read_first: bool = False  # the body changes what each cluster answers to a GET
    own: tuple[str, ...] = ()  # metadata fields or preconditions to take from the object as each cluster has it


@dataclass(frozen=True, slots=True)
class Form:
    """How objects of one kind are made up."""

    api_version: str
    kind: str
    plural: str
    spec: Callable[[random.Random], Body]  # all but apiVersion, kind and metadata
    paths: tuple[str, ...]  # that JSON patches aim at
    status: Callable[[random.Random], Body] | None = None
    scale: bool = False  # has the scale subresource
    misfits: tuple[Body, ...] = ()  # in the body they fit the schema that is published, and not the server's type


def some(rng: random.Random, **fields: Any) -> Body:
    """Return each field with even chance; a callable gives its value, None now and then stands in."""
    out = {}
    for name, value in fields.items():
        if rng.random() < 0.5:
            out[name] = None if rng.random() < 0.04 else value() if callable(value) else value
    return out


def pick(rng: random.Random, *choices: Any) -> Any:
    return copy.deepcopy(rng.choice(choices))


def shuffled(rng: random.Random, items: list[Any]) -> list[Any]:
    chosen = [item for item in items if rng.random() < 0.6]
    rng.shuffle(chosen)
    return chosen


def config_map_body(rng: random.Random) -> Body:
    values = ("1", "2", "")
    return some(
        rng,
        data=lambda: some(rng, **dict.fromkeys("abc", lambda: pick(rng, *values))),
        binaryData=lambda: pick(
            rng, {"x": "AAEC"}, {"x": "AAEC", "y": "AQ=="}, {"x": None}, {"x": None, "y": "AQ=="}, {"a": None}, {}
        ),
    )


def container(rng: random.Random, name: str) -> Body:
    return {
        "name": name,
        "image": pick(rng, "web:1", "web:2", "web"),
        **some(
            rng,
            env=lambda: shuffled(rng, [{"name": key, "value": pick(rng, "1", "2", "")} for key in "ABC"]),
            args=lambda: pick(rng, ["x"], ["y", "z"], []),
            ports=lambda: shuffled(rng, [{"containerPort": 80}, {"containerPort": 81, "name": "x"}]),
            resources=lambda: pick(rng, {"requests": {"cpu": "100m"}}, {"limits": {"memory": "1024Mi"}}, {}),
            imagePullPolicy=lambda: pick(rng, "Always", "Never"),
            readinessProbe=lambda: pick(
                rng, {"httpGet": {"port": 80}}, {"exec": {"command": ["x"]}, "periodSeconds": 3}
            ),
            securityContext=lambda: pick(rng, {"runAsUser": 0}, {"privileged": False}, {}),
            tty=lambda: pick(rng, *YES_OR_NO),
        ),
    }


def deployment_body(rng: random.Random) -> Body:
    labels = {"app": "d"}
    names = shuffled(rng, ["a", "b", "c"]) or ["a"]
    pod = some(
        rng,
        nodeSelector=lambda: pick(rng, {"x": "y"}, {"x": "z"}, {}),
        tolerations=lambda: pick(rng, [{"key": "k", "operator": "Exists"}], []),
        serviceAccountName="account",
        terminationGracePeriodSeconds=lambda: pick(rng, 0, 5),
        hostNetwork=lambda: pick(rng, *YES_OR_NO),
        volumes=lambda: shuffled(rng, [{"name": "v"}, {"name": "c", "configMap": {"name": "m"}}]),
        initContainers=lambda: [container(rng, "init")],
    )
    template = {
        "metadata": {"labels": labels, **some(rng, annotations=lambda: some(rng, p="1", q="2"))},
        "spec": {"containers": [container(rng, name) for name in names], **pod},
    }
    spec = some(
        rng,
        replicas=lambda: pick(rng, 0, 1, 2),
        paused=lambda: pick(rng, *YES_OR_NO),
        minReadySeconds=lambda: pick(rng, 0, 3),
        revisionHistoryLimit=lambda: pick(rng, 0, 3),
        strategy=lambda: pick(
            rng,
            {"type": "Recreate"},
            {"rollingUpdate": {"maxSurge": 1}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
            {},
        ),
    )
    return {"spec": {"selector": {"matchLabels": labels}, "template": template, **spec}}


def service_body(rng: random.Random) -> Body:
    ports: list[Body] = [
        {"name": "http", "port": 80},
        {"name": "dns", "port": 53, "protocol": pick(rng, "UDP", "TCP")},
        {"name": "web", "port": 81, "targetPort": pick(rng, "web", 8081)},
    ]
    chosen = shuffled(rng, ports) or ports[:1]
    fields = some(
        rng,
        selector=lambda: pick(rng, {"app": "s"}, {"app": "t", "x": "y"}),
        type=lambda: pick(rng, "ClusterIP", "ClusterIP", "LoadBalancer", "Wrong"),
        sessionAffinity=lambda: pick(rng, "ClientIP", "None"),
        publishNotReadyAddresses=lambda: pick(rng, *YES_OR_NO),
        externalIPs=lambda: pick(rng, ["192.0.2.1"], []),
        internalTrafficPolicy=lambda: pick(rng, "Local", "Cluster"),
    )
    if fields.get("type") == "LoadBalancer":
        fields["allocateLoadBalancerNodePorts"] = False
    return {"spec": {"ports": chosen, **fields}}


def widget_body(rng: random.Random) -> Body:
    parts: list[Body] = [
        {"name": "a", "weight": pick(rng, 1, 2)},
        {"name": "a", "side": "right"},
        {"name": "b", **some(rng, side="left", weight=3)},
    ]
    spec = some(
        rng,
        size=lambda: pick(rng, 1, 2, 0),
        mode=lambda: pick(rng, "fast", "safe", "odd"),
        port=lambda: pick(rng, 80, "http"),
        free=lambda: pick(rng, {"a": {"b": 1, "c": [1, {"x": 2}]}}, {"a": {"b": 2}, "d": []}, {"a": "text"}, {}),
        labels=lambda: some(rng, x="1", y="2"),
        tags=lambda: shuffled(rng, ["p", "q", "r"]),
        order=lambda: shuffled(rng, ["p", "q", "r"]),
        parts=lambda: shuffled(rng, parts),
        whole=lambda: pick(rng, {"x": 1}, {"x": 1, "y": 2}, {}),
    )
    return {"spec": spec}


def deployment_status(rng: random.Random) -> Body:
    ready = {"type": "Available", "status": pick(rng, "True", "False"), "reason": "R", "message": ""}
    return some(
        rng,
        replicas=lambda: pick(rng, 0, 1),
        observedGeneration=lambda: pick(rng, 1, 2),
        conditions=lambda: shuffled(rng, [ready, {"type": "Progressing", "status": "True"}]),
    )


def widget_status(rng: random.Random) -> Body:
    return some(rng, phase=lambda: pick(rng, "a", "b"), nested=lambda: some(rng, x=1, y={"z": []}))


FORMS = (
    Form(
        "v1",
        "ConfigMap",
        "configmaps",
        config_map_body,
        ("/data/a", "/data/b", "/metadata/labels/x", "/data"),
        misfits=({"binaryData": {"x": "%"}}, {"binaryData": {"x": "AA"}}, {"metadata": {"deletionTimestamp": "never"}}),
    ),
    Form(
        "apps/v1",
        "Deployment",
        "deployments",
        deployment_body,
        (
            "/spec/replicas",
            "/spec/template/spec/containers/0/image",
            "/spec/template/spec/containers/0/env",
            "/spec/template/spec/containers/1",
            "/spec/strategy",
            "/metadata/annotations",
        ),
        deployment_status,
        scale=True,
        misfits=(
            {"spec": {"replicas": 1.5}},
            {"spec": {"replicas": 2.0}},
            {"spec": {"minReadySeconds": 0.5}},
            {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1.5}}}},
            {"spec": {"template": {"spec": {"overhead": {"cpu": "none"}}}}},
            {"metadata": {"deletionTimestamp": "never"}},
            {"spec": {"template": {"metadata": {"creationTimestamp": "never"}}}},
        ),
    ),
    Form("v1", "Service", "services", service_body, ("/spec/ports/0/port", "/spec/ports/1", "/spec/selector/app")),
    Form(
        f"{GROUP}/v1",
        "Widget",
        "widgets",
        widget_body,
        ("/spec/size", "/spec/tags/0", "/spec/parts/0/weight", "/spec/free/a", "/spec/free", "/spec/whole/x"),
        widget_status,
    ),
)


def requests(form: Form, rng: random.Random, length: int) -> Iterator[Request]:
    """Yield `length` requests about one object named "it"."""
    yield from (_first(form, rng) for _ in range(1))
    for _ in range(length - 1):
        make = rng.choices(
            (_apply, _merge, _json, _put, _round_trip, _status, _scale, _wrong, _delete), (9, 4, 4, 2, 3, 3, 3, 3, 1)
        )[0]
        yield make(form, rng)


def _object(form: Form, rng: random.Random, *, typed: bool = True) -> Body:
    metadata = some(
        rng,
        labels=lambda: some(rng, x=pick(rng, "1", "2"), y="1"),
        annotations=lambda: some(rng, n=pick(rng, "1", ""), m="2"),
    )
    if rng.random() < 0.1:
        metadata["finalizers"] = shuffled(rng, ["example.com/a", "example.com/b"])
    types = {"apiVersion": form.api_version, "kind": form.kind} if typed else {}
    return {**types, "metadata": {"name": "it", **metadata}, **form.spec(rng)}


def _query(rng: random.Random) -> dict[str, str]:
    query = {"fieldManager": rng.choice(MANAGERS)}
    if rng.random() < 0.12:
        query["dryRun"] = "All"
    return query


def _first(form: Form, rng: random.Random) -> Request:
    if rng.random() < 0.5:
        return Request("POST", _object(form, rng), query=_query(rng), collection=True)
    return _apply(form, rng)


def _apply(form: Form, rng: random.Random) -> Request:
    query = _query(rng)
    if rng.random() < 0.6:
        query["force"] = "true"
    return Request("PATCH", _object(form, rng), APPLY_PATCH, query)


def _merge(form: Form, rng: random.Random) -> Request:
    body = _object(form, rng, typed=False)
    if isinstance(body.get("spec"), dict):
        for name in list(body["spec"]):
            if rng.random() < 0.5:
                del body["spec"][name]
    return Request("PATCH", body, MERGE_PATCH, _query(rng))


def _json(form: Form, rng: random.Random) -> Request:
    donor = _object(form, rng)
    operations = []
    for path in rng.sample(form.paths, rng.randint(1, 2)):
        verb = rng.choice(("add", "replace", "remove", "test"))
        operations.append({"op": verb, "path": path} | ({} if verb == "remove" else {"value": _at(donor, path)}))
    return Request("PATCH", operations, JSON_PATCH, _query(rng))


def _at(value: Any, path: str) -> Any:
    for part in path.strip("/").split("/"):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
    return value


def _put(form: Form, rng: random.Random) -> Request:
    own = ("resourceVersion",) if rng.random() < 0.7 else ()
    body, query = _object(form, rng), _query(rng)
    if not own and rng.random() < 0.3 and "dryRun" not in query:
        body["metadata"]["resourceVersion"] = "1"
    return Request("PUT", body, query=query, own=own)


def _round_trip(form: Form, rng: random.Random) -> Request:
    return Request("PUT", _merge(form, rng).body, query=_query(rng), read_first=True)


def _status(form: Form, rng: random.Random) -> Request:
    if form.status is None:
        return _apply(form, rng)
    body = {**_object(form, rng), "status": form.status(rng)}
    if rng.random() < 0.5:
        return Request("PATCH", body, MERGE_PATCH, _query(rng), "status")
    return Request("PATCH", body, APPLY_PATCH, {**_query(rng), "force": "true"}, "status")


def _scale(form: Form, rng: random.Random) -> Request:
    if not form.scale:
        return _merge(form, rng)
    types = {"apiVersion": "autoscaling/v1", "kind": "Scale"}
    replicas = pick(rng, 0, 1, 2, 2, 3, None, -1, 1.5)
    body = {**types, "metadata": {"name": "it"}, "spec": {"replicas": replicas}}
    match rng.randrange(5):
        case 0:
            return Request("GET", subresource="scale")
        case 1:
            own = pick(rng, (), ("resourceVersion",), ("uid",))
            return Request("PUT", body, query=_query(rng), subresource="scale", own=own)
        case 2:
            operations = [{"op": pick(rng, "add", "replace"), "path": "/spec/replicas", "value": replicas}]
            return Request("PATCH", operations, JSON_PATCH, _query(rng), "scale")
        case 3:
            query = _query(rng) | pick(rng, {}, {"force": "true"})
            return Request("PATCH", body, APPLY_PATCH, query, "scale")
        case _:
            return Request("PATCH", {"spec": {"replicas": replicas}}, MERGE_PATCH, _query(rng), "scale")


def _wrong(form: Form, rng: random.Random) -> Request:
    body = _object(form, rng)
    match rng.randrange(6 if form.misfits else 5):
        case 5:
            body = merge_patched(body, pick(rng, *form.misfits))
        case 0:
            body["unheard"] = 1
        case 1:
            body["metadata"]["labels"] = {"x": 1}
        case 2:
            body["metadata"]["labels"] = {"bad key": "x"}
        case 3:
            body["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
        case _:
            body["metadata"]["resourceVersion"] = "1"
    match rng.randrange(4):
        case 0:
            return Request("POST", body, query=_query(rng), collection=True)
        case 1:
            return Request("PATCH", body, MERGE_PATCH, _query(rng))
        case _:
            return Request("PATCH", body, APPLY_PATCH, {**_query(rng), "force": "true"})


def _delete(form: Form, rng: random.Random) -> Request:
    del form
    own = rng.choice(((), ("uid",), ("uid", "resourceVersion")))
    body = rng.choice((None, {"propagationPolicy": "Background"}, {"preconditions": {"uid": "other"}}))
    return Request("DELETE", body, own=own)
