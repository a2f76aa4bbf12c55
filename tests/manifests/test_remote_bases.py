"""Bases in other repositories: fetched and lent by us, built from a copy, and in the closure."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import GitopsError, InvalidManifest, NotPermitted, NotSupported, RevisionNotFound
from gitopsd.git.epoch import Epoch, read_refs
from gitopsd.manifests import jobs
from gitopsd.manifests.remote_bases import RemoteBaseRenderer
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.ports import Resolved
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import ToolSettings
from tests.fakes.entries import FakeEntries
from tests.gitserver import Repo
from tests.manifests.staging import config_map

OWN, BASE, MORE, SECRET = (
    RepoUrl(f"https://git.example/{name}") for name in ("own/app", "bases/a", "bases/b", "other/x")
)
WEB = Source(OWN, path="web")
OVERLAY = "resources: ['{}?ref={}']\nnamePrefix: own-\n"


@dataclass
class World:
    """Repositories by their URLs, and a renderer that is lent what it asks for."""

    place: Path
    repos: dict[RepoUrl, Repo] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def commit(self, url: RepoUrl, files: dict[str, str]) -> Revision:
        repo = self.repos.setdefault(url, Repo(self.place / f"{len(self.repos)}.git"))
        return Revision(repo.commit(files))

    async def want(self, repo: RepoUrl, name: str) -> Resolved:
        """Resolve as `git.Repositories` does."""
        self.asked.append((repo, name))
        there = self.repos[repo].git
        listing = "\n".join(f"{ref} {there.references[ref].target} commit  " for ref in there.references)
        found = Epoch(0, 0.0, read_refs(listing.encode(), lambda _: None)).named(name)
        found = found or (name if "/" not in name and name in there else None)
        if not found:
            raise RevisionNotFound(f"{repo} has no {name}", remedy="push it")
        return Resolved(Revision(found), 0, 0.0)


@dataclass
class Stage:
    world: World
    bases: RemoteBaseRenderer
    jobs: Counter[str]

    async def names(self, revision: Revision) -> list[str]:
        found = await self.bases.render(AppName("web"), WEB, revision)
        return [each["metadata"]["name"] for each in found.manifests]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    world, counted = World(tmp_path), Counter[str]()
    tools = ToolSettings(kustomize_remote_bases=("https://git.example/bases", "https://git.example/other"))
    async with WorkerPool(1, JobLimits(), on_job=lambda job, _seconds, _outcome: counted.update([job])) as pool:
        mirror: Any = lambda url: str(world.repos[url].path)  # noqa: E731 - a port of one line
        renderer = ClosureRenderer(pool, FakeEntries(), mirror, work_dir=tmp_path / "work", tools=tools)
        yield Stage(world, RemoteBaseRenderer(renderer, world, lambda _, other: other != SECRET), counted)


async def test_a_base_at_a_tag_is_built_and_a_moved_tag_renders_anew(stage: Stage) -> None:
    world = stage.world
    world.commit(BASE, {"x/kustomization.yaml": "resources: [a.yaml]\n", "x/a.yaml": config_map("a"), "y": "1"})
    world.repos[BASE].tag("v1")
    own = world.commit(OWN, {"web/kustomization.yaml": OVERLAY.format(f"{BASE}//x", "v1")})

    assert ["own-a"] == await stage.names(own)
    assert {(BASE, "refs/tags/v1")} == set(world.asked)
    assert frozenset({BASE}) == stage.bases.repositories(lambda _: True)
    renders = stage.jobs[jobs.RENDER]

    world.commit(BASE, {"y": "2"})
    world.repos[BASE].tag("v1")  # moved, and nothing that was read changed
    assert ["own-a"] == await stage.names(own)
    assert renders == stage.jobs[jobs.RENDER]

    world.commit(BASE, {"x/a.yaml": config_map("b")})
    world.repos[BASE].tag("v1")
    assert ["own-b"] == await stage.names(own)
    assert renders + 1 == stage.jobs[jobs.RENDER]


async def test_a_base_may_take_one_from_a_third_repository_by_its_commit(stage: Stage) -> None:
    world = stage.world
    third = world.commit(
        MORE, {"kustomization.yaml": "resources: [c.yaml]\nnameSuffix: -c\n", "c.yaml": config_map("c")}
    )
    world.commit(BASE, {"kustomization.yaml": f"components: []\nresources: [own, '{MORE}.git?ref={third}']\n"})
    world.commit(BASE, {"own/kustomization.yaml": "resources: [d.yaml]\n", "own/d.yaml": config_map("d")})
    world.repos[RepoUrl(f"{MORE}.git")] = world.repos[MORE]
    world.repos[BASE].tag("v1")
    own = world.commit(OWN, {"web/kustomization.yaml": OVERLAY.format(f"{BASE}//.", "v1")})

    assert {"own-c-c", "own-d"} == set(await stage.names(own))


async def test_a_base_that_is_no_longer_taken_is_no_longer_fetched(stage: Stage) -> None:
    world = stage.world
    world.commit(BASE, {"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": config_map("a")})
    world.repos[BASE].tag("v1")
    await stage.names(world.commit(OWN, {"web/kustomization.yaml": OVERLAY.format(f"{BASE}//", "v1")}))
    world.repos[BASE].git.references.delete("refs/tags/v1")

    own = world.commit(OWN, {"web/kustomization.yaml": "resources: [m.yaml]\n", "web/m.yaml": config_map("m")})

    assert ["m"] == await stage.names(own)
    assert frozenset() == stage.bases.repositories(lambda _: True)


async def test_bases_of_an_application_that_is_gone_are_no_longer_polled(stage: Stage) -> None:
    world = stage.world
    world.commit(BASE, {"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": config_map("a")})
    world.repos[BASE].tag("v1")
    await stage.names(world.commit(OWN, {"web/kustomization.yaml": OVERLAY.format(f"{BASE}//", "v1")}))

    assert frozenset({BASE}) == stage.bases.repositories(lambda name: name == "web")
    assert frozenset() == stage.bases.repositories(lambda name: name != "web")
    assert frozenset() == stage.bases.repositories(lambda _: True), "it is forgotten"


REFUSED: dict[str, tuple[str, type[GitopsError], str]] = {
    "a repository that is not allowed": (
        "https://git.example/elsewhere//x?ref=v1",
        NotSupported,
        "kustomize_remote_bases",
    ),
    "a prefix that is only like one": ("https://git.example/bases-2/a//x?ref=v1", NotSupported, "outside of the repo"),
    "a file over HTTP": ("https://git.example/bases/a.yaml", NotSupported, "no files"),
    "no revision": (f"{BASE}//x", InvalidManifest, "without a revision"),
    "a branch": (f"{BASE}//x?ref=main", RevisionNotFound, "refs/tags/main"),
    "other credentials": (f"{SECRET}//x?ref=v1", NotPermitted, "opened by other credentials"),
    "a path out of it": (f"{BASE}//../../x?ref=v1", NotSupported, "outside of the repository"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_may_not_be_fetched_is_refused(stage: Stage, case: str) -> None:
    text, kind, words = REFUSED[case]
    for url in (BASE, SECRET):
        stage.world.commit(url, {"x/kustomization.yaml": "resources: []\n"})
        stage.world.repos[url].tag("v1")
    own = stage.world.commit(OWN, {"web/kustomization.yaml": f"resources: ['{text}']\n"})

    with pytest.raises(kind, match=words):
        await stage.names(own)
