"""A chart that another chart depends on, of a chart repository or a registry: which one, and which version of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.model.chart import OCI, WEB, bare, chart_reference, chart_repository

KIND = "chart/"  # of the name by which a chart is lent to a render: no ref of a source has a slash
ANY = "*"
PART = re.compile(r"v?[0-9]+(\.[0-9]+)?")  # of a version: in a dependency a range, as in `1.2.*`


@dataclass(frozen=True, slots=True)
class RemoteChart:
    url: str  # of the chart repository or registry, as the dependency names it
    chart: str
    version: str  # or a range; "" is any

    @property
    def name(self) -> str:
        """The name by which the chart is lent to a render; `core.source.remote_base.named` takes it apart."""
        repository = chart_repository(self.url, self.chart)
        part = PART.fullmatch(self.version) is not None
        reference = chart_reference(repository, self.chart, f"={self.version}" if part else self.version)
        return f"{KIND}{quote(repository, safe='')}/{quote(reference, safe='')}"


def is_fetched_from(url: str) -> bool:
    """Tell whether `url`, of a dependency, is one that charts are had from over the network."""
    return url.startswith((*WEB, OCI)) and RepoAddress.parse(url) is not None


def allowed(repository: str, prefixes: Iterable[str]) -> bool:
    """Tell whether charts may depend on what is in `repository`; whole parts of the path count."""
    patterns = tuple(prefixes)
    address = RepoAddress.parse(repository)
    addresses = [trusted for prefix in patterns if (trusted := RepoAddress.parse(prefix)) is not None]
    return ANY in patterns or (address is not None and any(address.under(prefix) for prefix in addresses))


def spellings(repository: str) -> Iterator[str]:
    """Yield the URLs by which an application would name `repository` as that of its source."""
    url = bare(repository)
    yield url
    if url.startswith(OCI):  # the chart's own, and that of all charts beside it; Argo CD writes either without a scheme
        beside = url.rpartition("/")[0]
        yield from (beside, url.removeprefix(OCI), beside.removeprefix(OCI))
