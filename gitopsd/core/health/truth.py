"""Where the truth about a kind of custom resource stands, as data, and how it is read.

A row of the tables in `gitopsd.core.health.kinds` is written with the short functions below: `said` for a condition,
`value` for a field, and so on, in rules of which the first whose facts all hold decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitopsd.core.health.facts import (
    Fact,
    HasCondition,
    HasDifferentCount,
    HasDifferentItems,
    HasItem,
    HasStaleCondition,
    HasValue,
    IsGiven,
    IsLess,
    IsNot,
    IsSame,
    Path,
    Scalar,
    at,
    is_behind,
)
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.manifest import Manifest

NOT_YET = "its controller has not said yet how it does"
BEHIND = "the latest spec has not been observed yet"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A health, and the facts that must all hold for it."""

    status: HealthStatus
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """How a kind says how it does."""

    rulings: tuple[Ruling, ...]  # the first that holds decides
    held: tuple[Fact, ...] = ()  # any of these: Suspended, before all else, since nobody observes a spec meanwhile
    otherwise: HealthStatus = HealthStatus.PROGRESSING


Table = Mapping[str, Mapping[str, Truth]]  # of a group, the truths of its kinds; kind "*" is every other one


def judged(manifest: Manifest, truth: Truth) -> Health:
    """Return the health of an object by the truth of its kind. An older spec's status is never taken for this one's."""
    generation = at(manifest, ("metadata", "generation"))
    for fact in truth.held:
        if fact.holds(manifest, generation):
            return Health(HealthStatus.SUSPENDED, fact.words(manifest))
    if is_behind(at(manifest, ("status", "observedGeneration")), generation):
        return Health(HealthStatus.PROGRESSING, BEHIND)
    for ruling in truth.rulings:
        if all(fact.holds(manifest, generation) for fact in ruling.facts):
            return Health(ruling.status, _words(manifest, ruling))
    return Health(truth.otherwise, _message(manifest) or NOT_YET)


def _words(manifest: Manifest, ruling: Ruling) -> str:
    words = next(filter(None, (fact.words(manifest) for fact in ruling.facts)), "")
    if ruling.status is HealthStatus.HEALTHY or any(isinstance(fact, HasCondition | HasItem) for fact in ruling.facts):
        return words
    return ": ".join(filter(None, (words, _message(manifest))))


def _message(manifest: Manifest) -> str:
    texts = (at(manifest, ("status", name)) for name in ("message", "reason", "error"))
    return next((text for text in texts if isinstance(text, str) and text), "")


def healthy(*facts: Fact) -> Ruling:
    return Ruling(HealthStatus.HEALTHY, facts)


def suspended(*facts: Fact) -> Ruling:
    return Ruling(HealthStatus.SUSPENDED, facts)


def progressing(*facts: Fact) -> Ruling:
    return Ruling(HealthStatus.PROGRESSING, facts)


def degraded(*facts: Fact) -> Ruling:
    return Ruling(HealthStatus.DEGRADED, facts)


def unknown(*facts: Fact) -> Ruling:
    return Ruling(HealthStatus.UNKNOWN, facts)


def path(text: str) -> Path:
    """Return the path of `spec.replicas`; "" is the value itself."""
    return tuple(text.split(".")) if text else ()


def value(where: str, *among: Scalar) -> Fact:
    """The field is one of these."""
    return HasValue(path(where), among)


def true(where: str) -> Fact:
    """The field is true."""
    return HasValue(path(where), (True,))


def false(where: str) -> Fact:
    """The field is false, and not only absent."""
    return HasValue(path(where), (False,))


def label(name: str, *among: str) -> Fact:
    """The label is one of these."""
    return HasValue(("metadata", "labels", name), among)


def annotation(name: str, *among: str) -> Fact:
    """The annotation is one of these."""
    return HasValue(("metadata", "annotations", name), among)


def given(where: str) -> Fact:
    """The field is there and not empty."""
    return IsGiven(path(where))


def same(where: str, other: str | Path) -> Fact:
    """Both fields are the same."""
    return IsSame(path(where), path(other) if isinstance(other, str) else other)


def fewer(where: str, than: str | int, default: int = 0) -> Fact:
    """The number is less than the other one, which is `default` where it is absent."""
    return IsLess(path(where), path(than) if isinstance(than, str) else than, default)


def fewer_than_all(where: str, items: str, summed: str) -> Fact:
    """The number is less than the sum of the field `each` of the items."""
    return IsLess(path(where), path(items), item_path=path(summed))


def unlike(items: str, compared: str) -> Fact:
    """The items do not all have the same value in the field `each`."""
    return HasDifferentItems(path(items), path(compared))


def uneven(where: str, other: str) -> Fact:
    """The two lists have not the same number of items."""
    return HasDifferentCount(path(where), path(other))


def old(where: str) -> Fact:
    """A condition of the list is of an older spec."""
    return HasStaleCondition(path(where))


def said(kind: str, *statuses: str, because: tuple[str, ...] = (), severity: str = "", inside: str = "") -> Fact:
    """The condition has one of the statuses (True, where none is named); `inside` an item it is of that item."""
    listed = path(inside) if inside else ("status", "conditions")
    return HasCondition(kind, statuses or ("True",), because, (severity,) if severity else (), listed)


def some(where: str, *facts: Fact) -> Fact:
    """All the facts hold of one item of the list."""
    return HasItem(path(where), facts)


def no(fact: Fact) -> Fact:
    """The fact does not hold."""
    return IsNot(fact)


def by_condition(kind: str, *first: Ruling, held: tuple[Fact, ...] = ()) -> Truth:
    """One condition says it: True is Healthy, False Degraded; `first` goes before."""
    return Truth((*first, degraded(said(kind, "False")), healthy(said(kind))), held)


def by_value(
    where: str,
    good: tuple[Scalar, ...],
    bad: tuple[Scalar, ...] = (),
    paused: tuple[Scalar, ...] = (),
    unclear: tuple[Scalar, ...] = (),
) -> Truth:
    """One field says it: Healthy, Degraded, Suspended or Unknown where it is one of these, else Progressing."""
    of_each = ((degraded, bad), (suspended, paused), (unknown, unclear), (healthy, good))
    return Truth(tuple(make(value(where, *among)) for make, among in of_each if among))


def held_by(truth: Truth, *facts: Fact) -> Truth:
    """The truth is as given, and any of the facts suspends the object."""
    return replace(truth, held=facts)
