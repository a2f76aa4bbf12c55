"""What the programs that render are kept from, and what is told where this machine does not grant it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsd.daemon.sandbox_policy import confinement, part
from gitopsd.runtime.isolation import Isolation
from gitopsd.runtime.memory import SHARED, best_place, in_memory
from gitopsd.settings import (
    ClusterSettings,
    GitSettings,
    RepoCredentials,
    Secret,
    Settings,
    ToolSettings,
)


def test_every_file_with_a_secret_and_our_own_directories_are_hidden(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data",
        run_dir=tmp_path / "run",
        clusters=(
            ClusterSettings("a", kubeconfig=tmp_path / "a.kubeconfig"),
            ClusterSettings("b", server="https://b", cert_file=tmp_path / "b.pem", key_file=tmp_path / "b.key"),
        ),
        git=GitSettings(credentials=(RepoCredentials("https://git", password=Secret(tmp_path / "token")),)),
        tools=ToolSettings(kustomize=tmp_path / "kustomize", cpu_s=7, processes=9),
    )

    found = confinement(settings, tmp_path / "work", {"CREDENTIALS_DIRECTORY": str(tmp_path / "given")})

    names = {str(Path(place).relative_to(tmp_path)) for place in found.hidden if place.startswith(str(tmp_path))}
    assert {"data", "run", "work", "given", "a.kubeconfig", "b.key", "token"} == names
    assert (7, 9) == (found.cpu_s, found.processes)


@pytest.mark.parametrize(
    ("isolation", "told"),
    [
        (None, "no worker has started yet"),
        (Isolation(reason="namespaces: Operation not permitted"), "keep the network; they can read what"),
        (Isolation(network=True, reason="mount: no"), "they can read what the daemon's user can; the kernel says"),
    ],
)
def test_what_is_not_granted_is_told_and_keeps_nobody_waiting(isolation: Isolation | None, told: str) -> None:
    found = part(isolation, SHARED)

    assert told in found.detail
    assert (False, False) == (found.ready, found.required)


@pytest.mark.skipif(not in_memory(SHARED), reason="no file system in memory here")
def test_files_of_renders_go_to_memory_where_there_is_some(tmp_path: Path) -> None:
    there = SHARED / "gitopsd-test"

    assert there == best_place(there)
    found = best_place(tmp_path / "work")
    assert in_memory(found)
    assert found == best_place(tmp_path / "work")
    assert found != best_place(tmp_path / "other")
    assert part(Isolation(network=True, files=True), found).ready
    assert not found.exists()


def test_a_disk_is_told() -> None:
    assert not in_memory(Path("/proc"))
    assert "their files are on a disk (/proc)" == part(Isolation(network=True, files=True), Path("/proc")).detail
