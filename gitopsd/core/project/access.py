"""What the project of an application permits: sources, destinations, kinds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gitopsd.core.source.remote_chart import spellings
from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.core.text.globs import REPOSITORY, matches
from gitopsd.errors import NotPermitted
from gitopsd.model.application import Application, Destination, Mode, Source
from gitopsd.model.chart import OCI
from gitopsd.model.ids import ClusterId
from gitopsd.model.manifest import GroupKind, ResourceKey
from gitopsd.model.project import AppProject, NamedKind, SyncWindow
from gitopsd.model.status import Condition, at_most
from gitopsd.words import without_credentials

USER = re.compile(r"[a-z]+://(?P<user>[a-z0-9._~-]+)@")  # a user alone, as Azure DevOps has it in front of its host
MAX_TOLD = 20  # conditions about single objects


@dataclass(frozen=True, slots=True)
class DestinationCluster:
    """A cluster as destinations may name it."""

    name: str
    server: str  # its URL, as declarations write it; "" where there is none


@dataclass(frozen=True, slots=True)
class ProjectAccess:
    """What settings, declaration and project say, at one time, of an application in a cluster."""

    app: Application
    cluster: ClusterId
    server: str  # of the cluster, as declarations write it
    project: AppProject | None  # None: it is gone
    mode: Mode  # the strictest of daemon, project and application
    windows: tuple[SyncWindow, ...]  # that concern the application
    user: str  # in whose name is written; "": gitopsd's own

    def refusals(self, keys: Iterable[ResourceKey]) -> Sequence[Condition]:
        """Return why the application may not have `keys`. Raises NotPermitted where its project is gone."""
        if self.project is None:
            raise no_project(self.app)
        return object_conditions(self.project, DestinationCluster(self.cluster, self.server), keys)


def refuse(conditions: Sequence[Condition]) -> None:
    """Return where there are no `conditions`; else raise NotPermitted, which says them all."""
    if conditions:
        what = "; ".join(condition.message for condition in conditions)
        raise NotPermitted(what, remedy=conditions[0].remedy)


def no_project(app: Application) -> NotPermitted:
    """Return what to raise where the project of `app` does not exist."""
    return NotPermitted(f"there is no project {app.project}", remedy="declare it, or name one that is there")


def placement_conditions(project: AppProject, app: Application, cluster: DestinationCluster) -> tuple[Condition, ...]:
    """Return why the project does not permit the sources of `app`, and its destination, which is `cluster`."""
    return (*source_conditions(project, app), *destination_conditions(project, app, cluster))


def source_conditions(project: AppProject, app: Application) -> tuple[Condition, ...]:
    """Return one condition for each source of `app` that its project does not permit."""
    return tuple(
        _denied(
            f"project {project.name} does not permit the repository {without_credentials(source.repo_url)}",
            "add it to the project's spec.sourceRepos",
        )
        for source in app.sources
        if not _permitted(project, source)
    )


def _permitted(project: AppProject, source: Source) -> bool:
    """Tell whether the project allows a source; what is denied is not had by naming it with or without `oci://`."""
    bare = source.repo_url.removeprefix(OCI)
    urls = (bare, f"{OCI}{bare}") if source.repository.startswith(OCI) else (source.repo_url,)
    denied = [repo[1:] for repo in project.source_repos if repo.startswith("!")]
    places = (*urls, source.repository, source.repository.removeprefix(OCI))
    return any(source_permitted(project, url) for url in urls) and not any(named(denied, spelled) for spelled in places)


def source_permitted(project: AppProject, url: str) -> bool:
    """Tell whether any of the project's patterns allows the repository `url`, and none that starts with "!" denies it.

    Every spelling of the repository counts: a denied one is not had by writing its host in capitals.
    """
    allowed = any(_is_named(repo, _canonical(url)) for repo in project.source_repos if not repo.startswith("!"))
    return allowed and not named([repo[1:] for repo in project.source_repos if repo.startswith("!")], url)


def dependency_permitted(project: AppProject, repository: str) -> bool:
    """Tell whether the project's applications might name `repository`, of a chart's dependency, as their source."""
    denied = [repo[1:] for repo in project.source_repos if repo.startswith("!")]
    spelled = tuple(spellings(repository))
    return any(source_permitted(project, url) for url in spelled) and not any(named(denied, url) for url in spelled)


def named(patterns: Iterable[str], url: str) -> bool:
    """Tell whether one of `patterns` names the repository `url`, in any spelling."""
    spelled = (_plain(url), *_canonical(url))
    return any(_is_named(pattern, spelled) for pattern in patterns)


def destination_conditions(project: AppProject, app: Application, cluster: DestinationCluster) -> tuple[Condition, ...]:
    """Return a condition where the project does not permit the destination of `app`, which is `cluster`."""
    if _reaches(project, cluster, app.destination.namespace):
        return ()
    return (_not_reached(project, cluster, app.destination.namespace),)


def account_of(project: AppProject, cluster: DestinationCluster, namespace: str) -> str:
    """Return the user in whose name is written to a namespace of `cluster`; "" is gitopsd itself.

    Raises:
        NotPermitted: the project names accounts, and none for this destination.

    Source: Argo CD, docs/operator-manual/app-sync-using-impersonation.md; but a project that names accounts means it,
    without a switch for all of them.
    """
    if not project.accounts:
        return ""
    for account in project.accounts:
        here = any(matches(account.server, name) for name in (cluster.server, cluster.name) if name)
        if here and matches(account.namespace, namespace):
            within, _, name = account.account.rpartition(":")
            if within or namespace:
                return f"system:serviceaccount:{within or namespace}:{name}"
    where = (
        f"namespace {namespace} of {cluster.server or cluster.name}" if namespace else cluster.server or cluster.name
    )
    raise NotPermitted(
        f"project {project.name} names no service account that writes to {where}",
        remedy="add one to the project's spec.destinationServiceAccounts",
    )


def object_conditions(
    project: AppProject, cluster: DestinationCluster, keys: Iterable[ResourceKey]
) -> tuple[Condition, ...]:
    """Return one condition for each object, at most `MAX_TOLD`, whose kind or namespace the project does not permit.

    Args:
        project: of the application.
        place: the destination's cluster.
        keys: of target objects in apply form: one without a namespace is cluster-scoped.
    """
    conditions: list[Condition] = []
    reached: dict[str, bool] = {}
    for key in sorted(keys):
        if not _object_permitted(project, key):
            scope = "namespaceResource" if key.namespace else "clusterResource"
            remedy = f"see the project's spec.{scope}Whitelist and spec.{scope}Blacklist"
            conditions.append(_denied(f"project {project.name} does not permit {key}", remedy))
        elif key.namespace and not reached.setdefault(key.namespace, _reaches(project, cluster, key.namespace)):
            conditions.append(_not_reached(project, cluster, key.namespace, f"{key}: "))
    return at_most(MAX_TOLD, conditions, "objects are not permitted")


def namespace_conditions(project: AppProject, cluster: DestinationCluster, key: ResourceKey) -> Sequence[Condition]:
    """Return a condition where an object is in a namespace that the project does not permit."""
    if not key.namespace or _reaches(project, cluster, key.namespace):
        return ()
    return (_not_reached(project, cluster, key.namespace, f"{key}: "),)


def _object_permitted(project: AppProject, key: ResourceKey) -> bool:
    """Tell whether the project permits an object: one that is in no namespace must be allowed, by kind and name."""
    if key.namespace:
        return kind_permitted(project, key.group_kind)
    return _names(project.cluster_allowed, key) and not _names(project.cluster_denied, key)


def kind_permitted(project: AppProject, kind: GroupKind) -> bool:
    """Tell whether the project permits namespaced objects of `kind`: all are unless there is a list without them.

    What is denied is denied, whatever is allowed.
    """
    allowed = project.namespace_allowed is None or _listed(project.namespace_allowed, kind)
    return allowed and not _listed(project.namespace_denied, kind)


def _listed(kinds: Iterable[GroupKind], kind: GroupKind) -> bool:
    return any(matches(pattern.group, kind.group) and matches(pattern.kind, kind.kind) for pattern in kinds)


def _names(limits: Iterable[NamedKind], key: ResourceKey) -> bool:
    return any(
        matches(limit.group, key.group)
        and matches(limit.kind, key.kind)
        and (not limit.name or matches(limit.name, key.name))
        for limit in limits
    )


def _is_named(pattern: str, spelled: Iterable[str]) -> bool:
    plain = pattern.strip().lower().removesuffix(".git")
    return any(matches(plain, url, REPOSITORY) for url in spelled)


def _plain(url: str) -> str:
    return url.strip().lower().removesuffix("/").removesuffix(".git")


def _canonical(url: str) -> tuple[str, ...]:
    """Return how patterns may write the repository `url`, in lower case, without `.git`: as it is read, not written.

    By its own letters alone a URL is permitted where it is none, as that of a registry without a scheme.
    """
    address = RepoAddress.parse(url)
    if address is None:
        return (_plain(url),)
    path = "/".join(address.parts).lower()
    if address.scheme == "file":
        return f"file:///{path}", f"/{path}"
    if address.scheme != "ssh":
        user = USER.match(_plain(url))
        places = [address.authority, f"{address.host}:{address.port}"]
        places += [f"{user['user']}@{address.authority}"] if user is not None else []
        return tuple(f"{address.scheme}://{host}/{path}".rstrip("/") for host in places)
    port = f":{address.port}" if address.port != "22" else ""
    logins = [f"{user}@{address.host}" for user in (address.user, "git") if user] or [address.host]
    forms = [(f"ssh://{login}{port}/{path}", f"{login}:{path}", f"ssh://{login}:{path}") for login in logins]
    return tuple(form for spellings in forms for form in spellings)


def _reaches(project: AppProject, cluster: DestinationCluster, namespace: str) -> bool:
    """Tell whether any destination of the project allows the place, and none with a "!" denies it.

    Source: Argo CD, docs/user-guide/projects.md: an entry with "!" only denies; it never allows the rest.
    """
    if project.only_own_clusters and cluster.name not in project.own_clusters:
        return False
    fits = [destination for destination in project.destinations if _fits(destination, cluster, namespace)]
    return bool(fits) and all(not _denies(destination) for destination in fits)


def _denies(destination: Destination) -> bool:
    return any(text.startswith("!") for text in (destination.server, destination.name, destination.namespace))


def _fits(destination: Destination, where: DestinationCluster, namespace: str) -> bool:
    """Tell whether the entry speaks of the place: a denied part by what stands after its "!"."""
    server, name = destination.server.removeprefix("!"), destination.name.removeprefix("!")
    cluster = (server and where.server and matches(server, where.server)) or (name and matches(name, where.name))
    # A cluster without a URL is still "any server".
    anywhere = server == "*"
    return bool(cluster or anywhere) and matches(destination.namespace.removeprefix("!"), namespace)


def _not_reached(project: AppProject, cluster: DestinationCluster, namespace: str, what: str = "") -> Condition:
    where = f"namespace {namespace!r} of cluster {cluster.name}"
    return _denied(f"{what}project {project.name} does not permit {where}", "add it to the project's spec.destinations")


def _denied(message: str, remedy: str) -> Condition:
    return Condition("InvalidSpecError", message, remedy)
