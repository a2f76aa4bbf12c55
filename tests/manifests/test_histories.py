"""Whatever happens to a repository, the cache gives what a fresh render gives, and renders what changed alone."""

from __future__ import annotations

import asyncio
import importlib
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitopsd.errors import GitopsError
from gitopsd.manifests import jobs
from gitopsd.manifests.entries import Entries, NoEntries
from gitopsd.manifests.plugins import Plugin
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.ports import Lent, Workers
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import ToolSettings
from tests.fakes.entries import FakeEntries
from tests.gitserver import Repo
from tests.manifests import modeltree
from tests.manifests.kustomizing import PROGRAM
from tests.manifests.modeltree import LINK, Nodes

SOAK = bool(os.environ.get("GITOPSD_SOAK"))
REAL = "gitopsd.git.tree:open_tree"
MODEL = "tests.manifests.modeltree:opened"
URL = RepoUrl("https://git.example/fleet")
WHERE = {"repoURL": URL}
STEPS = 6  # with the first one; as many closures are remembered of one source


def source(path: str, **blocks: Any) -> Source:
    tool = next((name.capitalize() for name in blocks), "")
    return Source(URL, path=path, tool=tool, options={**WHERE, "path": path, **blocks})


VALUES = {"valueFiles": ["a.yaml", "/values/*.yaml", "$more/docs/values.yaml"], "ignoreMissingValueFiles": True}
JSONNET = {"jsonnet": {"libs": ["lib", "vendor"], "extVars": [{"name": "n", "value": "n"}]}}
APPS: Mapping[str, Sequence[Source]] = {
    "plain": [source("apps/plain")],
    "twin": [source("apps/plain")],
    "deep": [source("apps", directory={"recurse": True, "include": "{plain,over}/*.yaml", "exclude": "**/k*"})],
    "over": [source("apps/over")],
    "named": [source("apps/over", kustomize={"namePrefix": "named-"})],
    "json": [source("apps/json", directory=JSONNET)],
    "chart": [source("chart", helm=VALUES), Source(URL, path="", ref="more")],
    "both": [source("base"), source("apps/json", directory=JSONNET)],
    "plug": [source("apps/plug", plugin={"name": "all"})],
}
# It prints what it sees: its own directory, and what it may read beside that.
PRINTS = (
    'for file in *.yaml sub/* ../../base/x.yaml; do test -f "$file" && printf -- "\n---\n" && cat "$file"; done; true'
)
PLUGIN = Plugin("all", ["sh", "-c", PRINTS], [], reads=["../../base"], variables=[])


def config_map(name: str, **data: str) -> str:
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    return orjson.dumps(found).decode()


def kustomization(*resources: str, **more: Any) -> str:
    return orjson.dumps({"resources": resources, **more}).decode()


