"""An Application manifest → what it says, with a warning for whatever has no effect here."""

from __future__ import annotations

import re
from dataclasses import replace

from gitopsd.core.compare.ignore_rules import rules_warnings
from gitopsd.core.declaration.fields import SHOWN, Fields, Warnings
from gitopsd.core.declaration.options import (
    ADOPT,
    DECRYPT,
    MODE,
    SKIP_RECONCILE,
    cascades,
    check_annotations,
    decrypt,
    extra_fields,
    include_mutations,
    metadata_of,
    mode,
    switch,
    sync_options,
)
from gitopsd.core.declaration.source import sources_of
from gitopsd.core.target.sync_options import COMPARE_OPTIONS, EXTRA_FIELDS
from gitopsd.core.text.duration import go_duration_s
from gitopsd.model.application import (
    BY_HAND,
    Application,
    Destination,
    IgnoreDifference,
    Origin,
    Retry,
    SyncPolicy,
)
from gitopsd.model.ids import AppName, ProjectName
from gitopsd.model.manifest import Manifest

# What Kubernetes takes for a name; it also stands in the tracking id, where a colon would end it.
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MOST_HISTORY = 1000
KNOWN_ANNOTATIONS = frozenset({MODE, ADOPT, DECRYPT, SKIP_RECONCILE, COMPARE_OPTIONS, EXTRA_FIELDS})


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
    name, project = name_of(metadata), spec.text("project", "default")
    namespace = namespace_of(metadata)
    sources, destination, sync_policy = sources_of(spec), _destination(spec), _sync_policy(spec, name)
    ignore_differences, history_limit = _ignore_differences(spec), _history_limit(spec)
    cascade = cascades(metadata.texts("finalizers"), warnings)
    spec.ignore("info")
    check_annotations(annotations, KNOWN_ANNOTATIONS, warnings)
    for fields in (document, metadata, spec):
        fields.close()
    return Application(
        name=AppName(name),
        project=ProjectName(project),
        sources=tuple(replace(source, decrypt=decrypt(annotations)) for source in sources),
        destination=destination,
        sync_policy=sync_policy,
        ignore_differences=ignore_differences,
        history_limit=history_limit,
        namespace=namespace,
        mode=mode(annotations),
        adopted=switch(annotations, ADOPT),
        skip_reconcile=switch(annotations, SKIP_RECONCILE),
        include_mutations=include_mutations(annotations, warnings),
        extra_fields=extra_fields(annotations),
        cascade=cascade is not None,
        propagation=cascade or "",
        manifest=manifest,
        origin=origin,
        warnings=warnings.all(),
    )


def name_of(metadata: Fields) -> str:
    """Return metadata.name, which must be one that Kubernetes takes."""
    name = metadata.text("name")
    if not NAME.fullmatch(name):
        what = f"is {name[:SHOWN]!r}" if name else "is missing"
        raise metadata.refuse("name", what, "write lower-case letters, digits, '-' and '.', 253 at most")
    return name


def namespace_of(metadata: Fields) -> str:
    """Return metadata.namespace, "" where there is none; who may declare there is the project's to say."""
    namespace = metadata.text("namespace")
    if namespace and not NAMESPACE.fullmatch(namespace):
        remedy = "write lower-case letters, digits and '-', 63 at most"
        raise metadata.refuse("namespace", f"is {namespace[:SHOWN]!r}", remedy)
    return namespace


def _destination(spec: Fields) -> Destination:
    fields = spec.mapping("destination")
    if fields is None:
        raise spec.refuse("destination", "is missing", "write spec.destination with name (or server) and namespace")
    destination = Destination(fields.text("server"), fields.text("name"), fields.text("namespace"))
    if bool(destination.server) == bool(destination.name):
        what = "has both server and name" if destination.server else "has neither server nor name"
        raise fields.refuse("", what, "write exactly one of them")
    if destination.namespace and not NAMESPACE.fullmatch(destination.namespace):
        remedy = "write lower-case letters, digits and '-', 63 at most"
        raise fields.refuse("namespace", f"is {destination.namespace[:SHOWN]!r}", remedy)
    fields.close()
    return destination


def _sync_policy(spec: Fields, name: str) -> SyncPolicy:
    policy = spec.mapping("syncPolicy")
    if policy is None:
        return BY_HAND
    namespace_metadata = _namespace_metadata(policy)
    path, subject = f"{policy.path}.syncOptions", f"Application {name}"
    options = sync_options(policy.texts("syncOptions"), path, subject, policy.warnings)
    retry = _retry(policy)
    automated = policy.mapping("automated")
    policy.close()
    if automated is None:
        return SyncPolicy(options=options, retry=retry, namespace_metadata=namespace_metadata)
    sync_policy = SyncPolicy(
        automated=automated.flag("enabled", default=True),
        prune=automated.flag("prune"),
        self_heal=automated.flag("selfHeal"),
        allow_empty=automated.flag("allowEmpty"),
        options=options,
        retry=retry,
        namespace_metadata=namespace_metadata,
    )
    automated.close()
    return sync_policy


def _namespace_metadata(policy: Fields) -> dict[str, dict[str, str]]:
    fields = policy.mapping("managedNamespaceMetadata")
    if fields is None:
        return {}
    texts_by_field = {name: fields.text_map(name) for name in ("labels", "annotations")}
    fields.close()
    return {name: texts for name, texts in texts_by_field.items() if texts}


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
    seconds = go_duration_s(text)
    if seconds is None:
        raise fields.refuse(name, f"is {text[:SHOWN]!r}, not a duration", "write one such as 5s, 3m or 1h30m")
    return seconds


def _ignore_differences(spec: Fields) -> tuple[IgnoreDifference, ...]:
    rules = tuple(_ignore_difference(fields) for fields in spec.mappings("ignoreDifferences") or ())
    for warning in rules_warnings(rules):
        spec.warnings.add(warning)
    return rules


def _ignore_difference(fields: Fields) -> IgnoreDifference:
    rule = IgnoreDifference(
        group=fields.text("group"),
        kind=fields.text("kind"),
        name=fields.text("name"),
        namespace=fields.text("namespace"),
        json_pointers=fields.texts("jsonPointers"),
        jq_path_expressions=fields.texts("jqPathExpressions"),
        managed_fields_managers=fields.texts("managedFieldsManagers"),
    )
    if not rule.kind:
        raise fields.refuse("kind", "is missing", "write the kind whose fields are to be ignored")
    fields.close()
    return rule


def _history_limit(spec: Fields) -> int:
    limit = spec.whole("revisionHistoryLimit", 10)
    if limit < 0:
        raise spec.refuse("revisionHistoryLimit", f"is {limit}", "write 0 (none) or more")
    if limit > MOST_HISTORY:
        spec.warnings.add(f".spec.revisionHistoryLimit is {limit}: {MOST_HISTORY} are kept")
    return min(limit, MOST_HISTORY)
