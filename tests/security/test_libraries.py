"""Libraries that run a tenant's texts in a worker reach nothing of the machine: docs/security.md."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import gitopsd
from gitopsd.errors import GitopsError, InvalidDeclaration, WorkerFailed
from gitopsd.runtime.isolation import granted
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.scripts import jq, lua
from gitopsd.scripts.jq import PATHS, paths
from gitopsd.scripts.lua import health
from gitopsd.scripts.pool import script_workers
from gitopsd.settings import ScriptSettings
from tests.gitserver import Repo
from tests.manifests.jsonnet import CONFIG, load

OPEN_LIBS = True, 64 << 20


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    found = tmp_path / "secret"
    found.write_text('"hush"')
    (tmp_path / "secret.json").write_text('"hush"')
    return found


@pytest.mark.parametrize("how", ["import", "importstr", "importbin"])
@pytest.mark.parametrize("lead", ["", "/", "../../../../../../../.."])
def test_jsonnet_imports_nothing_of_the_machine(repo: Repo, secret: Path, how: str, lead: str) -> None:
    place = f"{lead}{secret}" if lead else str(secret)
    files = {"app/a.jsonnet": f"local found = {how} '{place}'; ({CONFIG})('a') + {{data: {{x: found}}}}"}

    with pytest.raises(GitopsError) as raised:
        load(repo, files)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "expression",
    [
        'import "secret" as $x {{search: "{0}"}}; .a[$x]',
        'import "secret" as $x {{search: "{0}"}}; .a',
        'include "secret" {{search: "{0}"}}; .a',
        '.a)] | import "secret" as $x {{search: "{0}"}}; [path(.a',
    ],
)
def test_jq_imports_nothing(secret: Path, expression: str) -> None:
    with pytest.raises(InvalidDeclaration, match="syntax error"):
        paths([expression.format(secret.parent)], [{"a": 1}])


async def test_jq_sees_no_variable_of_the_daemons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPSD_API__TOKEN", "hush")
    async with WorkerPool(1, JobLimits(data_bytes=256 << 20)) as pool:
        document = {**dict.fromkeys(os.environ, 1), "LANG": 1}
        (found,) = await pool.call(PATHS, [".[env | keys[]]"], [document])

    assert "GITOPSD_API__TOKEN" in document
    assert {"PATH", "LANG"} == {path[0] for path in found}


@pytest.mark.parametrize(
    "script",
    [
        'local f = io.open("{0}"); return {{status = "Healthy", message = f:read("*a")}}',
        'return {{status = "Healthy", message = tostring(os.execute("true"))}}',
        'return {{status = "Healthy", message = tostring(os.getenv("PATH"))}}',
        'local ffi = require("ffi"); return {{status = "Healthy", message = "ffi"}}',
        'local p = package.loadlib("{0}", "x"); return {{status = "Healthy", message = "loaded"}}',
        'return {{status = "Healthy", message = dofile("{0}")}}',
        'return {{status = "Healthy", message = loadfile("{0}")()}}',
        'return {{status = "Healthy", message = tostring(python)}}',
    ],
)
def test_lua_opens_and_starts_nothing(secret: Path, script: str) -> None:
    found = health(script.format(secret), json.dumps({"kind": "X"}), *OPEN_LIBS)

    assert found is not None
    assert "error" in found or found["message"] == "nil"
    assert "hush" not in str(found)


@pytest.fixture(params=[lua.__name__, jq.__name__])
async def scripts(request: pytest.FixtureRequest) -> AsyncIterator[WorkerPool]:
    """Workers of scripts, asked for what no script can ask: as if one had taken its library over."""
    if not granted().bubblewrap:
        pytest.skip(f"no sandbox on this machine: {granted().reason}")
    async with script_workers(ScriptSettings(), request.param) as pool:
        yield pool


async def test_workers_of_scripts_see_no_file_of_the_daemons(scripts: WorkerPool, secret: Path) -> None:
    with pytest.raises(WorkerFailed, match="FileNotFoundError"):
        await scripts.call("os:stat", str(secret))
    temporary = Path("/tmp")  # noqa: S108 - its own, but for a checkout or a Python that lies there
    ours = [Path(gitopsd.__file__), Path(sys.prefix), Path(sys.base_prefix)]
    known = {path.relative_to(temporary).parts[0] for path in ours if path.is_relative_to(temporary)}
    assert set(await scripts.call("os:listdir", "/tmp")) <= known  # noqa: S108 - as above


async def test_workers_of_scripts_have_no_network(scripts: WorkerPool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        with pytest.raises(WorkerFailed, match="ConnectionRefusedError"):
            await scripts.call("socket:create_connection", server.getsockname())
        with pytest.raises(BlockingIOError):
            server.accept()
