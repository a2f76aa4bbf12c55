"""What a chart asks of the cluster it goes to, found in its texts: charts that ask for nothing are alike everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.core.source.semver import Version, range_of
from gitopsd.errors import InvalidDeclaration, InvalidManifest
from gitopsd.manifests.variables import API, Variables
from gitopsd.model.application import HelmOptions, KustomizeOptions

NAMED = re.compile(rb"[.\"`]Capabilities\b(?:\.(?P<what>KubeVersion|APIVersions|HelmVersion)\b)?")
APIS = re.compile(rb"\bAPIVersions\b(?:\.Has\s+[\"`](?P<api>[^\"`\s]+)[\"`])?")
UNREAD = re.compile(r"(?:^|/)crds/|\.(?:md|txt|png|svg|lock)$|values\.schema\.json$")  # files that are no templates


DECLARED = re.compile(r"\s*v?(?P<numbers>(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+)(?:[^.0-9].*)?", re.ASCII)
Options = HelmOptions | KustomizeOptions


@dataclass(frozen=True, slots=True)
class CapabilityReads:
    """What templates may ask for."""

    version: bool = False
    apis: frozenset[str] | None = frozenset()  # those that are named; None: any

    @property
    def nothing(self) -> bool:
        return not self.version and self.apis == frozenset()


def asked_of(files: Mapping[str, bytes], values: Mapping[str, Any], about: Mapping[str, Any]) -> CapabilityReads:
    """Return what the chart of `files`, its archives unpacked, may ask for where it is given `values`.

    `about` is its Chart.yaml. Values count, because a template may take one for a template.
    """
    texts = [data for name, data in files.items() if not UNREAD.search(name)]
    texts.append(repr(values).encode(errors="replace"))
    names = {match["what"] for text in texts for match in NAMED.finditer(text)}
    version = bool(about.get("kubeVersion")) or bool(names & {b"KubeVersion", None})
    if None in names:  # handed on as a whole
        return CapabilityReads(version, None)
    return CapabilityReads(version, _apis(texts) if b"APIVersions" in names else frozenset())


def _apis(texts: Iterable[bytes]) -> frozenset[str] | None:
    named = {match["api"] for text in texts for match in APIS.finditer(text)}
    return None if None in named else frozenset(api.decode(errors="replace") for api in named)


def kube_version(options: Options, reads: CapabilityReads, variables: Variables) -> str:
    """Return the version of the cluster as templates see it; "" where they do not look, or nobody knows it.

    Raises:
        InvalidDeclaration: `options` has one that is none.
    """
    if options.kube_version:
        return _declared(options.kube_version)
    return _numbers(variables["KUBE_VERSION"]) if reads.version else ""


def api_versions(options: Options, reads: CapabilityReads, variables: Variables) -> tuple[str, ...]:
    """Return the kinds that the cluster serves, `group/version` and `group/version/kind`, as far as templates look."""
    if options.api_versions:
        return options.api_versions
    if reads.apis is None:
        return tuple(api for api in variables["KUBE_API_VERSIONS"].split(",") if api)
    return tuple(api for api in sorted(reads.apis) if variables[API + api])


def check_version(path: str, about: Mapping[str, Any], version: str) -> None:
    """Return if the chart allows a cluster of `version`; where that is not known, nothing speaks against it.

    Raises:
        InvalidManifest: it does not.
    """
    text, parsed = about.get("kubeVersion"), Version.parse(version)
    if not isinstance(text, str) or not text or parsed is None:
        return
    constraint = range_of(text)
    if constraint is None or not constraint.allows(parsed):
        raise InvalidManifest(
            f"{path} is for Kubernetes {text[:80]}, and the cluster is {version}",
            remedy="take a version of the chart for this one",
        )


def _declared(version: str) -> str:
    """Return the numbers of a version that an Application declares, two at least.

    Source: Argo CD, reposerver/repository (parseKubeVersion).
    """
    match = DECLARED.fullmatch(version)
    if match is None:
        raise InvalidDeclaration(
            f"kubeVersion is {version[:80]!r}, which is no version of Kubernetes", remedy="write one, such as '1.33.1'"
        )
    return match["numbers"]


def _numbers(version: str) -> str:
    """Return the numbers of a version alone: `1.33.1` of `v1.33.1-gke.100`. Source: Argo CD, util/text (SemVer)."""
    match = re.search(r"(?<!\d)\d+\.\d+(?:\.\d+)?", version)
    return match[0] if match else ""
