"""Plugins through workers and the cache: what is kept, and by what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import GitopsError, InvalidManifest, WorkerFailed
from gitopsd.manifests.cache import Cache
from gitopsd.manifests.jobs import RENDER
from gitopsd.manifests.plugins import plugin_from
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.manifests.tools import Tools
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import ToolSettings
from tests.manifests.plugging import script
from tests.manifests.staging import WEB, Stage, cache_on, config_map

PRINTS = 'sed "s/NAME/$(cat name)/" template'
FILES = {"web/template": config_map("NAME"), "web/name": "one", "x": "1"}
BY_NAME = replace(WEB, tool="Plugin", options={"plugin": {"name": "it"}})


def stand(stage: Stage, *plugins: Mapping[str, Any], pool: WorkerPool, cache: Cache, place: Path) -> Stage:
    """Return `stage` with a renderer that has `plugins`."""
    renderer = ClosureRenderer(
        pool,
        cache,
        lambda _url: str(stage.repo.path),
        work_dir=place / "work",
        plugins=[plugin_from(plugin) for plugin in plugins],
    )
    return replace(stage, renderer=renderer)


async def test_a_plugins_render_is_kept_until_what_it_may_read_or_itself_changes(stage: Stage, tmp_path: Path) -> None:
    jobs: Counter[str] = Counter()
    pool = WorkerPool(1, JobLimits(deadline_s=20), on_job=lambda job, _s, _o: jobs.update([job]))
    one, cues = script(PRINTS, "it", variables=""), script(PRINTS, "cues", variables="")
    cues["spec"]["discover"] = {"fileName": "name"}
    async with pool, cache_on(stage.server) as cache:
        given: dict[str, Any] = {"pool": pool, "cache": cache, "place": tmp_path}
        first = stand(stage, one, **given)
        assert ["one"] == await first.names(stage.commit(FILES), BY_NAME)
        assert ["one"] == await first.names(stage.commit({"x": "2"}), BY_NAME)
        assert 1 == jobs[RENDER]

        assert ["two"] == await first.names(stage.commit({"web/name": "two"}), BY_NAME)
        assert ["two"] == await first.names(stage.commit({"web/other": "not read"}), BY_NAME)
        assert 3 == jobs[RENDER]

        later = stage.commit({"web/kustomization.yaml": "resources: []"})
        second = stand(stage, one, cues, **given)  # an operator adds one, which finds the directory before Kustomize
        assert ["two"] == await second.names(later)
        assert ["two"] == await second.names(later, BY_NAME)
        assert 5 == jobs[RENDER]


async def test_a_plugin_that_may_know_the_revision_is_asked_at_each(stage: Stage, tmp_path: Path) -> None:
    jobs: Counter[str] = Counter()
    pool = WorkerPool(1, JobLimits(deadline_s=20), on_job=lambda job, _s, _o: jobs.update([job]))
    async with pool, cache_on(stage.server) as cache:
        there = stand(stage, script(PRINTS, "it"), pool=pool, cache=cache, place=tmp_path)
        for _ in range(2):
            assert ["one"] == await there.names(stage.commit({**FILES, "x": str(jobs)}), BY_NAME)
    assert 2 == jobs[RENDER]


async def test_a_refusal_is_kept_with_its_closure_and_a_kill_is_not(stage: Stage, tmp_path: Path) -> None:
    jobs: Counter[str] = Counter()
    pool = WorkerPool(1, JobLimits(deadline_s=20), on_job=lambda job, _s, _o: jobs.update([job]))
    revision = stage.commit(FILES)
    async with pool, cache_on(stage.server) as cache:

        async def twice(text: str, error: type[GitopsError]) -> int:
            before = jobs[RENDER]
            for _ in range(2):  # another renderer knows only what the cache does: not that an input rests
                there = stand(stage, script(text, "it", variables=""), pool=pool, cache=cache, place=tmp_path)
                with pytest.raises(error):
                    await there.names(revision, BY_NAME)
            return jobs[RENDER] - before

        assert 1 == await twice("exit 1", InvalidManifest)
        assert 2 == await twice("kill -9 $$", WorkerFailed)


async def test_every_program_of_a_plugin_counts_by_its_content(tmp_path: Path) -> None:
    plugin = script("true", "it")
    programs = {name: tmp_path / name for name in ("init", "find", "dynamic")}
    for program in programs.values():
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    commands = {name: {"command": [str(program)]} for name, program in programs.items()}
    plugin["spec"] |= {"init": commands["init"], "discover": {"find": commands["find"]}}
    plugin["spec"]["parameters"] = {"dynamic": commands["dynamic"]}
    tools = Tools(ToolSettings(), tmp_path, [plugin_from(plugin)])
    seen = {await tools.identity()}

    for program in programs.values():
        program.write_text("#!/bin/sh\n# another\n")
        seen.add(await tools.identity())

    assert 4 == len(seen)
