"""Charts that a chart depends on in chart repositories and registries: lent, locked, and permitted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gitopsd.core.project.access import dependency_permitted
from gitopsd.core.source.remote_base import named
from gitopsd.core.source.remote_chart import RemoteChart, allowed
from gitopsd.errors import (
    BaseNotLent,
    InvalidDeclaration,
    InvalidManifest,
    NotLent,
    NotPermitted,
    RepositoryUnreachable,
)
from gitopsd.git.repositories import Repositories
from gitopsd.manifests.remote_bases import RemoteBaseRenderer
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, ProjectName, RepoUrl, Revision
from gitopsd.model.project import AppProject
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.settings import ChartSettings, GitSettings
from tests.chartserver import Charts, chart_server
from tests.fakes.entries import FakeEntries
from tests.gitserver import Repo
from tests.manifests.charting import Harbour, chart_yaml, config_map

CHARTS = "https://charts.example/stable"
SUB = {"Chart.yaml": chart_yaml("sub", "1.4.0"), "templates/m.yaml": config_map("{{ .Chart.Name }}", v=".Values.v")}


@pytest.fixture
def harbour(tmp_path: Path) -> Harbour:
    return Harbour(tmp_path)


def umbrella(version: str = "^1.2.0", repository: str = CHARTS, **more: Any) -> dict[str, str]:
    needs = [{"name": "sub", "version": version, "repository": repository, **more}]
    return {"app/Chart.yaml": chart_yaml(dependencies=needs), "app/values.yaml": "sub: {v: given}\nother: {v: x}\n"}


def lock(version: str, name: str = "sub") -> dict[str, str]:
    return {"app/Chart.lock": f"dependencies:\n- name: {name}\n  repository: {CHARTS}\n  version: {version}\n"}


def lent(version: str, url: str = CHARTS) -> Mapping[str, Mapping[str, str]]:
    return {RemoteChart(url, "sub", version).name: SUB}


def asked(harbour: Harbour, files: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return the repositories and references of the charts that are not at hand."""
    with pytest.raises(BaseNotLent) as err:
        harbour.build(files)
    assert isinstance(err.value.details, NotLent)
    return {named(name) for name in err.value.details.names}


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (umbrella(), (f"helm+{CHARTS}", "sub@^1.2.0")),
        (umbrella("1.2"), (f"helm+{CHARTS}", "sub@=1.2")),
        (umbrella() | lock("1.3.0"), (f"helm+{CHARTS}", "sub@1.3.0")),
        (umbrella("1.2.0", "oci://registry.example/org"), ("oci://registry.example/org/sub", "1.2.0")),
    ],
)
def test_dependency_that_is_not_at_hand_is_asked_for_at_its_locked_version(
    harbour: Harbour, files: Mapping[str, str], wanted: tuple[str, str]
) -> None:
    assert {wanted} == asked(harbour, files)


def test_dependency_that_is_lent_is_rendered_and_read(harbour: Harbour) -> None:
    built = harbour.build(umbrella(), refs=lent("^1.2.0"))

    assert ["ConfigMap/sub"] == built.names
    assert "given" in str(built.manifests)


@pytest.mark.parametrize("version", ["1.4.0", "v1.4", "1", "~1.3 || ^1.4", "*"])
def test_dependency_in_the_repository_is_taken_in_the_versions_that_are_allowed(harbour: Harbour, version: str) -> None:
    beside = {f"sub/{name}": text for name, text in SUB.items()}

    assert ["ConfigMap/sub"] == harbour.build(umbrella(version, "file://../sub") | beside).names


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (umbrella("1.3.0", "file://../sub"), "sub 1.3.0, and the one in sub is sub 1.4.0"),
        (umbrella("<1", "file://../sub"), "sub <1, and"),
        (umbrella("", "file://../sub"), "sub of no version, and"),
        (umbrella("latest", "file://../sub"), "sub latest, and"),
        (umbrella("^1.2.0", "file://../sub") | lock("1.3.9"), "sub 1.3.9, and"),
        (umbrella("*", "file://../other"), "sub \\*, and the one in other is other 1.4.0"),
    ],
)
def test_dependency_in_the_repository_of_another_version_or_name_is_refused(
    harbour: Harbour, files: Mapping[str, str], words: str
) -> None:
    other = {f"other/{name}": text for name, text in SUB.items()} | {"other/Chart.yaml": chart_yaml("other", "1.4.0")}
    beside = {f"sub/{name}": text for name, text in SUB.items()} | other

    with pytest.raises(InvalidManifest, match=f"app depends on the chart {words}"):
        harbour.build({**files, **beside})


