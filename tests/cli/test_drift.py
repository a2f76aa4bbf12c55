"""`gitopsd drift`, against a daemon's API."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.daemon import FakeDaemon


def entry(number: int, **changed: Any) -> dict[str, Any]:
    writer = {"manager": "kubectl-edit", "operation": "Update", "subresource": "scale", "certain": True, "time": ""}
    seen = datetime.fromtimestamp(time.time() - 7300, UTC).isoformat()
    plain = {
        "id": number, "application": "shop", "cluster": "c1", "group": "apps", "kind": "Deployment",
        "namespace": "shop", "name": "web", "path": ".spec.replicas", "old": 3, "new": 5, "class": "human",
        "writer": "kubectl-edit", "writers": [writer], "beganAt": seen, "endedAt": None, "durationSeconds": 7300.0,
        "end": "", "operation": "",
    }  # fmt: skip
    return plain | changed


async def test_list_shows_one_line_for_each_change(run: Run, daemon: FakeDaemon) -> None:
    gone = {"path": ".", "old": "(the object)", "new": "(absent)", "writers": [], "class": "unknown"}
    over = {"end": "healed", "durationSeconds": 4.0}
    webhook = {"writers": [], "class": "admission", "new": "x" * 50}
    doubt = {"writers": [{"manager": "k9s", "certain": False}]}
    daemon.drift = [entry(4, **gone, **over), entry(3), entry(2, **webhook), entry(1, **doubt)]

    ran = await run("drift", "list")

    lines = [line.split("\t") for line in ran.out.splitlines()]
    assert 0 == ran.code
    assert ["4", "2 h ago", "shop", "c1", "apps/Deployment shop/web", ".", "(the object) → (absent)", "(no trace)",
            "healed after 4.0 s"] == lines[1]  # fmt: skip
    assert ["3 → 5", "kubectl-edit (human)", "open for 2 h"] == lines[2][6:]
    assert [f"3 → {'x' * 39}…", "a webhook or a policy"] == lines[3][6:8]
    assert "perhaps k9s (human)" == lines[4][7]


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ((), "limit=100"),
        (("--app", "shop", "--open"), "application=shop&limit=100&open=true"),
        (
            ("--cluster", "c1", "--writer", "kubectl*", "--class", "human"),
            "cluster=c1&writer=kubectl%2A&class=human&limit=100",
        ),
        (("--since", "7d", "--until", "1h", "--limit", "5"), "since=7d&until=1h&limit=5"),
    ],
)
async def test_filters_are_the_daemons(run: Run, daemon: FakeDaemon, options: Any, query: str) -> None:
    await run("drift", "list", *options)

    assert f"/api/v1/drift?{query}" == daemon.asked[-1][1].replace("*", "%2A")


async def test_page_that_is_not_all_says_so(run: Run, daemon: FakeDaemon) -> None:
    daemon.drift = [entry(3), entry(2), entry(1)]

    ran = await run("drift", "list", "--limit", "2")

    assert 3 == len(ran.out.splitlines())
    assert "the newest 2" in ran.err


async def test_show_has_all_of_one_entry(run: Run, daemon: FakeDaemon) -> None:
    daemon.drift = [entry(3, new={"a": [1]})]

    ran = await run("drift", "show", "3")

    assert "kubectl-edit (Update, scale), last wrote at no known time" in ran.out
    assert ran.out.endswith("  - 3\n  + a:\n  + - 1\n")
    assert 4 == (await run("drift", "show", "9")).code


async def test_data_is_what_the_daemon_answered(run: Run, daemon: FakeDaemon) -> None:
    daemon.drift = [entry(3)]

    assert daemon.drift == json.loads((await run("drift", "list", "-o", "json")).out)["items"]
    assert daemon.drift[0] == json.loads((await run("drift", "show", "3", "-o", "json")).out)
