"""What a live object has beside what Git says, as people and tools have set it: told where it is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from gitopsd.core.drift.writers import kind_of
from gitopsd.core.objects.managed_fields import MANAGER, Entry, Fields, entries_of, fields_of, is_readable, union
from gitopsd.core.ownership.obstacles import claimed
from gitopsd.core.ownership.removed import gone_with
from gitopsd.model.comparison import FieldPath
from gitopsd.model.drift import WriterClass
from gitopsd.model.manifest import Manifest

ADDERS = (WriterClass.HUMAN, WriterClass.GITOPS)  # who adds by hand, or by a tool beside us
NAMED = ("labels", "annotations")  # all that counts of metadata: the rest is the server's and controllers'
SERVERS = frozenset({("metadata", "labels", "kubernetes.io/metadata.name")})  # it comes back at once
ORDERS = ("gitopsd.io/", "argocd.argoproj.io/")  # annotations that ask something of whoever syncs


def extra_fields(target: Manifest, live: Manifest) -> tuple[FieldPath, ...]:
    """Return what people and tools have set on `live`, alone, and `target` does not set.

    What somebody else has as well, or has something in, is not extra: a controller's, a subresource's such as the
    scale's replicas, ours. Nor is what nobody owns, as defaults are. Who is a person or a tool, names tell.
    """
    entries = entries_of(live)
    adders = [entry for entry in entries if _adds(entry, live)]
    theirs: Fields = {}
    for entry in adders:
        theirs = union(theirs, fields_of(entry))
    others = [fields_of(entry) for entry in entries if entry not in adders]
    return tuple(steps for steps in gone_with(theirs, others, target, live) if _counts(steps))


def without_extra(
    target: Manifest, live: Manifest, chosen: Iterable[FieldPath]
) -> tuple[tuple[FieldPath, ...], tuple[Entry, ...]]:
    """Return what of `chosen` is still extra on `live`, and managedFields in which that is ours alone.

    So the next apply takes it away, in the very write that sets what Git says.
    """
    there = frozenset(extra_fields(target, live))
    goes = tuple(steps for steps in chosen if steps in there)
    return goes, claimed(live, goes) if goes else ()


def _adds(entry: Entry, live: Manifest) -> bool:
    if entry.get("subresource") or entry["manager"] == MANAGER or kind_of(entry["manager"]) not in ADDERS:
        return False
    return is_readable(entry, live)


def _counts(steps: FieldPath) -> bool:
    if steps[0] != "metadata":
        return steps[0] != "status"
    if len(steps) == 1 or steps[1] not in NAMED or steps in SERVERS:
        return False
    return not str(steps[-1]).startswith(ORDERS)
