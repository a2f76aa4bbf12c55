"""What the server finds invalid in the containers of a Pod, or of a workload's template."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from gitopsd.sim.answers import Invalid, required

Obj = dict[str, Any]
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LONGEST_LABEL = 63
# The types of a volume that people use, in the order in which the server looks for a second one.
_VOLUMES = (
    "emptyDir", "hostPath", "secret", "nfs", "iscsi", "configMap", "downwardAPI", "persistentVolumeClaim", "projected",
    "csi", "ephemeral", "image",
)  # fmt: skip
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def container_problems(spec: Obj, path: str, claims: Sequence[Obj] = ()) -> Iterator[Invalid]:
    """Yield what is invalid in the containers of a Pod spec at `path`; `claims` are a StatefulSet's templates."""
    names = set()
    volumes = {volume["name"] for volume in spec.get("volumes", ())} | {
        claim["metadata"].get("name") for claim in claims
    }
    yield from _volumes(spec, path)
    for group in ("initContainers", "containers"):
        for number, container in enumerate(spec.get(group) or ()):
            where = f"{path}.{group}[{number}]"
            if not container.get("image"):
                yield required(f"{where}.image")
            name = container.get("name", "")
            if name and (len(name) > LONGEST_LABEL or not LABEL.fullmatch(name)):
                yield Invalid(f"{where}.name", f'Invalid value: "{name}": a lowercase RFC 1123 label is needed')
            if name in names:
                yield Invalid(f"{where}.name", f'Duplicate value: "{name}"', "FieldValueDuplicate")
            names.add(name)
            if group == "initContainers" and container.get("restartPolicy") != "Always":
                yield from _init_container(container, where)
            yield from _env(container, where)
            yield from _handlers(container, where)
            yield from _ports(container, where)
            yield from _mounts(container, volumes, where)


def _init_container(container: Obj, path: str) -> Iterator[Invalid]:
    for name in ("lifecycle", *_PROBES):
        if name in container:
            message = "Forbidden: may not be set for init containers without restartPolicy=Always"
            yield Invalid(f"{path}.{name}", message, "FieldValueForbidden")


def _volumes(spec: Obj, path: str) -> Iterator[Invalid]:
    for number, volume in enumerate(spec.get("volumes") or ()):
        for name in [one for one in _VOLUMES if volume.get(one) is not None][1:]:
            message = "Forbidden: may not specify more than 1 volume type"
            yield Invalid(f"{path}.volumes[{number}].{name}", message, "FieldValueForbidden")


def _env(container: Obj, path: str) -> Iterator[Invalid]:
    for number, variable in enumerate(container.get("env") or ()):
        if variable.get("value") and variable.get("valueFrom") is not None:
            message = 'Invalid value: "": may not be specified when `value` is not empty'
            yield Invalid(f"{path}.env[{number}].valueFrom", message)


def _handlers(container: Obj, path: str) -> Iterator[Invalid]:
    """Yield the probes and hooks that do not say one thing to do."""
    probes: list[tuple[str, Obj]] = [(name, container[name]) for name in _PROBES if name in container]
    for name, hook in container.get("lifecycle", {}).items():
        if isinstance(hook, dict):
            probes.append((f"lifecycle.{name}", hook))
    for name, handler in probes:
        handlers = [one for one in ("exec", "httpGet", "tcpSocket", "grpc", "sleep") if one in handler]
        if not handlers:
            yield required(f"{path}.{name}", "must specify a handler type")
        elif len(handlers) > 1:
            message = "Forbidden: may not specify more than 1 handler type"
            yield Invalid(f"{path}.{name}.{handlers[-1]}", message, "FieldValueForbidden")


def _ports(container: Obj, path: str) -> Iterator[Invalid]:
    for number, port in enumerate(container.get("ports", ())):
        yield from port_problem(port["containerPort"], f"{path}.ports[{number}].containerPort")


def _mounts(container: Obj, volumes: set[str], path: str) -> Iterator[Invalid]:
    for number, mount in enumerate(container.get("volumeMounts", ())):
        if mount["name"] and mount["name"] not in volumes:
            message = f'Not found: "{mount["name"]}"'
            yield Invalid(f"{path}.volumeMounts[{number}].name", message, "FieldValueNotFound")


def port_problem(value: Any, path: str) -> Iterator[Invalid]:
    """Yield why `value` is no port number; names pass."""
    if isinstance(value, int) and not 0 < value < 1 << 16:
        yield Invalid(path, f"Invalid value: {value}: must be between 1 and 65535, inclusive")
