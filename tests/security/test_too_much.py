"""Sources that ask for more than anybody has, or for no end: cases 9 and 11 to 14 of docs/security.md."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from aiohttp import web

from gitopsd.errors import (
    GitopsError,
    InvalidDeclaration,
    InvalidManifest,
    RepositoryTooLarge,
    RepositoryUnreachable,
    WorkerStopped,
)
from gitopsd.git.repositories import Repositories
from gitopsd.manifests.entries import NoEntries
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.application import HelmOptions, HelmParameter, Source
from gitopsd.model.ids import RepoUrl, Revision
from gitopsd.oci.archive import files
from gitopsd.runtime.workers import WorkerPool
from gitopsd.settings import ChartSettings, GitSettings, OciSettings
from tests.git.conftest import World
from tests.gitserver import Repo
from tests.manifests.charting import Harbour, chart_yaml
from tests.manifests.kustomizing import Kitchen
from tests.manifests.staging import SHOP, WEB, config_map
from tests.oci.archive import LIMITS, entry
from tests.registry import tar

FINE = {"fine/a.yaml": config_map("a")}
CHART = {"Chart.yaml": chart_yaml()}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"app": "resources: [../app]"}, "app includes itself: app → app; have one"),
        ({"app": "resources: [../b]", "b": "resources: [../app]"}, "app includes itself: app → b → app; have one"),
        ({"app": "components: [../b]", "b": "resources: [../app]"}, "app includes itself: app → b → app; have one"),
        (
            {"app": "resources: [../b0]", **{f"b{n}": f"resources: [../b{n + 1}]" for n in range(300)}},
            "names kustomizations that name others, more than 100 levels deep",
        ),
        (
            {"app": "resources: [../b0]", **{f"b{n}": f"resources: [../b{(n + 1) % 40}]" for n in range(40)}},
            r"b0 includes itself: b0 → b1 → .* → b9 → …; have one",
        ),
    ],
)
def test_case_9_a_kustomization_that_includes_itself_is_refused(
    kitchen: Kitchen, files: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidManifest, match=words):
        kitchen.build({f"{name}/kustomization.yaml": text for name, text in files.items()})


@pytest.mark.parametrize("options", ["", "--load-restrictor LoadRestrictionsNone"])
def test_case_9_so_is_one_that_does_by_a_link(kitchen: Kitchen, options: str) -> None:
    with pytest.raises(InvalidManifest, match="app includes itself: app → app"):
        kitchen.build(
            {"app/kustomization.yaml": "resources: [again]\n"},
            links={"app/again": "../app"},
            programs=kitchen.programs(build_options={"": options}),
        )


def aliases(levels: int) -> str:
    lines = ["l0: &l0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"l{n}: &l{n} [{','.join([f'*l{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


class Pool:
    """A renderer on a worker with the limits that the daemon's own have; it is `ports.Workers` itself."""

    def __init__(self, place: Path, workers: WorkerPool) -> None:
        self.repo = Repo(place / "fleet.git")
        self.deadline_s = 30.0
        self._workers = workers
        self.renderer = ClosureRenderer(self, NoEntries(), lambda _: str(self.repo.path), work_dir=place / "work")

    async def call(self, job: str, *args: Any, deadline_s: float | None = None) -> Any:
        return await self._workers.call(job, *args, deadline_s=deadline_s or self.deadline_s)

    async def names(self, revision: Revision, path: str) -> list[str]:
        found = await self.renderer.render(SHOP, replace(WEB, path=path), revision, {"ARGOCD_APP_NAME": "shop"})
        return [manifest["metadata"]["name"] for manifest in found.manifests]

    async def refusal(self, content: Mapping[str, str | bytes], deadline_s: float = 30) -> GitopsError:
        """Return the error of a source that holds this; the one beside it is rendered before and after."""
        there = {f"bad/{name}": data for name, data in content.items()}
        revision = Revision(self.repo.rewrite({**FINE, **there}))
        assert ["a"] == await self.names(revision, "fine")  # so there is a worker, whose start does not count
        self.deadline_s = deadline_s
        with pytest.raises(GitopsError) as refused:
            await self.names(revision, "bad")
        self.deadline_s = 30.0
        assert ["a"] == await self.names(revision, "fine")
        return refused.value


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    async with WorkerPool(1) as workers:
        yield Pool(tmp_path, workers)


