"""The sources of an Application: which repository, which revision, which directory, rendered by what."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from gitopsd.core.declaration.fields import SHOWN, Fields
from gitopsd.core.declaration.tooling import tooling_of
from gitopsd.core.source.repo_url import CONTROL, has_credentials, url_fault
from gitopsd.model.application import Source
from gitopsd.model.chart import bare
from gitopsd.model.ids import RepoUrl

REF = re.compile(r"[A-Za-z0-9_-]+")


def sources_of(spec: Fields) -> tuple[Source, ...]:
    """Return what spec.sources says, or else spec.source."""
    spec.not_yet("sources are read as they are in Git", "sourceHydrator")
    many = spec.mappings("sources")
    one = spec.mapping("source")
    if many:
        if one is not None:
            spec.warnings.add(".spec.source has no effect where .spec.sources is given")
        sources = tuple(_source(fields) for fields in many)
        _check_refs(many, sources)
        return sources
    if one is None:
        raise spec.refuse("source", "is missing", "write spec.source with repoURL, targetRevision and path")
    return (_source(one),)


def _source(fields: Fields) -> Source:
    source = Source(
        repo_url=_repo_url(fields),
        target_revision=_target_revision(fields),
        tag_prefix=fields.text("tagPrefix"),
        path=_path(fields),
        ref=fields.text("ref"),
        chart=fields.text("chart"),
        tool=tooling_of(fields).tool,
        options=fields.value(),
    )
    fields.text("name")
    _check_chart(fields, source)
    fields.close()
    return source


def _check_chart(fields: Fields, source: Source) -> None:
    scheme = source.repo_url.partition("://")[0] if "://" in source.repo_url else ""
    if source.chart and scheme not in ("", "https", "http", "oci"):
        raise fields.refuse("repoURL", "has no charts", "write an https:// or oci:// URL, or remove the chart")
    if source.chart and (CONTROL.search(source.chart) or source.chart.startswith(("-", "/"))):
        raise fields.refuse("chart", f"is {source.chart[:SHOWN]!r}", "write the name of a chart")
    if bare(source.repo_url) != source.repo_url:
        raise fields.refuse("repoURL", "begins with what gitopsd writes itself", "write https:// alone")


def _check_refs(many: Sequence[Fields], sources: Sequence[Source]) -> None:
    taken: set[str] = set()
    for fields, source in zip(many, sources, strict=True):
        if not source.ref:
            continue
        if not REF.fullmatch(source.ref):
            raise fields.refuse("ref", f"is {source.ref[:SHOWN]!r}", "write letters, digits, '-' and '_'")
        if source.ref in taken:
            raise fields.refuse("ref", f"{source.ref} is given twice", "give each source a ref of its own")
        if source.chart:
            raise fields.refuse("ref", "is given to a chart", "take it from a Git source")
        taken.add(source.ref)


def _repo_url(fields: Fields) -> RepoUrl:
    url = fields.text("repoURL")
    if not url:
        raise fields.refuse("repoURL", "is missing", "write the URL of a Git repository")
    fault = url_fault(url)
    if fault:
        raise fields.refuse("repoURL", fault, "write an https://, ssh:// or file:// URL")
    if has_credentials(url):
        fields.warnings.add(f"{fields.path}.repoURL holds a password; move it to git.credentials in the settings")
    return RepoUrl(url)


def _target_revision(fields: Fields) -> str:
    revision = fields.text("targetRevision", "HEAD")
    if revision.startswith("-") or CONTROL.search(revision):
        raise fields.refuse("targetRevision", f"is {revision[:SHOWN]!r}", "write a branch, a tag, a commit or a range")
    return revision


def _path(fields: Fields) -> str:
    """Return the path below the repository's root; "" for a source that only lends files to others."""
    path = fields.text("path")
    if fields.has("chart"):
        if path:
            fields.warnings.add(f"{fields.path}.path has no effect where a chart is named")
        return "."  # of the chart
    if not path:
        if fields.has("ref"):
            return ""
        raise fields.refuse("path", "is missing", "write the directory of the manifests; `.` is the repository's root")
    normal = posixpath.normpath(path)
    if path.startswith("/") or normal == ".." or normal.startswith("../") or "\0" in path:
        raise fields.refuse("path", f"is {path[:SHOWN]!r}, outside of the repository", "write a path below its root")
    return normal
