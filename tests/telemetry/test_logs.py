from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog

from gitopsd.settings import LogSettings
from gitopsd.telemetry.logs import set_up_logging

URL = "https://bot:hunter2@git.example/fleet.git"


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_event_is_one_line_of_json_with_its_context(out: io.StringIO) -> None:
    set_up_logging(LogSettings(), out)
    with structlog.contextvars.bound_contextvars(app="shop"):
        structlog.get_logger().info("pass.done", note="two\nlines", again_after_s=3)
    [line] = lines(out)

    expected = {"event": "pass.done", "level": "info", "app": "shop", "note": "two\nlines", "again_after_s": 3}
    assert expected == {name: value for name, value in line.items() if name != "timestamp"}
    assert line["timestamp"].endswith("Z")


def test_libraries_take_the_same_way(out: io.StringIO) -> None:
    set_up_logging(LogSettings(), out)
    logging.getLogger("aiohttp.server").error("broken: %s", URL)
    [line] = lines(out)

    assert ("aiohttp.server", "error") == (line["logger"], line["level"])
    assert "hunter2" not in out.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_is_written(out: io.StringIO, form: str) -> None:
    set_up_logging(LogSettings(format=form), out)
    log = structlog.get_logger()
    secret = "hunter2"  # noqa: S105 - this is what must not appear
    log.info("a", token=secret, nested={"ssh_private_key": secret, "urls": [URL]}, error=ValueError(URL))

    def fail() -> None:
        local = secret
        raise ValueError(URL + local[:0])

    try:
        fail()
    except ValueError:
        log.exception("b")

    assert "fleet.git" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_level_can_be_changed_by_a_reload(out: io.StringIO) -> None:
    log = structlog.get_logger()
    for level in ("warning", "debug", "error"):
        set_up_logging(LogSettings(level=level), out)
        log.debug("fine", at=level)
        log.warning("bad", at=level)

    assert [("bad", "warning"), ("fine", "debug"), ("bad", "debug")] == [(e["event"], e["at"]) for e in lines(out)]


def test_what_json_cannot_hold_is_written_as_text(out: io.StringIO) -> None:
    set_up_logging(LogSettings(), out)
    structlog.get_logger().info("odd", value=object, raw=b"\xff", many={1})

    assert "odd" == lines(out)[0]["event"]
