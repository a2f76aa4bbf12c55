"""Patches that people write for one live object: only for the very object that is meant, and no way to a Secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsd.core.objects.mask import is_secret
from gitopsd.core.objects.patches import patch_operations
from gitopsd.errors import BadRequest
from gitopsd.model.edit import LivePatch, LivePatchType
from gitopsd.model.manifest import Manifest

TEST = "test"


def addressed(patch: LivePatch, live: Manifest) -> Any:
    """Return the body of a patch that fits the object `live`, and no other one of its name.

    Operations fit it at its version alone, for twice they may do something else than once. They may not test a Secret:
    the answer would tell what its values are.

    Raises:
        BadRequest: it is no such patch.
    """
    meta = live["metadata"]
    if patch.kind is LivePatchType.JSON:
        operations = patch_operations(patch.patch)
        if is_secret(live) and any(operation["op"] == TEST for operation in operations):
            raise BadRequest("a patch may not test values of a Secret", remedy="set what they should be")
        version = {"op": "replace", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]}
        return [{"op": TEST, "path": "/metadata/uid", "value": meta["uid"]}, version, *operations]
    metadata = patch.patch.get("metadata", {}) if isinstance(patch.patch, Mapping) else None
    if not isinstance(metadata, Mapping):
        raise BadRequest("the patch, or its metadata, is no JSON object", remedy="send the fields that are to change")
    return {**patch.patch, "metadata": {**metadata, "uid": meta["uid"]}}
