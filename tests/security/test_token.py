"""Cases 40 and 42: guesses at the token are counted and seen, and one that was changed opens nothing."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from gitopsd.api.logins import FORGOTTEN_S, MOST_ADDRESSES, MOST_LINES, WINDOW_S, FailedLogins
from tests.api.serving import TOKEN, serving
from tests.fakes.backend import FakeBackend, app_view

APPS = "/api/v1/applications"
STREAM = "/api/v1/stream/applications"


class Guesses:
    """Failed logins on a clock of the test's own."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.counted: list[str] = []
        self.failed = FailedLogins(self.counted.append, lambda: self.now_s)

    def come(self, address: str, times: int = 1) -> list[tuple[str, int]]:
        """Return what is logged of `times` wrong tokens from `address`."""
        request = make_mocked_request("GET", APPS, {"Authorization": "Bearer x"}).clone(remote=address)
        with capture_logs() as logs:
            for _ in range(times):
                self.failed.refused(request)
        return [(line["address"], line["times"]) for line in logs if line["event"] == "api.login_refused"]


@pytest.fixture
def guesses() -> Guesses:
    return Guesses()


async def test_case_40_a_failed_login_is_counted_and_logged_with_its_address() -> None:
    async with serving(FakeBackend(app_view("shop"))) as api, aiohttp.ClientSession() as stranger:
        with capture_logs() as logs:
            for headers in ({}, {"Authorization": "Bearer hunter2"}):
                async with stranger.get(api.url + APPS, headers=headers) as answer:
                    assert 401 == answer.status
        await api.get(APPS)

    told = [line for line in logs if line["event"] == "api.login_refused"]
    assert ["none", "wrong"] == api.refused
    assert [("127.0.0.1", "none", 1)] == [(line["address"], line["given"], line["times"]) for line in told]
    assert "hunter2" not in str(logs)


def test_case_40_guesses_of_one_address_are_few_lines(guesses: Guesses) -> None:
    assert [("192.0.2.1", 1), ("192.0.2.1", 10), ("192.0.2.1", 100)] == guesses.come("192.0.2.1", 999)
    assert 999 == len(guesses.counted)


def test_case_40_guesses_of_many_addresses_fill_neither_log_nor_memory(guesses: Guesses) -> None:
    lines = [line for number in range(2 * MOST_ADDRESSES) for line in guesses.come(f"192.0.2.{number}")]

    guesses.now_s = WINDOW_S
    assert MOST_LINES == len(lines)
    assert [("198.51.100.1", 1)] == guesses.come("198.51.100.1")


def test_case_40_an_address_that_kept_still_is_told_anew(guesses: Guesses) -> None:
    guesses.come("192.0.2.1")
    guesses.now_s = FORGOTTEN_S + 1

    assert [("192.0.2.1", 1)] == guesses.come("192.0.2.1")


async def test_case_42_a_stream_ends_when_its_token_is_changed() -> None:
    tokens = [TOKEN]
    async with (
        serving(FakeBackend(app_view("shop")), token=lambda: tokens[0]) as api,
        asyncio.timeout(30),
        api.session.get(api.url + STREAM) as answer,
    ):
        await answer.content.readline()
        tokens[0] = "another"
        while await answer.content.readline():
            pass

    assert 0 < len(api.observed)
