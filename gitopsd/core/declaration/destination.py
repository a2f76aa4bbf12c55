"""Where an application goes: which cluster of the settings its destination names."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping

from gitopsd.core.text.suggest import did_you_mean
from gitopsd.errors import UnknownCluster
from gitopsd.model.application import Destination
from gitopsd.model.ids import ClusterId
from gitopsd.model.manifest import Manifest

ARGO_GROUP = "argoproj.io"
DECLARATION_KINDS = frozenset({"Application", "AppProject", "ApplicationSet"})
IN_CLUSTER = "in-cluster"  # Argo CD's own cluster by name, and by server
IN_CLUSTER_SERVER = "https://kubernetes.default.svc"


class Declare(enum.Enum):
    """Not a cluster: the manifests are declarations for gitopsd itself (app of apps)."""

    DECLARE = "gitopsd"


DECLARE = Declare.DECLARE


def resolve_destination(destination: Destination, clusters: Mapping[ClusterId, str]) -> ClusterId | Declare:
    """Return the cluster that `destination` names, or DECLARE where it is gitopsd itself.

    Args:
        clusters: the clusters of the settings and each one's server URL as it is reached ("" where not known).

    Argo CD's own cluster (`in-cluster`, https://kubernetes.default.svc), where the settings have none of that name
    or server, is DECLARE too: there an app of apps puts its Applications. The caller then must check the manifests
    with `only_declarations`: anything else has no cluster to go to (`no_cluster`).

    Raises:
        UnknownCluster: no cluster of the settings has that name or server.
    """
    if destination.name:
        if destination.name in clusters:
            return ClusterId(destination.name)
        if destination.name in (DECLARE.value, IN_CLUSTER):
            return DECLARE
        raise _unknown("name", destination.name, clusters)
    server_named = _normal(destination.server)
    matches = sorted(name for name, server in clusters.items() if server and _normal(server) == server_named)
    if len(matches) > 1:
        raise UnknownCluster(
            f".spec.destination.server {destination.server} is the server of {', '.join(matches)}",
            remedy="write .spec.destination.name with the one that is meant",
        )
    if matches:
        return matches[0]
    if server_named == IN_CLUSTER_SERVER:
        return DECLARE
    raise _unknown("server", destination.server, {ClusterId(server): "" for server in clusters.values() if server})


def means_here(destination: Destination, clusters: Mapping[ClusterId, str]) -> bool:
    """Tell whether `destination`, of an application or of a project's list, names gitopsd itself and no glob of it."""
    if destination.name in (DECLARE.value, IN_CLUSTER) and destination.name not in clusters:
        return True
    if _normal(destination.server) != IN_CLUSTER_SERVER:
        return False
    return not any(_normal(server) == IN_CLUSTER_SERVER for server in clusters.values())


def only_declarations(manifests: Collection[Manifest]) -> bool:
    """Tell whether every manifest is an Application, AppProject or ApplicationSet."""
    return all(is_declaration(manifest) for manifest in manifests)


def is_declaration(manifest: Manifest) -> bool:
    version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return False
    return version.startswith(f"{ARGO_GROUP}/") and kind in DECLARATION_KINDS


def no_cluster(destination: Destination) -> UnknownCluster:
    """Return the error for a destination that was DECLARE by Argo CD's habit, and whose manifests say otherwise."""
    name = destination.name or destination.server
    return UnknownCluster(
        f".spec.destination names {name}, which is no cluster of the settings, and not all manifests are declarations",
        remedy=f"add a cluster named {IN_CLUSTER} to `clusters` in the settings, or name another one",
    )


def _unknown(field: str, name: str, clusters: Collection[ClusterId]) -> UnknownCluster:
    hint = did_you_mean(name, clusters)
    return UnknownCluster(
        f".spec.destination.{field} {name!r} is no cluster of the settings",
        remedy=hint
        or f"add it to `clusters` in the settings, or name one that is there ({DECLARE.value} for declarations)",
    )


def _normal(server: str) -> str:
    url = server.strip().rstrip("/").lower()
    return url.removesuffix(":443") if url.startswith("https://") else url
