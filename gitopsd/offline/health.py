"""`gitopsd health`: how well the objects of files do, by their status alone; no cluster is asked."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from gitopsd.core.health import health_of, is_asked
from gitopsd.manifests.yaml import parse
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.manifest import GroupKind
from gitopsd.ports import HealthChecks
from gitopsd.scripts import health_checks, lua
from gitopsd.scripts.health import LuaChecks
from gitopsd.scripts.pool import script_workers
from gitopsd.settings import RenderSettings, Settings, load


@dataclass(frozen=True, slots=True)
class HealthReport:
    """One object of a file. What is not text where it should be reads as ""."""

    kind: str
    namespace: str
    name: str
    health: Health | None  # None: its kind has none


def told(
    files: Iterable[tuple[str, bytes]], config: Path | None = None, directory: Path | None = None
) -> list[HealthReport]:
    """Return every object of YAML or JSON files, in order; the items of a List one by one.

    Args:
        files: name and content of each.
        config: the settings whose health checks are used.
        directory: health checks instead of those of the settings' directory.

    Raises:
        InvalidManifest: a file is no YAML; names it.
        InvalidSettings: the settings, or the directory, cannot be used.
    """
    values = [
        value
        for name, data in files
        for document in parse(name, data, RenderSettings()).documents
        for value in _items(document.value)
    ]
    settings = load(config, os.environ) if config else Settings()
    if directory:
        settings = replace(settings, health=replace(settings.health, directory=directory))
    return asyncio.run(_all_told(values, settings))


async def _all_told(values: Iterable[Any], settings: Settings) -> list[HealthReport]:
    async with script_workers(settings.scripts, lua.__name__) as workers:
        judge = LuaChecks(workers, health_checks.load(settings.health), settings.scripts, time.monotonic)
        return [await _told(value, judge) for value in values]


def _items(value: Any) -> Iterator[Any]:
    items = value.get("items") if isinstance(value, dict) and str(value.get("kind")).endswith("List") else None
    if isinstance(items, list):
        yield from items
    else:
        yield value


async def _told(value: Any, judge: HealthChecks) -> HealthReport:
    if not isinstance(value, dict):
        return HealthReport("", "", "", Health(HealthStatus.UNKNOWN, "it is no object"))
    meta = value.get("metadata")
    return HealthReport(
        _text(value, "kind"), _text(meta, "namespace"), _text(meta, "name"), await _health(value, judge)
    )


async def _health(value: Mapping[str, Any], judge: HealthChecks) -> Health | None:
    version, name = _text(value, "apiVersion"), _text(value, "kind")
    if not version or not name:
        return Health(HealthStatus.UNKNOWN, "it has no apiVersion and kind")
    kind = GroupKind(version.rpartition("/")[0], name)
    if judge.has(kind) and is_asked(value):
        return (await judge.check(kind, orjson.dumps(value).decode())).health
    return health_of(value)


def _text(value: Any, name: str) -> str:
    text = value.get(name) if isinstance(value, dict) else ""
    return text if isinstance(text, str) else ""
