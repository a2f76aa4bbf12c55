"""An Application manifest → what it says, with a warning for whatever has no effect here."""

from __future__ import annotations

import posixpath
import re

from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.core.declaration.options import (
    ADOPT,
    MODE,
    SKIP_RECONCILE,
    cascades,
    check_annotations,
    metadata_of,
    mode,
    switch,
    sync_options,
)
from gitopsd.core.duration import go_duration_s
from gitopsd.core.repo_url import CONTROL, has_credentials, url_fault
from gitopsd.model.application import (
    BY_HAND,
    FLAT,
    Application,
    Destination,
    DirectoryOptions,
    IgnoreDifference,
    Origin,
    Retry,
    Source,
    SyncPolicy,
)
from gitopsd.model.ids import AppName, ProjectName, RepoUrl
from gitopsd.model.manifest import Manifest

# What Kubernetes takes for a name; it also stands in the tracking id, where a colon would end it.
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MOST_HISTORY = 1000
KNOWN_ANNOTATIONS = frozenset({MODE, ADOPT, SKIP_RECONCILE})


def application_from(manifest: Manifest, origin: Origin) -> Application:
    """Return the Application that `manifest` declares. It was read at `origin`.

    Raises:
        InvalidDeclaration: names the path of the first field that does not say what to do, and the remedy.
    """
    warnings = Warnings()
    document = Fields(manifest, "", warnings)
    document.ignore("apiVersion", "kind", "status")
    document.not_yet("ask for a sync with `gitopsd app sync`", "operation")
    metadata = metadata_of(document)
    spec = document.mapping("spec")
    if spec is None:
        raise document.refuse("spec", "is missing", "write spec.source and spec.destination")
    annotations = metadata.text_map("annotations")
    metadata.text_map("labels")
    sources, destination, sync_policy = _sources(spec), _destination(spec), _sync_policy(spec)
    ignore_differences, history_limit = _ignore_differences(spec), _history_limit(spec)
    cascade = cascades(metadata.texts("finalizers"), warnings)
    name, project = name_of(metadata), spec.text("project", "default")
    spec.ignore("info")
    check_annotations(annotations, KNOWN_ANNOTATIONS, warnings)
    for fields in (document, metadata, spec):
        fields.close()
    return Application(
        name=AppName(name),
        project=ProjectName(project),
        sources=sources,
        destination=destination,
        sync_policy=sync_policy,
        ignore_differences=ignore_differences,
        history_limit=history_limit,
        mode=mode(annotations),
        adopted=switch(annotations, ADOPT),
        skip_reconcile=switch(annotations, SKIP_RECONCILE),
        cascade=cascade,
        manifest=manifest,
        origin=origin,
        warnings=warnings.all(),
    )


def name_of(metadata: Fields) -> str:
    """Return metadata.name, which must be one that Kubernetes takes."""
    name = metadata.text("name")
    if not NAME.fullmatch(name):
        what = f"is {name[:80]!r}" if name else "is missing"
        raise metadata.refuse("name", what, "write lower-case letters, digits, '-' and '.', 253 at most")
    return name


def _sources(spec: Fields) -> tuple[Source, ...]:
    spec.not_yet("sources are read as they are in Git", "sourceHydrator")
    many = spec.mappings("sources")
    one = spec.mapping("source")
    if many:
        if one is not None:
            spec.warnings.add(".spec.source has no effect where .spec.sources is given")
        return tuple(_source(fields) for fields in many)
    if one is None:
        raise spec.refuse("source", "is missing", "write spec.source with repoURL, targetRevision and path")
    return (_source(one),)


def _source(fields: Fields) -> Source:
    source = Source(
        repo_url=_repo_url(fields),
        target_revision=_target_revision(fields),
        path=_path(fields),
        directory=_directory(fields),
        ref=fields.text("ref"),
        chart=fields.text("chart"),
        tool=_tool(fields),
        options=fields.value(),
    )
    fields.text("name")
    fields.not_yet("the application gives no manifests", "helm", "kustomize", "plugin", "chart")
    fields.not_yet("no other source can read from it", "ref")
    fields.not_yet("tags are matched whole", "tagPrefix")
    fields.close()
    return source


def _repo_url(fields: Fields) -> RepoUrl:
    url = fields.text("repoURL")
    if not url:
        raise fields.refuse("repoURL", "is missing", "write the URL of a Git repository")
    fault = url_fault(url)
    if fault:
        raise fields.refuse("repoURL", fault, "write an https://, ssh:// or file:// URL")
    if url.startswith("oci://"):
        fields.warnings.add(f"{fields.path}.repoURL: OCI sources are not supported yet: it gives no manifests")
    if has_credentials(url):
        fields.warnings.add(f"{fields.path}.repoURL holds a password; move it to git.credentials in the settings")
    return RepoUrl(url)


def _target_revision(fields: Fields) -> str:
    revision = fields.text("targetRevision", "HEAD")
    if revision.startswith("-") or CONTROL.search(revision):
        raise fields.refuse("targetRevision", f"is {revision[:80]!r}", "write a branch, a tag, a commit or a range")
    return revision


def _path(fields: Fields) -> str:
    """Return the path below the repository's root; "" for a source that only lends files to others (ref, chart)."""
    path = fields.text("path")
    if not path:
        if fields.has("chart") or fields.has("ref"):
            return ""
        raise fields.refuse("path", "is missing", "write the directory of the manifests; `.` is the repository's root")
    normal = posixpath.normpath(path)
    if path.startswith("/") or normal == ".." or normal.startswith("../") or "\0" in path:
        raise fields.refuse("path", f"is {path[:80]!r}, outside of the repository", "write a path below its root")
    return normal


