"""What a new settings file changes, and what of it needs a restart."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from gitopsd.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class SettingsChanges:
    """Dotted names of settings; a list counts as one."""

    live: tuple[str, ...]  # what the daemon takes over as it runs
    restart: tuple[str, ...]  # what holds from the next start on


def changed(old: Settings, new: Settings, live: Collection[str]) -> SettingsChanges:
    """Return what differs between two settings, sorted.

    Args:
        live: names the caller can take over as it runs; `git` stands for everything below it.
    """
    names = sorted(_differences(old, new, ""))
    taken = [name for name in names if any(name == prefix or name.startswith(f"{prefix}.") for prefix in live)]
    return SettingsChanges(tuple(taken), tuple(name for name in names if name not in taken))


def _differences(old: Any, new: Any, name: str) -> Iterator[str]:
    if old == new:
        return
    if dataclasses.is_dataclass(old) and type(old) is type(new):
        for field in dataclasses.fields(old):
            yield from _differences(
                getattr(old, field.name), getattr(new, field.name), f"{name}.{field.name}".lstrip(".")
            )
    else:
        yield name
