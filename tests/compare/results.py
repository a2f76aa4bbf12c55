"""What became of one input here and at a peer, and how two lists of manifests differ."""

from __future__ import annotations

import enum
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 300  # characters of an error or a value


class Verdict(enum.Enum):
    ALIKE = "alike"
    BOTH_FAIL = "both fail"
    DIFFER = "differ"
    FAILS_HERE = "fails here alone"
    FAILS_THERE = "fails there alone"
    UNSTEADY = "the peer differs from itself"  # random values, the time
    ELSEWHERE = "needs what is elsewhere"  # charts and bases that would be fetched: the peer was not asked


OPEN = (Verdict.DIFFER, Verdict.FAILS_HERE, Verdict.FAILS_THERE)  # what somebody has to look at


@dataclass(frozen=True, slots=True)
class Answer:
    """What one side makes of an input; an error stands for no answer."""

    values: tuple[Any, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    what: str
    kind: str  # of input: Helm, Kustomize, Directory, YAML
    peer: str
    verdict: Verdict
    told: str = ""  # the first differences, or the error


def judged(ours: Answer, theirs: Answer) -> tuple[Verdict, str]:
    """Return how two answers compare, and what there is to tell."""
    if ours.error and theirs.error:
        return Verdict.BOTH_FAIL, ours.error[:SHOWN]
    if ours.error:
        return Verdict.FAILS_HERE, ours.error[:SHOWN]
    if theirs.error:
        return Verdict.FAILS_THERE, theirs.error[-SHOWN:]
    found = list(differences(ours.values, theirs.values))
    return (Verdict.DIFFER, "; ".join(found[:3])) if found else (Verdict.ALIKE, "")


def differences(ours: Sequence[Any], theirs: Sequence[Any]) -> Iterator[str]:
    """Yield how the manifests differ, whatever their order: first those that one side lacks, then field by field."""
    here, there = _named(ours), _named(theirs)
    for name in sorted(here.keys() - there.keys()):
        yield f"{name} is here alone"
    for name in sorted(there.keys() - here.keys()):
        yield f"{name} is there alone"
    for name in sorted(here.keys() & there.keys()):
        for where, one, other in _fields("", here[name], there[name]):
            yield f"{name}{where}: {_shown(one)} here, {_shown(other)} there"


def table(results: Sequence[Compared]) -> str:
    """Return the counts, a line for each kind of input and peer, then what is open."""
    counts = Counter((each.kind, each.peer, each.verdict) for each in results)
    lines = []
    for kind, peer in sorted({(each.kind, each.peer) for each in results}):
        of_both = [f"{counts[kind, peer, each]} {each.value}" for each in Verdict if counts[kind, peer, each]]
        lines.append(f"{kind} beside {peer}: {', '.join(of_both)}")
    still = [
        f"{each.verdict.value}: {each.what} ({each.peer}): {each.told}" for each in results if each.verdict in OPEN
    ]
    return "\n".join([*lines, "", *sorted(still)])


def _named(values: Sequence[Any]) -> dict[str, Any]:
    """Return the values by what they call themselves; a second one of a name is another."""
    found: dict[str, Any] = {}
    for given in values:
        value = given if isinstance(given, dict) else {"kind": "no mapping", "is": given}
        meta = value.get("metadata")
        of = meta if isinstance(meta, dict) else {}
        if of.get("generateName"):  # a name beside it is one that somebody has generated
            of = {name: one for name, one in of.items() if name != "name"}
            value = {**value, "metadata": of}
        name = f"{value.get('kind')} {of.get('namespace') or ''}/{of.get('name') or of.get('generateName')}"
        count = sum(known == name or known.startswith(f"{name} #") for known in found)
        found[f"{name} #{count + 1}" if count else name] = value
    return found


def _fields(where: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from _fields(f"{where}.{name}", one.get(name, _ABSENT), other.get(name, _ABSENT))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from _fields(f"{where}[{place}]", *pair)
    elif not _same(one, other):
        yield where, one, other


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or not isinstance(one, int | float):
        return type(one) is type(other) and one == other
    # Of what is no whole number of 64 bits each prints other digits.
    return isinstance(other, int | float) and (one == other or float(one) == float(other))


_ABSENT = "(absent)"


def _shown(value: Any) -> str:
    text = value if value is _ABSENT else json.dumps(value, ensure_ascii=False)
    return str(text)[:SHOWN]
