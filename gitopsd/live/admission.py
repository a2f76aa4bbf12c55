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
SETTLE_S = 5.0  # a server reads policies anew each second, and a busy one later; until then it answers as before
CRD = GVK("apiextensions.k8s.io", "v1", "CustomResourceDefinition")


class Admission:
    """The admission hashes of one cluster, each computed once until something it is over changes.

    While a change of the policies is new, the server may answer by the old ones: the hashes are others then, so that
    what is shown meanwhile is asked again.
    """

    def __init__(
        self, policies: Mapping[GVK, VersionStore], kinds: Mapping[GVK, KindStore], now_s: Callable[[], float]
    ) -> None:
        self._policies = policies
        self._kinds = kinds
        self._now_s = now_s
        self._hashes: dict[GVK, str] = {}
        self._settling = False

    def changed(self) -> None:
        """A policy, a webhook configuration or a CRD is different now."""
        self._hashes.clear()

    def hash_of(self, gvk: GVK, resource: ApiResource | None) -> str:
        """Return the hash for `gvk`, served as `resource` (None: it is not known how)."""
        settling = self._is_settling()
        if settling is not self._settling:
            self._hashes.clear()
            self._settling = settling
        if gvk not in self._hashes:
            news = ("not in force yet",) if settling else ()
            text = "\n".join((*self._of_policies(), *self._of_definition(resource), *news))
            self._hashes[gvk] = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        return self._hashes[gvk]

    def _is_settling(self) -> bool:
        since_s = self._now_s() - SETTLE_S
        times = (versions.changed_s for versions in self._policies.values())
        return any(time is not None and time > since_s for time in times)

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
        found = definitions.objects.get(definition_key(resource)) if definitions else None
        if found is not None:
            yield f"{found.key} {found.resource_version}"
        elif definitions is None or definitions.problem:
            yield "definitions unreadable"


def definition_key(resource: ApiResource) -> ResourceKey:
    """Return the key of the CRD that would define `resource`."""
    return ResourceKey(CRD.group, CRD.kind, "", f"{resource.plural}.{resource.gvk.group}")
