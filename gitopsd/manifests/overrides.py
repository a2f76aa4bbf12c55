"""`.argocd-source.yaml` and `.argocd-source-<application>.yaml`: files of a source that change how it is rendered."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.variables import Variables
from gitopsd.manifests.yaml import parse
from gitopsd.ports import Entry, Tree
from gitopsd.settings import RenderSettings

FOR_ALL = ".argocd-source.yaml"
FOR_ONE = ".argocd-source-"  # then the application's name and `.yaml`
KEPT = ("repoURL", "targetRevision", "path", "chart", "ref")  # where a source is, which none of its files may move


def overridden(
    tree: Tree, path: str, entries: Sequence[Entry], declared: Mapping[str, Any], context: RenderContext
) -> Mapping[str, Any]:
    """Return the source `declared` as the files among `entries` of its directory change it, for all, then for one.

    Each is a JSON merge patch (RFC 7386). The application's name is asked for only where there is a file for one.

    Raises:
        InvalidManifest: such a file is no YAML mapping.

    Source: Argo CD, reposerver/repository (mergeSourceParameters).
    """
    source: Any = declared
    for name in _names({entry.name for entry in entries if entry.kind != "tree"}, context.variables):
        file = posixpath.join(path, name)
        data = tree.read(file, max_bytes=context.limits.max_bytes)
        if data is not None:
            source = merged(source, _mapping(file, data, context.limits))
    fixed = {name: declared[name] for name in KEPT if name in declared}
    return {**{name: value for name, value in source.items() if name not in KEPT}, **fixed}


def _names(there: set[str], variables: Variables) -> Iterator[str]:
    if FOR_ALL in there:
        yield FOR_ALL
    if any(name.startswith(FOR_ONE) for name in there):
        name = f"{FOR_ONE}{variables['ARGOCD_APP_NAME']}.yaml"
        if name in there:
            yield name


def _mapping(file: str, data: bytes, limits: RenderSettings) -> Mapping[str, Any]:
    documents = parse(file, data, limits).documents
    value: Any = documents[0].value if documents else {}
    if len(documents) > 1 or not isinstance(value, dict):
        raise InvalidManifest(
            f"{file} is not one mapping", remedy="write the fields of spec.source that it changes, such as kustomize"
        )
    return value


def merged(into: Any, patch: Any) -> Any:
    """Return `into` with a JSON merge patch applied: mappings are merged, null removes, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(into) if isinstance(into, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
