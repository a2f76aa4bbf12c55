"""An AppProject manifest → what its applications may do, with a warning for every limit that is not enforced yet."""

from __future__ import annotations

import re
from dataclasses import replace

from gitopsd.core.declaration.application import name_of
from gitopsd.core.declaration.fields import SHOWN, Fields, Warnings
from gitopsd.core.declaration.options import (
    DECLARES_FOR,
    DECLARES_PROJECTS,
    MODE,
    check_annotations,
    metadata_of,
    mode,
    switch,
)
from gitopsd.core.rights.patterns import is_expression, pattern_fault
from gitopsd.core.rights.policy import MatchMode
from gitopsd.core.rights.project_roles import project_policy
from gitopsd.core.sync.windows import is_zone
from gitopsd.core.text.cron import parse_cron
from gitopsd.core.text.duration import go_duration_s
from gitopsd.model.application import Destination, Origin
from gitopsd.model.ids import ProjectName
from gitopsd.model.manifest import GroupKind, Manifest
from gitopsd.model.project import (
    AppProject,
    IntegrityPolicy,
    NamedKind,
    OrphanIgnored,
    Orphans,
    ProjectRole,
    RoleToken,
    SyncWindow,
    Verify,
    WritingAs,
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
    namespaced = spec.mappings("namespaceResourceWhitelist")
    name, labels = name_of(metadata), metadata.text_map("labels")
    source_repos, destinations = spec.texts("sourceRepos"), _destinations(spec)
    cluster_allowed = _named_kinds(spec, "clusterResourceWhitelist")
    cluster_denied = _named_kinds(spec, "clusterResourceBlacklist")
    # Absent allows every kind, an empty list none: as in Argo CD.
    namespace_allowed = None if namespaced is None else _kinds(spec, "namespaceResourceWhitelist")
    namespace_denied = _kinds(spec, "namespaceResourceBlacklist")
    integrity = _integrity(spec)
    accounts = tuple(_writing_as(fields) for fields in spec.mappings("destinationServiceAccounts") or ())
    orphans = _orphans(spec)
    windows = tuple(_window(fields) for fields in spec.mappings("syncWindows") or ())
    declares_for = tuple(filter(None, (project.strip() for project in annotations.get(DECLARES_FOR, "").split(","))))
    source_namespaces = _source_namespaces(spec)
    roles = tuple(_role(fields) for fields in spec.mappings("roles") or ())
    only_own_clusters = spec.flag("permitOnlyProjectScopedClusters")
    check_annotations(annotations, frozenset({MODE, DECLARES_FOR, DECLARES_PROJECTS}), warnings)
    for fields in (document, metadata, spec):
        fields.close()
    project = AppProject(
        name=ProjectName(name),
        source_repos=source_repos,
        destinations=destinations,
        cluster_allowed=cluster_allowed,
        cluster_denied=cluster_denied,
        namespace_allowed=namespace_allowed,
        namespace_denied=namespace_denied,
        sync_windows=windows,
        integrity=integrity,
        accounts=accounts,
        orphans=orphans,
        source_namespaces=source_namespaces,
        declares_for=declares_for,
        declares_projects=switch(annotations, DECLARES_PROJECTS),
        mode=mode(annotations),
        roles=roles,
        only_own_clusters=only_own_clusters,
        labels=labels,
        manifest=manifest,
        origin=origin,
    )
    for problem in project_policy(project).problems:
        warnings.add(f".spec.roles give nobody anything: {problem}")
    return replace(project, warnings=warnings.all())


def _source_namespaces(spec: Fields) -> tuple[str, ...]:
    """Return globs and, between slashes, expressions; one that cannot be read lets nobody in."""
    entries = spec.texts("sourceNamespaces")
    for entry in entries:
        fault = pattern_fault(entry[1:-1], MatchMode.REGEX) if is_expression(entry) else ""
        if fault:
            spec.warnings.add(f"{spec.path}.sourceNamespaces: {entry[:SHOWN]} {fault}: it names no namespace")
    return entries


def _role(fields: Fields) -> ProjectRole:
    tokens = []
    for token in fields.mappings("jwtTokens") or ():
        tokens.append(RoleToken(token.whole("iat", 0), token.whole("exp", 0), token.text("id")))
        token.close()
    texts = (fields.texts("policies"), fields.texts("groups"))
    role = ProjectRole(fields.text("name"), fields.text("description"), *texts, tuple(tokens))
    fields.close()
    return role


def _orphans(spec: Fields) -> Orphans | None:
    """Return how orphans are looked for; the field alone, though it be empty, asks for them."""
    fields = spec.mapping("orphanedResources")
    if fields is None:
        return None
    ignored = []
    for entry in fields.mappings("ignore") or ():
        ignored.append(OrphanIgnored(entry.text("group"), entry.text("kind"), entry.text("name")))
        entry.close()
    orphans = Orphans(fields.flag("warn", default=True), tuple(ignored))
    fields.close()
    return orphans


def _window(fields: Fields) -> SyncWindow:
    """Return one sync window. One that cannot be read is refused: it may have been meant to keep syncs away."""
    window = SyncWindow(
        kind=fields.text("kind"),
        schedule=fields.text("schedule"),
        duration_s=go_duration_s(fields.text("duration")) or 0.0,
        zone=fields.text("timeZone", "UTC"),
        applications=fields.texts("applications"),
        namespaces=fields.texts("namespaces"),
        clusters=fields.texts("clusters"),
        all_of=fields.flag("andOperator"),
        manual=fields.flag("manualSync"),
        overrun=fields.flag("syncOverrun"),
        description=fields.text("description"),
    )
    fields.close()
    if window.kind not in ("allow", "deny"):
        raise fields.refuse("kind", f"is {window.kind[:SHOWN]!r}", "write allow or deny")
    if parse_cron(window.schedule) is None:
        what = f"is {window.schedule[:SHOWN]!r}, not a schedule"
        raise fields.refuse("schedule", what, "write five fields of cron, such as '0 22 * * 1-5'")
    if not window.duration_s:
        raise fields.refuse("duration", "is no duration", "write one such as 30m or 8h")
    if not is_zone(window.zone):
        raise fields.refuse("timeZone", f"is {window.zone[:SHOWN]!r}", "write a name such as Europe/Berlin, or UTC")
    if not (window.applications or window.namespaces or window.clusters):
        fields.warnings.add(f"{fields.path} names no applications, namespaces or clusters, and has no effect")
    return window


def _writing_as(fields: Fields) -> WritingAs:
    """Return who writes to some destinations. What cannot be read is refused: it was meant to give fewer rights."""
    account = WritingAs(fields.text("server"), fields.text("namespace", "*"), fields.text("defaultServiceAccount"))
    fields.close()
    if not account.server:
        raise fields.refuse("server", "is missing", "write the URL or the name of a cluster, or `*`")
    if not re.fullmatch(r"([a-z0-9-]{1,63}:)?[a-z0-9.-]{1,253}", account.account):
        what = f"is {account.account[:SHOWN]!r}, no service account"
        raise fields.refuse("defaultServiceAccount", what, "write name, or namespace:name")
    return account


def _integrity(spec: Fields) -> tuple[IntegrityPolicy, ...]:
    """Return whose signatures commits need. What cannot be read is refused: it was meant to keep commits out."""
    legacy = tuple(_key(fields, "keyID", fields.text("keyID")) for fields in spec.mappings("signatureKeys") or ())
    integrity = spec.mapping("sourceIntegrity")
    git = integrity.mapping("git") if integrity else None
    policies = tuple(_policy(fields) for fields in (git.mappings("policies") if git else None) or ())
    for fields in (integrity, git):
        if fields is not None:
            fields.close()
    if legacy and integrity is not None:
        raise spec.refuse("signatureKeys", "stands beside sourceIntegrity", "leave one of the two")
    return policies or ((IntegrityPolicy(("*",), Verify.HEAD, legacy),) if legacy else ())


def _policy(fields: Fields) -> IntegrityPolicy:
    repos = tuple(repo.text("url") for repo in fields.mappings("repos") or ())
    gpg, ssh = fields.mapping("gpg"), fields.mapping("ssh")
    fields.close()
    modes = {_verify(signers) for signers in (gpg, ssh) if signers is not None}
    if len(modes) != 1:
        what = "has gpg and ssh of different modes" if modes else "has neither gpg nor ssh"
        raise fields.refuse("", what, "write gpg.mode (none, head or strict), and the same for ssh")
    keys = tuple(_key(gpg, "keys", key) for key in gpg.texts("keys")) if gpg else ()
    principals = ssh.texts("principals") if ssh else ()
    if not any(repos):
        fields.warnings.add(f"{fields.path} names no repos, and has no effect")
    return IntegrityPolicy(tuple(filter(None, repos)), modes.pop(), keys, principals)


def _verify(fields: Fields) -> Verify:
    mode = fields.text("mode")
    if mode not in {verify.value for verify in Verify}:
        raise fields.refuse("mode", f"is {mode[:SHOWN]!r}", "write none, head or strict")
    return Verify(mode)


def _key(fields: Fields, name: str, text: str) -> str:
    """Return a key's id or fingerprint. Shorter ids name a key as little as two persons' first names do."""
    key = text.replace(" ", "").removeprefix("0x").upper()
    if not re.fullmatch(r"[0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64}", key):
        raise fields.refuse(name, f"holds {text[:SHOWN]!r}, no key id", "write 16 hexadecimal digits, or all of them")
    return key


def _destinations(spec: Fields) -> tuple[Destination, ...]:
    destinations = []
    for fields in spec.mappings("destinations") or ():
        destination = Destination(fields.text("server"), fields.text("name"), fields.text("namespace"))
        if not destination.server and not destination.name:
            raise fields.refuse("", "has neither server nor name", "write one of them; `*` is every cluster")
        fields.close()
        destinations.append(destination)
    return tuple(destinations)


def _kinds(spec: Fields, name: str) -> tuple[GroupKind, ...]:
    kinds = []
    for fields in spec.mappings(name) or ():
        kinds.append(_kind(fields))
        fields.close()
    return tuple(kinds)


def _named_kinds(spec: Fields, name: str) -> tuple[NamedKind, ...]:
    """Return a list of kinds that are in no namespace; an entry with a name is about objects of that name alone."""
    kinds = []
    for fields in spec.mappings(name) or ():
        kind = _kind(fields)
        kinds.append(NamedKind(kind.group, kind.kind, fields.text("name")))
        fields.close()
    return tuple(kinds)


def _kind(fields: Fields) -> GroupKind:
    kind = GroupKind(fields.text("group"), fields.text("kind"))
    if not kind.kind:
        raise fields.refuse("kind", "is missing", "write a kind, or `*`")
    return kind
