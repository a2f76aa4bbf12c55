"""What rights are about: the resources and actions of Argo CD's policies.

Source: Argo CD, docs/operator-manual/rbac.md.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from gitopsd.core.text.suggest import did_you_mean


class PolicyResource(enum.StrEnum):
    """What an action is done to; the object of all but the last six is `<project>/…` where it is of a project."""

    APPLICATIONS = "applications"  # object: project/name, or project/namespace/name outside Argo CD's namespace
    APPLICATION_SETS = "applicationsets"
    LOGS = "logs"  # of an application's Pods; objects as those of applications
    EXEC = "exec"
    CLUSTERS = "clusters"  # object: the server's URL, below its project where it has one
    REPOSITORIES = "repositories"
    WRITE_REPOSITORIES = "write-repositories"
    PROJECTS = "projects"
    ACCOUNTS = "accounts"
    CERTIFICATES = "certificates"
    GPG_KEYS = "gpgkeys"
    EXTENSIONS = "extensions"


class Action(enum.StrEnum):
    """What is done; those on an application's objects go on by a path, as in `delete/apps/Deployment/web/shop`."""

    GET = "get"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SYNC = "sync"
    OVERRIDE = "override"
    ROLLBACK = "rollback"
    ACTION = "action"
    INVOKE = "invoke"


OF_APPLICATIONS = frozenset(
    {PolicyResource.APPLICATIONS, PolicyResource.APPLICATION_SETS, PolicyResource.LOGS, PolicyResource.EXEC}
)
OF_PROJECTS = OF_APPLICATIONS | {
    PolicyResource.CLUSTERS,
    PolicyResource.REPOSITORIES,
}  # a project's roles may grant them

_ALL = frozenset({Action.GET, Action.CREATE, Action.UPDATE, Action.DELETE})
ACTIONS: Mapping[PolicyResource, frozenset[Action]] = {
    PolicyResource.APPLICATIONS: frozenset(Action) - {Action.INVOKE},
    PolicyResource.APPLICATION_SETS: _ALL,
    PolicyResource.LOGS: frozenset({Action.GET}),
    PolicyResource.EXEC: frozenset({Action.CREATE}),
    PolicyResource.CLUSTERS: _ALL,
    PolicyResource.REPOSITORIES: _ALL,
    PolicyResource.WRITE_REPOSITORIES: _ALL,
    PolicyResource.PROJECTS: _ALL,
    PolicyResource.ACCOUNTS: frozenset({Action.GET, Action.CREATE, Action.UPDATE}),
    PolicyResource.CERTIFICATES: _ALL,
    PolicyResource.GPG_KEYS: _ALL - {Action.UPDATE},
    PolicyResource.EXTENSIONS: frozenset({Action.INVOKE}),
}
WITH_PATH = frozenset({Action.UPDATE, Action.DELETE, Action.ACTION})  # of applications

_SHORT: Mapping[PolicyResource, str] = {
    PolicyResource.APPLICATIONS: "app apps application",
    PolicyResource.APPLICATION_SETS: "appset appsets applicationset",
    PolicyResource.LOGS: "log",
    PolicyResource.CLUSTERS: "cluster",
    PolicyResource.REPOSITORIES: "repo repos repository",
    PolicyResource.PROJECTS: "proj projs project",
    PolicyResource.ACCOUNTS: "account",
    PolicyResource.CERTIFICATES: "cert certs certificate",
    PolicyResource.GPG_KEYS: "gpgkey key",
    PolicyResource.EXTENSIONS: "extension",
}
ALIASES: Mapping[str, str] = {short: resource for resource, names in _SHORT.items() for short in names.split()}


def request_fault(resource: str, action: str) -> str:
    """Return why nobody can ever be asked for this right, with what was probably meant; "" where it exists."""
    if resource not in set(PolicyResource):
        hint = did_you_mean(resource, [*PolicyResource, *ALIASES]) or f"known are {', '.join(sorted(PolicyResource))}"
        return f"{resource!r} is no resource: {hint}"
    verb, slash, _ = action.partition("/")
    allowed = ACTIONS[PolicyResource(resource)]
    path_allowed = resource == PolicyResource.APPLICATIONS and verb in WITH_PATH
    if verb not in allowed or (slash and not path_allowed):
        hint = did_you_mean(action, allowed) or f"known are {', '.join(sorted(allowed))}"
        return f"{action!r} is no action on {resource}: {hint}"
    return ""
