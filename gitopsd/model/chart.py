"""Where charts and files are had that are not in Git: the names under which they are fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from gitopsd.model.ids import RepoUrl

CHARTS = "helm+"  # before the URL of a chart repository, as against a Git repository at the same URL
FILES = "file+"  # before the URL of a file
OCI = "oci://"
WEB = ("https://", "http://")
ANY_VERSION = "*"  # the newest that is no prerelease
_PASS = "&passCredentials"  # noqa: S105 - behind a reference


@dataclass(frozen=True, slots=True)
class ChartReference:
    """Which chart of a chart repository: what `ports.Sources` resolves there."""

    chart: str
    version: str  # a version, a range of them, or a revision that was had before: VERSION@DIGEST, or a digest alone
    pass_credentials: bool = False  # to other hosts that the index names

    def __str__(self) -> str:
        return f"{self.chart}@{self.version}{_PASS if self.pass_credentials else ''}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `str` wrote."""
        chart, _, version = text.removesuffix(_PASS).partition("@")
        return cls(chart, version, text.endswith(_PASS))


def type_of(repository: str) -> str:
    """Return what is fetched under the name `repository`, in Argo CD's words; a file is none of Argo CD's."""
    types = {CHARTS: "helm", FILES: "file", OCI: "oci"}
    return next((word for start, word in types.items() if repository.startswith(start)), "git")


def bare(repository: str) -> str:
    """Return the URL of what is fetched under the name `repository`."""
    return repository.removeprefix(CHARTS).removeprefix(FILES)


def chart_repository(url: str, chart: str) -> RepoUrl:
    """Return what is fetched for `chart` of `url`: a registry's repository, where `url` names a registry.

    A URL without a scheme is a registry's, as Argo CD has it.
    """
    bare = url.rstrip("/")
    if url.startswith(OCI):
        return RepoUrl(f"{bare}/{chart}")
    return RepoUrl(f"{CHARTS}{bare}" if "://" in url else f"{OCI}{bare}/{chart}")


def chart_reference(repository: str, chart: str, version: str, *, pass_credentials: bool = False) -> str:
    """Return what is resolved in `repository`, which `chart_repository` gave; no version is the newest one."""
    constraint = ANY_VERSION if version in ("", "HEAD") else version
    return constraint if repository.startswith(OCI) else str(ChartReference(chart, constraint, pass_credentials))
