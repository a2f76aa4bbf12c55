"""`gitopsd admin rbac`: what a policy says, without a daemon."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from gitopsd.core.rights.advice import advice
from gitopsd.core.rights.config_map import RbacPolicy, rbac_policy
from gitopsd.core.rights.policy import PolicyProblem
from gitopsd.core.rights.policy_csv import read_policy
from gitopsd.core.rights.policy_table import PolicyTable, RightExplanation
from gitopsd.core.rights.resources import ALIASES, OF_PROJECTS, request_fault
from gitopsd.errors import InvalidPolicy
from gitopsd.settings import load, read_policy_file, read_rbac


@dataclass(frozen=True, slots=True)
class RightAnswer:
    explanation: RightExplanation
    warning: str = ""  # why a daemon may answer otherwise


def configured(policy_file: Path | None, config: Path | None) -> RbacPolicy:
    """Return the policy of a file, or of the settings.

    Raises:
        InvalidPolicy: neither is given, or there is nothing in it, or a key means nothing.
        InvalidSettings: the settings, beside the policy, cannot be used.
    """
    if policy_file is not None:
        policy = rbac_policy(read_policy_file(policy_file))
    elif config is not None:
        policy = read_rbac(load(config, os.environ).rbac)
    else:
        raise InvalidPolicy("no policy is named", remedy="give --policy-file, or --config")
    if not any(text.text.strip() for text in policy.texts):
        raise InvalidPolicy("the policy is empty", remedy="write policy.csv")
    return policy


def faults(policy: RbacPolicy) -> tuple[PolicyProblem, ...]:
    """Return everything that is wrong with a policy, and where it does not do what it seems to."""
    lines = read_policy(policy.texts, policy.mode)
    return (*lines.problems, *advice(lines, policy.mode, policy.default_role))


def can(
    policy: RbacPolicy, asked: tuple[str, str, str, str], *, default_role: str, with_builtin: bool, strict: bool
) -> RightAnswer:
    """Return whether somebody may do something.

    Args:
        policy: as it is configured.
        asked: who, the resource, which may be written short, the action, and the object; "" and `*` are all of them.
        default_role: instead of the policy's own, unless "".
        with_builtin: with role:readonly and role:admin.
        strict: whether there must be such a resource and action.

    Raises:
        InvalidPolicy: it has lines that cannot be used, or nobody can ask for this.
    """
    subject, short, action, obj = asked
    resource = ALIASES.get(short, short)
    fault = request_fault(resource, action) if strict else ""
    if fault:
        raise InvalidPolicy(f"nobody is asked for this: {fault}", remedy="mend it, or give --no-strict")
    if resource in OF_PROJECTS and obj in ("", "*"):
        obj = "*/*"
    policy = replace(policy, default_role=default_role or policy.default_role)
    table = PolicyTable.compile(
        policy.texts, mode=policy.mode, default_role=policy.default_role, with_builtin=with_builtin
    )
    explanation = table.explain([subject], resource, action, obj)
    unbound = explanation.allowed and explanation.subject == subject and not table.is_bound(subject)
    if unbound and ":" in subject and not subject.startswith(("role:", "proj:")):
        return RightAnswer(explanation, f"{subject} counts as a group only where a `g` line names it, and none does")
    return RightAnswer(explanation)
