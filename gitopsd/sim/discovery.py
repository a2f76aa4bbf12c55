"""What is served: aggregated discovery, and the older documents one for each group and version."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gitopsd.sim.kinds import VERBS, ServedKind

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_PRIORITY = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_SUBRESOURCE_VERBS = ("get", "patch", "update")
_SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
_ENDING_VERBS = ("delete", "deletecollection", "get", "list", "watch")
_NO_COLLECTION_DELETE = frozenset({"namespaces"})


def version_rank(version: str) -> tuple[int, int, int]:
    """Return the sort key that puts the version preferred by Kubernetes' rule first."""
    match = _PRIORITY.fullmatch(version)
    if match is None:
        return (3, 0, 0)
    stage = {None: 0, "beta": 1, "alpha": 2}[match[2]]
    return (stage, -int(match[1]), -int(match[3] or 0))


def _groups(kinds: Iterable[ServedKind]) -> dict[str, dict[str, list[ServedKind]]]:
    out: dict[str, dict[str, list[ServedKind]]] = {}
    for kind in kinds:
        out.setdefault(kind.group, {}).setdefault(kind.version, []).append(kind)
    return {
        group: {version: sorted(served, key=lambda kind: kind.plural) for version, served in by_version(versions)}
        for group, versions in out.items()
    }


def by_version(versions: dict[str, list[ServedKind]]) -> list[tuple[str, list[ServedKind]]]:
    """Return the versions of a group, the preferred one first."""
    return sorted(versions.items(), key=lambda item: version_rank(item[0]))


def _verbs(kind: ServedKind) -> list[str]:
    if kind.ending:
        return list(_ENDING_VERBS)
    return [verb for verb in VERBS if verb != "deletecollection" or kind.plural not in _NO_COLLECTION_DELETE]


Silent = Iterable[tuple[str, str]]  # groups and versions of servers behind this one, none of which is there


def aggregated(kinds: Iterable[ServedKind], silent: Silent = (), *, core: bool) -> dict[str, Any]:
    """Return APIGroupDiscoveryList: the core group for /api, all others for /apis."""
    items = [
        {
            "metadata": {"name": group} if group else {},
            "versions": [
                {"version": version, "resources": [_resource(kind) for kind in served], "freshness": "Current"}
                for version, served in versions.items()
            ],
        }
        for group, versions in _groups(kinds).items()
        if (group == "") == core
    ]
    stale = [
        {"metadata": {"name": group}, "versions": [{"version": version, "freshness": "Stale"}]}
        for group, version in silent
        if not core
    ]
    items += stale
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _resource(kind: ServedKind) -> dict[str, Any]:
    gvk = {"group": "", "version": "", "kind": kind.kind}
    if kind.custom:
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    out: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": gvk,
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _verbs(kind),
    }
    if kind.short:
        out["shortNames"] = list(kind.short)
    if kind.categories:
        out["categories"] = list(kind.categories)
    scale = [{"subresource": "scale", "responseKind": dict(_SCALE), "verbs": list(_SUBRESOURCE_VERBS)}]
    status = [{"subresource": "status", "responseKind": gvk, "verbs": list(_SUBRESOURCE_VERBS)}]
    if kind.scale or kind.status:
        out["subresources"] = (scale if kind.scale else []) + (status if kind.status else [])
    return out


def core_versions(address: str) -> dict[str, Any]:
    """Return APIVersions, the answer to /api."""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def groups(kinds: Iterable[ServedKind], silent: Silent = ()) -> dict[str, Any]:
    """Return APIGroupList, the answer to /apis."""
    listed = [_group(name, list(versions)) for name, versions in _groups(kinds).items() if name]
    listed += [_group(name, [version]) for name, version in silent]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(kinds: Iterable[ServedKind], name: str) -> dict[str, Any] | None:
    """Return APIGroup, the answer to /apis/NAME; None when there is no such group."""
    versions = _groups(kinds).get(name)
    return None if versions is None else {"kind": "APIGroup", "apiVersion": "v1", **_group(name, list(versions))}


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def resources(kinds: Iterable[ServedKind], name: str, version: str) -> dict[str, Any] | None:
    """Return APIResourceList of one group and version; None when it is not served."""
    served = _groups(kinds).get(name, {}).get(version)
    if served is None:
        return None
    listed = []
    for kind in served:
        common = {"singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind}
        names = {"shortNames": list(kind.short)} if kind.short else {}
        in_all = {"categories": list(kind.categories)} if kind.categories else {}
        listed.append({"name": kind.plural, **common, "verbs": _verbs(kind), **names, **in_all})
        if kind.scale:
            scale = {"name": f"{kind.plural}/scale", **common, "singularName": "", **_SCALE}
            listed.append({**scale, "verbs": list(_SUBRESOURCE_VERBS)})
        if kind.status:
            status = {"name": f"{kind.plural}/status", **common, "singularName": ""}
            listed.append({**status, "verbs": list(_SUBRESOURCE_VERBS)})
    group_version = f"{name}/{version}" if name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}
