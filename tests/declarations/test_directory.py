"""Declarations from a directory, as people and Kubernetes write directories."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsd.declarations import files
from gitopsd.declarations.directory import DeclarationDirectory, Secrets
from gitopsd.declarations.files import scan
from gitopsd.errors import InvalidManifest, StoreFailed
from gitopsd.model.ids import AppName
from gitopsd.offline.check import check
from gitopsd.settings import DeclarationSource
from tests.fakes.applications import FakeApplications

LONG_AGO_S = 1_000_000.0
NOW_S = 2_000_000.0

APP = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}}}
spec:
  source: {{repoURL: "https://git.example/x", path: {path}}}
  destination: {{name: prod}}
"""


async def parse(name: str, text: str) -> Sequence[tuple[int, Any]]:
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        values = list(yaml.safe_load_all(text))
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        raise InvalidManifest(f"{name}:{line}: {err.problem}", remedy="mend the YAML") from err
    return [(node.start_mark.line + 1, value) for node, value in zip(nodes, values, strict=True)]


class Place:
    """A directory, the service that reads it, and what it declared."""

    def __init__(self, directory: Path, *, prune: bool = True, recurse: bool = True) -> None:
        self.directory = directory
        self.apps = FakeApplications()
        settings = DeclarationSource(directory, prune=prune, recurse=recurse)
        self.now_s = NOW_S
        self.secrets: list[list[str]] = []  # names of the Secrets, each time they were told
        self.service = DeclarationDirectory(
            directory, settings, self.apps, parse, lambda: self.now_s, on_secrets=self._on_secrets
        )

    def _on_secrets(self, source: str, secrets: Secrets) -> Sequence[str]:
        self.secrets.append([secret["metadata"]["name"] for _, secret in secrets])
        return [f"{origin}: told" for origin, _ in secrets]

    def write(self, name: str, text: str, *, at_s: float = LONG_AGO_S) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (at_s, at_s))
        self.settle()

    def remove(self, name: str) -> None:
        (self.directory / name).unlink()
        self.settle()

    def settle(self) -> None:
        """Have the directories changed long ago."""
        for directory in (self.directory, *(path for path in self.directory.rglob("*") if path.is_dir())):
            os.utime(directory, (LONG_AGO_S, LONG_AGO_S))

    async def names(self) -> list[str]:
        await self.service.poll()
        return [app.name for app in self.apps.all()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    directory = tmp_path / "apps"
    directory.mkdir()
    return Place(directory)


def app(name: str, path: str = ".") -> str:
    return APP.format(name=name, path=path)


async def test_files_of_all_depths_are_declared_with_file_and_line(place: Place) -> None:
    place.write("a.yaml", f"{app('one')}---\n{app('two')}")
    place.write("deep/er/b.yml", app("three"))
    place.write("README.md", "not: [read")

    assert ["one", "three", "two"] == await place.names()
    two = place.apps.get(AppName("two"))
    assert f"{place.directory}/a.yaml:8" == str(two and two.origin)
    assert place.service.declared.is_set()


async def test_directories_below_are_left_out_where_recurse_is_off(place: Place) -> None:
    flat = Place(place.directory, recurse=False)
    flat.write("a.yaml", app("one"))
    flat.write("deep/b.yaml", app("two"))

    assert ["one"] == await flat.names()


async def test_change_is_seen_and_nothing_is_declared_where_nothing_changed(place: Place) -> None:
    place.write("a.yaml", app("one"))
    await place.names()
    place.apps.fail = AssertionError("declared again")
    await place.service.poll()
    place.apps.fail = None

    place.write("a.yaml", app("one", path="other"), at_s=LONG_AGO_S + 1)
    await place.service.poll()

    one = place.apps.get(AppName("one"))
    assert "other" == (one and one.sources[0].path)


async def test_file_that_is_gone_removes_its_application(place: Place) -> None:
    place.write("a.yaml", app("one"))
    place.write("b.yaml", app("two"))
    await place.names()

    place.remove("b.yaml")

    assert ["one"] == await place.names()


async def test_nothing_is_removed_while_files_are_being_written(place: Place) -> None:
    place.write("a.yaml", app("one"))
    place.write("b.yaml", app("two"))
    await place.names()

    place.remove("b.yaml")
    os.utime(place.directory, (NOW_S - 0.5, NOW_S - 0.5))
    assert ["one", "two"] == await place.names()

    place.now_s += 5
    assert ["one"] == await place.names()


async def test_file_half_written_is_read_again_though_its_time_stays(place: Place) -> None:
    place.write("a.yaml", app("one"), at_s=NOW_S)
    assert ["one"] == await place.names()

    place.write("a.yaml", app("two"), at_s=NOW_S)  # as long as before, and written within a tick of the clock

    place.now_s += 5
    assert ["two"] == await place.names()


async def test_broken_file_is_reported_with_its_line_and_removes_nothing(place: Place) -> None:
    place.write("a.yaml", app("one"))
    place.write("b.yaml", app("two"))
    await place.names()

    place.write("b.yaml", "kind: [\n---\n", at_s=LONG_AGO_S + 1)
    place.write("c.yaml", app("three"))

    assert ["one", "three", "two"] == await place.names()
    assert place.service.problems[0].startswith(f"{place.directory}/b.yaml:2: ")


async def test_absent_directory_removes_nothing_and_is_reported(place: Place) -> None:
    place.write("a.yaml", app("one"))
    await place.names()

    place.directory.rename(place.directory.with_name("moved"))

    assert ["one"] == await place.names()
    assert place.service.problems[0].startswith(f"{place.directory}: no such file or directory; ")


async def test_empty_directory_removes_nothing(place: Place) -> None:
    place.write("a.yaml", app("one"))
    await place.names()

    place.remove("a.yaml")

    assert ["one"] == await place.names()
    assert "nothing at all was found" in place.service.problems[0]


async def test_config_map_mount_is_read_through_its_links_and_followed_when_it_is_swapped(place: Place) -> None:
    for number, name in ((1, "one"), (2, "two")):
        place.write(f"..data_{number}/a.yaml", app(name))
        place.write(f"..data_{number}/b.yaml", app("both"))
    (place.directory / "..data").symlink_to("..data_1")
    (place.directory / "a.yaml").symlink_to("..data/a.yaml")
    (place.directory / "b.yaml").symlink_to("..data/b.yaml")
    place.settle()
    assert ["both", "one"] == await place.names()

    (place.directory / "..new").symlink_to("..data_2")
    (place.directory / "..new").rename(place.directory / "..data")
    place.settle()

    assert ["both", "two"] == await place.names()


async def test_link_that_leads_nowhere_is_reported_and_removes_nothing(place: Place) -> None:
    place.write("a.yaml", app("one"))
    await place.names()
    (place.directory / "b.yaml").symlink_to("gone.yaml")
    place.remove("a.yaml")
    place.write("c.yaml", app("three"))

    assert ["one", "three"] == await place.names()
    assert any("b.yaml: no such file" in problem for problem in place.service.problems)


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "self.yaml").symlink_to("self.yaml")

    found = scan(tmp_path, recurse=True)

    assert () == found.files
    assert 1 == len(found.faults)