def test_one_chart_under_two_aliases_at_two_versions_is_two_charts(harbour: Harbour) -> None:
    needs = [
        {"name": "sub", "version": version, "repository": CHARTS, "alias": alias}
        for version, alias in (("1.4.0", "sub"), ("2.0.0", "other"))
    ]
    files = umbrella() | {"app/Chart.yaml": chart_yaml(dependencies=needs)}
    second = {RemoteChart(CHARTS, "sub", "2.0.0").name: {**SUB, "Chart.yaml": chart_yaml("sub", "2.0.0")}}
    built = harbour.build(files, refs={**lent("1.4.0"), **second})

    assert {"ConfigMap/sub", "ConfigMap/other"} == set(built.names)


@pytest.mark.parametrize("pins", [lock("2.0.0"), lock("1.3.0", "else"), {"app/Chart.lock": "dependencies: []\n"}])
def test_lock_of_other_dependencies_is_refused(harbour: Harbour, pins: Mapping[str, str]) -> None:
    with pytest.raises(InvalidManifest, match=r"app/Chart.lock is not of the dependencies"):
        harbour.build(umbrella() | dict(pins))


@pytest.mark.parametrize(
    ("repository", "words"),
    [
        ("@stable", "an alias of somebody's own machine"),
        ("alias:stable", "an alias of somebody's own machine"),
        ("s3://bucket/charts", "the chart sub of s3://bucket/charts, which is not in"),
        ("https://u:secret@", r"the chart sub of https://\*\*\*@"),
    ],
)
def test_repository_that_charts_are_not_had_from_is_named(harbour: Harbour, repository: str, words: str) -> None:
    with pytest.raises(InvalidManifest, match=words) as err:
        harbour.build(umbrella(repository=repository))

    assert "secret" not in str(err.value)


def test_settings_and_projects_say_what_charts_may_depend_on() -> None:
    assert allowed("helm+https://charts.example/a", ["*"])
    assert allowed("helm+https://charts.example/a", ["https://charts.example/"])
    assert not allowed("helm+https://charts.example.evil/a", ["https://charts.example/"])
    assert not allowed("oci://r.example/a/web", [])

    def project(*repos: str) -> AppProject:
        return AppProject(ProjectName("p"), source_repos=repos)

    assert dependency_permitted(project("https://charts.example"), "helm+https://charts.example")
    assert not dependency_permitted(project("https://git.example/*"), "helm+https://charts.example")
    assert dependency_permitted(project("r.example/a"), "oci://r.example/a/web")
    assert not dependency_permitted(project("*", "!oci://r.example/a"), "oci://r.example/a/web")


@dataclass
class Stage:
    charts: Charts
    bases: RemoteBaseRenderer
    own: Repo
    repositories: Repositories
    options: dict[str, Any] = field(default_factory=dict)  # of the source
    private: set[RepoUrl] = field(default_factory=set)  # which other credentials open
    named: set[RepoUrl] = field(default_factory=set)  # which the project permits

    async def versions(self, files: Mapping[str, str]) -> list[str]:
        revision = Revision(self.own.commit(files))
        source = Source(RepoUrl(self.own.url), path="app", options=self.options)
        found = await self.bases.render(AppName("web"), source, revision, VARIABLES)
        return [each["data"]["text"] for each in found.manifests]


