"""python -m gitopsd.sim: one simulated cluster in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import secrets
import signal
import sys
from pathlib import Path

from gitopsd.sim.access import ADMIN, READER
from gitopsd.sim.server import Plan, serve

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until SIGTERM or SIGINT; prints one JSON line when ready."""
    args = _arguments()
    if args.die_with_parent:
        _die_with_parent()
    tokens = {ADMIN: secrets.token_urlsafe(24), READER: secrets.token_urlsafe(24)} | dict(args.token)
    plan = Plan(
        directory=args.dir,
        name=args.name,
        port=args.port,
        speed=args.speed,
        history=args.history,
        controllers=not args.no_controllers,
        tokens=tokens,
    )
    refused: list[Exception] = []
    try:
        with _runner() as runner:
            runner.run(_serve(plan))
    except* OSError as group:
        refused += group.exceptions  # an exit from in here would be an exception in a group of its own
    for error in refused:
        print(f"gitopsd.sim: cannot serve on port {plan.port}: {error}; choose another", file=sys.stderr)  # noqa: T201
    if refused:
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m gitopsd.sim",
        description="A simulated Kubernetes cluster: the API over HTTPS on loopback, all in memory, no containers.",
    )
    parser.add_argument("--dir", type=Path, required=True, help="gets kubeconfig, reader.kubeconfig and ca.crt")
    parser.add_argument("--name", default="sim", help="of the cluster in the kubeconfig; default: sim")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; default: a free one")
    parser.add_argument("--speed", type=_positive, default=1.0, help="simulated seconds a second; default: 1")
    parser.add_argument("--history", type=int, default=10_000, help="changes of a kind that a watch can go back")
    parser.add_argument("--no-controllers", action="store_true", help="store objects only; nothing acts on them")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the starting process ends (Linux)")
    parser.add_argument(
        "--token", type=_user_token, action="append", default=[], metavar="USER:TOKEN", help="a user's bearer token"
    )
    return parser.parse_args()


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("more than 0 is needed")
    return value


def _user_token(text: str) -> tuple[str, str]:
    user, colon, token = text.partition(":")
    if not (user and colon and token):
        raise argparse.ArgumentTypeError("USER:TOKEN is needed")
    return user, token


def _die_with_parent() -> None:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended meanwhile
        sys.exit(0)


def _runner() -> asyncio.Runner:
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _serve(plan: Plan) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    async with serve(plan) as running:
        ready = {"ready": True, "simulated": True, "server": running.server, "kubeconfig": f"{running.kubeconfig}"}
        print(json.dumps(ready), flush=True)  # noqa: T201 - what the starting process waits for
        await stop.wait()


if __name__ == "__main__":
    main()
