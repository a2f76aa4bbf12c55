"""A policy, compiled: rules by subject, resource and action, and for each request an index of the objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

from cachetools import LRUCache

from gitopsd.core.rights.builtin import builtin_policy
from gitopsd.core.rights.patterns import PatternSet, is_literal, pattern_matches
from gitopsd.core.rights.policy import Effect, MatchMode, Policy, PolicyRule, PolicyText, quoted
from gitopsd.core.rights.policy_csv import read_policy
from gitopsd.errors import InvalidPolicy, PolicyLines

MAX_LEVELS = 10  # of roles that have roles, as in Argo CD
MAX_DECISIONS = 4096  # that are kept for the next request
MOST_SAID = 20  # problems in an error


@dataclass(frozen=True, slots=True)
class Decision:
    """The rules that one subject has for one resource and action, with the roles that brought them."""

    rules: tuple[PolicyRule, ...]  # by text and line
    allowed: PatternSet
    denied: PatternSet

    def allows(self, obj: str) -> bool:
        """Tell whether a rule allows `obj`, and none denies it."""
        return self.allowed.matches(obj) and not (self.denied and self.denied.matches(obj))

    def deciding(self, obj: str, mode: MatchMode) -> PolicyRule | None:
        """Return the rule that decides on `obj`: the first that denies it, else the first that allows it."""
        fits = [rule for rule in self.rules if pattern_matches(rule.object, obj, mode)]
        denies = [rule for rule in fits if rule.effect is Effect.DENY]
        return next(iter([*denies, *fits]), None)


@dataclass(frozen=True, slots=True)
class RightExplanation:
    """Whether something is allowed, and by which line."""

    allowed: bool
    subject: str = ""  # of those who asked: who has the rule
    path: tuple[str, ...] = ()  # from the subject, by the roles it has, to the rule's own
    rule: PolicyRule | None = None  # None: no rule says anything, which allows nothing

    def __str__(self) -> str:
        if self.rule is None:
            return "no rule allows it"
        through = (
            f"; {quoted(self.path[0])} has it by {' → '.join(map(quoted, self.path[1:]))}" if self.path[1:] else ""
        )
        return f"{self.rule.line} {'allows' if self.allowed else 'denies'} it: {self.rule}{through}"


class _RuleIndex:
    """The rules of one subject, by resource and action where both are written out."""

    __slots__ = ("_literal", "_patterned")

    def __init__(self) -> None:
        self._literal: dict[tuple[str, str], list[PolicyRule]] = {}
        self._patterned: list[PolicyRule] = []

    def add(self, rule: PolicyRule, mode: MatchMode) -> None:
        if is_literal(rule.resource, mode) and is_literal(rule.action, mode):
            self._literal.setdefault((rule.resource, rule.action), []).append(rule)
        else:
            self._patterned.append(rule)

    def of(self, resource: str, action: str, mode: MatchMode) -> Iterator[PolicyRule]:
        yield from self._literal.get((resource, action), ())
        fits = cache(partial(pattern_matches, mode=mode))  # few resources and actions are written, many times each
        for rule in self._patterned:
            if fits(rule.resource, resource) and fits(rule.action, action):
                yield rule


class PolicyTable:
    """Who may do what. A subject alone is looked at: what one of a person's groups is denied, another may allow."""

    def __init__(
        self,
        policy: Policy,
        *,
        mode: MatchMode = MatchMode.GLOB,
        default_role: str = "",
        base: PolicyTable | None = None,
    ) -> None:
        """Index the rules of `policy`, beside those of `base`, whose mode and default role then count."""
        self.mode: MatchMode = mode if base is None else base.mode
        self.default_role: str = default_role if base is None else base.default_role
        self._base = base
        self._rules: dict[str, _RuleIndex] = {}
        self._roles: dict[str, list[str]] = {}
        self._known_roles: LRUCache[str, dict[str, str]] = LRUCache(MAX_DECISIONS)
        self._decisions: LRUCache[tuple[str, str, str], Decision] = LRUCache(MAX_DECISIONS)
        for rule in policy.rules:
            self._rules.setdefault(rule.subject, _RuleIndex()).add(rule, self.mode)
        for binding in policy.bindings:
            self._roles.setdefault(binding.member, []).append(binding.role)

    @classmethod
    def compile(
        cls,
        texts: Iterable[PolicyText],
        *,
        mode: MatchMode = MatchMode.GLOB,
        default_role: str = "",
        with_builtin: bool = True,
    ) -> PolicyTable:
        """Return the table of `texts`, with the built-in roles.

        Raises:
            InvalidPolicy: lists the lines that cannot be used, each with its remedy.
        """
        policy = read_policy(texts, mode)
        if policy.errors:
            said = "\n".join(f"  {problem}" for problem in policy.errors[:MOST_SAID])
            raise InvalidPolicy(
                f"the policy has {len(policy.errors)} lines that cannot be used:\n{said}\n",
                remedy="mend them; `gitopsd admin rbac validate` looks anew",
                details=PolicyLines(tuple(str(problem.line) for problem in policy.errors)),
            )
        if with_builtin:
            always = builtin_policy(mode)
            policy = Policy((*always.rules, *policy.rules), (*always.bindings, *policy.bindings))
        return cls(policy, mode=mode, default_role=default_role)

    def allows(self, subjects: Iterable[str], resource: str, action: str, obj: str) -> bool:
        """Tell whether one of `subjects`, or everybody by the default role, may do `action` to `obj`.

        Args:
            subjects: who asks, then their groups; a group counts where a `g` line names it. None: the default role's.
            resource: such as `applications`.
            action: such as `get` or `delete/apps/Deployment/web/shop`.
            obj: such as `project/name`.
        """
        return any(decision.allows(obj) for decision in self.decisions(subjects, resource, action))

    def explain(self, subjects: Iterable[str], resource: str, action: str, obj: str) -> RightExplanation:
        """Return what `allows` answers, and which rule it comes from."""
        denied = RightExplanation(allowed=False)
        for subject in self.considered(subjects):
            decision = self.decision(subject, resource, action)
            rule = decision.deciding(obj, self.mode)
            if rule is None:
                continue
            explanation = RightExplanation(decision.allows(obj), subject, self._path(subject, rule.subject), rule)
            if explanation.allowed:
                return explanation
            denied = explanation if denied.rule is None else denied
        return denied

    def decisions(self, subjects: Iterable[str], resource: str, action: str) -> list[Decision]:
        """Return what decides on objects for `subjects`: one that allows is enough."""
        return [self.decision(subject, resource, action) for subject in self.considered(subjects)]

    def considered(self, subjects: Iterable[str]) -> list[str]:
        """Return which of `subjects` rules are looked for: the first, groups that are bound, and the default role."""
        who, *groups = [*subjects] or [""]
        bound = (group for group in groups if self.is_bound(group))
        return list(dict.fromkeys(filter(None, (self.default_role, who, *bound))))

    def is_bound(self, member: str) -> bool:
        """Tell whether a `g` line gives `member` a role."""
        return member in self._roles or (self._base is not None and self._base.is_bound(member))

    def roles(self, subject: str) -> Mapping[str, str]:
        """Return the subject and all roles it has, each with the one that brought it ("" for the subject)."""
        known: dict[str, str] | None = self._known_roles.get(subject)
        if known is not None:
            return known
        nearest = {subject: ""}
        level = [subject]
        for _ in range(MAX_LEVELS):
            nearer = [(role, member) for member in level for role in self.roles_of(member) if role not in nearest]
            level = list(dict.fromkeys(role for role, _ in nearer))
            for role, member in nearer:
                nearest.setdefault(role, member)
        self._known_roles[subject] = nearest
        return nearest

    def decision(self, subject: str, resource: str, action: str) -> Decision:
        """Return what decides on objects for one subject."""
        if self._base is not None and self._says_nothing_of(subject):
            return self._base.decision(subject, resource, action)
        key = (subject, resource, action)
        known: Decision | None = self._decisions.get(key)
        if known is None:
            rules = [rule for role in self.roles(subject) for rule in self.rules_of(role, resource, action)]
            rules.sort(key=lambda rule: rule.line)
            known = Decision(
                tuple(rules),
                PatternSet((rule.object for rule in rules if rule.effect is Effect.ALLOW), self.mode),
                PatternSet((rule.object for rule in rules if rule.effect is Effect.DENY), self.mode),
            )
            self._decisions[key] = known
        return known

    def _says_nothing_of(self, subject: str) -> bool:
        """Tell whether all that `subject` has is the base's, as most subjects have in most projects."""
        has = () if self._base is None else self._base.roles(subject)
        return not any(role in self._roles or role in self._rules for role in has)

    def _path(self, subject: str, role: str) -> tuple[str, ...]:
        brought_by = self.roles(subject)
        path = [role]
        while brought_by[path[-1]]:
            path.append(brought_by[path[-1]])
        return tuple(reversed(path))

    def roles_of(self, member: str) -> Iterator[str]:
        """Give the roles that `g` lines give to `member` itself."""
        if self._base is not None:
            yield from self._base.roles_of(member)
        yield from self._roles.get(member, ())

    def rules_of(self, subject: str, resource: str, action: str) -> Iterator[PolicyRule]:
        """Give the rules about `subject` itself that speak of a resource and an action."""
        if self._base is not None:
            yield from self._base.rules_of(subject, resource, action)
        index = self._rules.get(subject)
        if index is not None:
            yield from index.of(resource, action, self.mode)
