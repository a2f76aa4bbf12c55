"""The programs that render: where they are, and what they are, so that another version renders anew."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gitopsd.manifests.plugins import Plugin
from gitopsd.settings import ToolSettings

NAMES = ("kustomize", "kubectl")  # either renders kustomizations


@dataclass(frozen=True, slots=True)
class Programs:
    """What a worker needs to know of them; JSON by `dataclasses.asdict`."""

    kustomize: str = ""  # path; "" where there is none
    versions: dict[str, str] = field(default_factory=dict)  # name of a kustomize version → path
    build_options: dict[str, str] = field(default_factory=dict)  # of a version, "" for the usual program
    remote_bases: list[str] = field(default_factory=list)  # URLs below which bases of other repositories may be
    work_dir: str = ""  # for materialised copies
    deadline_s: float = 50.0
    output_bytes: int = 32 << 20
    plugins: list[dict[str, Any]] = field(default_factory=list)  # each a Plugin


class Tools:
    """Finds the programs once, and tells them by their content, whenever that changes."""

    def __init__(self, settings: ToolSettings, work_dir: Path, plugins: Sequence[Plugin] = ()) -> None:
        self.programs = Programs(
            kustomize=str(settings.kustomize or _found()),
            versions={version.name: str(version.program) for version in settings.kustomize_versions},
            build_options={version.name: version.build_options for version in settings.kustomize_versions}
            | {"": settings.kustomize_build_options},
            remote_bases=sorted(settings.kustomize_remote_bases),
            work_dir=str(work_dir),
            deadline_s=settings.deadline_s,
            output_bytes=settings.output_bytes,
            plugins=[asdict(plugin) for plugin in plugins],
        )
        self._plugins = hashlib.blake2b(repr(plugins).encode(), digest_size=20).hexdigest() if plugins else ""
        commands = (command for plugin in plugins for command in plugin.commands)
        self._commands = {shutil.which(command[0]) or "" for command in commands}
        self._known: dict[str, tuple[os.stat_result | None, str]] = {}
        self._lock = asyncio.Lock()

    async def identity(self) -> str:
        """Return what the programs are: equal where every one has the same content and the same name."""
        named = {"": self.programs.kustomize, **self.programs.versions, **{path: path for path in self._commands}}
        async with self._lock:
            identities = [f"{name}={await self._digest(path)}" for name, path in sorted(named.items())]
        options = [f"{name}: {text}" for name, text in sorted(self.programs.build_options.items()) if text]
        return " ".join([*identities, *options, *self.programs.remote_bases, self._plugins])

    async def _digest(self, path: str) -> str:
        now = _stat(path)
        before, digest = self._known.get(path, (None, ""))
        if now is None:
            return ""
        if before is None or _changed(before, now):
            digest = await asyncio.to_thread(_digest, path)  # 60 MB: a tenth of a second
            self._known[path] = now, digest
        return digest


def _found() -> str:
    """Return the path of a program that renders kustomizations, the one of our own environment first."""
    beside = Path(sys.executable).parent
    ours = (str(beside / name) for name in NAMES if os.access(beside / name, os.X_OK))
    others = (path for name in NAMES if (path := shutil.which(name)))
    return next(ours, next(others, ""))


def _stat(path: str) -> os.stat_result | None:
    try:
        return Path(path).stat() if path else None
    except OSError:
        return None


def _changed(before: os.stat_result, now: os.stat_result) -> bool:
    return (before.st_ino, before.st_size, before.st_mtime_ns) != (now.st_ino, now.st_size, now.st_mtime_ns)


def _digest(path: str) -> str:
    try:
        with Path(path).open("rb") as program:
            return hashlib.file_digest(program, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
    except OSError:
        return ""
