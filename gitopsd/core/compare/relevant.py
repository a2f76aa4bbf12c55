"""Whether a difference is about what Git says: it is at a field that is ours, before an apply or after it."""

from __future__ import annotations

from collections.abc import Sequence

from gitopsd.core.compare.diff import each_change
from gitopsd.core.objects.field_path import keys_of, named_below
from gitopsd.core.objects.managed_fields import Fields, fields_of, is_readable, our_entry
from gitopsd.model.comparison import FieldPath
from gitopsd.model.manifest import Manifest


def concerns_git(
    predicted: Manifest, live: Manifest, after: Manifest, before: Manifest, takes: Sequence[FieldPath] = ()
) -> bool:
    """Tell whether the two differ in anything that our Apply entry owns.

    What a webhook or a policy adds on its way in is nobody's: Git does not say it, so its coming, going or changing at
    every write (a time, a counter) puts nothing out of sync. What Git says is ours after the apply, and what Git said
    before is ours until then.

    Args:
        predicted: what an apply would make of the object, without what does not count.
        live: the object as it is, likewise.
        after: all of the prediction, with its managedFields.
        before: all of the live object, likewise.
        takes: what is taken away beside, whoever owns it.
    """
    ours = our_entry(after)
    if ours is None or not is_readable(ours, after):
        return True
    had = our_entry(before)
    if had is not None and not is_readable(had, before):
        return True
    named = fields_of(ours), fields_of(had or {})
    changes = each_change(predicted, live, lambda steps: keys_of(before, live, steps))
    return any(
        _names(named[0], predicted, change.steps)
        or _names(named[1], live, change.steps)
        or is_within(change.steps, takes)
        for change in changes
    )


def is_within(steps: FieldPath, wholes: Sequence[FieldPath]) -> bool:
    """Tell whether what is at `steps` is one of `wholes`, or in one, or has one in it."""
    return any(steps[: len(whole)] == whole[: len(steps)] for whole in wholes)


def _names(fields: Fields, manifest: Manifest, steps: FieldPath) -> bool:
    return named_below(fields, manifest, steps) is not None
