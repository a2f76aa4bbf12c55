"""The whole of stage 2, on a real repository, real workers and a real redis-server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gitopsd.errors import InvalidManifest, PathNotFound, RevisionNotFound, WorkerFailed, WorkerStopped
from gitopsd.manifests.closure import LookedUp
from gitopsd.manifests.entries import NoEntries
from gitopsd.manifests.jobs import LOOK_UP, RENDER
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import RenderSettings
from tests.gitserver import Repo
from tests.manifests.staging import SHOP, WEB, Stage, cache_on, config_map
from tests.redisserver import redis_server


async def test_files_become_manifests_in_order_with_their_origins(stage: Stage) -> None:
    revision = stage.commit(
        {"web/b.yaml": config_map("b1") + "---\n" + config_map("b2"), "web/a.yml": config_map("a"), "web/c.txt": "no"}
    )

    rendered = await stage.renderer.render(SHOP, WEB, revision)

    assert ["a", "b1", "b2"] == [manifest["metadata"]["name"] for manifest in rendered.manifests]
    assert ("web/a.yml:1", "web/b.yaml:1", "web/b.yaml:7") == rendered.origins
    assert ("Directory", ()) == (rendered.source_type, rendered.warnings)


async def test_a_commit_elsewhere_costs_no_render(stage: Stage) -> None:
    first = stage.commit({"web/a.yaml": config_map("a"), "other/x.yaml": config_map("x")})
    await stage.names(first)

    second = stage.commit({"other/x.yaml": config_map("y"), "other/z.yaml": config_map("z")})

    assert ["a"] == await stage.names(second)
    assert {RENDER: 1, LOOK_UP: 1} == stage.jobs
    assert {"miss": 1, "verified": 1} == stage.outcomes
    await stage.names(second)
    assert {"miss": 1, "verified": 1, "hit": 1} == stage.outcomes


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"web/a.yaml": config_map("changed")}, ["changed"]),
        ({"web/new.yaml": config_map("new")}, ["a", "new"]),
        ({"web/a.yaml": None, "web/z.yaml": config_map("z")}, ["z"]),
    ],
)
async def test_a_commit_to_what_was_read_is_rendered(
    stage: Stage, change: Mapping[str, str | None], names: list[str]
) -> None:
    await stage.names(stage.commit({"web/a.yaml": config_map("a")}))

    assert names == await stage.names(stage.commit(change))
    assert 2 == stage.jobs[RENDER]


async def test_the_way_back_costs_no_render(stage: Stage) -> None:
    for text in ("a", "b", "a", "b"):
        assert [text] == await stage.names(stage.commit({"web/a.yaml": config_map(text)}))

    assert 2 == stage.jobs[RENDER]


async def test_applications_with_one_source_share_one_render(stage: Stage) -> None:
    revision = stage.commit({"web/a.yaml": config_map("a")})

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(stage.names(revision, app=AppName(f"app-{number}")))

    assert 1 == stage.jobs[RENDER]
    assert 20 == len(stage.closures)


async def test_a_cancelled_render_does_not_cancel_those_who_wait_for_it(stage: Stage) -> None:
    revision = stage.commit({"web/a.yaml": config_map("a")})

    async with asyncio.TaskGroup() as group:
        first, second = (group.create_task(stage.names(revision)) for _ in range(2))
        await asyncio.sleep(0.01)  # both are under way
        first.cancel()

    assert ["a"] == second.result()


async def test_sources_that_differ_in_options_share_nothing(stage: Stage) -> None:
    revision = stage.commit({"web/a.yaml": config_map("a"), "web/deep/b.yaml": config_map("b")})

    assert ["a"] == await stage.names(revision)
    assert ["a", "b"] == await stage.names(revision, replace(WEB, options={"directory": {"recurse": True}}))
    excluding = {"directory": {"recurse": True, "exclude": "{a,c}.yaml"}}
    assert ["b"] == await stage.names(revision, replace(WEB, options=excluding))
    assert ["a"] == await stage.names(revision, replace(WEB, repo_url=RepoUrl("https://git.example/fork")))
    assert 4 == stage.jobs[RENDER]


async def test_the_closure_tells_where_a_source_looks(stage: Stage) -> None:
    await stage.names(stage.commit({"web/a.yaml": config_map("a"), "web/sub/b.yaml": config_map("b")}))

    assert ("file:web/a.yaml", "list:web") == stage.closures[SHOP]


async def test_an_error_of_the_files_is_remembered_and_so_is_where_it_looked(stage: Stage) -> None:
    broken = stage.commit({"web/a.yaml": "{apiVersion: v1, metadata: {}, kind: [", "x": "1"})
    with pytest.raises(InvalidManifest, match=r"web/a.yaml:2"):
        await stage.names(broken)
    assert ("file:web/a.yaml", "list:web") == stage.closures[SHOP]

    with pytest.raises(InvalidManifest, match=r"web/a.yaml:2"):
        await stage.names(stage.commit({"x": "2"}))
    assert 1 == stage.jobs[RENDER]

    assert ["a"] == await stage.names(stage.commit({"web/a.yaml": config_map("a")}))


async def test_a_path_that_is_missing_is_found_once_it_is_there(stage: Stage) -> None:
    missing = stage.commit({"x": "1"})
    with pytest.raises(PathNotFound, match="web is no directory"):
        await stage.names(missing)
    assert ("list:web",) == stage.closures[SHOP]

    assert ["a"] == await stage.names(stage.commit({"web/a.yaml": config_map("a")}))


async def test_a_file_that_breaks_its_worker_fails_that_application_alone(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "fleet.git")
    greedy = "[" + "{}," * 300_000 + "]"
    revision = Revision(repo.commit({"web/a.yaml": greedy, "ok/a.yaml": config_map("a")}))
    closures: list[tuple[str, LookedUp | None]] = []
    limits = JobLimits(data_bytes=40 << 20, deadline_s=20)
    async with redis_server() as server, cache_on(server) as cache, WorkerPool(1, limits) as pool:
        renderer = ClosureRenderer(
            pool,
            cache,
            lambda _url: str(repo.path),
            work_dir=tmp_path / "work",
            on_closure=lambda app, _source, looked_up: closures.append((app, looked_up)),
        )
        with pytest.raises(WorkerFailed, match=r"https://git.example/fleet web: "):
            await renderer.render(SHOP, WEB, revision)
        other = await renderer.render(AppName("other"), replace(WEB, path="ok"), revision)

    assert 1 == len(other.manifests)
    assert [("shop", None), ("other", ("file:ok/a.yaml", "list:ok"))] == closures


async def test_a_failed_worker_is_not_remembered(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "fleet.git")
    revision = Revision(repo.commit({"web/a.yaml": config_map("a")}))
    async with redis_server() as server, cache_on(server) as cache:
        async with WorkerPool(1, JobLimits(deadline_s=0.000_001)) as slow:
            renderer = ClosureRenderer(slow, cache, lambda _url: str(repo.path), work_dir=tmp_path)
            with pytest.raises(WorkerFailed, match=r"https://git.example/fleet web: .*took more than"):
                await renderer.render(SHOP, WEB, revision)

        async with WorkerPool(1) as pool:
            renderer = ClosureRenderer(pool, cache, lambda _url: str(repo.path), work_dir=tmp_path)
            assert 1 == len((await renderer.render(SHOP, WEB, revision)).manifests)


async def test_what_had_to_be_stopped_rests_until_it_is_another(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "fleet.git")
    revision = Revision(repo.commit({"web/a.yaml": config_map("a")}))
    outcomes: list[str] = []
    limits = JobLimits(deadline_s=0.000_001)
    async with WorkerPool(1, limits, on_job=lambda _job, _seconds, outcome: outcomes.append(outcome)) as slow:
        renderer = ClosureRenderer(slow, NoEntries(), lambda _url: str(repo.path), work_dir=tmp_path)
        for _ in range(3):
            with pytest.raises(WorkerStopped, match=r"https://git.example/fleet web: .*took more than"):
                await renderer.render(SHOP, WEB, revision)
        assert ["deadline"] == outcomes

        changed = Revision(repo.commit({"web/a.yaml": config_map("b")}))
        async with asyncio.timeout(60):
            while len(outcomes) == 1:  # it rests as long as the last try took, not a minute
                with pytest.raises(WorkerStopped, match="took more than"):
                    await renderer.render(SHOP, WEB, changed)

    assert ["deadline"] * 2 == outcomes


async def test_another_daemon_finds_what_this_one_rendered(stage: Stage) -> None:
    revision = stage.commit({"web/a.yaml": config_map("a")})
    await stage.names(revision)

    async with cache_on(stage.server) as cache, WorkerPool(1) as pool:
        outcomes: list[str] = []
        other = ClosureRenderer(
            pool,
            cache,
            lambda _url: str(stage.repo.path),
            work_dir=stage.repo.path,
            on_render=lambda outcome, _: outcomes.append(outcome),
        )
        await other.render(SHOP, WEB, revision)

    assert ["verified"] == outcomes


async def test_other_limits_do_not_get_what_these_allowed(stage: Stage) -> None:
    revision = stage.commit({"web/a.yaml": config_map("a")})
    await stage.names(revision)

    async with cache_on(stage.server) as cache, WorkerPool(1) as pool:
        limits = RenderSettings(max_bytes=10)
        mirror = stage.repo.path
        strict = ClosureRenderer(pool, cache, lambda _url: str(mirror), work_dir=mirror, limits=limits)
        with pytest.raises(InvalidManifest, match="more than the 10"):
            await strict.render(SHOP, WEB, revision)


async def test_without_redis_everything_is_rendered_all_the_same(stage: Stage) -> None:
    revision = stage.commit({"web/a.yaml": config_map("a")})
    await stage.names(revision)
    await stage.server.stop()

    assert ["b"] == await stage.names(stage.commit({"web/a.yaml": config_map("b")}))
    assert 2 == stage.jobs[RENDER]


async def test_a_revision_that_is_not_there_is_an_error_and_nothing_older_is_used(stage: Stage) -> None:
    await stage.names(stage.commit({"web/a.yaml": config_map("a")}))

    with pytest.raises(RevisionNotFound):
        await stage.names(Revision("0" * 40))


async def test_an_explicit_directory_is_read_as_one_whatever_else_is_there(stage: Stage) -> None:
    revision = stage.commit({"web/a.yaml": config_map("a"), "web/Chart.yaml": "# +argocd:skip-file-rendering"})

    assert ["a"] == await stage.names(revision, replace(WEB, options={"directory": {}}))
