from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from tests.cli.conftest import Run
from tests.cli.daemon import FakeDaemon


def entry(number: int) -> dict[str, Any]:
    at = datetime.fromtimestamp(time.time() - 7300, UTC).isoformat()
    return {"id": number, "at": at, "username": "ann", "verb": "sync", "application": "shop", "detail": "v1"}


async def test_audit_shows_one_line_for_each_thing_done_and_that_there_is_more(run: Run, daemon: FakeDaemon) -> None:
    daemon.audit = [entry(3), entry(2)]

    ran = await run("audit", "--app", "shop", "--limit", "1")

    lines = [line.split("\t") for line in ran.out.splitlines()]
    assert ["3", "2 h ago", "ann", "sync", "shop", "v1"] == lines[1]
    assert "the newest 1" in ran.err
    assert "/api/v1/audit?limit=1&application=shop" == daemon.asked[-1][1]


async def test_audit_is_json_where_so_asked(run: Run, daemon: FakeDaemon) -> None:
    daemon.audit = [entry(3)]

    assert daemon.audit == json.loads((await run("audit", "-o", "json")).out)["items"]