def _directory(fields: Fields) -> DirectoryOptions:
    directory = fields.mapping("directory")
    if directory is None:
        return FLAT
    options = DirectoryOptions(directory.flag("recurse"), directory.text("include"), directory.text("exclude"))
    if any(directory.raw("jsonnet").values()):
        directory.warnings.add(f"{directory.path}.jsonnet is not supported yet: files in Jsonnet are not rendered")
    directory.not_yet("files are chosen by their extension", "disableExtensionFilter")
    directory.close()
    return options


def _tool(fields: Fields) -> str:
    blocks = {"helm": "Helm", "kustomize": "Kustomize", "plugin": "Plugin", "directory": "Directory"}
    named = [tool for block, tool in blocks.items() if fields.raw(block) or fields.has(block)]
    if len(named) > 1:
        raise fields.refuse("", f"has blocks for {' and '.join(named)}", "leave one of them")
    if fields.has("chart"):
        return "Helm"
    return named[0] if named else ""


def _destination(spec: Fields) -> Destination:
    fields = spec.mapping("destination")
    if fields is None:
        raise spec.refuse("destination", "is missing", "write spec.destination with name (or server) and namespace")
    found = Destination(fields.text("server"), fields.text("name"), fields.text("namespace"))
    if bool(found.server) == bool(found.name):
        what = "has both server and name" if found.server else "has neither server nor name"
        raise fields.refuse("", what, "write exactly one of them")
    if found.namespace and not NAMESPACE.fullmatch(found.namespace):
        remedy = "write lower-case letters, digits and '-', 63 at most"
        raise fields.refuse("namespace", f"is {found.namespace[:80]!r}", remedy)
    fields.close()
    return found


def _sync_policy(spec: Fields) -> SyncPolicy:
    policy = spec.mapping("syncPolicy")
    if policy is None:
        return BY_HAND
    policy.not_yet("created namespaces get no labels or annotations", "managedNamespaceMetadata")
    options = sync_options(policy.texts("syncOptions"), f"{policy.path}.syncOptions", policy.warnings)
    retry = _retry(policy)
    automated = policy.mapping("automated")
    policy.close()
    if automated is None:
        return SyncPolicy(options=options, retry=retry)
    found = SyncPolicy(
        automated=automated.flag("enabled", default=True),
        prune=automated.flag("prune"),
        self_heal=automated.flag("selfHeal"),
        allow_empty=automated.flag("allowEmpty"),
        options=options,
        retry=retry,
    )
    automated.close()
    return found


def _retry(policy: Fields) -> Retry | None:
    fields = policy.mapping("retry")
    if fields is None:
        return None
    backoff = fields.mapping("backoff") or Fields({}, f"{fields.path}.backoff", fields.warnings)
    factor = backoff.whole("factor", 2)
    if not 1 <= factor <= 1000:  # noqa: PLR2004 - beyond it every wait is maxDuration at once
        raise backoff.refuse("factor", f"is {factor}", "write a whole number from 1 to 1000")
    retry = Retry(
        # Where `retry` is written without a limit, Argo CD does not retry; its 5 is for no `retry` at all.
        limit=max(-1, fields.whole("limit", 0)),
        duration_s=_seconds(backoff, "duration", "5s"),
        factor=float(factor),
        max_duration_s=_seconds(backoff, "maxDuration", "3m"),
        refresh=fields.flag("refresh"),
    )
    backoff.close()
    fields.close()
    return retry


def _seconds(fields: Fields, name: str, default: str) -> float:
    text = fields.text(name, default)
    found = go_duration_s(text)
    if found is None:
        raise fields.refuse(name, f"is {text[:80]!r}, not a duration", "write one such as 5s, 3m or 1h30m")
    return found


def _ignore_differences(spec: Fields) -> tuple[IgnoreDifference, ...]:
    found = tuple(_ignore_difference(fields) for fields in spec.mappings("ignoreDifferences") or ())
    if found:
        # Fields that others own are ignored without it: most uses of it in Argo CD need nothing here.
        spec.warnings.add(".spec.ignoreDifferences is not supported yet: all fields that Git sets are compared")
    return found


def _ignore_difference(fields: Fields) -> IgnoreDifference:
    found = IgnoreDifference(
        group=fields.text("group"),
        kind=fields.text("kind"),
        name=fields.text("name"),
        namespace=fields.text("namespace"),
        json_pointers=fields.texts("jsonPointers"),
        jq_path_expressions=fields.texts("jqPathExpressions"),
        managed_fields_managers=fields.texts("managedFieldsManagers"),
    )
    if not found.kind:
        raise fields.refuse("kind", "is missing", "write the kind whose fields are to be ignored")
    fields.close()
    return found


def _history_limit(spec: Fields) -> int:
    limit = spec.whole("revisionHistoryLimit", 10)
    if limit < 0:
        raise spec.refuse("revisionHistoryLimit", f"is {limit}", "write 0 (none) or more")
    if limit > MOST_HISTORY:
        spec.warnings.add(f".spec.revisionHistoryLimit is {limit}: {MOST_HISTORY} are kept")
    return min(limit, MOST_HISTORY)
