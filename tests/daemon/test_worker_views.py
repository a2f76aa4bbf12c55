"""What the workers see that read tenants' texts: docs/security.md."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gitopsd.daemon import worker_views
from gitopsd.daemon.sandbox_policy import confinement
from gitopsd.errors import WorkerFailed
from gitopsd.manifests.plugins import Plugin
from gitopsd.runtime.isolation import WorkerView, granted
from gitopsd.runtime.workers import WorkerPool
from gitopsd.settings import KustomizeVersion, Settings, SopsSettings, ToolSettings

needs_bubblewrap = pytest.mark.skipif(
    not granted().bubblewrap, reason=f"no sandbox on this machine: {granted().reason}"
)
TREE = Path(__file__).parent.parent.parent
WRITE = "tests.runtime.jobs:write"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings whose directories have what a daemon keeps there."""
    for name in ("data/git/mirror/HEAD", "data/store.db", "run/key", "work/file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("hush")
    return Settings(
        data_dir=tmp_path / "data", run_dir=tmp_path / "run", tools=ToolSettings(visible=(TREE, tmp_path / "data"))
    )


def renderers(settings: Settings, *plugins: Plugin) -> WorkerPool:
    work = settings.run_dir.parent / "work"
    confined = confinement(settings, work, {})
    return WorkerPool(1, confinement=confined, view=worker_views.of_renderers(settings, confined, plugins, work, {}))


@needs_bubblewrap
async def test_renderers_read_mirrors_write_their_place_and_see_nothing_else_of_ours(settings: Settings) -> None:
    data, run, work = settings.data_dir, settings.run_dir, settings.run_dir.parent / "work"
    async with renderers(settings) as pool:
        assert ["HEAD"] == await pool.call("os:listdir", f"{data}/git/mirror")
        await pool.call(WRITE, f"{work}/new", 1)
        with pytest.raises(WorkerFailed, match="Read-only"):
            await pool.call(WRITE, f"{data}/git/mirror/HEAD", 1)
        for place in (data / "store.db", run / "key"):
            with pytest.raises(WorkerFailed, match="FileNotFoundError"):
                await pool.call("os:stat", str(place))

    assert {"file", "new"} == {each.name for each in work.iterdir()}


@needs_bubblewrap
async def test_renderers_have_no_network_but_for_plugins_that_have_it(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with renderers(settings, Plugin("one", ["x"], [])) as pool:
            with pytest.raises(WorkerFailed, match="ConnectionRefusedError"):
                await pool.call("socket:create_connection", server.getsockname())
        async with renderers(settings, Plugin("one", ["x"], [], network=True)) as pool:
            with pytest.raises(WorkerFailed, match="not JSON serializable"):  # it has one
                await pool.call("socket:create_connection", server.getsockname())


@needs_bubblewrap
async def test_unpackers_write_to_mirrors_and_see_nothing_else(settings: Settings) -> None:
    view = worker_views.of_unpackers(settings, confinement(settings, settings.run_dir.parent / "work", {}))
    async with WorkerPool(1, view=view) as pool:
        await pool.call("os:mkdir", f"{settings.data_dir}/git/new")
        for place in (
            settings.data_dir / "store.db",
            settings.run_dir,
            settings.run_dir.parent / "work",
            TREE / "tests",
        ):
            with pytest.raises(WorkerFailed, match="FileNotFoundError"):
                await pool.call("os:stat", str(place))

    assert (settings.data_dir / "git" / "new").is_dir()


def test_renderers_see_every_program_that_a_source_may_need(tmp_path: Path) -> None:
    names = ["kubectl", "sops", "tool"]
    for name in names:
        (tmp_path / name).touch(mode=0o755)
    settings = Settings(
        sops=SopsSettings(program=Path("/a/sops")),
        tools=ToolSettings(
            kustomize=Path("/a/kustomize"),
            kustomize_versions=(KustomizeVersion("v4", Path("/b/kustomize")),),
            kustomize_build_options="--enable-helm --helm-command=/c/helm",
        ),
    )
    confined = confinement(settings, tmp_path, {})

    found = worker_views.of_renderers(
        settings, confined, (Plugin("one", ["tool"], ["absent"]),), tmp_path, {"PATH": str(tmp_path)}
    )

    given = {"/a/sops", "/a/kustomize", "/b/kustomize", "/c/helm"}
    assert given | {str(tmp_path / name) for name in names} == set(found.programs)
    assert found.nests
    assert WorkerView().network is False
