"""RespectIgnoreDifferences: what is ignored of an object is written as it is live, not as Git has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gitopsd.core.compare.ignore_rules import NO_EXPRESSION_PATHS, ExpressionPaths, Rules, by_place, without_ignored
from gitopsd.core.objects.field_path import (
    ABSENT,
    ITEM_KEYS,
    at,
    item_of,
    key_fields,
    keys_of,
    named_below,
    owned_apart,
    with_at,
)
from gitopsd.core.objects.managed_fields import entries_of, fields_of, our_entry
from gitopsd.core.target.target import SERVERS
from gitopsd.core.target.tracking import INSTALLATION_ID, TRACKING_ID
from gitopsd.model.comparison import FieldPath, PathElement
from gitopsd.model.manifest import Manifest, annotations_of


def spared(
    manifest: Manifest,
    rules: Rules,
    live: Manifest,
    places: ExpressionPaths = NO_EXPRESSION_PATHS,
    held: Iterable[FieldPath] = (),
) -> Manifest:
    """Return a copy of `manifest` in which the ignored paths are as in `live`.

    Left out instead, a field that only we own would be removed. What Git does not set is put in where our Apply entry
    owns it, for the same reason, and else stays away. What other managers own, and the rules name by its manager, is
    left out: it stays theirs. An item of a list is that of the same name, wherever it is.

    Args:
        manifest: the target.
        rules: of this object.
        live: the object as it is.
        places: what the jq expressions of `rules` name in `manifest` and in `live`.
        held: what is to stay as it is live beside that; left out where others own it.
    """
    spared_manifest: Any = without_ignored(manifest, Rules(managers=rules.managers), live)
    for steps in _ways({*rules.pointers, *places.predicted}, manifest, live):
        if at(spared_manifest, steps) is not ABSENT:
            spared_manifest = with_at(spared_manifest, steps, at(live, steps))
    for steps in held:
        value = ABSENT if _is_others(live, steps) else at(live, steps)
        if value is not ABSENT or at(spared_manifest, steps) is not ABSENT:
            spared_manifest = with_at(spared_manifest, steps, value)
    ours = fields_of(our_entry(live) or {})
    for steps in reversed(_ways({*rules.pointers, *places.live}, live, manifest)):
        if at(manifest, steps) is ABSENT and named_below(ours, live, steps) is not None:
            spared_manifest = with_at(spared_manifest, steps, at(live, steps))
    return _identified(spared_manifest, manifest) if isinstance(spared_manifest, dict) else manifest


def _is_others(live: Manifest, steps: FieldPath) -> bool:
    """Tell whether somebody else owns just this, and not a list or a map that it is in as a whole."""
    ours = our_entry(live)
    return any(entry != ours and owned_apart(fields_of(entry), live, steps) for entry in entries_of(live))


def _identified(spared_manifest: Manifest, manifest: Manifest) -> Manifest:
    """Return `spared_manifest` as what it is and whose it is, whatever a rule as wide as /metadata names."""
    current, meta = spared_manifest.get("metadata"), manifest["metadata"]
    metadata = (
        {name: value for name, value in current.items() if name not in SERVERS} if isinstance(current, dict) else {}
    )
    metadata |= {name: meta[name] for name in ("name", "namespace") if name in meta}
    whose = {name: text for name, text in annotations_of(manifest).items() if name in (TRACKING_ID, INSTALLATION_ID)}
    if whose:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **whose}
    identity = {name: manifest[name] for name in ("apiVersion", "kind") if name in manifest}
    return {**spared_manifest, **identity, "metadata": metadata}


def _ways(pointers: Iterable[tuple[str, ...]], one: Any, other: Any) -> list[FieldPath]:
    """Return what JSON pointers name in `one` as steps that lead to the same in `other`; the last items first."""
    paths = (_way(pointer, one, other) for pointer in sorted(pointers, key=by_place, reverse=True))
    return [steps for steps in paths if steps]


def _way(pointer: tuple[str, ...], one: Any, other: Any) -> FieldPath:
    """Return `pointer` as steps; none where it names nothing."""
    steps: FieldPath = ()
    here, there = one, other
    for part in pointer:
        step: PathElement
        if isinstance(here, dict) and part in here:
            step = part
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            both = there if isinstance(there, list) else here
            fields = key_fields((*keys_of(one, one, steps), *keys_of(other, other, steps), *ITEM_KEYS), here, both)
            step = item_of(here[int(part)], fields) if fields else int(part)
        else:
            return ()
        steps = (*steps, step)
        here, there = at(here, (step,)), at(there, (step,))
    return steps
