"""An AppProject manifest → what its applications may do, with a warning for every limit that is not enforced yet."""

from __future__ import annotations

from gitopsd.core.declaration.application import name_of
from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.core.declaration.options import MODE, check_annotations, metadata_of, mode
from gitopsd.model.application import Destination, Origin
from gitopsd.model.ids import ProjectName
from gitopsd.model.manifest import GroupKind, Manifest
from gitopsd.model.project import AppProject

NOT_ENFORCED = (
    "syncWindows",
    "orphanedResources",
    "signatureKeys",
    "sourceIntegrity",
    "destinationServiceAccounts",
    "permitOnlyProjectScopedClusters",
    "sourceNamespaces",
    "roles",
)


def project_from(manifest: Manifest, origin: Origin) -> AppProject:
    """Return the AppProject that `manifest` declares. It was read at `origin`.

    Raises:
        InvalidDeclaration: names the path of the first field that does not say what to do, and the remedy.
    """
    warnings = Warnings()
    document = Fields(manifest, "", warnings)
    document.ignore("apiVersion", "kind", "status")
    metadata = metadata_of(document)
    annotations = metadata.text_map("annotations")
    metadata.ignore("finalizers")
    spec = document.mapping("spec") or Fields({}, ".spec", warnings)
    spec.text("description")
    spec.not_yet("it is not enforced", *NOT_ENFORCED)
    namespaced = spec.mappings("namespaceResourceWhitelist")
    name, labels = name_of(metadata), metadata.text_map("labels")
    source_repos, destinations = spec.texts("sourceRepos"), _destinations(spec)
    cluster_allowed, cluster_denied = _kinds(spec, "clusterResourceWhitelist"), _kinds(spec, "clusterResourceBlacklist")
    # Absent allows every kind, an empty list none: as in Argo CD.
    namespace_allowed = None if namespaced is None else _kinds(spec, "namespaceResourceWhitelist")
    namespace_denied = _kinds(spec, "namespaceResourceBlacklist")
    check_annotations(annotations, frozenset({MODE}), warnings)
    for fields in (document, metadata, spec):
        fields.close()
    return AppProject(
        name=ProjectName(name),
        source_repos=source_repos,
        destinations=destinations,
        cluster_allowed=cluster_allowed,
        cluster_denied=cluster_denied,
        namespace_allowed=namespace_allowed,
        namespace_denied=namespace_denied,
        mode=mode(annotations),
        labels=labels,
        manifest=manifest,
        origin=origin,
        warnings=warnings.all(),
    )


def _destinations(spec: Fields) -> tuple[Destination, ...]:
    found = []
    for fields in spec.mappings("destinations") or ():
        destination = Destination(fields.text("server"), fields.text("name"), fields.text("namespace"))
        if not destination.server and not destination.name:
            raise fields.refuse("", "has neither server nor name", "write one of them; `*` is every cluster")
        fields.close()
        found.append(destination)
    return tuple(found)


def _kinds(spec: Fields, name: str) -> tuple[GroupKind, ...]:
    """Return a list of kinds. An entry for one object's name never allows more than that, nor denies less."""
    found = []
    for fields in spec.mappings(name) or ():
        kind = GroupKind(fields.text("group"), fields.text("kind"))
        if not kind.kind:
            raise fields.refuse("kind", "is missing", "write a kind, or `*`")
        only = fields.text("name")
        fields.close()
        if only and name.endswith("Whitelist"):
            fields.warnings.add(f"{fields.path}: limits by name are not supported yet: the entry allows nothing")
            continue
        if only:
            fields.warnings.add(f"{fields.path}: limits by name are not supported yet: every {kind.kind} is denied")
        found.append(kind)
    return tuple(found)