def test_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")

    assert () == scan(tmp_path, recurse=True).files


@pytest.mark.parametrize("limit", ["MAX_FILES", "MAX_ENTRIES", "MAX_BYTES"])
def test_directory_beyond_all_measure_is_reported(tmp_path: Path, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, limit, 1)
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(app(name))

    (fault,) = scan(tmp_path, recurse=True).faults

    assert fault.startswith(f"{tmp_path}: there are more than ")


async def test_file_too_large_or_in_another_encoding_is_reported(place: Place) -> None:
    place.write("large.yaml", "#" * (files.MAX_FILE_BYTES + 1))
    (place.directory / "latin.yaml").write_bytes("name: Bärbel".encode("latin-1"))
    place.settle()
    os.utime(place.directory / "latin.yaml", (LONG_AGO_S, LONG_AGO_S))

    await place.service.poll()

    assert ["large.yaml: larger", "latin.yaml: is not UTF-8"] == [
        problem.removeprefix(f"{place.directory}/").partition(" than")[0].partition(" text")[0]
        for problem in place.service.problems
    ]


async def test_store_that_cannot_write_is_tried_again(place: Place) -> None:
    place.write("a.yaml", app("one"))
    place.apps.fail = StoreFailed("disk full", remedy="free some")
    assert [] == await place.names()
    assert "disk full" in place.service.problems[0]
    assert not place.service.declared.is_set()

    assert ["one"] == await place.names()
    assert () == place.service.problems


