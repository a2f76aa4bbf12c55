"""Who may do what: bearer tokens name users, and RBAC's roles and bindings in the store give them rights."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.sim.answers import Refusal, Resource, forbidden, unauthorized
from gitopsd.sim.store import SimStore

GROUP = "rbac.authorization.k8s.io"
ACCOUNT = "system:serviceaccount:"
ADMIN, READER = "admin", "reader"  # the users of every simulated cluster: all rights, and all reading
Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request as the authorizer sees it."""

    verb: str
    resource: Resource
    subresource: str
    namespace: str
    name: str


class Authorizer:
    """Answers who a token is, and what they may do."""

    def __init__(self, store: SimStore, tokens: Mapping[str, str]) -> None:
        self._store = store
        self._tokens = {token.encode(): user for user, token in tokens.items()}

    def user(self, authorization: str) -> str:
        """Return the user of an Authorization header.

        Raises:
            Refusal: 401.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer":
            for token_known, user in self._tokens.items():
                if hmac.compare_digest(token_known, token.strip().encode()):
                    return user
        raise unauthorized()

    def acting(self, user: str, other: str) -> str:
        """Return as whom `user` acts who asks to act as `other`; "" asks for nothing.

        Raises:
            Refusal: 403, it may not.
        """
        if not other:
            return user
        account = other.removeprefix(ACCOUNT).split(":")
        named = other.startswith(ACCOUNT) and len(account) == 2  # noqa: PLR2004 - namespace and name
        plural, where, name = ("serviceaccounts", *account) if named else ("users", "", other)
        self.check(user, Attempt("impersonate", Resource("", plural, "User"), "", where, name))
        return other

    def check(self, user: str, attempt: Attempt) -> None:
        """Raise the 403 that names `user` and what it may not, unless a rule allows the attempt."""
        if user == ADMIN or any(_allows(rule, attempt) for rule in self._rules(user, attempt.namespace)):
            return
        raise _forbidden(user, attempt)

    def _rules(self, user: str, namespace: str) -> Iterator[Rule]:
        if user == READER:
            yield {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
        for binding in self._bound(user, "clusterrolebindings", ""):
            yield from self._rules_of(binding, "")
        if namespace:
            for binding in self._bound(user, "rolebindings", namespace):
                yield from self._rules_of(binding, namespace)

    def _bound(self, user: str, plural: str, namespace: str) -> Iterator[Any]:
        for stored in self._store.collection((GROUP, plural)).objects(namespace):
            binding = stored.parsed()
            for subject in binding.get("subjects", ()):
                everybody = subject["kind"] == "Group" and subject["name"] == "system:authenticated"
                account = f"{ACCOUNT}{subject.get('namespace')}:{subject['name']}"
                named = user == (account if subject["kind"] == "ServiceAccount" else subject["name"])
                if everybody or (named and subject["kind"] in ("User", "ServiceAccount")):
                    yield binding

    def _rules_of(self, binding: Any, namespace: str) -> Iterator[Rule]:
        role = binding["roleRef"]
        plural, where = ("clusterroles", "") if role["kind"] == "ClusterRole" else ("roles", namespace)
        stored = self._store.collection((GROUP, plural)).get(where, role["name"])
        if stored is not None:
            yield from stored.parsed().get("rules") or ()


def _allows(rule: Rule, attempt: Attempt) -> bool:
    plural = attempt.resource.plural
    resource = f"{plural}/{attempt.subresource}" if attempt.subresource else plural
    resources = rule.get("resources", ())
    if not _among(rule.get("verbs", ()), attempt.verb) or not _among(rule.get("apiGroups", ()), attempt.resource.group):
        return False
    if not _among(resources, resource) and f"*/{attempt.subresource}" not in resources:
        return False
    names = rule.get("resourceNames")
    return not names or attempt.name in names


def _among(listed: Any, value: str) -> bool:
    return "*" in listed or value in listed


def _forbidden(user: str, attempt: Attempt) -> Refusal:
    what = attempt.resource.plural + (f"/{attempt.subresource}" if attempt.subresource else "")
    where = f'in the namespace "{attempt.namespace}"' if attempt.namespace else "at the cluster scope"
    message = f'User "{user}" cannot {attempt.verb} resource "{what}" in API group "{attempt.resource.group}" {where}'
    return forbidden(attempt.resource, attempt.name, message)
