"""What the CLI answers when the daemon does not, and where it keeps its token."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gitopsd.cli.main import main
from tests.cli.conftest import Run
from tests.cli.daemon import FakeDaemon


def refused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_daemon_that_is_not_there_answers_3(run: Run) -> None:
    ran = await run("app", "list", "--server", f"http://127.0.0.1:{refused_port()}")

    assert 3 == ran.code
    assert "does not answer" in ran.err


async def test_application_that_is_not_there_answers_4(run: Run) -> None:
    assert 4 == (await run("app", "get", "nothing")).code


async def test_name_cannot_reach_another_path(run: Run, daemon: FakeDaemon) -> None:
    ran = await run("app", "get", "../../version")

    assert 4 == ran.code
    assert "/api/v1/applications/..%2F..%2Fversion" == daemon.asked[-1][1]


async def test_wrong_token_answers_5_and_is_not_printed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPSD_AUTH_TOKEN", "wrong-token")

    ran = await run("app", "list")

    assert 5 == ran.code
    assert "wrong-token" not in ran.err + ran.out


async def test_token_file_wins_over_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITOPSD_AUTH_TOKEN", "wrong-token")
    file = tmp_path / "token"
    file.write_text("t0ken\n")

    assert 0 == (await run("app", "list", "--auth-token-file", str(file))).code


async def test_token_that_would_break_the_header_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPSD_AUTH_TOKEN", "a\r\nX-Other: b")

    assert 2 == (await run("app", "list")).code


@pytest.mark.parametrize("url", ["ftp://host", "host:8080", "http://", "http://host:notaport", "http://[::1"])
async def test_address_that_is_none_answers_2(run: Run, url: str) -> None:
    ran = await run("app", "list", "--server", url)

    assert 2 == ran.code
    assert "write it as http://host:port" in ran.err


async def test_version_tells_both_versions(run: Run) -> None:
    ran = await run("version")

    assert 0 == ran.code
    assert "server Version:  9.9.9" in ran.out


def test_unknown_verb_answers_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["deploy"])
    assert "No such command 'deploy'" in capsys.readouterr().err


def test_help_imports_nothing_that_is_slow() -> None:
    slow = {"asyncio", "aiohttp", "http.client", "ssl", "yaml", "rich", "structlog", "gitopsd.settings", "json.decoder"}
    program = (
        "import sys; from gitopsd.__main__ import main\n"
        f"sys.argv = ['gitopsd', '--help']; main(); sys.exit(' '.join(set(sys.modules) & {slow!r}))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603

    assert "" == done.stderr.strip()
    assert "Exit codes:" in done.stdout
