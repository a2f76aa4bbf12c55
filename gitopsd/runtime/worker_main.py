"""A worker process: reads jobs from a socket, runs them one by one under limits, writes their answers.

Started by `gitopsd.runtime.workers` as `python -m gitopsd.runtime.worker_main FD PPID`. A message is four bytes
of length and JSON. The first one says the limits, and is answered by `["ready", null]`; each further one is
`[job, arguments]`, and is answered by `[status, value]`: `["ok", value]`, `["error", error]` for a GitopsError (as
`error_to_json` writes it), `["bug", [error, trace]]`, `["memory", null]` or `["output", bytes]`.
"""

from __future__ import annotations

import importlib
import resource
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson

from gitopsd.errors import GitopsError, error_to_json
from gitopsd.runtime import sandbox
from gitopsd.runtime.die_with_parent import PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, control, tie
from gitopsd.runtime.isolation import Confinement, Isolation

LENGTH = struct.Struct("!I")


def main() -> None:
    """Serve jobs until the daemon closes the socket."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    tie(int(sys.argv[2]))
    control(PR_SET_CHILD_SUBREAPER, 1)  # what a job's children leave behind stays below this process, and is found
    control(PR_SET_NO_NEW_PRIVS, 1)
    setup = receive(connection)
    sys.path[:] = setup["path"]
    limit(setup)
    granted = setup["isolation"]
    isolation = Isolation(**{**granted, "options": tuple(granted["options"])}) if granted else None
    sandbox.adopt(Confinement(**setup["confinement"]), isolation)
    for module in setup["preload"]:
        importlib.import_module(module)
    send(connection, orjson.dumps(["ready", None]))
    while (message := receive(connection)) is not None:
        send(connection, answer(*message, output_bytes=setup["output_bytes"]))


def limit(setup: Mapping[str, int]) -> None:
    """Bound what this process may take of the machine; it cannot lift a limit again."""
    for kind, value in (
        (resource.RLIMIT_DATA, setup["data_bytes"]),  # not RLIMIT_AS: a Go library reserves more than it uses
        (resource.RLIMIT_FSIZE, setup["file_bytes"]),
        (resource.RLIMIT_NOFILE, setup["files"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def answer(job: str, arguments: list[Any], *, output_bytes: int) -> bytes:
    """Run one job and return its answer as JSON."""
    try:
        encoded = orjson.dumps(["ok", function(job)(*arguments)])
    except GitopsError as err:
        return orjson.dumps(["error", error_to_json(err)])
    except MemoryError:
        return orjson.dumps(["memory", None])
    except Exception as err:  # noqa: BLE001 - a bug of the job is the caller's to report; the process goes on
        return orjson.dumps(["bug", [f"{type(err).__name__}: {err}"[:2000], traceback.format_exc()[-8000:]]])
    if len(encoded) > output_bytes:
        return orjson.dumps(["output", len(encoded)])
    return encoded


@cache
def function(job: str) -> Callable[..., Any]:
    """Return what `module:function` names."""
    module, _, name = job.partition(":")
    job_function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return job_function


def receive(connection: socket.socket) -> Any:
    """Return the next message; None at the end."""
    head = _exactly(connection, LENGTH.size)
    return None if head is None else orjson.loads(_exactly(connection, LENGTH.unpack(head)[0]) or b"null")


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece:
            return None
        data += piece
    return bytes(data)


def send(connection: socket.socket, message: bytes) -> None:
    """Write one message."""
    connection.sendall(LENGTH.pack(len(message)))
    connection.sendall(message)


if __name__ == "__main__":
    main()
