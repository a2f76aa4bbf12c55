"""What the server finds invalid: names and labels of all kinds, and the basics of each built-in kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gitopsd.sim.answers import Invalid, required
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.schema import List, Scalar, Struct
from gitopsd.sim.validate_pods import LABEL, LONGEST_LABEL, container_problems, port_problem

Obj = dict[str, Any]
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_SHORT_NAMES = frozenset({"Namespace", "Service"})
_ANY_NAMES = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})
_WORKLOADS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"})
_LONGEST = 253


def problems(kind: ServedKind, obj: Obj) -> Iterator[Invalid]:
    """Yield what is invalid in a decoded and defaulted object of any kind."""
    yield from metadata_problems(kind, obj["metadata"])
    if kind.custom:
        return
    yield from _missing(obj, kind.type, "")
    check = _CHECKS.get(kind.kind)
    if check is not None:
        yield from check(obj)


def metadata_problems(kind: ServedKind, metadata: Obj) -> Iterator[Invalid]:
    """Yield what is invalid in the metadata of an object of any kind."""
    name = metadata.get("name", "")
    if not _name_fits(kind, name):
        yield Invalid("metadata.name", f'Invalid value: "{name}": a lowercase RFC 1123 name is needed')
    yield from _label_problems(metadata.get("labels", {}))
    for key in metadata.get("annotations", {}):
        if not _qualified(key.lower()):
            yield Invalid("metadata.annotations", f'Invalid value: "{key}": name part must be a qualified name')
    for number, finalizer in enumerate(metadata.get("finalizers", ())):
        if not _qualified(finalizer):
            yield Invalid(f"metadata.finalizers[{number}]", f'Invalid value: "{finalizer}": a qualified name is needed')
    for number, owner in enumerate(metadata.get("ownerReferences", ())):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield Invalid(f"metadata.ownerReferences[{number}].{field}", 'Invalid value: "": must not be empty')


def _name_fits(kind: ServedKind, name: str) -> bool:
    if kind.kind in _ANY_NAMES and not kind.custom:
        return bool(name) and "/" not in name and "%" not in name
    short = kind.kind in _SHORT_NAMES and not kind.custom
    form, longest = (LABEL, LONGEST_LABEL) if short else (_SUBDOMAIN, _LONGEST)
    return len(name) <= longest and form.fullmatch(name) is not None


def _label_problems(labels: Mapping[str, str]) -> Iterator[Invalid]:
    for key, value in labels.items():
        if not _qualified(key):
            yield Invalid("metadata.labels", f'Invalid value: "{key}": name part must be a qualified name')
        if len(value) > LONGEST_LABEL or (value and not _NAME_PART.fullmatch(value)):
            yield Invalid("metadata.labels", f'Invalid value: "{value}": a valid label is needed')


def _qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and not (_SUBDOMAIN.fullmatch(prefix) and len(prefix) <= _LONGEST):
        return False
    return len(name) <= LONGEST_LABEL and bool(_NAME_PART.fullmatch(name))


_EMPTY_IS_FINE = frozenset(
    {
        "serviceName",
        "whenDeleted",
        "whenScaled",
        "requests",
        "hosts",
        "rules",
        "verbs",
        "limits",
        "reportingComponent",
        "reportingInstance",
    }
)


def _missing(obj: Mapping[str, Any], kind: Struct, path: str) -> Iterator[Invalid]:
    """Yield the required fields that are empty; status and metadata have their own rules."""
    for name, declared in kind.fields.items():
        if not path and name in ("status", "metadata"):
            continue
        where = f"{path}.{name}" if path else name
        value = obj.get(name)
        empty = value is None or value == "" or (isinstance(declared.type, List) and not value)
        if declared.required and empty and name not in _EMPTY_IS_FINE:
            textual = isinstance(declared.type, Scalar) and declared.type.name in ("str", "int-or-str")
            if textual or declared.pointer or (isinstance(declared.type, List) and declared.type.how == "keyed"):
                yield required(where)
        elif isinstance(declared.type, Struct) and isinstance(value, dict) and declared.type.fields:
            yield from _missing(value, declared.type, where)
        elif isinstance(declared.type, List) and isinstance(declared.type.item, Struct) and value:
            for number, item in enumerate(value):
                yield from _missing(item, declared.type.item, f"{where}[{number}]")


def _at_least_zero(spec: Obj, *names: str) -> Iterator[Invalid]:
    for name in names:
        if spec.get(name, 0) < 0:
            yield Invalid(f"spec.{name}", f"Invalid value: {spec[name]}: must be greater than or equal to 0")


def _workload(obj: Obj) -> Iterator[Invalid]:
    spec = obj["spec"]
    yield from _at_least_zero(spec, "replicas", "minReadySeconds", "revisionHistoryLimit")
    template = spec["template"]
    selector = spec.get("selector")
    if selector is not None:
        match_labels = selector.get("matchLabels", {})
        labels = template["metadata"].get("labels", {})
        if not match_labels and not selector.get("matchExpressions"):
            yield Invalid("spec.selector", "Invalid value: {}: empty selector is invalid for deployment")
        elif not match_labels.items() <= labels.items():
            message = f"Invalid value: {labels}: `selector` does not match template `labels`"
            yield Invalid("spec.template.metadata.labels", message)
    yield from container_problems(template["spec"], "spec.template.spec", spec.get("volumeClaimTemplates", ()))
    if template["spec"]["restartPolicy"] != "Always":
        policy = template["spec"]["restartPolicy"]
        message = f'Unsupported value: "{policy}": supported values: "Always"'
        yield Invalid("spec.template.spec.restartPolicy", message, "FieldValueNotSupported")


def _deployment(obj: Obj) -> Iterator[Invalid]:
    yield from _workload(obj)
    strategy = obj["spec"]["strategy"]
    if strategy["type"] == "Recreate" and strategy.get("rollingUpdate") is not None:
        message = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        yield Invalid("spec.strategy.rollingUpdate", message, "FieldValueForbidden")
    if strategy["type"] not in ("Recreate", "RollingUpdate"):
        message = f'Unsupported value: "{strategy["type"]}": supported values: "Recreate", "RollingUpdate"'
        yield Invalid("spec.strategy.type", message, "FieldValueNotSupported")


def _pod(obj: Obj) -> Iterator[Invalid]:
    yield from container_problems(obj["spec"], "spec")


def _job(obj: Obj) -> Iterator[Invalid]:
    template = obj["spec"]["template"]
    yield from _at_least_zero(obj["spec"], "parallelism", "completions", "backoffLimit")
    yield from container_problems(template["spec"], "spec.template.spec")
    yield from _job_restart(template, "spec.template.spec.restartPolicy")


def _job_restart(template: Obj, path: str) -> Iterator[Invalid]:
    policy = template["spec"]["restartPolicy"]
    if policy not in ("OnFailure", "Never"):
        yield Invalid(
            path, f'Unsupported value: "{policy}": supported values: "OnFailure", "Never"', "FieldValueNotSupported"
        )


def _cron_job(obj: Obj) -> Iterator[Invalid]:
    template = obj["spec"]["jobTemplate"]["spec"]["template"]
    yield from container_problems(template["spec"], "spec.jobTemplate.spec.template.spec")
    yield from _job_restart(template, "spec.jobTemplate.spec.template.spec.restartPolicy")


def _service(obj: Obj) -> Iterator[Invalid]:
    spec = obj["spec"]
    headless = spec.get("clusterIP") == "None"
    if not spec.get("ports") and spec["type"] != "ExternalName" and not headless:
        yield required("spec.ports")
    names, ports = set(), set()
    if spec.get("allocateLoadBalancerNodePorts") is not None and spec["type"] != "LoadBalancer":
        message = "Forbidden: may only be used when `type` is 'LoadBalancer'"
        yield Invalid("spec.allocateLoadBalancerNodePorts", message, "FieldValueForbidden")
    for number, port in enumerate(spec.get("ports", ())):
        where = f"spec.ports[{number}]"
        if (port["port"], port["protocol"]) in ports:
            yield Invalid(where, f"Duplicate value: {port['port']}", "FieldValueDuplicate")
        ports.add((port["port"], port["protocol"]))
        if port["port"] == 0:
            yield Invalid(f"{where}.port", "Invalid value: 0: must be between 1 and 65535, inclusive")
        yield from port_problem(port["port"], f"{where}.port")
        yield from port_problem(port["targetPort"], f"{where}.targetPort")
        if len(spec["ports"]) > 1 and not port.get("name"):
            yield required(f"{where}.name")
        if port.get("name") in names and port.get("name"):
            yield Invalid(f"{where}.name", f'Duplicate value: "{port["name"]}"', "FieldValueDuplicate")
        names.add(port.get("name"))
    if spec["type"] not in ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"):
        yield Invalid("spec.type", f'Unsupported value: "{spec["type"]}"', "FieldValueNotSupported")
    if spec["type"] == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")


def _data(obj: Obj) -> Iterator[Invalid]:
    for field in ("data", "binaryData"):
        for key in obj.get(field) or ():
            if not _DATA_KEY.fullmatch(key) or len(key) > _LONGEST:
                yield Invalid(f"{field}[{key}]", f'Invalid value: "{key}": a valid config key is needed')
    for key in (obj.get("data") or {}).keys() & (obj.get("binaryData") or {}).keys():
        yield Invalid(f"data[{key}]", f'Invalid value: "{key}": duplicate of key present in binaryData')


def _definition(obj: Obj) -> Iterator[Invalid]:
    spec = obj["spec"]
    expected = f"{spec['names']['plural']}.{spec['group']}"
    if obj["metadata"].get("name") != expected:
        name = obj["metadata"].get("name")
        message = f'Invalid value: "{name}": must be spec.names.plural+"."+spec.group'
        yield Invalid("metadata.name", message)
    versions = spec.get("versions") or []
    if sum(1 for version in versions if version["storage"]) != 1:
        yield Invalid("spec.versions", "Invalid value: must have exactly one version marked as storage version")
    for number, version in enumerate(versions):
        if "openAPIV3Schema" not in version.get("schema", {}):
            yield required(f"spec.versions[{number}].schema.openAPIV3Schema", "schemas are required")
    if spec["scope"] not in ("Namespaced", "Cluster"):
        yield Invalid("spec.scope", f'Unsupported value: "{spec["scope"]}"', "FieldValueNotSupported")


def _rules(obj: Obj) -> Iterator[Invalid]:
    for number, rule in enumerate(obj.get("rules") or ()):
        if not rule.get("verbs"):
            yield required(f"rules[{number}].verbs", "verbs must contain at least one value")


def _event(obj: Obj) -> Iterator[Invalid]:
    about, namespace = obj["involvedObject"].get("namespace", ""), obj["metadata"].get("namespace", "")
    if about != namespace and (about or namespace != "default"):
        yield Invalid("involvedObject.namespace", f'Invalid value: "{about}": does not match event.namespace')


_CHECKS: dict[str, Callable[[Obj], Iterator[Invalid]]] = {
    **dict.fromkeys(_WORKLOADS, _workload),
    "Deployment": _deployment,
    "Pod": _pod,
    "Job": _job,
    "CronJob": _cron_job,
    "Service": _service,
    "ConfigMap": _data,
    "Secret": _data,
    "CustomResourceDefinition": _definition,
    "Event": _event,
    "Role": _rules,
    "ClusterRole": _rules,
}
