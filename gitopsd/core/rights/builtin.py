"""The two roles that are always there, and who has one of them.

Source: Argo CD, assets/builtin-policy.csv.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitopsd.core.rights.policy import Effect, MatchMode, Policy, PolicyLine, PolicyRule, RoleBinding
from gitopsd.core.rights.resources import OF_APPLICATIONS, PolicyResource

READONLY = "role:readonly"
ADMIN = "role:admin"
LINE = PolicyLine("built-in", 0)

_CHANGE = "create update delete"
_WRITTEN: Mapping[PolicyResource, str] = {
    PolicyResource.APPLICATIONS: f"{_CHANGE} update/* delete/* sync rollback override action/*",
    PolicyResource.APPLICATION_SETS: f"get {_CHANGE}",
    PolicyResource.EXEC: "create",
    PolicyResource.CLUSTERS: _CHANGE,
    PolicyResource.REPOSITORIES: _CHANGE,
    PolicyResource.WRITE_REPOSITORIES: _CHANGE,
    PolicyResource.PROJECTS: _CHANGE,
    PolicyResource.CERTIFICATES: _CHANGE,
    PolicyResource.ACCOUNTS: "update",
    PolicyResource.GPG_KEYS: "create delete",
}


_EXPRESSIONS = {"*": "^", "*/*": "/"}


def builtin_policy(mode: MatchMode) -> Policy:
    """Return the built-in roles for a mode; as expressions they say what they say as globs."""
    written = _as_glob if mode is MatchMode.GLOB else _as_expression
    rules = tuple(
        PolicyRule(role, written(resource), written(action), written(obj), Effect.ALLOW, LINE)
        for role, resource, action, obj in _rights()
    )
    return Policy(rules, (RoleBinding(ADMIN, READONLY, LINE), RoleBinding("admin", ADMIN, LINE)))


def _rights() -> Iterator[tuple[str, str, str, str]]:
    for resource in PolicyResource:
        obj = "*/*" if resource in OF_APPLICATIONS else "*"
        if resource not in {PolicyResource.EXEC, PolicyResource.EXTENSIONS}:
            yield READONLY, resource, "get", obj
        for action in _WRITTEN.get(resource, "").split():
            yield ADMIN, resource, action, obj


def _as_glob(pattern: str) -> str:
    return pattern


def _as_expression(pattern: str) -> str:
    return _EXPRESSIONS.get(pattern) or (f"^{pattern[:-1]}" if pattern.endswith("*") else f"^{pattern}$")