FILES: Mapping[str, Sequence[str]] = {  # path → what may stand there
    "apps/plain/a.yaml": [config_map("a"), config_map("a", more="yes"), "# nothing\n", "a: ["],
    "apps/plain/sub/c.yaml": [config_map("c")],
    "apps/plain/a.json": [config_map("j"), "{}"],
    "apps/over/kustomization.yaml": [
        kustomization("../../base", "x.yaml"),
        kustomization("../../base", configMapGenerator=[{"name": "g", "envs": ["values.env"]}]),
        kustomization("../../base/x.yaml"),
        kustomization("x.yaml", components=["../../component"], patches=[{"path": "../../base/patch.yaml"}]),
        "resources: 7",
    ],
    "apps/over/Kustomization": [kustomization("x.yaml")],
    "apps/over/x.yaml": [config_map("x"), config_map("x", v="2")],
    "apps/over/values.env": ["k=1\n", "k=2\n"],
    "apps/over/.argocd-source.yaml": ["kustomize: {nameSuffix: -all}", "directory: {recurse: true}"],
    "apps/over/.argocd-source-named.yaml": ["kustomize: {namespace: theirs}", "kustomize: []"],
    "base/kustomization.yaml": [kustomization("x.yaml"), kustomization("part"), kustomization("../apps/over")],
    "base/x.yaml": [config_map("base"), config_map("base", v="2")],
    "base/part": [config_map("part")],
    "base/part/kustomization.yaml": [kustomization(configMapGenerator=[{"name": "p", "literals": ["a=b"]}])],
    "component/kustomization.yaml": [
        kustomization(apiVersion="kustomize.config.k8s.io/v1alpha1", kind="Component", namePrefix="c-")
    ],
    "apps/json/main.jsonnet": ["import 'x.libsonnet'", "(import 'x.libsonnet') + {data: {t: importstr 't.txt'}}"],
    "apps/json/x.libsonnet": ["import '../../lib/x.libsonnet'"],
    "apps/json/t.txt": ["text"],
    "lib/x.libsonnet": [config_map("lib"), f"{config_map('lib')} + {{data: {{n: std.extVar('n')}}}}"],
    "vendor/x.libsonnet": [config_map("vendor")],
    "vendor/t.txt": ["theirs"],
    "lib": ["a file"],
    "apps/plug/p.yaml": [config_map("p"), config_map("p", v="2")],
    "apps/plug/notes.txt": ["one", "two"],
    "apps/plug/sub/q.yaml": [config_map("q"), "a: ["],
    "apps/plug/sub": [config_map("s")],
    "chart/Chart.yaml": ["{apiVersion: v2, name: chart, version: 1.0.0}", "name: ["],
    "chart/templates/x.yaml": [config_map("{{ .Release.Name }}", v="{{ .Values.v }}"), "{{ fail .Values.v }}"],
    "chart/values.yaml": ["v: own"],
    "chart/a.yaml": ["v: a", "- v"],
    "values/b.yaml": ["v: b"],
    "values/c.yaml": ["v: c", "v: null"],
    "docs/values.yaml": ["v: theirs"],
    "docs/readme.md": ["one", "two", "three"],
}
PLACES = sorted(
    {
        *FILES,
        "apps/plain",
        "apps/over",
        "apps/json",
        "apps/plug",
        "base",
        "lib",
        "vendor",
        "component",
        "chart",
        "values",
    }
)
TARGETS = [
    "../base",
    "../lib",
    "../vendor/../base/x.yaml",
    "x.yaml",
    "../../lib",
    "../apps/plain",
    "nowhere",
    "../../..",
]
NOT_FIRST = ("base/part", "lib", "apps/over/Kustomization", "apps/plug/sub")
FIRST = {path: texts[0] for path, texts in FILES.items() if path not in NOT_FIRST}

PUT = st.sampled_from([(path, text) for path, texts in FILES.items() for text in texts])
CHANGES = st.one_of(
    PUT.map(lambda one: ("write", *one)),
    PUT.map(lambda one: ("write", *one)),
    st.tuples(st.just("link"), st.sampled_from(PLACES), st.sampled_from(TARGETS)),
    st.tuples(st.just("move"), st.sampled_from(PLACES), st.sampled_from(PLACES)),
    st.tuples(st.just("remove"), st.sampled_from(PLACES), st.just("")),
    st.tuples(st.just("back"), st.just(""), st.just("")),
)
HISTORIES = st.lists(st.lists(CHANGES, min_size=1, max_size=3), min_size=1, max_size=STEPS - 1)
Change = tuple[str, str, str]


def changed(nodes: Nodes, changes: Sequence[Change], first: Nodes) -> Nodes:
    result = dict(nodes)
    for kind, path, text in changes:
        if kind == "write":
            modeltree.write(result, path, text)
        elif kind == "link":
            modeltree.write(result, path, LINK + text)
        elif kind == "move" and not text.startswith(f"{path}/"):
            modeltree.move(result, path, text)
        elif kind == "remove":
            modeltree.remove(result, path)
        elif kind == "back":
            result = dict(first)
    return result


@dataclass
class Inline:
    """`ports.Workers` in this process; every render is told of."""

    keys: set[str] = field(default_factory=set)  # of all renders so far: one for each set of inputs

    async def call(self, job: str, *args: Any, deadline_s: float | None = None) -> Any:
        module, _, name = job.partition(":")
        function = getattr(importlib.import_module(module), name)
        answer = orjson.loads(orjson.dumps(function(*orjson.loads(orjson.dumps(args)))))
        self.keys.add(answer["key"])
        return answer


