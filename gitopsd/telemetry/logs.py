"""Sets up logging: one event a line, JSON or for a console, with secrets masked."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog

from gitopsd.settings import LogSettings
from gitopsd.words import bounded, without_credentials

LONGEST = 20_000  # characters of one field: a trace is longer than a message
SECRET_FIELDS = ("token", "password", "secret", "authorization", "private_key", "credentials")
QUIET = ("aiohttp.access", "asyncio", "kubernetes_asyncio")  # speak from WARNING on


def set_up_logging(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Log to `stream` (none: standard error) in the settings' format and from their level on; may be called again.

    What libraries log by the standard library's `logging` takes the same way. Bound context variables are on
    every line. Fields named like a secret, and credentials in URLs, are masked: a net below the types that
    keep secrets away in the first place.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # so that a reload can change the level
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(settings.format, [*shared, structlog.stdlib.add_logger_name]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


def _formatter(form: str, foreign: list[structlog.typing.Processor]) -> logging.Formatter:
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=False)
        if form == "console"
        else structlog.processors.JSONRenderer(default=str)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=foreign,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Before the mask, and without the values of variables that the console's own trace would show.
            structlog.processors.format_exc_info,
            mask,
            render,
        ],
    )


def mask(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Return the event with secrets masked: by the field's name, and in URLs wherever they stand."""
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, bool | int | float | None):
        return value
    if any(secret in name.lower() for secret in SECRET_FIELDS):
        return "***"
    if isinstance(value, Mapping):
        return {key: _masked(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked("", item) for item in value]
    text = bounded(value if isinstance(value, str) else str(value), LONGEST)
    return without_credentials(text) if "://" in text else text
