"""The kinds that the simulated cluster serves: the built-in ones here, custom ones added as their CRDs come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsd.sim.answers import Resource
from gitopsd.sim.schema import Struct, builtin

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class ServedKind:
    """One kind at one version."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    type: Struct
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    status: bool = False  # serves the status subresource
    scale: bool = False  # serves the scale subresource
    generation: bool = False  # counts the changes of its spec
    schema: Mapping[str, Any] | None = None  # a custom kind's OpenAPI v3 schema
    singular: str = ""
    list_kind: str = ""
    defined: frozenset[str] = frozenset()  # of a custom kind: the apiVersions in its definition, served or not
    ending: bool = False  # its definition is being deleted: what is there may go, and nothing new comes

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def custom(self) -> bool:
        return self.schema is not None

    @property
    def group_plural(self) -> tuple[str, str]:
        """Names the collection of its objects, which all versions share."""
        return self.group, self.plural

    @property
    def resource(self) -> Resource:
        return Resource(self.group, self.plural, self.kind)


# group, version, kind, short names; flags: n namespaced, s status, r scale, g generation, a category "all",
# x "api-extensions"
_TABLE = """
- v1 Namespace ns s
- v1 ConfigMap cm n
- v1 Secret - n
- v1 Service svc nsa
- v1 ServiceAccount sa n
- v1 Pod po nsga
- v1 PersistentVolumeClaim pvc ns
- v1 PersistentVolume pv s
- v1 Endpoints ep n
- v1 Event ev n
- v1 ResourceQuota quota ns
- v1 LimitRange limits n
apps v1 Deployment deploy nsrga
apps v1 ReplicaSet rs nsrga
apps v1 StatefulSet sts nsrga
apps v1 DaemonSet ds nsga
batch v1 Job - nsga
batch v1 CronJob cj nsga
networking.k8s.io v1 Ingress ing nsg
networking.k8s.io v1 IngressClass - g
networking.k8s.io v1 NetworkPolicy netpol ng
policy v1 PodDisruptionBudget pdb nsg
autoscaling v2 HorizontalPodAutoscaler hpa nsa
rbac.authorization.k8s.io v1 Role - n
rbac.authorization.k8s.io v1 RoleBinding - n
rbac.authorization.k8s.io v1 ClusterRole - -
rbac.authorization.k8s.io v1 ClusterRoleBinding - -
apiextensions.k8s.io v1 CustomResourceDefinition crd,crds sgx
admissionregistration.k8s.io v1 ValidatingWebhookConfiguration - gx
admissionregistration.k8s.io v1 MutatingWebhookConfiguration - gx
admissionregistration.k8s.io v1 ValidatingAdmissionPolicy - sgx
admissionregistration.k8s.io v1 ValidatingAdmissionPolicyBinding - gx
admissionregistration.k8s.io v1 MutatingAdmissionPolicy - gx
admissionregistration.k8s.io v1 MutatingAdmissionPolicyBinding - gx
storage.k8s.io v1 StorageClass sc -
scheduling.k8s.io v1 PriorityClass pc g
apiregistration.k8s.io v1 APIService - sx
coordination.k8s.io v1 Lease - n
discovery.k8s.io v1 EndpointSlice - ng
"""
_PLURALS = {"Endpoints": "endpoints", "Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}


def builtin_kinds() -> Iterator[ServedKind]:
    """Yield every built-in kind."""
    for line in _TABLE.split("\n"):
        if not line:
            continue
        group, version, kind, short, flags = line.split()
        yield ServedKind(
            group="" if group == "-" else group,
            version=version,
            kind=kind,
            plural=_plural(kind),
            namespaced="n" in flags,
            type=builtin(kind),
            short=() if short == "-" else tuple(short.split(",")),
            categories=("all",) if "a" in flags else ("api-extensions",) if "x" in flags else (),
            status="s" in flags,
            scale="r" in flags,
            generation="g" in flags,
            singular=kind.lower(),
            list_kind=f"{kind}List",
        )


def _plural(kind: str) -> str:
    low = kind.lower()
    if low.endswith("s") and kind != "Endpoints":
        return f"{low}es"
    return _PLURALS.get(kind, f"{low[:-1]}ies" if low.endswith("y") else f"{low}s")


@dataclass(slots=True)
class Kinds:
    """All kinds served now."""

    _served: dict[tuple[str, str, str], ServedKind] = field(default_factory=dict)  # group, version, plural

    def add(self, kind: ServedKind) -> None:
        self._served[kind.group, kind.version, kind.plural] = kind

    def end(self, group: str, plural: str) -> None:
        """Take no new objects of a kind any longer, at any version."""
        for key, kind in self._served.items():
            if kind.group_plural == (group, plural) and not kind.ending:
                self._served[key] = replace(kind, ending=True)

    def drop(self, group: str, plural: str) -> None:
        """Serve no version of a kind any longer."""
        for key in [key for key in self._served if (key[0], key[2]) == (group, plural)]:
            del self._served[key]

    def find(self, group: str, version: str, plural: str) -> ServedKind | None:
        return self._served.get((group, version, plural))

    def of(self, group: str, kind: str) -> ServedKind | None:
        """Return a kind by its name, at any version."""
        return next((one for one in self._served.values() if (one.group, one.kind) == (group, kind)), None)

    def named(self, kind: str, group: str = "") -> ServedKind:
        """Return a built-in kind that is always there."""
        served = self.of(group, kind)
        if served is None:
            raise KeyError(kind)
        return served

    def at(self, kind: ServedKind, api_version: str) -> ServedKind:
        """Return `kind` at another version; `kind` itself where that is not served."""
        return self._served.get((kind.group, api_version.rpartition("/")[2], kind.plural), kind)

    def all(self) -> list[ServedKind]:
        return list(self._served.values())