async def test_case_11_what_expands_beyond_measure_is_refused_before_it_does(pool: Pool) -> None:
    wide = ", ".join(f"k{n}: {'v' * 50}" for n in range(2000))
    merges = f"base: &b {{{wide}}}\n" + "".join(f"m{n}: {{<<: *b}}\n" for n in range(5000))
    deep = "a: " + "[" * 100_000
    for text, words in ((aliases(12), "expand"), (merges, "expand"), (deep, "nested more than 100 deep")):
        refused = await pool.refusal({"a.yaml": text})
        assert isinstance(refused, InvalidManifest)
        assert "bad/a.yaml:" in refused.what
        assert words in refused.what
    for name, words in (("values.yaml", "excessive aliasing"), ("templates/a.yaml", "expand")):
        refused = await pool.refusal({**CHART, name: aliases(12)})
        assert isinstance(refused, InvalidManifest)
        assert words in refused.what


def zeros(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return a gzipped tar with an entry of `size` zeros, which takes a thousandth of that."""
    whole = entry(name, kind, size=size).tobuf() + bytes(size) + tar({"chart/Chart.yaml": chart_yaml()})
    return gzip.compress(whole, 1)


BOMBS: dict[str, tuple[bytes, str]] = {
    "one large file": (zeros("big", 60_000), "holds big of 60000 bytes"),
    "much in all": (tar({str(number): b"\0" * 40_000 for number in range(9)}), "unpacks to more than"),
    "many files": (tar({str(number): "" for number in range(30)}), "more than 20 entries"),
    "a large header": (zeros("x", 1 << 20, tarfile.XHDTYPE), "unpacks to more than"),
}


@pytest.mark.parametrize("case", BOMBS)
def test_case_12_an_artifact_is_not_unpacked_beyond_its_limits(case: str) -> None:
    layer, words = BOMBS[case]
    with pytest.raises(InvalidManifest, match=words):
        list(files(layer, LIMITS))


CLAIMS = gzip.compress(entry("chart/big", size=90 << 20).tobuf())  # a file that is refused before it is read


@pytest.mark.parametrize("header", [False, True])
def test_case_12_an_archive_of_a_chart_is_not_unpacked_beyond_its_limits(harbour: Harbour, *, header: bool) -> None:
    archive = zeros("x", 82 << 20, tarfile.XHDTYPE) if header else CLAIMS

    with pytest.raises(InvalidManifest, match=r"app.* is a chart of more than 41943040 bytes"):
        harbour.build({"app/Chart.yaml": chart_yaml(), "app/charts/big.tgz": archive})


def test_case_12_modes_of_an_artifact_are_not_taken_over() -> None:
    unreadable = entry("d", tarfile.DIRTYPE)
    unreadable.mode = 0
    hidden = tarfile.TarInfo("d/a")
    hidden.mode = 0o4000

    assert [("d/a", False)] == [(each.path, each.executable) for each in files(tar({}, [unreadable, hidden]), LIMITS)]


# What a program of a source may do to its directory, as nobody in particular: root needs no rights.
LEFT = """
import os, tempfile
from pathlib import Path
from gitopsd.manifests.workspace import workspace

if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
with tempfile.TemporaryDirectory() as base:
    for _ in range(2):
        with workspace(base) as made:
            for place in (made / "a", made / "a" / "b", made / "c"):
                place.mkdir()
                (place / "file").write_text("x")
            (made / "link").symlink_to(base)
            for place in (made / "a" / "b", made / "a", made / "c"):
                place.chmod(0)
        print(sorted(os.listdir(base)), oct(Path(base).stat().st_mode & 0o777))
"""


def test_case_12_modes_that_a_program_sets_do_not_stop_the_clean_up() -> None:
    ended = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", LEFT], capture_output=True, text=True, check=False, timeout=60
    )

    assert ["[] 0o700"] * 2 == ended.stdout.splitlines(), ended.stderr


@pytest.mark.parametrize(
    ("template", "deadline_s", "error", "words"),
    [
        (
            "{{ range until 100000 }}{{ range until 100000 }}{{ if eq . -1 }}x{{ end }}{{ end }}{{ end }}",
            3,
            WorkerStopped,
            "took more than",
        ),
        ('{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}', 30, InvalidManifest, "Helm refuses it"),
        ('{{ repeat 2000000000 "x" }}', 30, WorkerStopped, "crashed its worker"),
    ],
)
async def test_case_14_a_template_without_an_end_fails_its_source_alone(
    pool: Pool, template: str, deadline_s: float, error: type[GitopsError], words: str
) -> None:
    refused = await pool.refusal({**CHART, "templates/a.yaml": template}, deadline_s)

    assert error is type(refused)
    assert words in refused.what


@pytest.mark.parametrize(
    "name",
    [
        "list[999999999]",  # of Helm's own parser took all memory
        "list[-1]",
        f"list{'[65536]' * 9000}",
        f"list{'[0]' * 9000}",
        ".".join(["a"] * 9000),
    ],
)
def test_case_14_a_parameter_does_not_exhaust_memory(harbour: Harbour, name: str) -> None:
    with pytest.raises(InvalidDeclaration, match=r"the parameter '(l|a)"):
        harbour.build(
            {f"app/{path}": text for path, text in CHART.items()},
            HelmOptions(parameters=(HelmParameter(name, "x"),)),
        )


@asynccontextmanager
async def answering(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[RepoUrl]:
    """Serve whatever is asked for by `handler`; yield the server's URL."""
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield RepoUrl("http://{}:{}".format(*runner.addresses[0][:2]))
    finally:
        await runner.cleanup()


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        await response.write(b"entries:\n")
        while True:
            await response.write(b"  web: []\n" * 1000)
    return response


async def inflated(_: web.Request) -> web.StreamResponse:
    return web.Response(body=gzip.compress(bytes(50 << 20), 1), headers={"Content-Encoding": "gzip"})


async def expanding(_: web.Request) -> web.StreamResponse:
    index = f"entries:\n  web:\n  - version: 1.0.0\n    urls: [a.tgz]\n    more:\n{indent(aliases(12), ' ' * 6)}\n"
    return web.Response(body=index.encode())


async def elsewhere(request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": f"{request.path}x"})


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (endless, RepositoryTooLarge, "has more than 1000000 bytes"),
        (inflated, RepositoryTooLarge, "has more than 1000000 bytes"),
        (elsewhere, RepositoryUnreachable, "moved on and on"),
    ],
)
async def test_case_13_an_index_without_an_end_is_left_at_its_limit(
    world: World, answer: Callable[[web.Request], Awaitable[web.StreamResponse]], error: type[GitopsError], words: str
) -> None:
    async with answering(answer) as url:
        source = Source(url, "*", chart="web", path=".")
        with pytest.raises(error, match=rf"the index of {url} .*{words}"):
            await repositories(world).fetch(source.repository)


async def test_case_13_an_index_does_not_expand(world: World) -> None:
    async with answering(expanding) as url:
        source = Source(url, "*", chart="web", path=".")
        with pytest.raises(InvalidManifest, match=r"web 1\.0\.0 of .* is no archive"):  # so the index was read
            await repositories(world).want(source.repository, source.reference)


def repositories(world: World) -> Repositories:
    return Repositories(
        GitSettings(),
        data_dir=world.folder / "data",
        run_dir=world.folder / "run",
        now_s=lambda: world.now_s,
        oci=OciSettings(deadline_s=20),
        charts=ChartSettings(max_index_bytes=1_000_000),
    )
