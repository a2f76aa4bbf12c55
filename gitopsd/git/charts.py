"""Charts of an HTTP chart repository, each a revision of its mirror as an artifact of a registry is: VERSION@DIGEST."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

from gitopsd.core.source.repo_address import same_server
from gitopsd.errors import GitopsError, InvalidManifest, Retryable, RevisionNotFound, TooSlow
from gitopsd.git.artifacts import ArtifactMirror, Packed, RegistrySession
from gitopsd.git.chart_index import FIND
from gitopsd.git.downloads import Download, download
from gitopsd.model.chart import ChartReference
from gitopsd.oci.client import CHART_LAYER, registry
from gitopsd.oci.reference import SCHEME, is_digest
from gitopsd.settings import RepoCredentials
from gitopsd.trust.fetch import HttpSession
from gitopsd.trust.http import login, session
from gitopsd.words import without_credentials

INDEX = "gitopsd-index"  # in a mirror: the index as it was last had
_Entry = Mapping[str, str]  # of `chart_index.find`
_Name = tuple[str, str]  # a chart, and a version or a range


@dataclass(slots=True)
class Index:
    """What is known of an index as long as its bytes are the same."""

    digest: str = ""
    etag: str = ""
    entries: dict[_Name, _Entry] = field(default_factory=dict)


@dataclass(slots=True)
class ChartMirror(ArtifactMirror):
    """The mirror of one chart repository; a chart that cannot be had leaves the others."""

    max_index_bytes: int = 64 << 20
    index: Index = field(default_factory=Index)

    @asynccontextmanager
    async def opened(self, references: Collection[str]) -> AsyncIterator[RegistrySession]:
        credentials = await self.credentials()
        async with session(credentials, self.url, deadline_s=self.limits.deadline_s, reach=self.trust.reach) as http:
            until = asyncio.get_running_loop().time() + self.limits.deadline_s
            opened = ChartRepository(self, credentials, http, until)
            await opened.read([ChartReference.parse(reference) for reference in references])
            yield opened

    async def brought(
        self, opened: RegistrySession, reference: str, before: Mapping[str, str], faults: dict[str, GitopsError]
    ) -> str | None:
        try:
            return await ArtifactMirror.brought(self, opened, reference, before, faults)
        except GitopsError as err:
            faults[reference] = err
            # What may get better by itself takes nothing away; what a person must mend has to be seen.
            return before.get(reference) if isinstance(err, Retryable) else None


@dataclass(slots=True)
class ChartRepository:
    """One chart repository, for as long as its session is open."""

    mirror: ChartMirror
    given: RepoCredentials | None
    http: HttpSession
    until: float  # on the loop's clock: for all archives together
    _wanted: dict[str, tuple[ChartReference, _Entry]] = field(default_factory=dict)  # by revision
    _had: dict[str, bytes] = field(default_factory=dict)  # archives that the index has no digest for

    @property
    def shown(self) -> str:
        return without_credentials(self.mirror.url)

    async def read(self, references: Iterable[ChartReference]) -> None:
        """Bring the index up to date, and find `references` in it.

        Raises:
            RepositoryUnreachable, RepositoryTooLarge, InvalidManifest: it cannot be had, or is none.
        """
        index, file = self.mirror.index, self.mirror.path / INDEX
        index_download = Download(
            urljoin(f"{self.mirror.url}/", "index.yaml"),
            f"the index of {self.shown}",
            self.mirror.max_index_bytes,
            "charts.max_index_bytes",
            login(self.given),
            index.etag if await asyncio.to_thread(file.is_file) else "",
        )
        downloaded = await download(self.http, index_download)
        if downloaded is not None:
            digest = await asyncio.to_thread(_kept, file, downloaded.body)
            if digest != index.digest:
                index.entries.clear()
            index.digest, index.etag = digest, downloaded.etag
        names = {
            (reference.chart, reference.version) for reference in references if not _is_revision(reference.version)
        }
        index.entries = {name: entry for name, entry in index.entries.items() if name in names}
        fresh = sorted(names - index.entries.keys())
        answers = (
            await self.mirror.call(FIND, str(file), self.shown, fresh)
            if fresh or (downloaded is not None and not names)
            else []
        )
        index.entries |= dict(zip(fresh, answers, strict=True))

    async def resolve(self, reference: str) -> str | None:
        chart = ChartReference.parse(reference)
        if _is_revision(chart.version):
            return chart.version if await self.mirror.keep(chart.version) else None
        entry = self.mirror.index.entries[chart.chart, chart.version]
        if "missing" in entry:
            raise RevisionNotFound(entry["missing"], remedy="name a chart, and a version or range, that its index has")
        digest = entry["digest"]
        if not digest:
            content = await self._archive(chart, entry)
            digest = _sha256(content)
            self._had[digest] = content
        revision = f"{entry['version'][:100]}@{digest}"
        self._wanted[revision] = chart, entry
        return revision

    async def packed(self, digest: str) -> Packed:
        chart, entry = self._wanted[digest]
        digest = digest.rpartition("@")[2]
        content = self._had.pop(digest, None)
        if content is None:
            content = await self._archive(chart, entry)
        if await asyncio.to_thread(_sha256, content) != digest:
            raise InvalidManifest(
                f"{_named(chart, entry)} of {self.shown} is another archive than its index says: its digest differs",
                remedy="have the index made anew by `helm repo index`, or publish the chart under a version of its own",
            )
        return Packed(content, f"{_named(chart, entry)} of {self.shown}", is_chart=True)

    async def _archive(self, chart: ChartReference, entry: _Entry) -> bytes:
        try:
            async with asyncio.timeout_at(self.until):
                return await self._fetched(chart, entry)
        except TimeoutError:
            raise TooSlow(
                f"{_named(chart, entry)} of {self.shown} was not had in time: its charts together took too long",
                remedy="see the server of the archives, or raise oci.deadline_s",
            ) from None
        except ValueError:
            raise self._misplaced(_named(chart, entry)) from None

    async def _fetched(self, chart: ChartReference, entry: _Entry) -> bytes:
        url = urljoin(f"{self.mirror.url}/", entry["url"])
        if url.startswith(SCHEME):
            return await self._of_registry(url, entry["version"])
        if not same_server(url, url):
            raise self._misplaced(_named(chart, entry))
        passes = chart.pass_credentials and self.given is not None and self.given.pass_credentials
        if same_server(url, self.mirror.url) or passes:
            return await self._downloaded(self.http, self.given, url, _named(chart, entry))
        credentials = await self._given_elsewhere(url)
        async with session(
            credentials, url, deadline_s=self.mirror.limits.deadline_s, reach=self.mirror.trust.reach
        ) as http:
            return await self._downloaded(http, credentials, url, _named(chart, entry))

    async def _downloaded(self, http: HttpSession, credentials: RepoCredentials | None, url: str, name: str) -> bytes:
        tls = url.startswith("https://") or self.mirror.url.startswith("http://")
        if not tls or not url.startswith(("https://", "http://")):
            raise self._misplaced(name)
        what, most = f"the archive of {name} of {self.shown}", self.mirror.limits.max_layer_bytes
        downloaded = await download(http, Download(url, what, most, "oci.max_layer_bytes", login(credentials)))
        return downloaded.body if downloaded is not None else b""

    def _misplaced(self, name: str) -> InvalidManifest:
        return InvalidManifest(
            f"the index of {self.shown} has {name} at a place that is not fetched from", remedy="write an https:// URL"
        )

    async def _of_registry(self, url: str, version: str) -> bytes:
        """Return a chart that the index has in a registry."""
        address, colon, tag = url.rpartition(":")
        if not colon or "/" in tag:
            address, tag = url, version
        async with registry(
            address, await self._given_elsewhere(address), self.mirror.limits, self.mirror.trust.reach
        ) as opened:
            digest = await opened.resolve(tag)
            if digest is None:
                raise RevisionNotFound(f"{address} has no {tag[:100]}", remedy="push it, or name another version")
            artifact = await opened.fetch(digest)
            return await opened.blob(artifact.content((CHART_LAYER,)))

    async def _given_elsewhere(self, url: str) -> RepoCredentials | None:
        """Return what another server is given: an index makes nobody's login go anywhere."""
        trust = self.mirror.trust
        return await trust.credentials(url) if trust.as_trusted(self.mirror.url, url) else trust.hosts(url)


def _is_revision(version: str) -> bool:
    return is_digest(version.rpartition("@")[2])


def _named(chart: ChartReference, entry: _Entry) -> str:
    return f"{chart.chart[:100]} {entry['version'][:100]}"


def _kept(file: Path, body: bytes) -> str:
    """Write an index; return its digest."""
    file.write_bytes(body)
    return _sha256(body)


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
