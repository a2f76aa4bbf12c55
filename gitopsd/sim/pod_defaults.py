"""The defaults of a Pod's spec, in a Pod as in the template of a workload."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]
_MODE_0644 = 420


def _set(obj: Obj, **values: Any) -> Obj:
    for name, value in values.items():
        obj.setdefault(name, value)
    return obj


def default_pod_template(template: Obj) -> None:
    default_pod_spec(template["spec"])


def default_pod_spec(spec: Obj) -> None:
    """Fill in the defaults of a decoded Pod spec, in place."""
    _set(
        spec,
        restartPolicy="Always",
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        terminationGracePeriodSeconds=30,
        securityContext={},
    )
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for volume in spec.get("volumes", ()):
        _volume(volume)
    for container in (
        *(spec.get("containers") or ()),
        *spec.get("initContainers", ()),
        *spec.get("ephemeralContainers", ()),
    ):
        _container(container)


def open_host_ports(spec: Obj) -> None:
    """Give the ports of a Pod on the host's network the same numbers there; a template is left as it is."""
    if spec.get("hostNetwork"):
        for container in (*(spec.get("containers") or ()), *spec.get("initContainers", ())):
            for port in container.get("ports", ()):
                _set(port, hostPort=port["containerPort"])


def _container(container: Obj) -> None:
    _set(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = "Always" if _floats(container.get("image", "")) else "IfNotPresent"
    for port in container.get("ports", ()):
        _set(port, protocol="TCP")
    for variable in container.get("env", ()):
        _source(variable.get("valueFrom", {}))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            _probe(container[name])
    for hook in container.get("lifecycle", {}).values():
        if isinstance(hook, dict):
            _http_get(hook)


def _floats(image: str) -> bool:
    """Tell whether an image's tag is, or means, `latest`."""
    last = image.rpartition("/")[2]
    if "@" in last:
        return False
    _, _, tag = last.partition(":")
    return tag in ("", "latest")


def _probe(probe: Obj) -> None:
    _set(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    _http_get(probe)
    if "grpc" in probe:
        _set(probe["grpc"], service="")


def _http_get(action: Obj) -> None:
    if "httpGet" in action:
        _set(action["httpGet"], path="/", scheme="HTTP")


def _source(source: Obj) -> None:
    if "fieldRef" in source:
        _set(source["fieldRef"], apiVersion="v1")
    if "resourceFieldRef" in source:
        _set(source["resourceFieldRef"], divisor="0")


def _volume(volume: Obj) -> None:
    if volume.keys() == {"name"}:
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        if name in volume:
            _set(volume[name], defaultMode=_MODE_0644)
    if "hostPath" in volume:
        _set(volume["hostPath"], type="")
    if "image" in volume:
        _set(volume["image"], pullPolicy="Always" if _floats(volume["image"].get("reference", "")) else "IfNotPresent")
    if "ephemeral" in volume and "volumeClaimTemplate" in volume["ephemeral"]:
        _set(volume["ephemeral"]["volumeClaimTemplate"]["spec"], volumeMode="Filesystem")
    for item in volume.get("downwardAPI", {}).get("items", ()):
        _source(item)
    for source in volume.get("projected", {}).get("sources", ()):
        _projected(source)


def _projected(source: Obj) -> None:
    if "serviceAccountToken" in source:
        _set(source["serviceAccountToken"], expirationSeconds=3600)
    for item in source.get("downwardAPI", {}).get("items", ()):
        _source(item)
