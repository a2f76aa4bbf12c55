from __future__ import annotations

import asyncio
import os
import signal

import pytest

from gitopsd.runtime.signals import listening


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_first_signal_asks_to_stop_and_the_second_forces(number: signal.Signals) -> None:
    forced: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with listening(force=forced.set_result) as signals:
        send(number)
        async with asyncio.timeout(20):
            await signals.stop.wait()
        assert not forced.done()
        send(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert 143 == await forced


async def test_hangup_asks_to_reload_and_not_to_stop() -> None:
    with listening() as signals:
        send(signal.SIGHUP)
        async with asyncio.timeout(20):
            await signals.reload.wait()

        assert not signals.stop.is_set()


async def test_signals_are_given_back_after_the_block() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with listening():
        assert before != signal.getsignal(signal.SIGTERM)

    assert before == signal.getsignal(signal.SIGTERM)
