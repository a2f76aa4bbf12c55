"""Where objects are on an API server."""

from __future__ import annotations

from urllib.parse import quote

from gitopsd.errors import InvalidManifest
from gitopsd.model.cluster import ApiResource
from gitopsd.model.manifest import GVK


def group_version_path(gvk: GVK) -> str:
    """Return the path of a group at a version, such as `/apis/apps/v1`."""
    return f"/apis/{quote(gvk.group)}/{quote(gvk.version)}" if gvk.group else f"/api/{quote(gvk.version)}"


def collection_path(resource: ApiResource, namespace: str = "") -> str:
    """Return the path of all objects of a kind, in one namespace or, with "", in all."""
    base = group_version_path(resource.gvk)
    inside = f"/namespaces/{_segment(namespace, resource, 'namespace')}" if resource.namespaced and namespace else ""
    return f"{base}{inside}/{resource.plural}"


def object_path(resource: ApiResource, namespace: str, name: str) -> str:
    """Return the path of one object.

    Raises:
        InvalidManifest: the name is none that an object can have, or a namespaced kind has no namespace. An empty name
            would address the whole collection, and one of dots its parent.
    """
    if resource.namespaced and not namespace:
        raise InvalidManifest(
            f"{resource.gvk} {name!r} has no namespace", remedy="write metadata.namespace, or a destination namespace"
        )
    return f"{collection_path(resource, namespace)}/{_segment(name, resource, 'name')}"


def _segment(text: str, resource: ApiResource, what: str) -> str:
    if text in ("", ".", "..") or "/" in text or "%" in text:
        raise InvalidManifest(
            f"{resource.gvk}: {text!r} cannot be a {what}", remedy="write a DNS name: letters, digits and '-'"
        )
    return quote(text, safe=":")
