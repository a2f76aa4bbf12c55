"""Programs, hosts and names that somebody else chose: cases 10, 17, 18 and 21 of docs/security.md."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.core.declaration.tooling import tooling_of
from gitopsd.errors import (
    GitopsError,
    InvalidDeclaration,
    InvalidManifest,
    NotPermitted,
    NotSupported,
    RepositoryUnreachable,
    RevisionNotFound,
    TooSlow,
)
from gitopsd.git.tree import open_tree
from gitopsd.manifests.entries import NoEntries
from gitopsd.manifests.remote_bases import RemoteBaseRenderer
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.ports import RenderedSource
from gitopsd.runtime.workers import WorkerPool
from gitopsd.settings import ChartSettings, Held, RepoCredentials
from gitopsd.trust.credentials import credentials_for
from tests.chartserver import chart_server
from tests.git.conftest import World, until
from tests.git.faults import left_overs
from tests.gitserver import SSH_CLIENT
from tests.manifests.charting import WEB, chart_yaml
from tests.manifests.kustomizing import Kitchen
from tests.processes import mentioning
from tests.security.strangers import silent_server

RUNS: dict[str, tuple[dict[str, str], type[GitopsError], str]] = {
    "a function": (
        {
            "kustomization.yaml": "generators: [g.yaml]",
            "g.yaml": (
                "apiVersion: x/v1\nkind: Evil\nmetadata:\n  name: evil\n  annotations:\n"
                "    config.kubernetes.io/function: 'exec: {path: ./evil.sh}'\n"
            ),
        },
        InvalidManifest,
        "kustomize refuses it",
    ),
    "a container": (
        {
            "kustomization.yaml": "transformers: [g.yaml]",
            "g.yaml": (
                "apiVersion: x/v1\nkind: Evil\nmetadata:\n  name: evil\n  annotations:\n"
                "    config.kubernetes.io/function: 'container: {image: evil, network: true}'\n"
            ),
        },
        InvalidManifest,
        "kustomize refuses it",
    ),
    "a plugin by its kind": (
        {
            "kustomization.yaml": "generators: [g.yaml]",
            "g.yaml": "{apiVersion: x/v1, kind: evil.sh, metadata: {name: e}}",
        },
        InvalidManifest,
        "kustomize refuses it",
    ),
    "Helm inflation": (
        {"kustomization.yaml": "helmCharts: [{name: x}]\nhelmGlobals: {chartHome: .}"},
        NotSupported,
        "app/kustomization.yaml asks for Helm inflation",
    ),
    "Helm inflation, the old way": (
        {"kustomization.yaml": "helmChartInflationGenerator: [{chartName: x, helmBin: ./evil.sh}]"},
        NotSupported,
        "app/kustomization.yaml asks for Helm inflation",
    ),
    "Helm inflation by a generator": (
        {
            "kustomization.yaml": "generators: [g.yaml]",
            "g.yaml": "{apiVersion: builtin, kind: HelmChartInflationGenerator, metadata: {name: x}, name: x}",
        },
        NotSupported,
        "app/g.yaml asks for Helm inflation",
    ),
}


@pytest.mark.parametrize("case", RUNS)
def test_case_10_a_kustomization_runs_no_program_of_the_repository(kitchen: Kitchen, case: str) -> None:
    files, kind, words = RUNS[case]
    ran = kitchen.place / "ran"
    scripts = dict.fromkeys(("app/evil.sh", "app/helm", "app/x/v1/evil.sh/evil.sh"), f"#!/bin/sh\ntouch {ran}\n")

    with pytest.raises(kind, match=words):
        kitchen.build({**{f"app/{name}": text for name, text in files.items()}, **scripts}, executable=[*scripts])
    assert not ran.exists()


def test_case_10_no_application_and_no_file_gives_build_options(kitchen: Kitchen) -> None:
    warnings = Warnings()
    block = {"buildOptions": "--enable-exec --enable-alpha-plugins", "helmCommand": "./evil.sh", "namePrefix": "a-"}
    found = tooling_of(Fields({"kustomize": block}, ".spec.source", warnings)).kustomize

    assert ["buildOptions", "helmCommand"] == sorted(each.split()[0].rpartition(".")[2] for each in warnings.all())
    files = {"app/kustomization.yaml": "buildOptions: --enable-helm\nhelmCommand: ./evil.sh\n", "app/evil.sh": ""}
    with pytest.raises(InvalidManifest, match=r"kustomize refuses it: .*unknown field"):
        kitchen.build(files, options=found)


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "-u/x",
        "--upload-pack=id",
        "git://h/x",
        "ssh://-oProxyCommand=id/x",
        "ssh://-l@h/x",
        "-oProxyCommand=id:x",
        "x/y",
        "",
        "fd::3",
        "https://h/x\nhost=github.com",
        "https://h/x?y=z#-",
        "https://h/org/../other/x",
        "https://h/org%2f%2E.%2fother/x",
        "git@h:../other/x",
    ],
)
async def test_case_18_a_url_that_could_run_a_command_is_refused(world: World, url: str) -> None:
    repositories = world.repositories()

    with pytest.raises(InvalidDeclaration):
        await repositories.fetch(RepoUrl(url))
    with pytest.raises(InvalidDeclaration):
        repositories.resolve(RepoUrl(url), "main")


async def test_case_18_a_revision_is_never_an_option_nor_a_refspec(world: World) -> None:
    repo = world.repo()
    first = repo.commit({"a": "1"})
    ran = world.folder / "ran"
    repositories = world.repositories()
    url = RepoUrl(repo.url)
    names = [f"--upload-pack=touch {ran}", "-x", "main:refs/heads/evil", "+refs/heads/*:refs/heads/*", "refs/heads/*"]
    names += [f"$(touch {ran})", f"main\n--upload-pack=touch {ran}", "refs/../../x", "@{-1}", "main@{u}", "a" * 5000]

    for name in names:
        with pytest.raises((RevisionNotFound, InvalidDeclaration)):
            await repositories.want(url, name)
    await repositories.fetch(url)

    assert first == repositories.resolve(url, "main").revision
    assert {"refs/gitopsd/HEAD", "refs/heads/main"} == {*pygit2.Repository(repositories.mirror(url)).references}
    assert not ran.exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example%0agit.example/org/x",
        "https://evil.example%0ahost=git.example/org/x",
        "https://git.example%2f@evil.example/org/x",
        "https://git.example@evil.example/org/x",
        "https://git.example:443@evil.example/org/x",
        "https://evil.example/%0ahost=git.example%0aprotocol=https",
        "https://git.example.evil.example/org/x",
        "https://git.example/org/../other/x",
        "https://git.example/org%2f..%2fother/x",
        "https://git.example/org-evil/x",
        "http://git.example/org/x",
        "https://git.example:8443/org/x",
    ],
)
def test_case_18_no_spelling_of_a_url_gets_somebody_elses_credentials(url: str) -> None:
    given = RepoCredentials("https://git.example/org", "bot", Held(text="s3cret"))

    assert given is credentials_for("https://GIT.example:443/org/x.git", [given])
    assert credentials_for(url, [given]) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{}/x.git",
        "https://127.0.0.1:{}/x.git",
        pytest.param(
            "ssh://git@127.0.0.1:{}/x", marks=pytest.mark.skipif(SSH_CLIENT is None, reason="no ssh client here")
        ),
    ],
)
async def test_case_21_a_host_that_hangs_is_left_at_the_deadline(world: World, url: str) -> None:
    async with silent_server() as port:
        repositories = world.repositories(fetch_deadline_s=0.4)
        with pytest.raises(TooSlow, match="fetching"):
            await repositories.fetch(RepoUrl(url.format(port)))

        await until(lambda: not mentioning(f"127.0.0.1:{port}"))
        repo = world.repo()
        first = repo.commit({"a": "1"})
        patient = world.repositories()
        await patient.fetch(RepoUrl(repo.url))
        assert first == patient.resolve(RepoUrl(repo.url), "main").revision


async def test_case_21_locks_and_half_packs_that_were_left_hold_up_nobody(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    before = world.repositories()
    url = RepoUrl(repo.url)
    await before.fetch(url)
    mirror = Path(before.mirror(url))
    for name in ("index.lock", "HEAD.lock", "packed-refs.lock", "shallow.lock", "config.lock", "gc.pid"):
        (mirror / name).touch()
    (mirror / "refs/heads/main.lock").touch()
    (mirror / "objects/pack").mkdir(exist_ok=True)
    (mirror / "objects/pack/tmp_pack_x").write_bytes(b"half")

    second = repo.commit({"a": "2"})
    restarted = world.repositories()
    await restarted.fetch(url)

    assert b"2" == open_tree(str(mirror), second).read("a", max_bytes=9)
    assert ([], [mirror]) == left_overs(mirror)


async def test_case_17_a_dependency_at_a_strangers_gets_nobodys_credentials(world: World) -> None:
    async with chart_server(login="bot:pw") as ours, chart_server() as stranger, WorkerPool(1) as pool:
        digest = ours.add("sub", "1.0.0").removeprefix("sha256:")
        stranger.add("sub", "1.0.0", urls=[f"{ours.url}/sub-1.0.0.tgz"], digest=digest)  # it cannot be had from them
        repo = world.repo()
        repositories = world.repositories(credentials=(RepoCredentials(ours.url, "bot", Held(text="pw")),))
        renderer = ClosureRenderer(pool, NoEntries(), lambda _: str(repo.path), work_dir=world.folder / "work")
        bases = RemoteBaseRenderer(renderer, repositories, lambda _own, _other: True)

        async def render(repository: str) -> RenderedSource:
            needs = [{"name": "sub", "version": "1.0.0", "repository": repository}]
            revision = Revision(repo.commit({"app/Chart.yaml": chart_yaml(dependencies=needs)}))
            return await bases.render(AppName("app"), Source(RepoUrl(repo.url), path="app"), revision, WEB)

        bases.settings = ChartSettings(dependencies=(ours.url,))
        with pytest.raises(NotPermitted, match=f"depends on a chart of {stranger.url}, which the settings do not"):
            await render(stranger.url)
        assert ([], []) == (stranger.asked, ours.asked)

        bases.settings = ChartSettings()
        with pytest.raises(RepositoryUnreachable, match="401"):
            await render(stranger.url)
        assert {""} == {login for _, login in (*stranger.asked, *ours.asked)}
        assert 2 <= len({path for path, _ in (*stranger.asked, *ours.asked)})
