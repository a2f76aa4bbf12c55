"""The lines of a policy: rules, who has which role, and what is wrong with them."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class MatchMode(enum.StrEnum):
    """How the fields of rules are compared with what is asked."""

    GLOB = "glob"  # the whole text; `*` crosses "/"
    REGEX = "regex"  # RE2, anywhere in the text, as Go's regexp has it


class Effect(enum.StrEnum):
    ALLOW = "allow"
    DENY = "deny"


def quoted(field: str) -> str:
    """Return a field as a line has it: in quotes where it would not be read as one otherwise."""
    plain = field == field.strip() and not {",", '"'} & set(field)
    return field if plain else '"{}"'.format(field.replace('"', '""'))


@dataclass(frozen=True, slots=True)
class PolicyText:
    """CSV as it is written, and how its place is told."""

    name: str  # such as `policy.csv`
    text: str


@dataclass(frozen=True, slots=True, order=True)
class PolicyLine:
    document: str  # name of the text
    number: int  # from 1; 0: the whole of it

    def __str__(self) -> str:
        return f"{self.document}:{self.number}" if self.number else self.document


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """`p, subject, resource, action, object, effect`: all but the subject and the effect are patterns."""

    subject: str
    resource: str
    action: str
    object: str
    effect: Effect
    line: PolicyLine

    def __str__(self) -> str:
        fields = (self.subject, self.resource, self.action, self.object, self.effect)
        return ", ".join(("p", *map(quoted, fields)))


@dataclass(frozen=True, slots=True)
class RoleBinding:
    """`g, member, role`: the member, a user, a group or a role, has what the role has."""

    member: str
    role: str
    line: PolicyLine


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """Something a person should know about a line."""

    line: PolicyLine
    what: str
    remedy: str
    severe: bool = True  # the policy cannot be used; else the line does not do what its writer may think

    def __str__(self) -> str:
        return f"{self.line}: {self.what}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What some texts say; the order of lines means nothing."""

    rules: tuple[PolicyRule, ...] = ()
    bindings: tuple[RoleBinding, ...] = ()
    problems: tuple[PolicyProblem, ...] = ()

    @property
    def errors(self) -> tuple[PolicyProblem, ...]:
        """What keeps the policy from being used."""
        return tuple(problem for problem in self.problems if problem.severe)
