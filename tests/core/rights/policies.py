"""Policies as tests write them."""

from __future__ import annotations

from gitopsd.core.rights.policy import MatchMode, PolicyText
from gitopsd.core.rights.policy_table import PolicyTable


def table(
    *lines: str, default_role: str = "", mode: MatchMode = MatchMode.GLOB, with_builtin: bool = True
) -> PolicyTable:
    text = PolicyText("policy.csv", "\n".join(lines))
    return PolicyTable.compile([text], default_role=default_role, mode=mode, with_builtin=with_builtin)
