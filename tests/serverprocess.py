"""A server's process for tests: it is killed with this process, and may be killed, held and started again at will."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_TETHER = (
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGKILL); os.execvp(sys.argv[1], sys.argv[1:])"
)
DIES_WITH_PARENT = (sys.executable, "-S", "-c", _TETHER)  # written before a command, for a process that is to
END_S = 5.0


@dataclass(slots=True)
class ServerProcess:
    """A command whose output goes on in `log` at each start."""

    command: Sequence[str]
    log: Path
    child: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.child = subprocess.Popen(  # noqa: S603 - the tests' own commands
                [*DIES_WITH_PARENT, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                # Debugging the tests' own loop must not slow down what they talk to.
                env={name: value for name, value in os.environ.items() if name != "PYTHONASYNCIODEBUG"},
            )

    def kill(self) -> None:
        """End it as a machine does that goes away."""
        self.child.kill()
        self.child.wait()

    def hold(self) -> None:
        """Have it say nothing, though its connections stay."""
        self.child.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.child.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.go_on()
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[ServerProcess]:
    """Run `command` while the block runs, its output in `log`."""
    process = ServerProcess(command, log)
    try:
        yield process
    finally:
        process.end()
