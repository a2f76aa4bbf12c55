"""Policies are CSV, a record a line, in the dialect of Go's encoding/csv: quotes are no part of what they enclose.

Source: Argo CD, docs/operator-manual/rbac.md; RFC 4180 as Go's encoding/csv reads it, leading space trimmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gitopsd.core.rights.patterns import pattern_fault
from gitopsd.core.rights.policy import (
    Effect,
    MatchMode,
    Policy,
    PolicyLine,
    PolicyProblem,
    PolicyRule,
    PolicyText,
    RoleBinding,
)
from gitopsd.core.text.suggest import did_you_mean

# Space as Unicode's property White_Space has it, and Go trims it; str.strip() alone would take U+001C to U+001F too.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
MAX_LINES = 50_000  # of all texts
MAX_FIELD = 1024  # characters
MAX_PROBLEMS = 100
RULE_FIELDS = ("p", "subject", "resource", "action", "object", "effect")
BINDING_FIELDS = ("g", "member", "role")
FORMS = {"p": RULE_FIELDS, "g": BINDING_FIELDS}


class _LineUnfit(Exception):
    """A line cannot be used: what it is, and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy


def read_policy(texts: Iterable[PolicyText], mode: MatchMode = MatchMode.GLOB) -> Policy:
    """Return what `texts` say together, and what is wrong with them, line by line; a line that is wrong says nothing.

    At most `MAX_PROBLEMS` are told, and lines after `MAX_LINES` are one problem.
    """
    rules: list[PolicyRule] = []
    bindings: list[RoleBinding] = []
    problems: list[PolicyProblem] = []
    for count, (line, text) in enumerate(_lines(texts)):
        if count == MAX_LINES:
            problems.append(PolicyProblem(line, f"is beyond {MAX_LINES} lines", "write fewer, with patterns"))
            break
        try:
            record = _record(text, line, mode)
        except _LineUnfit as err:
            problems.append(PolicyProblem(line, err.what, err.remedy))
            if len(problems) == MAX_PROBLEMS:
                break
            continue
        if isinstance(record, PolicyRule):
            rules.append(record)
        else:
            bindings.append(record)
    return Policy(tuple(rules), tuple(bindings), tuple(problems))


def _lines(texts: Iterable[PolicyText]) -> Iterator[tuple[PolicyLine, str]]:
    for text in texts:
        for number, line in enumerate(text.text.split("\n"), 1):
            record = line.strip(SPACE)
            if record and not record.startswith("#"):
                yield PolicyLine(text.name, number), record


def _record(text: str, line: PolicyLine, mode: MatchMode) -> PolicyRule | RoleBinding:
    fields = fields_of(text)
    form = FORMS.get(fields[0])
    if form is None:
        hint = did_you_mean(fields[0], FORMS) or "a line begins with `p` or `g`"
        raise _LineUnfit(f"begins with {fields[0][:40]!r}", hint)
    if len(fields) != len(form):
        raise _LineUnfit(f"has {len(fields)} fields instead of {len(form)}", f"write `{', '.join(form)}`")
    for name, field in zip(form[1:], fields[1:], strict=True):
        # Where something is the only one of its kind, as all certificates are, nothing is the name of its object.
        if (not field and name != "object") or "\0" in field:
            raise _LineUnfit(f"has no {name}" if not field else f"has a NUL in its {name}", f"write the {name}")
        if len(field) > MAX_FIELD:
            raise _LineUnfit(f"has more than {MAX_FIELD} characters in its {name}", "write a shorter one")
    if form is BINDING_FIELDS:
        return RoleBinding(fields[1], fields[2], line)
    return _rule(fields, line, mode)


def _rule(fields: list[str], line: PolicyLine, mode: MatchMode) -> PolicyRule:
    _, subject, resource, action, obj, effect = fields
    if effect not in set(Effect):
        # Anywhere else such a rule counts as nothing, so a deny that is misspelled lets everybody in.
        raise _LineUnfit(f"has the effect {effect[:40]!r}", did_you_mean(effect, Effect) or "write allow or deny")
    for name, pattern in (("resource", resource), ("action", action), ("object", obj)):
        fault = pattern_fault(pattern, mode)
        if fault:
            raise _LineUnfit(f"its {name} {pattern[:80]!r} {fault}", "mend the pattern")
    return PolicyRule(subject, resource, action, obj, Effect(effect), line)


def fields_of(record: str) -> list[str]:
    """Return the fields of one record, without space in front of each; space behind belongs to a field.

    Where there are more than any record has, the last one holds the rest: whatever a tenant wrote is read once.

    Raises:
        _LineUnfit: quotes do not enclose a whole field.
    """
    fields: list[str] = []
    index = 0
    while True:
        while record[index : index + 1] and record[index] in SPACE:
            index += 1
        if len(fields) > len(RULE_FIELDS):
            return [*fields, record[index:]]
        if record.startswith('"', index):
            field, index = _quoted(record, index + 1)
        else:
            end = record.find(",", index)
            end = len(record) if end < 0 else end
            field, index = record[index:end], end
            if '"' in field:
                raise _LineUnfit('has a " inside a field', "enclose all of it, and write each of its quotes twice")
        fields.append(field)
        if index == len(record):
            return fields
        index += 1


def _quoted(record: str, index: int) -> tuple[str, int]:
    """Return the field whose opening quote was read, and where it ends: at a comma, or with the record."""
    parts: list[str] = []
    while True:
        quote = record.find('"', index)
        if quote < 0:
            raise _LineUnfit('has a " that nothing closes', "close it on the same line")
        parts.append(record[index:quote])
        index = quote + 1
        if index == len(record) or record[index] == ",":
            return "".join(parts), index
        if record[index] != '"':
            raise _LineUnfit('has something between a closing " and the comma', "write each quote of a field twice")
        parts.append('"')
        index += 1
