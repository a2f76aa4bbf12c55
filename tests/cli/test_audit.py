from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import yarl

from tests.cli.conftest import Run
from tests.cli.daemon import FakeDaemon


def entry(number: int) -> dict[str, Any]:
    at = datetime.fromtimestamp(time.time() - 7300, UTC).isoformat()
    return {
        "id": number,
        "at": at,
        "username": "ann",
        "verb": "sync",
        "application": "shop",
        "detail": "v1",
        "address": "192.0.2.1",
        "result": "done",
    }


async def test_audit_shows_one_line_for_each_thing_done_and_that_there_is_more(run: Run, daemon: FakeDaemon) -> None:
    daemon.audit = [entry(3), entry(2)]

    ran = await run("audit", "list", "--app", "shop", "--limit", "1")

    lines = [line.split("\t") for line in ran.out.splitlines()]
    assert ["3", "2 h ago", "ann", "192.0.2.1", "sync", "shop", "done", "v1"] == lines[1]
    assert "the newest 1" in ran.err
    assert "/api/v1/audit?application=shop&limit=1" == daemon.asked[-1][1]


async def test_audit_is_json_where_so_asked(run: Run, daemon: FakeDaemon) -> None:
    daemon.audit = [entry(3)]

    assert daemon.audit == json.loads((await run("audit", "list", "-o", "json")).out)["items"]


async def test_audit_is_asked_for_by_whom_and_since_when(run: Run, daemon: FakeDaemon) -> None:
    await run("audit", "list", "--by", "ann", "--since", "2026-01-31T12:00:00Z")
    await run("audit", "list", "--since", "24h")
    broken = await run("audit", "list", "--since", "yesterday")

    exact, ago = [dict(yarl.URL(asked).query) for _, asked, _ in daemon.asked]
    assert {"username": "ann", "since": "2026-01-31T12:00:00+00:00", "limit": "100"} == exact
    day_s = time.time() - datetime.fromisoformat(ago["since"]).timestamp()
    assert abs(day_s - 86400) < 60
    assert (2, True) == (broken.code, "no time" in broken.err)


async def test_all_of_the_audit_log_is_exported_as_lines(run: Run, daemon: FakeDaemon) -> None:
    daemon.audit = [entry(number) for number in range(3, 0, -1)]

    lines = (await run("audit", "export")).out.splitlines()

    assert [3, 2, 1] == [json.loads(line)["id"] for line in lines]