# Secrets with credentials

GIT = """\
apiVersion: v1
kind: Secret
metadata: {name: git, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {url: "https://git.example/x", username: bot, password: hunter2}
"""


async def test_secrets_are_passed_on_and_not_declared(place: Place) -> None:
    place.write("a.yaml", app("one") + "---\n" + GIT)
    await place.service.credentials()

    assert ["one"] == await place.names()
    assert [["git"], ["git"]] == place.secrets
    assert (f"{place.directory}/a.yaml:8: told",) == place.service.problems
    place.write("b.yaml", "kind: [")
    assert ["one"] == await place.names()
    assert 2 == len(place.secrets)  # a file that is broken may hold the Secret that was there before
    place.remove("b.yaml")
    place.write("a.yaml", app("one"))
    assert ["one"] == await place.names()
    assert [] == place.secrets[-1]


async def test_check_finds_what_is_wrong_with_secrets(place: Place, tmp_path: Path) -> None:
    place.write("a.yaml", GIT)
    place.write("b.yaml", GIT.replace("git.example/x", "git.example/y").replace("username", "sshPrivateKey"))
    settings = tmp_path / "gitopsd.yaml"
    settings.write_text("declarations: [{directory: apps}]")

    report = await check(settings, {}, parse)

    assert [
        f"{place.directory}/b.yaml:1: the Secret has password and ssh_key; write the one that fits the URL"
    ] == report.errors
    assert 1 == report.credentials


# gitopsd check


async def test_check_finds_what_is_wrong_with_settings_and_declarations(place: Place, tmp_path: Path) -> None:
    place.write("a.yaml", app("one") + "---\n" + app("one"))
    place.write("b.yaml", "kind: [")
    place.write("c.yaml", app("two").replace("prod", "prot"))
    place.write("d.yaml", app("three").replace("spec:", "spec:\n  project: team\n  odd: 1"))
    settings = tmp_path / "gitopsd.yaml"
    settings.write_text("clusters: [{name: prod, in_cluster: true}]\ndeclarations: [{directory: apps}]")

    report = await check(settings, {}, parse)

    assert [
        "b.yaml:1: expected the node content, but found '<stream end>'; mend the YAML",
        f"a.yaml:8: Application one is declared at {place.directory}/a.yaml:1 already; remove one of the two",
        "c.yaml:1: .spec.destination.name 'prot' is no cluster of the settings; did you mean prod?",
        "d.yaml:1: .spec.project team is not declared; declare an AppProject",
    ] == [error.removeprefix(f"{place.directory}/") for error in report.errors]
    assert [f"{place.directory}/d.yaml:1: .spec.odd is unknown and has no effect"] == report.warnings
    assert 3 == report.applications


async def test_check_of_broken_settings_says_all_of_them(tmp_path: Path) -> None:
    settings = tmp_path / "gitopsd.yaml"
    settings.write_text("mode: x\ngrace_s: y")

    assert 2 == len((await check(settings, {}, parse)).errors)
