"""A file at a URL as revisions of a mirror: each content is one, and the poll asks whether there is another."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from gitopsd.core.source.remote_chart import ANY
from gitopsd.core.source.remote_chart import allowed as is_allowed
from gitopsd.core.source.remote_file import ONLY
from gitopsd.git.artifacts import ArtifactMirror, Packed, RegistrySession
from gitopsd.git.downloads import Download, download
from gitopsd.trust.fetch import HttpSession
from gitopsd.trust.http import login, session
from gitopsd.words import without_credentials


@dataclass(slots=True)
class FileMirror(ArtifactMirror):
    """The mirror of one URL."""

    etag: str = ""
    digest: str = ""  # of what has the ETag
    allowed: Sequence[str] = (ANY,)  # URLs below which the file may be, wherever redirects lead

    @asynccontextmanager
    async def opened(self, _references: Collection[str]) -> AsyncIterator[RegistrySession]:
        credentials = await self.credentials()
        async with session(credentials, self.url, deadline_s=self.limits.deadline_s, reach=self.trust.reach) as http:
            may_go = partial(is_allowed, prefixes=self.allowed)
            what = f"the file {self.shown}"
            yield RemoteFile(self, http, Download(self.url, what, *self._most, login(credentials), may_go=may_go))

    @property
    def shown(self) -> str:
        return without_credentials(self.url)

    @property
    def _most(self) -> tuple[int, str]:
        return self.limits.max_layer_bytes, "oci.max_layer_bytes"


@dataclass(slots=True)
class RemoteFile:
    mirror: FileMirror
    http: HttpSession
    wanted: Download
    _had: dict[str, bytes] = field(default_factory=dict)

    async def resolve(self, _reference: str) -> str | None:
        etag = self.mirror.etag if self.mirror.digest and await self.mirror.keep(self.mirror.digest) else ""
        downloaded = await download(self.http, self.wanted.with_etag(etag))
        if downloaded is not None:
            self.mirror.digest = f"sha256:{hashlib.sha256(downloaded.body).hexdigest()}"
            self.mirror.etag = downloaded.etag
            self._had[self.mirror.digest] = downloaded.body
        return self.mirror.digest

    async def packed(self, digest: str) -> Packed:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            member = tarfile.TarInfo(ONLY)
            member.size = len(self._had[digest])
            archive.addfile(member, io.BytesIO(self._had[digest]))
        return Packed(out.getvalue(), f"the file {self.mirror.shown}", is_chart=False)
