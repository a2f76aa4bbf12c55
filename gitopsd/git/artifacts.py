"""Artifacts of a registry as revisions of a bare mirror: what reads Git reads them too.

A revision is the artifact's digest; below the ref of that name lies a commit that holds its files, and is the same
whenever it is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
import pygit2
import structlog

from gitopsd.errors import RepositoryUnreachable
from gitopsd.git.epoch import HEAD
from gitopsd.git.mirror import Mirror
from gitopsd.git.objects import ARTIFACT, DAMAGED, artifact_ref
from gitopsd.git.unpack import UNPACK, unpack
from gitopsd.oci.client import CHART_LAYER, IMAGE_LAYER, Artifact, Registry, registry
from gitopsd.settings import OciSettings

NAMES = "gitopsd-artifacts"  # in a mirror: what each reference that was asked for is, as JSON
KEPT = 50  # artifacts that nothing names any more

log = structlog.get_logger()

Call = Callable[..., Awaitable[Any]]  # of ports.Workers


async def here(job: str, *args: Any) -> Any:
    """Run the job in a thread: for who has no workers."""
    return await asyncio.to_thread({UNPACK: unpack}[job], *args)


@dataclass(slots=True)
class ArtifactMirror(Mirror):
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
            found = await self._fetch_all(others)
        await self._check_size(self.path)
        return found

    async def _fetch_all(self, others: Collection[str]) -> dict[str, str]:
        await asyncio.to_thread(self._prepare)
        found: dict[str, str] = {}
        async with registry(self.url, await self.credentials(), self.limits) as opened:
            for reference in sorted(others or await asyncio.to_thread(self._asked_before)):
                digest = await opened.resolve(reference)
                if digest is None:
                    continue
                if not await asyncio.to_thread(self._has, digest):
                    await self._take(opened, await opened.fetch(digest))
                found[HEAD if reference in ("", "HEAD") else f"{ARTIFACT}{reference}"] = digest
        await asyncio.to_thread(self._note, found)
        return found

    async def keep(self, name: str) -> bool:
        """Tell whether the artifact with the digest `name` is there."""
        return await asyncio.to_thread(self._has, name)

    async def refs(self) -> dict[str, str]:
        try:
            found = orjson.loads(await asyncio.to_thread((self.path / NAMES).read_bytes))
            return {str(name): str(digest) for name, digest in found.items() if self._has(digest)}
        except (OSError, orjson.JSONDecodeError, AttributeError) as err:
            raise RepositoryUnreachable(
                f"the mirror of {self.url} holds nothing that can be read", remedy="the next fetch makes it anew"
            ) from err

    async def _take(self, opened: Registry, artifact: Artifact) -> None:
        layer = artifact.content((IMAGE_LAYER, CHART_LAYER, *self.limits.layer_media_types))
        content = await opened.blob(layer)
        file = self.path / f"layer-{secrets.token_hex(8)}"
        try:
            await asyncio.to_thread(file.write_bytes, content)
            is_chart = layer.media_type == CHART_LAYER
            message = orjson.dumps(dict(artifact.annotations), option=orjson.OPT_SORT_KEYS).decode()
            place = [str(self.path), str(file), artifact.digest]
            await self.call(UNPACK, place, {"is_chart": is_chart, "message": message}, asdict(self.limits))
        finally:
            file.unlink(missing_ok=True)

    def _prepare(self) -> None:
        if (self.path / DAMAGED).exists():
            shutil.rmtree(self.path, ignore_errors=True)
            log.warning("git.mirror_rebuilt", repo=self.url, mirror=self.path.name)
        if not (self.path / "objects").is_dir():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            pygit2.init_repository(str(self.path), bare=True)
        for left in self.path.glob("layer-*"):
            left.unlink(missing_ok=True)

    def _asked_before(self) -> list[str]:
        """Return the references of the last fetch: after a start nobody has asked yet, and soon the same will be."""
        with contextlib.suppress(OSError, orjson.JSONDecodeError):
            names = orjson.loads((self.path / NAMES).read_bytes())
            return ["" if name == HEAD else name.removeprefix(ARTIFACT) for name in names]
        return []

    def _has(self, digest: str) -> bool:
        with contextlib.suppress(KeyError, ValueError, pygit2.GitError, OSError):
            pygit2.Repository(str(self.path)).references[artifact_ref(digest)].peel(pygit2.Tree)
            return True
        return False

    def _note(self, found: Mapping[str, str]) -> None:
        """Write down what is named now, and let go of what long was not."""
        beside = self.path / f"{NAMES}.new"
        beside.write_bytes(orjson.dumps(found))
        beside.replace(self.path / NAMES)
        repo = pygit2.Repository(str(self.path))
        named = {artifact_ref(digest) for digest in found.values()}
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