VARIABLES = {"ARGOCD_APP_NAME": "web", "ARGOCD_APP_NAMESPACE": "front"}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with chart_server() as charts, WorkerPool(1, JobLimits()) as pool:
        own = Repo(tmp_path / "own.git")
        repositories = Repositories(
            GitSettings(), data_dir=tmp_path / "data", run_dir=tmp_path / "run", now_s=lambda: 0.0
        )

        def mirror(url: RepoUrl) -> str:
            return str(own.path) if url == own.url else repositories.mirror(url)

        renderer = ClosureRenderer(pool, FakeEntries(), mirror, work_dir=tmp_path / "work")
        made = Stage(charts, RemoteBaseRenderer(renderer, repositories, lambda *_: True), own, repositories)
        made.bases.may_read = lambda _, other: other not in made.private
        made.bases.may_have = lambda _, other: other not in made.private or other in made.named
        yield made


async def test_dependency_is_fetched_by_its_lock_and_moves_with_it(stage: Stage) -> None:
    for version in ("1.2.0", "1.3.0", "1.4.0"):
        stage.charts.add("sub", version)
    files = umbrella(repository=stage.charts.url)

    assert ['"1.4.0"'] == await stage.versions(files)
    assert ['"1.2.0"'] == await stage.versions(lock("1.2.0"))
    assert ['"1.3.0"'] == await stage.versions(lock("1.3.0"))
    asked = [path for path in stage.charts.paths() if path != "/index.yaml"]
    assert ["/sub-1.4.0.tgz", "/sub-1.2.0.tgz", "/sub-1.3.0.tgz"] == asked
    assert ['"1.3.0"'] == await stage.versions({"README": "x"})
    assert "/sub-1.3.0.tgz" not in stage.charts.paths()


async def test_repository_that_is_not_allowed_is_named_and_not_asked(stage: Stage) -> None:
    stage.charts.add("sub", "1.4.0")
    files = umbrella(repository=stage.charts.url)
    there = RepoUrl(f"helm+{stage.charts.url}")
    stage.bases.settings = ChartSettings(dependencies=("https://charts.example",))
    with pytest.raises(NotPermitted, match=f"of {stage.charts.url}, which the settings do not allow"):
        await stage.versions(files)
    stage.bases.settings = ChartSettings()
    stage.private.add(there)
    with pytest.raises(NotPermitted, match=f"from {stage.charts.url}, which its project does not permit"):
        await stage.versions(files)

    assert [] == stage.charts.paths()
    stage.named.add(there)
    assert ['"1.4.0"'] == await stage.versions(files)


async def test_value_file_at_a_url_is_read_where_the_settings_allow_it_and_its_changes_are_followed(
    stage: Stage,
) -> None:
    files = {"app/Chart.yaml": chart_yaml(), "app/templates/m.yaml": config_map(text=".Values.text")}
    url = f"{stage.charts.url}/values/prod.yaml"
    stage.charts.files["/values/prod.yaml"] = b"text: one\n"
    stage.options = {"helm": {"valueFiles": [url]}}
    with pytest.raises(NotPermitted, match=f"takes the value file {url}, which the settings do not allow"):
        await stage.versions(files)
    assert [] == stage.charts.paths()

    stage.bases.settings = ChartSettings(value_files=(f"{stage.charts.url}/values",))
    assert ['"one"'] == await stage.versions({"README": "y"})
    (there,) = stage.bases.repositories(lambda _: True)
    await stage.repositories.fetch(there)
    stage.charts.files["/values/prod.yaml"] = b"text: two\n"
    assert ['"one"'] == await stage.versions({"README": "z"})
    await stage.repositories.fetch(there)
    assert ['"two"'] == await stage.versions({"README": "a"})

    del stage.charts.files["/values/prod.yaml"]
    with pytest.raises(RepositoryUnreachable, match=f"the file {url} cannot be had: the answer is 404"):
        await stage.repositories.fetch(there)
    stage.options = {"helm": {"valueFiles": [f"{url}?version=1"]}}
    with pytest.raises(InvalidDeclaration, match="at no URL that is fetched from"):
        await stage.versions({"README": "b"})
