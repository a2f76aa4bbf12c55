"""Health rules of kinds of custom resources, as data, and how they are read.

A row of the tables in `gitopsd.core.health.kinds` is written with the short functions below: `said` for a condition,
`value` for a field, and so on; of the rules of a kind the first whose facts all hold decides.
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
class HealthRule:
    """A health, and the facts that must all hold for it."""

    status: HealthStatus
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class HealthRules:
    """How a kind says how it does."""

    rules: tuple[HealthRule, ...]  # the first that holds decides
    held: tuple[Fact, ...] = ()  # any of these: Suspended, before all else, since nobody observes a spec meanwhile
    otherwise: HealthStatus = HealthStatus.PROGRESSING


Table = Mapping[str, Mapping[str, HealthRules]]  # of a group, the rules of its kinds; kind "*" is every other one


def judged(manifest: Manifest, rules: HealthRules) -> Health:
    """Return the health of an object by the rules of its kind. An older spec's status is never taken for this one's."""
    generation = at(manifest, ("metadata", "generation"))
    for fact in rules.held:
        if fact.holds(manifest, generation):
            return Health(HealthStatus.SUSPENDED, fact.words(manifest))
    if is_behind(at(manifest, ("status", "observedGeneration")), generation):
        return Health(HealthStatus.PROGRESSING, BEHIND)
    for rule in rules.rules:
        if all(fact.holds(manifest, generation) for fact in rule.facts):
            return Health(rule.status, _words(manifest, rule))
    return Health(rules.otherwise, _message(manifest) or NOT_YET)


def _words(manifest: Manifest, rule: HealthRule) -> str:
    words = next(filter(None, (fact.words(manifest) for fact in rule.facts)), "")
    if rule.status is HealthStatus.HEALTHY or any(isinstance(fact, HasCondition | HasItem) for fact in rule.facts):
        return words
    return ": ".join(filter(None, (words, _message(manifest))))


def _message(manifest: Manifest) -> str:
    texts = (at(manifest, ("status", name)) for name in ("message", "reason", "error"))
    return next((text for text in texts if isinstance(text, str) and text), "")


def healthy(*facts: Fact) -> HealthRule:
    return HealthRule(HealthStatus.HEALTHY, facts)


def suspended(*facts: Fact) -> HealthRule:
    return HealthRule(HealthStatus.SUSPENDED, facts)


def progressing(*facts: Fact) -> HealthRule:
    return HealthRule(HealthStatus.PROGRESSING, facts)


def degraded(*facts: Fact) -> HealthRule:
    return HealthRule(HealthStatus.DEGRADED, facts)


def unknown(*facts: Fact) -> HealthRule:
    return HealthRule(HealthStatus.UNKNOWN, facts)


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


def by_condition(kind: str, *first: HealthRule, held: tuple[Fact, ...] = ()) -> HealthRules:
    """One condition says it: True is Healthy, False Degraded; `first` goes before."""
    return HealthRules((*first, degraded(said(kind, "False")), healthy(said(kind))), held)


def by_value(
    where: str,
    good: tuple[Scalar, ...],
    bad: tuple[Scalar, ...] = (),
    paused: tuple[Scalar, ...] = (),
    unclear: tuple[Scalar, ...] = (),
) -> HealthRules:
    """One field says it: Healthy, Degraded, Suspended or Unknown where it is one of these, else Progressing."""
    of_each = ((degraded, bad), (suspended, paused), (unknown, unclear), (healthy, good))
    return HealthRules(tuple(make(value(where, *among)) for make, among in of_each if among))


def held_by(rules: HealthRules, *facts: Fact) -> HealthRules:
    """The rules is as given, and any of the facts suspends the object."""
    return replace(rules, held=facts)
