"""`gitopsd render` and `gitopsd repo check`, of charts that are in a chart repository."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gitopsd.cli.main import main
from gitopsd.cli.status import short
from tests.chartserver import Charts, chart_server
from tests.cli.render import application, git
from tests.manifests.charting import chart_yaml


@pytest.fixture
async def charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Charts]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    async with chart_server() as found:
        found.add("web", "1.0.0")
        found.add("web", "1.1.0")
        yield found


async def run(*arguments: str) -> int:
    return await asyncio.to_thread(main, arguments)


async def test_chart_and_what_a_chart_depends_on_are_rendered_where_their_repository_is_named(
    charts: Charts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app").mkdir()
    needs = [{"name": "web", "version": "1.0.x", "repository": charts.url}]
    (tmp_path / "app" / "Chart.yaml").write_text(chart_yaml("own", dependencies=needs))
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", "https://git.example/own.git")
    (tmp_path / "web.yaml").write_text(application("web", {"repoURL": charts.url, "chart": "web"}))
    (tmp_path / "own.yaml").write_text(application("own", {"repoURL": "https://git.example/own.git", "path": "app"}))

    assert 0 == await run("render", str(tmp_path / "web.yaml"), "--repo", charts.url, "--explain")
    said = capsys.readouterr()
    assert "text: '\"1.1.0\"'" in said.out
    assert f"web: web of {charts.url} at 1.1.0 sha256:" in said.err
    both = ("--repo", str(tmp_path), "--repo", charts.url)
    assert 0 == await run("render", str(tmp_path / "own.yaml"), *both, "--explain")
    said = capsys.readouterr()
    assert "text: '\"1.0.0\"'" in said.out
    assert f"file {charts.url} web@1.0.x/templates/map.yaml" in said.err
    assert 4 == await run("render", str(tmp_path / "own.yaml"), "--repo", str(tmp_path))
    assert f"nothing of {charts.url} is here" in capsys.readouterr().err


async def test_versions_of_a_chart_are_told(charts: Charts, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == await run("repo", "check", charts.url, "--chart", "web", "--revision", "1.0.*", "-o", "json")
    told = json.loads(capsys.readouterr().out)
    assert ("1.1.0", {"versions": 2}) == (told["default"], told["counts"])
    assert told["revision"].startswith("1.0.0@sha256:")
    assert 5 == await run("repo", "check", charts.url, "--chart", "db")
    assert "has no chart 'db'" in capsys.readouterr().err
    charts.index = b"<html>"
    assert 0 != await run("repo", "check", charts.url, "--chart", "web")
    assert f"the index of {charts.url} " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("revision", "shown"),
    [
        ("1.4.2@sha256:" + "a" * 64, "1.4.2"),
        ("sha256:" + "ab" * 32, "sha256:abababab"),
        ("c" * 40, "c" * 8),
        ("v1.0", "v1.0"),
    ],
)
def test_revision_is_shown_as_people_know_it(revision: str, shown: str) -> None:
    assert shown == short(revision)
