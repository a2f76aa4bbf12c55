"""gitopsd, killed at its n-th write to store or cluster: `python -m tests.faults.dying N PYTHON -m gitopsd ARGS`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gitopsd.cli.main import main
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.store.database import Database

ARGUMENTS = 4  # N PYTHON -m gitopsd


class Fate:
    def __init__(self, left: int) -> None:
        self._left = left

    def tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def doom(fate: Fate) -> None:
    """Have every write count, before it and after."""
    write, request = Database.write, KubeClient.request

    @contextmanager
    def mortal_write(self: Database, *, durable: bool) -> Iterator[Any]:
        fate.tick()
        with write(self, durable=durable) as connection:
            yield connection

    async def mortal_request(self: KubeClient, verb: str, path: str, **more: Any) -> Reply:
        if verb == "GET" or "/leases" in path:
            return await request(self, verb, path, **more)
        fate.tick()
        reply = await request(self, verb, path, **more)
        fate.tick()
        return reply

    setattr(Database, "write", mortal_write)  # noqa: B010 - mypy knows that a method is no variable
    setattr(KubeClient, "request", mortal_request)  # noqa: B010 - as above


if __name__ == "__main__":
    doom(Fate(int(sys.argv[1])))
    sys.exit(main(sys.argv[1 + ARGUMENTS :]))