@dataclass
class Kitchen:
    """A cached renderer over a repository, and beside it fresh ones over the same files as a mapping."""

    place: Path
    pool: WorkerPool
    jobs: Counter[str]
    entries: FakeEntries = field(default_factory=FakeEntries)
    inline: Inline = field(default_factory=Inline)

    def __post_init__(self) -> None:
        self.repo = Repo(self.place / "fleet.git")
        # Small, so that it is soon known by its content.
        self.program = self.place / Path(PROGRAM).name
        self.program.write_text(f'#!/bin/sh\nexec {PROGRAM} "$@"\n')
        self.program.chmod(0o755)
        self.renderer = self.another()

    def another(self) -> ClosureRenderer:
        """Return the renderer of another daemon with the same cache."""
        return self._renderer(self.pool, self.entries, str(self.repo.path), REAL)

    def _renderer(self, workers: Workers, entries: Entries, mirror: str, opener: str) -> ClosureRenderer:
        tools = ToolSettings(kustomize=self.program)
        work_dir = self.place / "work" / opener
        return ClosureRenderer(
            workers, entries, lambda _: mirror, work_dir=work_dir, opener=opener, tools=tools, plugins=[PLUGIN]
        )

    def commit(self, nodes: Nodes) -> Revision:
        links = {path: text.removeprefix(LINK) for path, text in nodes.items() if text.startswith(LINK)}
        files = {path: text for path, text in nodes.items() if not text.startswith(LINK)}
        return Revision(self.repo.rewrite(files, links=links))

    async def cached(self, renderer: ClosureRenderer, revision: Revision) -> tuple[bytes, int]:
        """Return what each application renders to, and how many renders that took."""
        before = self.jobs[jobs.RENDER]
        found = {app: [await outcome(renderer, app, each, revision) for each in rendered(app)] for app in APPS}
        return orjson.dumps(found), self.jobs[jobs.RENDER] - before

    async def fresh(self, nodes: Nodes) -> tuple[bytes, int]:
        """Return the same by renders that know nothing of each other, and how many have inputs not seen before."""
        modeltree.TREES["now"] = nodes
        before = len(self.inline.keys)
        found = {app: [await self._fresh(app, each) for each in rendered(app)] for app in APPS}
        return orjson.dumps(found), len(self.inline.keys) - before

    async def _fresh(self, app: str, source: Source) -> Any:
        renderer = self._renderer(self.inline, NoEntries(), "now", MODEL)
        return await outcome(renderer, app, source, Revision("0" * 40))


def rendered(app: str) -> list[Source]:
    return [each for each in APPS[app] if each.gives_manifests]


async def outcome(renderer: ClosureRenderer, app: str, source: Source, revision: Revision) -> Any:
    lent = [Lent(each, revision) for each in APPS[app] if each.ref]
    try:
        found = await renderer.render(AppName(app), source, revision, {"ARGOCD_APP_NAME": app}, lent)
    except GitopsError as err:
        return [type(err).__name__, err.what]
    return list(found.manifests)


async def live_through(history: Sequence[Sequence[Change]], pool: WorkerPool, counted: Counter[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        kitchen = Kitchen(Path(place), pool, counted)
        nodes = dict(FIRST)
        for changes in ((), *history):
            nodes = changed(nodes, changes, FIRST)
            revision = kitchen.commit(nodes)
            expected, new = await kitchen.fresh(nodes)
            for renderer, renders in ((kitchen.renderer, new), (kitchen.another(), 0)):
                assert (expected, renders) == await kitchen.cached(renderer, revision)


def test_the_cache_gives_what_a_fresh_render_gives_and_renders_what_changed_alone() -> None:
    counted: Counter[str] = Counter()
    pool = WorkerPool(1, JobLimits(deadline_s=60), on_job=lambda job, _seconds, _outcome: counted.update([job]))

    with asyncio.Runner() as runner:

        @settings(
            max_examples=1000 if SOAK else 5,
            deadline=None,
            derandomize=not SOAK,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(HISTORIES)
        def lives(history: list[list[Change]]) -> None:
            runner.run(live_through(history, pool, counted))

        try:
            lives()
        finally:
            runner.run(pool.__aexit__())
