"""`python -m gitopsd.sim` as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import Cluster, call, free_ports

DEADLINE_S = 20.0


def command(directory: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "gitopsd.sim", "--dir", f"{directory}", *options]


def started(directory: Path, *options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    child = subprocess.Popen(command(directory, *options), stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    assert child.stdout
    return child, json.loads(child.stdout.readline())


def ended(child: subprocess.Popen[str]) -> int:
    code = child.wait(DEADLINE_S)
    assert child.stdout
    child.stdout.close()
    return code


def test_ready_line_names_server_and_kubeconfig_and_sigterm_ends_it(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    child, ready = started(tmp_path / "new", "--port", f"{port}", "--name", "east")

    config = json.loads(Path(ready["kubeconfig"]).read_text())
    token = config["users"][0]["user"]["token"]
    cluster = Cluster(
        "east", Path(ready["kubeconfig"]), ready["server"], simulated=True, ca_file=tmp_path / "new/ca.crt"
    )
    status, version = call(cluster, "GET", "/version", token=token)
    child.send_signal(signal.SIGTERM)

    assert (True, True, f"https://127.0.0.1:{port}") == (ready["ready"], ready["simulated"], ready["server"])
    assert ("east", ready["server"]) == (config["current-context"], config["clusters"][0]["cluster"]["server"])
    assert (200, "v1.36.0+sim") == (status, version["gitVersion"])
    assert 0o600 == Path(ready["kubeconfig"]).stat().st_mode & 0o777
    assert 0 == ended(child)


def test_two_starts_have_different_tokens(tmp_path: Path) -> None:
    tokens = []
    for name in ("a", "b"):
        child, ready = started(tmp_path / name)
        tokens.append(json.loads(Path(ready["kubeconfig"]).read_text())["users"][0]["user"]["token"])
        child.terminate()
        ended(child)

    assert tokens[0] != tokens[1]


def test_killed_parent_takes_it_along(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
        "time.sleep(60)\n"
    )
    line = [sys.executable, "-c", script, *command(tmp_path, "--die-with-parent")]
    parent = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    assert parent.stdout
    pid = int(parent.stdout.readline().split()[0])

    parent.kill()

    assert -signal.SIGKILL == ended(parent)
    deadline = time.monotonic() + DEADLINE_S
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("options", [("--token", "nocolon"), ("--speed", "fast"), ("--speed", "0"), ("--unheard",)])
def test_bad_options_are_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    ran = subprocess.run(command(tmp_path, *options), capture_output=True, text=True, check=False)  # noqa: S603 - our own

    assert 2 == ran.returncode
    assert "usage:" in ran.stderr


def test_taken_port_is_said_and_ends_it(tmp_path: Path) -> None:
    first, ready = started(tmp_path / "a")
    port = ready["server"].rpartition(":")[2]
    second = subprocess.run(command(tmp_path / "b", "--port", port), capture_output=True, text=True, check=False)  # noqa: S603 - our own
    first.terminate()
    ended(first)

    assert 1 == second.returncode
    assert "address already in use" in second.stderr
    assert "Traceback" not in second.stderr
