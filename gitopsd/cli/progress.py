"""Shows a sync while it runs, on standard error: a line for what has changed, and on a terminal one that is kept up."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from gitopsd.cli import status
from gitopsd.cli.output import line

MOST_LINES = 10  # of objects that have come equally far at once; more are counted
ERASE = "\r\x1b[K"
UNSEEN = object()


class Progress:
    """Of one application; called with every state of it."""

    def __init__(self, name: str, before: object) -> None:
        """Leave out the operation `before`; with UNSEEN the one that is over when somebody begins to look."""
        self._name = name
        self._before = before
        # When a stream opens, states from before the one that was asked for may come after it: each is told once.
        self._seen: set[tuple[str, ...]] = set()
        self._operation: object = None
        self._message = ""
        self._redraws = sys.stderr.isatty()

    def show(self, app: status.App) -> None:
        operation = status.at(app, "status", "gitopsd", "operationId")
        if self._before is UNSEEN:
            self._before = None if status.busy(app) else operation
        if operation is None or operation == self._before:
            return
        self.erase()
        if operation != self._operation:
            self._operation = operation
            self._seen.clear()
        self._tell(app)
        if self._redraws and status.busy(app):
            width = shutil.get_terminal_size().columns - 1
            click.echo(line(f"{self._name}: {status.progress(app)}: {self._message}")[:width], nl=False, err=True)

    def erase(self) -> None:
        """Take back the line that is kept up."""
        if self._redraws:
            click.echo(ERASE, nl=False, err=True)

    def _tell(self, app: status.App) -> None:
        groups: dict[tuple[str, str], list[str]] = {}
        for result in status.results(app):
            resource, state = _place(result), _state(result)
            if self._is_new(*resource, *state):
                words = ": ".join(part for part in (_object(result), *state) if part)
                groups.setdefault((_when(result), state[0]), []).append(words)
        for (when, what), lines in groups.items():
            many = len(lines) > MOST_LINES
            for text in [f"{len(lines)} objects: {what}"] if many else lines:
                click.echo(line(f"{self._name}: {when}: {text}"), err=True)
        message = str(status.operation(app).get("message") or "")
        if message and status.busy(app) and not self._redraws and self._is_new(status.progress(app), message):
            click.echo(line(f"{self._name}: {status.progress(app)}: {message}"), err=True)
        self._message = message

    def _is_new(self, *what: str) -> bool:
        new = what not in self._seen
        self._seen.add(what)
        return new


@contextmanager
def showing(name: str, before: object = UNSEEN) -> Iterator[Progress]:
    """Give what shows the syncs of an application; nothing that is kept up is left on the terminal."""
    progress = Progress(name, before)
    try:
        yield progress
    finally:
        progress.erase()


def _place(result: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("group", "kind", "namespace", "name", "syncPhase", "hookType")
    return tuple(str(result.get(name) or "") for name in names)


def _state(result: Mapping[str, Any]) -> tuple[str, str]:
    return str(result.get("status") or result.get("hookPhase") or ""), str(result.get("message") or "")


def _object(result: Mapping[str, Any]) -> str:
    return f"{status.resource_kind(result)} {status.resource_name(result)}"


def _when(result: Mapping[str, Any]) -> str:
    wave = result.get("wave")
    return str(result.get("syncPhase") or "Sync") + (f" wave {wave}" if wave is not None else "")
