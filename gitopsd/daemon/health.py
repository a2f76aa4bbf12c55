"""`gitopsd health`: how well the objects of files do, by their status alone; no cluster is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.core.health import health_of
from gitopsd.manifests.yaml import parse
from gitopsd.model.health import Health, HealthStatus
from gitopsd.settings import RenderSettings


@dataclass(frozen=True, slots=True)
class Told:
    """One object of a file. What is not text where it should be reads as ""."""

    kind: str
    namespace: str
    name: str
    health: Health | None  # None: its kind has none


def told(name: str, data: bytes) -> tuple[Told, ...]:
    """Return every object of a YAML or JSON file, in order; the items of a List one by one.

    Raises:
        InvalidManifest: it is no YAML; `name` names the file.
    """
    documents = parse(name, data, RenderSettings()).documents
    return tuple(_told(value) for document in documents for value in _items(document.value))


def _items(value: Any) -> Iterator[Any]:
    items = value.get("items") if isinstance(value, dict) and str(value.get("kind")).endswith("List") else None
    if isinstance(items, list):
        yield from items
    else:
        yield value


def _told(value: Any) -> Told:
    if not isinstance(value, dict):
        return Told("", "", "", Health(HealthStatus.UNKNOWN, "it is no object"))
    meta = value.get("metadata")
    return Told(_text(value, "kind"), _text(meta, "namespace"), _text(meta, "name"), _health(value))


def _health(value: Mapping[str, Any]) -> Health | None:
    if not _text(value, "kind") or not _text(value, "apiVersion"):
        return Health(HealthStatus.UNKNOWN, "it has no apiVersion and kind")
    return health_of(value)


def _text(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else ""
    return found if isinstance(found, str) else ""
