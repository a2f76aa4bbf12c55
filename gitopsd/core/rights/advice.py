"""What is sound in a policy, and yet does not do what its writer may think."""

from __future__ import annotations

from collections.abc import Iterator

from gitopsd.core.rights.builtin import builtin_policy
from gitopsd.core.rights.patterns import is_literal, pattern_matches
from gitopsd.core.rights.policy import MatchMode, Policy, PolicyLine, PolicyProblem, PolicyRule
from gitopsd.core.rights.project_roles import project_of
from gitopsd.core.rights.resources import ACTIONS, Action, PolicyResource
from gitopsd.core.text.suggest import did_you_mean

ROLE = "role:"


def advice(policy: Policy, mode: MatchMode, default_role: str) -> tuple[PolicyProblem, ...]:
    """Return a warning for each rule that can fit nothing, and each role or group that has nothing by it."""
    always = builtin_policy(mode)
    subjects = {rule.subject for rule in (*always.rules, *policy.rules)}
    members = {binding.member for binding in (*always.bindings, *policy.bindings)}
    warnings = [warning for rule in policy.rules for warning in _of_rule(rule, mode)]
    for rule in policy.rules:
        subject = rule.subject
        # What has a colon and is no role looks like a group of single sign-on, `organisation:team`.
        if ":" in subject and not subject.startswith(ROLE) and not project_of(subject) and subject not in members:
            what = f"counts for no member of the group {subject!r}, which no `g` line names"
            warnings.append(
                _warning(rule.line, what, f"add `g, {subject}, role:…`, and write the rule about that role")
            )
    for binding in policy.bindings:
        if binding.role not in subjects and binding.role not in members and not project_of(binding.role):
            hint = did_you_mean(binding.role, subjects) or "write a rule about it"
            warnings.append(
                _warning(binding.line, f"gives the role {binding.role!r}, about which there is no rule", hint)
            )
    if default_role and default_role not in subjects | members:
        hint = did_you_mean(default_role, subjects) or "write a rule about it"
        line = PolicyLine("policy.default", 0)
        warnings.append(_warning(line, f"is {default_role!r}, about which there is no rule", hint))
    return tuple(warnings)


def _of_rule(rule: PolicyRule, mode: MatchMode) -> Iterator[PolicyProblem]:
    resources = [resource for resource in PolicyResource if pattern_matches(rule.resource, resource, mode)]
    if not resources:
        hint = did_you_mean(rule.resource, PolicyResource) or f"known are {', '.join(sorted(PolicyResource))}"
        yield _warning(rule.line, f"is about {rule.resource!r}, which is no resource", hint)
    elif mode is MatchMode.GLOB and is_literal(rule.action.partition("/")[0], mode):
        verb = rule.action.partition("/")[0]
        actions = sorted({action for resource in resources for action in ACTIONS[resource]})
        if verb not in actions:
            hint = did_you_mean(verb, actions) or f"known are {', '.join(actions)}"
            yield _warning(rule.line, f"is about {rule.action!r}, which is no action on {rule.resource}", hint)
        elif rule.action == Action.ACTION:
            what = "is about `action` alone, and an action is asked for as action/<group>/<kind>/<name>"
            yield _warning(rule.line, what, "write action/*, or the one that is meant")


def _warning(line: PolicyLine, what: str, remedy: str) -> PolicyProblem:
    return PolicyProblem(line, what, remedy, severe=False)
