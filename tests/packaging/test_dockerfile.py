"""The container image: what its instructions say, tried without a container."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gitopsd.settings import load

TEXT = (Path(__file__).parents[2] / "Dockerfile").read_text().replace("\\\n", "")
FINAL = TEXT[TEXT.rindex("\nFROM ") :]


def instruction(name: str) -> str:
    """Return the argument of the last instruction `name` of the final image."""
    found = re.findall(rf"^{name}\s+(.*)$", FINAL, re.MULTILINE)
    assert found, name
    return str(found[-1])


def test_environment_of_the_image_is_settings(tmp_path: Path) -> None:
    file = tmp_path / "gitopsd.yaml"
    file.touch()
    environ = dict(word.split("=", 1) for word in instruction("ENV").split())

    api = load(file, environ).api

    assert ("0.0.0.0", "0.0.0.0") == (api.host, api.probe_host)  # noqa: S104 - inside a container


def test_image_runs_as_nobody_in_particular() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instruction("USER"))


@contextmanager
def probe(status: int) -> Iterator[int]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_health_check_tells_a_healthy_daemon_from_another(status: int, code: int) -> None:
    command = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
    with probe(status) as port:
        program = command[-1].replace("8081", str(port))
        done = subprocess.run([sys.executable, *command[1:-1], program], timeout=30, check=False)  # noqa: S603 - ours

    assert code == done.returncode


def test_health_check_of_a_daemon_that_is_gone_fails() -> None:
    command = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
    with probe(200) as port:
        pass
    program = command[-1].replace("8081", str(port))

    done = subprocess.run([sys.executable, *command[1:-1], program], capture_output=True, timeout=30, check=False)  # noqa: S603 - ours

    assert 0 != done.returncode
