"""The data of Argo CD's ConfigMap `argocd-rbac-cm`: where policies, the default role and the match mode are.

Source: Argo CD, docs/operator-manual/argocd-rbac-cm.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitopsd.core.rights.policy import MatchMode, PolicyText
from gitopsd.core.text.suggest import did_you_mean
from gitopsd.errors import InvalidPolicy

POLICY = "policy.csv"
DEFAULT_ROLE = "policy.default"
MATCH_MODE = "policy.matchMode"
SCOPES = "scopes"
DEFAULT_SCOPES = ("groups",)
KEYS = (POLICY, DEFAULT_ROLE, MATCH_MODE, SCOPES)


@dataclass(frozen=True, slots=True)
class RbacPolicy:
    """A policy as it is configured, not looked into yet."""

    texts: tuple[PolicyText, ...] = ()  # `policy.csv`, then every `policy.*.csv` by name
    default_role: str = ""  # "": nobody has anything by default
    mode: MatchMode = MatchMode.GLOB
    scopes: tuple[str, ...] = DEFAULT_SCOPES  # claims of single sign-on whose values are groups


def rbac_policy(data: Mapping[str, str]) -> RbacPolicy:
    """Return the policy that the ConfigMap's `data` configures.

    Raises:
        InvalidPolicy: a key that means nothing, or a match mode that there is not.
    """
    for key in sorted(data):
        if key not in KEYS and not _is_overlay(key):
            hint = did_you_mean(key, KEYS) or f"known are {', '.join(KEYS)} and policy.<name>.csv"
            raise InvalidPolicy(f"{key[:80]!r} is no key of a policy", remedy=hint)
    mode = data.get(MATCH_MODE, "").strip() or MatchMode.GLOB
    if mode not in set(MatchMode):
        hint = did_you_mean(mode, MatchMode) or "write glob or regex"
        raise InvalidPolicy(f"{MATCH_MODE} is {mode[:80]!r}", remedy=hint)
    overlays = sorted(filter(_is_overlay, data))
    texts = tuple(PolicyText(key, data[key]) for key in (POLICY, *overlays) if key in data)
    scopes = tuple(filter(None, (part.strip(" \"'") for part in data.get(SCOPES, "").strip(" []").split(","))))
    return RbacPolicy(texts, data.get(DEFAULT_ROLE, "").strip(), MatchMode(mode), scopes or DEFAULT_SCOPES)


def _is_overlay(key: str) -> bool:
    return key != POLICY and key.startswith("policy.") and key.endswith(".csv")
