"""`gitopsd login --sso`, and the unchanged `argocd login --sso`, by a real provider."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.clusters import free_ports
from tests.e2e.daemon import until
from tests.sso.conftest import Browser, Sso, cli_token, encoded, user_of

ARGOCD = os.environ.get("ARGOCD") or shutil.which("argocd")
DEADLINE_S = 60.0


@asynccontextmanager
async def started(environ: Mapping[str, str], *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def url_of(process: asyncio.subprocess.Process, begin: str) -> str:
    """Read what a command says until it names a URL that begins with `begin`."""
    assert process.stdout is not None
    said = b""
    while not (found := re.search(re.escape(begin) + r"\S*", said.decode())):
        line = await process.stdout.readline()
        assert line, said
        said += line
    return found[0]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "GITOPSD_CONTEXTS": str(tmp_path / "contexts.json"),
        "BROWSER": "true",
    }  # fmt: skip


async def ran(environ: Mapping[str, str], *arguments: str) -> tuple[int | None, str]:
    async with started(environ, sys.executable, "-m", "gitopsd", *arguments) as process:
        said, _ = await process.communicate()
        return process.returncode, said.decode()


async def test_a_browser_of_this_machine_logs_a_command_line_in_and_it_refreshes_by_itself(
    sso: Sso, browser: Browser, environ: dict[str, str], tmp_path: Path
) -> None:
    await until("the provider's keys are read", lambda: known(sso))
    (port,) = free_ports(1)
    command = (sys.executable, "-m", "gitopsd", "login", sso.url, "--sso", "--no-browser", "--sso-port", str(port))
    async with started(environ, *command) as process:
        url = await url_of(process, sso.provider.issuer)
        await browser.go(f"http://localhost:{port}/auth/callback?code=forged&state=forged")
        _, _, page = await browser.go(url)
        said, _ = await process.communicate()
    assert "You are logged in" in page
    assert 0 == process.returncode, said
    assert b"sso:ann@corp.example is logged in" in said

    contexts = tmp_path / "contexts.json"
    document = json.loads(contexts.read_text())
    (context,) = document["contexts"].values()
    assert context["refresh_token"]
    context["token"] = f"e.{encoded({'exp': 1})}.e"  # it has ended
    contexts.write_text(json.dumps(document))
    assert (0, True) == ((told := await ran(environ, "account", "get-user-info"))[0], "ann@corp.example" in told[1])
    assert context["token"] != json.loads(contexts.read_text())["contexts"].popitem()[1]["token"]
    assert 0 == (await ran(environ, "logout"))[0]
    assert 5 == (await ran(environ, "account", "can-i", "get", "projects", "x"))[0]


async def test_a_code_is_typed_into_a_browser_anywhere(sso: Sso, browser: Browser, environ: dict[str, str]) -> None:
    await until("the provider's keys are read", lambda: known(sso))
    async with started(environ, sys.executable, "-m", "gitopsd", "login", sso.url, "--device") as process:
        await browser.go(await url_of(process, sso.provider.issuer))
        said, _ = await process.communicate()

    assert 0 == process.returncode, said
    assert b"sso:ann@corp.example is logged in" in said


async def test_a_daemon_without_single_sign_on_says_so(sso: Sso, environ: dict[str, str]) -> None:
    code, said = await ran(environ, "login", sso.provider.issuer, "--sso")

    assert 0 != code
    assert "Traceback" not in said


@pytest.mark.skipif(not ARGOCD, reason="no argocd: name it in $ARGOCD")
async def test_argocd_logs_in_unchanged(sso: Sso, browser: Browser, environ: dict[str, str]) -> None:
    await until("the provider's keys are read", lambda: known(sso))
    server = sso.url.removeprefix("http://")
    command = (str(ARGOCD), "login", server, "--sso", "--plaintext", "--sso-launch-browser=false", "--grpc-web")
    async with started(environ, *command) as process:
        _, back, _ = await browser.go(await url_of(process, sso.provider.issuer), until="http://localhost")
        await until("argocd listens, which it does after it has said so", lambda: listened(8085))
        await browser.go(back)
        said, _ = await process.communicate()
    assert 0 == process.returncode, said
    async with started(environ, str(ARGOCD), "account", "get-user-info", "--plaintext", "--grpc-web") as process:
        told, _ = await process.communicate()

    assert "ann@corp.example" in told.decode()
    assert "payments" in told.decode()


async def known(sso: Sso) -> str | None:
    return await user_of(sso, await cli_token(sso, "ann"))


async def listened(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("localhost", port)
    except OSError:
        return False
    writer.close()
    return True
