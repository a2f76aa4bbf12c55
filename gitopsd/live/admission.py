"""What may change or refuse an apply of a kind: its CRD, webhook configurations, admission policies; as one hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

from gitopsd.live.kinds import KindStore, VersionStore
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GVK, GroupKind, ResourceKey

ADMISSION = "admissionregistration.k8s.io"
POLICIES = tuple(
    GroupKind(ADMISSION, kind)
    for kind in (
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
    )
)
SETTLE_S = 5.0  # a server reads policies anew each second; until then it answers as before
LATE_S = 60.0  # one that is busy, or one of several, may do so that much later
CRD = GVK("apiextensions.k8s.io", "v1", "CustomResourceDefinition")


class Admission:
    """The admission hashes of one cluster, each computed once until something it is over changes.

    While a change of the policies is new, the server may answer by the old ones: the hashes are others then, and others
    again until even a busy server has caught up, so that what is shown meanwhile is asked again.
    """

    def __init__(
        self, policies: Mapping[GVK, VersionStore], kinds: Mapping[GVK, KindStore], now_s: Callable[[], float]
    ) -> None:
        self._policies = policies
        self._kinds = kinds
        self._now_s = now_s
        self._hashes: dict[GVK, str] = {}
        self._stage = 0

    def changed(self) -> None:
        """A policy, a webhook configuration or a CRD is different now."""
        self._hashes.clear()

    def hash_of(self, gvk: GVK, resource: ApiResource | None) -> str:
        """Return the hash for `gvk`, served as `resource` (None: it is not known how)."""
        stage = len(self._to_come())
        if stage != self._stage:
            self._hashes.clear()
            self._stage = stage
        if gvk not in self._hashes:
            news = (f"not in force yet {stage}",) if stage else ()
            text = "\n".join((*self._of_policies(), *self._of_definition(resource), *news))
            self._hashes[gvk] = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        return self._hashes[gvk]

    def settles_s(self) -> float | None:
        """Return in how many seconds what is asked now is to be asked again; None: it need not."""
        return min(self._to_come(), default=None)

    def _to_come(self) -> list[float]:
        """Return the seconds to each time by which the servers may have caught up."""
        times = [versions.changed_s for versions in self._policies.values() if versions.changed_s is not None]
        past_s = self._now_s() - max(times) if times else LATE_S
        return [end_s - past_s for end_s in (SETTLE_S, LATE_S) if past_s < end_s]

    def _of_policies(self) -> Iterable[str]:
        for gvk in sorted(self._policies):
            versions = self._policies[gvk]
            if versions.problem:
                yield f"{gvk} unreadable"
            elif not versions.listed:
                yield f"{gvk} pending"
            for key in sorted(versions.versions):
                yield f"{key} {versions.versions[key]}"

    def _of_definition(self, resource: ApiResource | None) -> Iterable[str]:
        if resource is None:
            yield "not served"
            return
        definitions = self._kinds.get(CRD)
        definition = definitions.objects.get(definition_key(resource)) if definitions else None
        if definition is not None:
            yield f"{definition.key} {definition.resource_version}"
        elif definitions is None or definitions.problem:
            yield "definitions unreadable"


def definition_key(resource: ApiResource) -> ResourceKey:
    """Return the key of the CRD that would define `resource`."""
    return ResourceKey(CRD.group, CRD.kind, "", f"{resource.plural}.{resource.gvk.group}")
