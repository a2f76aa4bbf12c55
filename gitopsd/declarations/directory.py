"""Declarations from a directory: looked at every few seconds, read where it changed, validated one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from gitopsd.declarations.files import Scan, State, read, scan
from gitopsd.errors import GitopsError, InvalidManifest, Retryable
from gitopsd.ports import Clock, Declarations
from gitopsd.settings import DeclarationSource
from gitopsd.trust.secrets import is_credentials

POLL_S = 2.0
# What was written so lately may be half written, and may be written again without its time moving.
SETTLED_S = 2.0

log = structlog.get_logger()

# Where each Secret with credentials stands, and the Secret → what is wrong with them.
Secrets = Sequence[tuple[str, Mapping[str, Any]]]
OnSecrets = Callable[[str, Secrets], Sequence[str]]

# Name and text of a file → line and value of each of its documents. Raises InvalidManifest as `name:line: what`.
Parse = Callable[[str, str], Awaitable[Sequence[tuple[int, Any]]]]


@dataclass(frozen=True, slots=True)
class Content:
    """What all files of a directory hold."""

    manifests: tuple[Any, ...]
    origins: tuple[str, ...]  # `file:line` of each
    faults: tuple[str, ...]  # what could not be read
    secrets: Secrets  # credentials: they are not stored, nor shown


@dataclass(frozen=True, slots=True)
class DeclarationFile:
    """A file as it was read in one state."""

    state: State
    documents: tuple[tuple[int, Any], ...] = ()
    fault: str = ""  # why it has none
    again: bool = False  # the next look must read it again, though its state be the same


class DeclarationDirectory:
    """A service that declares what the files of one directory say, as the source `dir:<path>`.

    What is absent, broken or half written removes nothing: a declaration counts as gone only once everything was
    read, and nothing was written for some seconds.
    """

    def __init__(  # noqa: PLR0913 - two ports, a clock and a listener
        self,
        directory: Path,
        source: DeclarationSource,
        declarations: Declarations,
        parse: Parse,
        clock: Clock,
        *,
        on_secrets: OnSecrets = lambda _source, _secrets: (),
    ) -> None:
        """Declare to `declarations`; `on_secrets` is told of all Secrets with credentials whenever files change."""
        self.source = f"dir:{directory}"
        self.name = f"declarations {self.source}"
        self.problems: tuple[str, ...] = ()  # of the last reading, each with its file and line
        self.declared = asyncio.Event()  # what is there was declared for the first time
        self._directory = directory
        self._settings = source
        self._declarations = declarations
        self._parse = parse
        self._clock = clock
        self._on_secrets = on_secrets
        self._last: Scan | None = None  # as it was when it was last declared; None: declare it anew
        self._files: Mapping[str, DeclarationFile] = {}

    async def run(self) -> None:
        while True:
            await self.poll()
            await asyncio.sleep(POLL_S)

    async def credentials(self) -> None:
        """Pass on the Secrets that are there, so that what needs them can start; nothing is declared yet."""
        scanned = await asyncio.to_thread(scan, self._directory, recurse=self._settings.recurse)
        self._files = await read_files(scanned, self._parse, {}, self._clock())
        self._on_secrets(self.source, content(scanned, self._files).secrets)

    async def poll(self) -> None:
        """Look once, and declare what is there if anything changed."""
        scanned = await asyncio.to_thread(scan, self._directory, recurse=self._settings.recurse)
        if scanned == self._last:
            return
        now_s = self._clock()
        settled = not _lately(scanned.modified_ns, now_s)
        self._files = await read_files(scanned, self._parse, self._files, now_s)
        again = any(file.again for file in self._files.values())
        try:
            problems = self._declare(scanned, complete=settled)
        except Retryable as err:
            problems, again = [f"{self._directory}: {err}"], True
        else:
            self.declared.set()
        self._last = scanned if settled and not again else None
        if settled:
            self._report(tuple(problems))

    def _declare(self, scanned: Scan, *, complete: bool) -> list[str]:
        read = content(scanned, self._files)
        warnings = self._declarations.declare(
            self.source,
            read.manifests,
            read.origins,
            complete=complete and not read.faults,
            prune=self._settings.prune,
        )
        # What cannot be read now may hold the Secret that was there before.
        messages = () if read.faults else self._on_secrets(self.source, read.secrets)
        return [*read.faults, *warnings, *messages]

    def _report(self, problems: tuple[str, ...]) -> None:
        for problem in problems:
            if problem not in self.problems:
                log.warning("declarations.problem", source=self.source, problem=problem)
        self.problems = problems


async def read_files(
    scanned: Scan, parse: Parse, former: Mapping[str, DeclarationFile], now_s: float
) -> Mapping[str, DeclarationFile]:
    """Return every file of `scanned` by its path; those of `former` that are in the same state are not read again."""
    files = {}
    for path, state in scanned.files:
        file = former.get(path)
        if file is None or file.again or file.state != state:
            file = await _read_file(path, state, parse)
            # Within a tick of the clock it may change without a trace.
            file = replace(file, again=file.again or _lately(state.modified_ns, now_s))
        files[path] = file
    return files


async def _read_file(path: str, state: State, parse: Parse) -> DeclarationFile:
    try:
        text = (await asyncio.to_thread(read, path, state)).decode("utf-8")
        return DeclarationFile(state, tuple((line, value) for line, value in await parse(path, text)))
    except UnicodeDecodeError:
        return DeclarationFile(state, fault=f"{path}: is not UTF-8 text; save it as UTF-8")
    except OSError as err:
        return DeclarationFile(
            state, fault=f"{path}: {(err.strerror or str(err)).lower()}; it will be read again", again=True
        )
    except InvalidManifest as err:  # names the file
        return DeclarationFile(state, fault=str(err))
    except GitopsError as err:
        return DeclarationFile(state, fault=f"{path}: {err}", again=isinstance(err, Retryable))


def _lately(modified_ns: int, now_s: float) -> bool:
    return abs(now_s - modified_ns / 1e9) < SETTLED_S


def content(scanned: Scan, files: Mapping[str, DeclarationFile]) -> Content:
    """Return the documents in the order of their files, Secrets with credentials apart."""
    documents = [(f"{path}:{line}", value) for path, file in files.items() for line, value in file.documents]
    others = [(origin, value) for origin, value in documents if not is_credentials(value)]
    return Content(
        manifests=tuple(value for _, value in others),
        origins=tuple(origin for origin, _ in others),
        faults=(*scanned.faults, *(file.fault for file in files.values() if file.fault)),
        secrets=[(origin, value) for origin, value in documents if is_credentials(value)],
    )
