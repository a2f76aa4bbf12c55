"""What the programs that render are kept from, and what is told where this machine does not grant it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitopsd.daemon.sandbox_policy import confinement, part
from gitopsd.manifests.plugins import Plugin
from gitopsd.runtime.isolation import Isolation
from gitopsd.runtime.memory import SHARED, best_place, in_memory
from gitopsd.settings import (
    ClusterSettings,
    DeclarationSource,
    GitSettings,
    RepoCredentials,
    Secret,
    Settings,
    ToolSettings,
)

KUBECONFIG = """
users:
- {name: me, user: {client-certificate: me.pem, client-key: /elsewhere/me.key, tokenFile: me.token}}
clusters: [{name: a, cluster: {certificate-authority: ca.pem}}]
"""
FULL = Isolation("/usr/bin/bwrap")


def test_every_file_with_a_secret_and_our_own_directories_are_hidden(tmp_path: Path) -> None:
    (tmp_path / "a.kubeconfig").write_text(KUBECONFIG)
    settings = Settings(
        data_dir=tmp_path / "data",
        run_dir=tmp_path / "run",
        clusters=(
            ClusterSettings("a", kubeconfig=tmp_path / "a.kubeconfig"),
            ClusterSettings("b", server="https://b", cert_file=tmp_path / "b.pem", key_file=tmp_path / "b.key"),
            ClusterSettings("c", kubeconfig=tmp_path / "absent"),
        ),
        declarations=(DeclarationSource(directory=tmp_path / "declared"),),
        git=GitSettings(credentials=(RepoCredentials("https://git", password=Secret(tmp_path / "token")),)),
        tools=ToolSettings(kustomize=tmp_path / "kustomize", cpu_s=7, processes=9, visible=(tmp_path / "tools",)),
    )

    found = confinement(settings, tmp_path / "work", {"CREDENTIALS_DIRECTORY": str(tmp_path / "given")})

    names = {str(Path(place).relative_to(tmp_path)) for place in found.hidden if place.startswith(str(tmp_path))}
    named = {"a.kubeconfig", "absent", "me.pem", "me.token", "ca.pem", "b.key", "token"}
    assert {"data", "run", "work", "given", "declared"} | named == names
    assert "/elsewhere/me.key" in found.hidden
    assert (7, 9, (str(tmp_path / "tools"),), True) == (found.cpu_s, found.processes, found.visible, found.strict)


@pytest.mark.parametrize(
    ("isolation", "unconfined", "told"),
    [
        (None, False, "no worker has started yet"),
        (Isolation(reason="no bwrap"), False, "plugins and what kustomize_build_options allows are refused; other pro"),
        (Isolation(reason="no bwrap"), True, "programs are kept from nothing: they have the network, and can read and"),
        (Isolation(reason="no bwrap"), False, "workers are kept from neither files nor the network"),
        (Isolation(root=True), True, "what the daemon's user can, as root"),
        (replace(FULL, root=True), False, "no program is run, because gitopsd runs as root"),
        (replace(FULL, root=True), True, "a view, processes and a network of its own, and runs as root"),
    ],
)
def test_what_is_not_granted_is_told_and_keeps_nobody_waiting(
    isolation: Isolation | None,
    unconfined: bool,  # noqa: FBT001 - a parameter of the test
    told: str,
) -> None:
    found = part(isolation, ToolSettings(unconfined=unconfined), (), SHARED, confined=True)

    assert told in found.detail
    assert (False, False) == (found.ready, found.required)


def test_what_each_program_gets_is_told(tmp_path: Path) -> None:
    plugins = (Plugin("one", ["x"], []), Plugin("two", ["x"], [], network=True))

    found = part(FULL, ToolSettings(), plugins, SHARED, confined=True)

    libraries = "workers see no files of others; those that render have the network, for plugins"
    assert (
        f"every program has a view, processes and a network of its own; {libraries}; plugins with the network: two"
        == found.detail
    )
    assert confinement(Settings(data_dir=tmp_path), tmp_path, {}, strict=False).strict is False
    assert not confinement(Settings(tools=ToolSettings(unconfined=True)), tmp_path, {}).strict


@pytest.mark.skipif(not in_memory(SHARED), reason="no file system in memory here")
def test_files_of_renders_go_to_memory_where_there_is_some(tmp_path: Path) -> None:
    there = SHARED / "gitopsd-test"

    assert there == best_place(there)
    found = best_place(tmp_path / "work")
    assert in_memory(found)
    assert found == best_place(tmp_path / "work")
    assert found != best_place(tmp_path / "other")
    assert part(FULL, ToolSettings(), (), found, confined=True).ready
    assert not found.exists()


def test_it_is_told_that_workers_cannot_be_kept_where_programs_would_be_kept_less() -> None:
    found = part(FULL, ToolSettings(), (), SHARED, confined=False)

    assert "Lua and jq see no files and no network; workers that render are kept from neither" in found.detail
    assert not found.ready


def test_a_disk_is_told() -> None:
    assert not in_memory(Path("/proc"))
    assert "their files are on a disk (/proc)" in part(FULL, ToolSettings(), (), Path("/proc"), confined=True).detail
