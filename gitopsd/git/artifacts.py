"""Artifacts of a registry as revisions of a bare mirror: what reads Git reads them too.

A revision is the artifact's digest; below the ref of that name lies a commit that holds its files, and is the same
whenever it is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import orjson
import pygit2
import structlog

from gitopsd.errors import GitopsError, InvalidManifest, RepositoryUnreachable
from gitopsd.git.chart_index import FIND, find
from gitopsd.git.epoch import HEAD
from gitopsd.git.mirror import GitMirror
from gitopsd.git.objects import ARTIFACT, DAMAGED, artifact_ref
from gitopsd.git.unpack import UNPACK, unpack
from gitopsd.oci.client import CHART_LAYER, IMAGE_LAYER, PLAIN_LAYER, Registry, registry
from gitopsd.settings import OciSettings

NAMES = "gitopsd-artifacts"  # in a mirror: what each reference that was asked for is, as JSON
KEPT = 50  # artifacts that nothing names any more

log = structlog.get_logger()

Call = Callable[..., Awaitable[Any]]  # of ports.Workers


JOBS: Mapping[str, Callable[..., Any]] = {UNPACK: unpack, FIND: find}


async def here(job: str, *args: Any) -> Any:
    """Run the job in a thread: for who has no workers."""
    return await asyncio.to_thread(JOBS[job], *args)


@dataclass(frozen=True, slots=True)
class Packed:
    """An artifact as it was fetched."""

    content: bytes  # a tar, gzipped or not
    what: str  # it is, in messages; "" for the artifact of that digest
    is_chart: bool  # its files lie in a directory of the chart's name
    annotations: Mapping[str, str] = field(default_factory=dict)


class RegistrySession(Protocol):
    """What artifacts are fetched from, for as long as its session is open."""

    async def resolve(self, reference: str) -> str | None:
        """Return the digest that `reference` is; None where there is nothing of that name."""
        ...

    async def packed(self, digest: str) -> Packed:
        """Return what `resolve` gave the digest of."""
        ...


@dataclass(frozen=True, slots=True)
class OfRegistry:
    """A repository of a registry."""

    registry: Registry
    layer_media_types: Sequence[str]

    async def resolve(self, reference: str) -> str | None:
        return await self.registry.resolve(reference)

    async def packed(self, digest: str) -> Packed:
        artifact = await self.registry.fetch(digest)
        layer = artifact.content((IMAGE_LAYER, PLAIN_LAYER, CHART_LAYER, *self.layer_media_types))
        content = await self.registry.blob(layer)
        return Packed(content, "", layer.media_type == CHART_LAYER, artifact.annotations)


@dataclass(slots=True)
class ArtifactMirror(GitMirror):
    """The mirror of one oci:// URL: it holds what was asked for, and not all that the registry has."""

    limits: OciSettings = field(default_factory=OciSettings)
    call: Call = here

    async def fetch(self, others: Collection[str]) -> dict[str, str]:
        """Bring the references `others` up to date; return those that there are as refs, each with its digest.

        Raises:
            RepositoryUnreachable, TooSlow, RepositoryTooLarge, RevisionNotFound, InvalidManifest: as it was.
            InvalidSettings: credentials cannot be read.
        """
        with _local(self.url):
            digests = await self._fetch_all(others)
        await self._check_size(self.path)
        return digests

    async def _fetch_all(self, others: Collection[str]) -> dict[str, str]:
        await asyncio.to_thread(self._prepare)
        before = await asyncio.to_thread(self._asked_before)
        # What failed the last time goes last: it may take all the time there is.
        references = sorted(others or before, key=lambda reference: (reference in self.faults, reference))
        digests: dict[str, str] = {}
        faults: dict[str, GitopsError] = {}
        async with self.opened(references) as opened:
            for reference in references:
                digest = await self.brought(opened, reference, before, faults)
                if digest is not None:
                    digests[HEAD if reference in ("", "HEAD") else f"{ARTIFACT}{reference}"] = digest
        await asyncio.to_thread(self._note, digests)
        self.faults = faults
        return digests

    @contextlib.asynccontextmanager
    async def opened(self, _references: Collection[str]) -> AsyncIterator[RegistrySession]:
        """Open what the artifacts come from."""
        async with registry(self.url, await self.credentials(), self.limits, self.trust.reach) as opened:
            yield OfRegistry(opened, self.limits.layer_media_types)

    async def brought(
        self, opened: RegistrySession, reference: str, _before: Mapping[str, str], _faults: dict[str, GitopsError]
    ) -> str | None:
        """Have what `reference` is in the mirror; return its digest, or None: then `faults` may say why.

        `before` is what references were at the last fetch.
        """
        digest = await opened.resolve(reference)
        if digest is not None and not await asyncio.to_thread(self._has, digest):
            await self._take(digest, await opened.packed(digest))
        return digest

    async def keep(self, name: str) -> bool:
        """Tell whether the artifact with the digest `name` is there."""
        return await asyncio.to_thread(self._has, name)

    async def refs(self) -> dict[str, str]:
        try:
            digests = orjson.loads(await asyncio.to_thread((self.path / NAMES).read_bytes))
            return {str(name): str(digest) for name, digest in digests.items() if self._has(digest)}
        except (OSError, orjson.JSONDecodeError, AttributeError) as err:
            raise RepositoryUnreachable(
                f"the mirror of {self.url} holds nothing that can be read", remedy="the next fetch makes it anew"
            ) from err

    async def _take(self, digest: str, packed: Packed) -> None:
        file = self.path / f"layer-{secrets.token_hex(8)}"
        try:
            await asyncio.to_thread(file.write_bytes, packed.content)
            message = orjson.dumps(dict(packed.annotations), option=orjson.OPT_SORT_KEYS).decode()
            arguments = [str(self.path), str(file), digest]
            await self.call(UNPACK, arguments, {"is_chart": packed.is_chart, "message": message}, asdict(self.limits))
        except InvalidManifest as err:
            if not packed.what:
                raise
            raise InvalidManifest(f"{packed.what}: {err.what}", remedy=err.remedy) from err
        finally:
            file.unlink(missing_ok=True)

    def _prepare(self) -> None:
        if (self.path / DAMAGED).exists():
            shutil.rmtree(self.path, ignore_errors=True)
            log.warning("git.mirror_rebuilt", repo=self.url, mirror=self.path.name)
        if not (self.path / "objects").is_dir():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            pygit2.init_repository(str(self.path), bare=True)
        for leftover in self.path.glob("layer-*"):
            leftover.unlink(missing_ok=True)

    def _asked_before(self) -> dict[str, str]:
        """Return the references of the last fetch: after a start nobody has asked yet, and soon the same will be."""
        with contextlib.suppress(OSError, orjson.JSONDecodeError):
            names = orjson.loads((self.path / NAMES).read_bytes())
            return {"" if name == HEAD else name.removeprefix(ARTIFACT): digest for name, digest in names.items()}
        return {}

    def _has(self, digest: str) -> bool:
        with contextlib.suppress(KeyError, ValueError, pygit2.GitError, OSError):
            pygit2.Repository(str(self.path)).references[artifact_ref(digest)].peel(pygit2.Tree)
            return True
        return False

    def _note(self, digests: Mapping[str, str]) -> None:
        """Write down what is named now, and let go of what long was not."""
        beside = self.path / f"{NAMES}.new"
        beside.write_bytes(orjson.dumps(digests))
        beside.replace(self.path / NAMES)
        repo = pygit2.Repository(str(self.path))
        named = {artifact_ref(digest) for digest in digests.values()}
        unnamed = [name for name in repo.references if name not in named]
        unnamed.sort(key=lambda name: (self.path / name).stat().st_mtime if (self.path / name).exists() else 0.0)
        for name in unnamed[:-KEPT]:
            repo.references.delete(name)


@contextlib.contextmanager
def _local(url: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pygit2.GitError) as err:
        raise RepositoryUnreachable(
            f"the mirror of {url} cannot be written: {err}", remedy="make room in the data directory"
        ) from err
