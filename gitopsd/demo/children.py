"""The demo's processes: each tied to the demo, in a process group of its own, ended with its whole group."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gitopsd.errors import Terminal

TAIL_LINES = 12


class ChildEnded(Terminal):
    """A process of the demo ended by itself."""


@dataclass(frozen=True, slots=True)
class DemoProcess:
    name: str
    process: Process
    output: asyncio.StreamReader
    log: Path

    async def line(self) -> bytes:
        """Return the next line of its standard output.

        Raises:
            ChildEnded: there is none, because it ended.
        """
        text = await self.output.readline()
        if not text:
            await self.process.wait()
            self.check()
        return text

    async def ended(self) -> None:
        """Wait until it ends, which it should not, and raise ChildEnded."""
        await self.process.wait()
        self.check()

    def check(self) -> None:
        """Raise ChildEnded, with the end of its log, where it is not running any more."""
        if self.process.returncode is not None:
            tail = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
            lines = "".join(f"\n    {line}" for line in tail)
            raise ChildEnded(
                f"{self.name} ended with code {self.process.returncode}; it said last:{lines}\n",
                remedy=f"see {self.log}; --dir keeps it",
            )


@asynccontextmanager
async def child(
    name: str, command: Sequence[str], log: Path, *, grace_s: float, speaks: bool = False
) -> AsyncIterator[DemoProcess]:
    """Run `command` while the block runs; then it gets SIGTERM and `grace_s`, and its group is killed.

    What it prints goes to `log`, but for the standard output of one that `speaks`: that is for `DemoProcess.line`. It
    is killed when the demo ends, however that ends.
    """
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gitopsd.runtime.die_with_parent", str(os.getpid()), *command),
            stdin=asyncio.subprocess.DEVNULL,
            # asyncio counts a process as ended once its pipes are closed too, so one with children gets none.
            stdout=PIPE if speaks else errors,
            stderr=errors,
            env=_environment(os.environ),
            process_group=0,  # a Ctrl-C at the terminal reaches the demo alone, which then ends them in order
        )
    try:
        yield DemoProcess(name, process, process.stdout or asyncio.StreamReader(), log)
    finally:
        await _end(process, grace_s)


async def _end(process: Process, grace_s: float) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)  # terminate() would reap a child that has ended, before asyncio does
    with suppress(TimeoutError):
        async with asyncio.timeout(grace_s):
            await process.wait()
    with suppress(ProcessLookupError):  # the group outlives its leader where something in it still runs
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the demo's environment without what would change the daemon's settings or tell it of a systemd."""
    return {name: value for name, value in own.items() if not name.startswith(("GITOPSD_", "NOTIFY_", "WATCHDOG_"))}
