"""Applications that the command line declares and changes by the API, and what it shows."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsd.cli.main import main
from gitopsd.model.cluster import WatchAge
from gitopsd.model.ids import ClusterId
from gitopsd.model.logs import LogLine
from gitopsd.usecases.backend import ClusterState
from tests.api.grpcworld import world
from tests.api.serving import TOKEN, Api, serving
from tests.cli.conftest import Ran
from tests.core.lives import pod_node
from tests.fakes.backend import REPO

Typed = Callable[..., Coroutine[Any, Any, Ran]]


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Api]:
    async with serving(world()) as served:
        monkeypatch.setenv("GITOPSD_SERVER", served.url)
        monkeypatch.setenv("GITOPSD_AUTH_TOKEN", TOKEN)
        monkeypatch.setenv("GITOPSD_CONTEXTS", str(tmp_path / "contexts.json"))
        yield served


@pytest.fixture
def typed(api: Api, capsys: pytest.CaptureFixture[str]) -> Typed:
    del api  # served meanwhile

    async def go(*arguments: str) -> Ran:
        code = await asyncio.to_thread(main, arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return go


NEW = ("--repo", REPO, "--path", "new", "--dest-name", "c1", "--dest-namespace", "new", "--project", "retail")


async def test_an_application_is_created_set_patched_and_shown(typed: Typed, api: Api) -> None:
    made = await typed("app", "create", "new", *NEW, "-l", "team=a", "--sync-policy", "automated", "--self-heal")
    assert 0 == made.code, made.err
    created = await api.get("/api/v1/applications/new")
    assert 0 == (await typed("app", "set", "new", "--revision", "v2", "--sync-option", "CreateNamespace=true")).code
    assert 0 == (await typed("app", "set", "new", "--helm-set", "a=1", "--helm-set", "b=2")).code
    assert 0 == (await typed("app", "set", "new", "--helm-set", "a=3", "--sync-policy", "none")).code
    patched = await typed(
        "app", "patch", "new", "--type", "merge", "--patch", '{"spec": {"source": {"path": "other"}}}'
    )
    assert 0 == patched.code
    spec = (await api.get("/api/v1/applications/new"))["spec"]

    assert {"team": "a"} == created["metadata"]["labels"]
    assert {"automated": {"selfHeal": True}} == created["spec"]["syncPolicy"]
    assert {"repoURL": REPO, "path": "new"} == created["spec"]["source"]
    parameters = [{"name": "b", "value": "2"}, {"name": "a", "value": "3"}]
    assert {"repoURL": REPO, "path": "other", "targetRevision": "v2", "helm": {"parameters": parameters}} == spec[
        "source"
    ]
    assert {"syncOptions": ["CreateNamespace=true"]} == spec["syncPolicy"]


async def test_a_file_and_options_are_one_declaration(typed: Typed, api: Api, tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    source = {"repoURL": REPO, "path": "a"}
    document = {
        "metadata": {"name": "file"},
        "spec": {"source": source, "destination": {"name": "c1", "namespace": "x"}},
    }
    file.write_text(yaml.safe_dump(document))
    made = await typed("app", "create", "-f", str(file), "--path", "b", "--project", "retail")

    assert 0 == made.code, made.err
    assert "b" == (await api.get("/api/v1/applications/file"))["spec"]["source"]["path"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("create",), 2, "name the application"),
        (("create", "new", *NEW, "-l", "team"), 2, "no label"),
        (("create", "-f", "nowhere.yaml"), 2, "nowhere.yaml"),
        (("create", "new", *NEW, "--self-heal"), 2, "--sync-policy automated"),
        (("set", "shop"), 2, "say what to set"),
        (("set", "nobody", "--path", "x"), 4, "nobody"),
        (("set", "shop", "--helm-set", "a"), 2, "NAME=VALUE"),
        (("patch", "shop", "--patch", "{"), 5, "JSON"),
    ],
)
async def test_what_cannot_be_done_is_said(typed: Typed, arguments: tuple[str, ...], code: int, words: str) -> None:
    ran = await typed("app", *arguments)

    assert code == ran.code
    assert words in ran.err


def editor(directory: Path, script: str) -> str:
    """Return an editor that changes its file by a line of sed, and keeps a copy of what it was given."""
    file = directory / "editor"
    file.write_text(f'#!/bin/sh\ncat "$1" >> {directory}/seen\nsed -i "{script}" "$1"\n')
    file.chmod(stat.S_IRWXU)
    return str(file)


async def test_a_spec_is_edited_and_what_is_refused_comes_back(
    typed: Typed, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await typed("app", "create", "new", *NEW)
    monkeypatch.setenv("EDITOR", editor(tmp_path, "s/path: new/path: edited/"))
    edited = await typed("app", "edit", "new")
    monkeypatch.setenv("EDITOR", editor(tmp_path, "s/namespace: new/namespace: [1]/"))
    refused = await typed("app", "edit", "new")
    unchanged = await typed("app", "edit", "new")

    assert "is changed" in edited.out
    assert "edited" == (await api.get("/api/v1/applications/new"))["spec"]["source"]["path"]
    assert "It was not taken: " in (tmp_path / "seen").read_text()
    assert "is not changed" in refused.out
    assert "is not changed" in unchanged.out
    assert "retail" == (await api.get("/api/v1/applications/new"))["spec"]["project"]


async def test_logs_are_printed_by_pod(typed: Typed, api: Api) -> None:
    api.backend.nodes = [pod_node("web-1"), pod_node("web-2")]
    api.backend.log_lines = (LogLine("", "hello", "t"), LogLine("", "there\x1b[2J", "t"))
    ran = await typed("app", "logs", "shop", "--tail", "5", "--filter", "e")
    one = await typed("app", "logs", "shop", "--kind", "Pod", "--resource-name", "web-2", "--namespace", "shop")

    assert 0 == ran.code, ran.err
    shown = ["hello", "there\N{REPLACEMENT CHARACTER}[2J"]
    assert [f"{name}: {text}" for name in ("web-1", "web-2") for text in shown] == ran.out.splitlines()
    assert shown == one.out.splitlines()
    assert (5, "e") == (api.backend.log_queries[0][1].tail, api.backend.log_queries[0][1].contains)


async def test_clusters_and_projects_are_listed_and_shown(typed: Typed, api: Api) -> None:
    age = WatchAge(synced=True, oldest_s=1.0, failing=())
    api.backend.cluster_states = (ClusterState(ClusterId("c1"), "https://c1", version="v1.36.2", age=age),)
    listed, shown = await typed("cluster", "list"), await typed("cluster", "get", "https://c1")
    projects, project = await typed("proj", "list"), await typed("proj", "get", "default")
    missing = [await typed("cluster", "get", "nowhere"), await typed("proj", "get", "nowhere")]

    assert listed.out.splitlines()[1].startswith("c1\thttps://c1\tv1.36.2\tSuccessful")
    assert "v1.36.2" in shown.out
    assert "default" in projects.out
    assert "*/*" in project.out
    assert [4, 4] == [ran.code for ran in missing]
    assert "c1" == json.loads((await typed("cluster", "get", "c1", "-o", "json")).out)["name"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_a_shell_gets_its_script(typed: Typed, shell: str) -> None:
    assert "_GITOPSD_COMPLETE" in (await typed("completion", shell)).out


@pytest.mark.parametrize(
    ("words", "expected"),
    [("app get s", {"shop"}), ("app sync bank s", {"shop"}), ("proj get d", {"default"}), ("clu", {"cluster"})],
)
async def test_names_that_the_daemon_knows_are_completed(api: Api, words: str, expected: set[str]) -> None:
    said = await completed(words)

    assert expected <= said
    assert all(word.startswith(words.rpartition(" ")[2]) for word in said)
    assert api.url


async def test_nothing_is_completed_where_no_daemon_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPSD_SERVER", "http://127.0.0.1:1")

    assert set() == await completed("app get s")


async def completed(words: str) -> set[str]:
    """Return what bash is offered for the last of `words`."""
    environment = {
        **os.environ, "_GITOPSD_COMPLETE": "bash_complete", "COMP_WORDS": f"gitopsd {words}",
        "COMP_CWORD": str(len(words.split())),
    }  # fmt: skip
    command = ("-c", "from gitopsd.cli.main import main; raise SystemExit(main())")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return {line.partition(",")[2] for line in said.decode().splitlines() if line}
