"""A desired manifest → the one form in which it is hashed, compared and applied (decision 6)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.core.objects.fields import WrongShape, mapping_at, text_at
from gitopsd.core.target.aliases import with_both_names
from gitopsd.core.target.tracking import ANNOTATION, Tracking, track
from gitopsd.errors import InvalidManifest
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GroupKind, Manifest, gvk_of

SERVERS = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")  # in metadata
SECRET = GroupKind("", "Secret")
CLUSTER_ROLE = GroupKind("rbac.authorization.k8s.io", "ClusterRole")
DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True)
class ApplyForm:
    manifest: Manifest
    warnings: tuple[str, ...] = ()


def apply_form(
    manifest: Manifest, app: AppName, namespace: str, *, namespaced: bool | None, tracking: Tracking = ANNOTATION
) -> ApplyForm:
    """Return `manifest` as it is applied: a copy, with null values as they are.

    `stringData` is folded into `data`, the server's own fields are dropped, namespace and tracking id are set, and a
    field that has two names is written under both.

    Args:
        manifest: has passed the border: apiVersion, kind and metadata.name are there.
        app: whose tracking id goes on.
        namespace: the destination's, for a namespaced object that names none; "" where the destination has none.
        namespaced: the scope of the kind; None where it is not known, which is taken for namespaced.
        tracking: what goes on beside the tracking id.

    Raises:
        InvalidManifest: metadata, annotations, labels or a Secret's stringData has the wrong type, or a namespaced
            object is left without a namespace.
    """
    subject = f"{manifest['kind']} {manifest['metadata'].get('name')!r}"
    try:
        _check_metadata(manifest)
        form, dropped = _without_servers(manifest)
        kind = gvk_of(manifest).group_kind
        form = _folded(form) if kind == SECRET else with_both_names(form, kind)
    except WrongShape as err:
        raise InvalidManifest(f"{subject}: {err}", remedy="give the field the type that its kind says") from err
    form, moved = _placed(form, namespace, subject, namespaced=namespaced)
    warnings = [f"{subject}: {path} is the server's and is left out; remove it in Git" for path in dropped]
    return ApplyForm(track(form, app, tracking), (*warnings, *moved))


def scopes_of(manifests: Iterable[Manifest]) -> Mapping[GroupKind, bool]:
    """Return the kinds that the CustomResourceDefinitions among `manifests` define; True: namespaced.

    Custom resources may come in the commit that brings their definition, before any server knows the scope.
    """
    scopes = {}
    for manifest in manifests:
        if gvk_of(manifest).group_kind == DEFINITION and (defined := defined_kind(manifest)) is not None:
            scopes[defined] = manifest["spec"].get("scope") != "Cluster"
    return scopes


def defined_kind(definition: Manifest) -> GroupKind | None:
    """Return the kind that a CustomResourceDefinition defines; None where it does not say so properly."""
    try:
        group, kind = text_at(definition, "spec", "group"), text_at(definition, "spec", "names", "kind")
    except WrongShape:
        return None
    return GroupKind(group, kind) if group and kind else None


def defines(manifests: Iterable[Manifest]) -> frozenset[GroupKind]:
    """Return the kinds that the CustomResourceDefinitions among `manifests` define."""
    kinds = (defined_kind(manifest) for manifest in manifests if gvk_of(manifest).group_kind == DEFINITION)
    return frozenset(kind for kind in kinds if kind is not None)


def _check_metadata(manifest: Manifest) -> None:
    for field in ("annotations", "labels"):
        for name, value in mapping_at(manifest, "metadata", field).items():
            if value is not None and not isinstance(value, str):
                raise WrongShape(f".metadata.{field}[{name!r}] is not a string: put it in quotes")
    text_at(manifest, "metadata", "namespace")


def _without_servers(manifest: Manifest) -> tuple[Manifest, list[str]]:
    """Return a copy without the server's fields, and those that said something: empty ones come from generators."""
    meta = manifest["metadata"]
    dropped = [f".metadata.{name}" for name in SERVERS if meta.get(name)]
    servers = {"status"}
    if gvk_of(manifest).group_kind == CLUSTER_ROLE and manifest.get("aggregationRule"):
        servers.add("rules")  # its controller gathers them: to write them, even none, is to empty the role at each sync
    dropped += [f".{name}" for name in sorted(servers) if manifest.get(name)]
    metadata = {name: value for name, value in meta.items() if name not in SERVERS}
    return {**{name: value for name, value in manifest.items() if name not in servers}, "metadata": metadata}, dropped


def _folded(secret: Manifest) -> Manifest:
    if "stringData" not in secret:
        return secret
    texts = mapping_at(secret, "stringData")
    wrong = [name for name, value in texts.items() if value is not None and not isinstance(value, str)]
    if wrong:
        # Names only: the value may be the secret, written as a number.
        raise WrongShape(f".stringData[{wrong[0]!r}] is not a string: put it in quotes")
    data = {**mapping_at(secret, "data"), **{name: _base64(value or "") for name, value in texts.items()}}
    rest: dict[str, Any] = {name: value for name, value in secret.items() if name != "stringData"}
    return {**rest, "data": data} if data else rest


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def _placed(
    manifest: Manifest, namespace: str, subject: str, *, namespaced: bool | None
) -> tuple[Manifest, tuple[str, ...]]:
    meta = manifest["metadata"]
    named = meta.get("namespace")
    if namespaced is False:
        metadata = {name: value for name, value in meta.items() if name != "namespace"}
        warning = f"{subject}: its kind is not namespaced, so .metadata.namespace is left out; remove it in Git"
        return {**manifest, "metadata": metadata}, (warning,) if named else ()
    if named:
        return manifest, ()
    if not namespace:
        raise InvalidManifest(
            f"{subject} is namespaced and names no namespace",
            remedy="set metadata.namespace, or the application's spec.destination.namespace",
        )
    return {**manifest, "metadata": {**meta, "namespace": namespace}}, ()
