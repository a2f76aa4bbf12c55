"""Writes what actions make of an object, and of others beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsd.apply.live_edits import MANAGER, EditTarget, check, check_whose, read_live, way_to
from gitopsd.apply.run import ClusterApplier
from gitopsd.core.objects.patches import merge_patch_between
from gitopsd.core.target.tracking import ANNOTATION, Tracking, tracking_of
from gitopsd.errors import BadRequest, Conflict, NotPermitted
from gitopsd.kube.client import KubeClient
from gitopsd.kube.paths import collection_path
from gitopsd.model.action import ActionOutcome
from gitopsd.model.edit import LivePatchType
from gitopsd.model.manifest import GVK, Manifest, ResourceKey, gvk_of

NOT_FOUND = 404
TRIES = 3  # somebody wrote between our read and our write; more often than this, whoever asks tries again
Decide = Callable[[Manifest], Awaitable[Sequence[ActionOutcome]]]  # what an action makes of an object as it is
UserOf = Callable[[ResourceKey], str]  # in whose name an object may be made; raises NotPermitted


@dataclass(frozen=True, slots=True)
class _New:
    """An object that is to be made."""

    client: KubeClient
    path: str
    key: ResourceKey
    manifest: Manifest

    async def post(self, *, dry_run: bool) -> None:
        query = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry_run else {})}
        check(await self.client.request("POST", self.path, query=query, body=self.manifest), self.key)


@dataclass(frozen=True, slots=True)
class ActionWrites:
    applier: ClusterApplier
    tracking: Tracking = ANNOTATION

    async def run(self, target: EditTarget, decide: Decide, user_of: UserOf) -> None:
        """Write what `decide` makes of the object as it is now; decide again where somebody else wrote it meanwhile.

        Nothing is written unless the cluster would take all that is to be made.

        Raises:
            NotFound: the object is gone, or another one has its name by now.
            BadRequest: what is decided is no object, patches another one, or the cluster finds it invalid.
            NotPermitted: it changes whose the object is, or makes what is another application's, or as `user_of` says.
            Conflict: others keep writing the object, or one that is to be made is there.
            ClusterRefused: the cluster does not let gitopsd, or in whose name it writes.
            Retryable: no answer, or nothing may be written to the cluster now.
        """
        client, path = await way_to(self.applier, target)
        for attempt in range(1, TRIES + 1):
            live = await read_live(self.applier, target)
            outcomes = await decide(live)
            changed = [outcome.manifest for outcome in outcomes if not outcome.create]
            if len(changed) > 1:
                raise BadRequest("the action changes its object twice", remedy="have it return the object once")
            made = [await self._new(target, live, outcome.manifest, user_of) for outcome in outcomes if outcome.create]
            for new in made:
                await new.post(dry_run=True)
            try:
                for manifest in changed:
                    await self._change(client, path, (live, manifest), target.ref.key)
            except Conflict:
                if attempt == TRIES:
                    raise
                continue
            for new in made:
                await new.post(dry_run=False)
            return

    async def _change(self, client: KubeClient, path: str, states: tuple[Manifest, Manifest], key: ResourceKey) -> None:
        """Make the second of two states of an object of the first, its status by itself where the kind has it so."""
        live, manifest = states
        gvk, namespace, name = _named(manifest)
        if (gvk, namespace, name) != (gvk_of(live), key.namespace, key.name):
            raise BadRequest(f"the action patches {gvk} {name}, and is one of {key}", remedy="have it create others")
        check_whose(key, live, manifest, self.tracking)
        patch = merge_patch_between(live, manifest)
        identity = {"uid": live["metadata"]["uid"]}
        if _has_list(patch):  # which a merge patch writes as a whole, with what others have put into it since
            identity["resourceVersion"] = live["metadata"]["resourceVersion"]
        query = {"fieldManager": MANAGER}
        if "status" in patch:
            body = {"metadata": identity, "status": patch["status"]}
            status = f"{path}/status"
            reply = await client.request(
                "PATCH", status, query=query, body=body, content_type=LivePatchType.MERGE.value
            )
            if reply.code != NOT_FOUND:  # else its status is a field like others
                check(reply, key)
                identity = {name: reply.body["metadata"][name] for name in identity}
                del patch["status"]
        if patch:
            body = {**patch, "metadata": {**(patch.get("metadata") or {}), **identity}}
            check(
                await client.request("PATCH", path, query=query, body=body, content_type=LivePatchType.MERGE.value), key
            )

    async def _new(self, target: EditTarget, live: Manifest, manifest: Manifest, user_of: UserOf) -> _New:
        """Return an object as it is to be made: where the action's own object is, unless it says another namespace."""
        gvk, namespace, name = _named(manifest)
        own = self.applier.writer(target.cluster)
        resource = await self.applier.resource_of(own, target.cluster, gvk)
        if resource is None:
            raise BadRequest(f"the cluster does not serve {gvk}, which the action makes", remedy="mend the action")
        namespace = (namespace or target.ref.key.namespace) if resource.namespaced else ""
        key = ResourceKey(gvk.group, gvk.kind, namespace, name)
        meta = manifest["metadata"]
        named = {**manifest, "metadata": {**meta, "name": name}}
        theirs, ours = tracking_of(named, self.tracking)[0], tracking_of(live, self.tracking)[0]
        if theirs is not None and (ours is None or theirs.app != ours.app):
            raise NotPermitted(
                f"{key} would be of {theirs.app}", remedy="have the action leave tracking id and label alone"
            )
        client = self.applier.acting_as(user_of(key)).writer(target.cluster)
        placed = {**manifest, "metadata": {**meta, **({"namespace": namespace} if namespace else {})}}
        return _New(client, collection_path(resource, namespace), key, placed)


def _has_list(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, Mapping) and any(map(_has_list, value.values())))


def _named(manifest: Manifest) -> tuple[GVK, str, str]:
    """Return kind, namespace and name of what an action returns. Raises BadRequest where it is no object."""
    meta = manifest.get("metadata")
    kinds = (manifest.get("apiVersion"), manifest.get("kind"))
    if not isinstance(meta, Mapping) or not all(isinstance(text, str) and text for text in kinds):
        raise BadRequest("the action returns what is no object", remedy="have it write apiVersion, kind and metadata")
    name, namespace = meta.get("name") or meta.get("generateName"), meta.get("namespace") or ""
    if not isinstance(name, str) or not name or not isinstance(namespace, str):
        raise BadRequest("the action returns an object without a name", remedy="have it write metadata.name")
    if not all(isinstance(meta.get(field) or {}, Mapping) for field in ("annotations", "labels")):
        raise BadRequest("the action returns labels or annotations that are none", remedy="have it write texts by name")
    return gvk_of(manifest), namespace, name
