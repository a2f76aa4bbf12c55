"""Whom a mirror told, in the order in which it did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey


@dataclass
class FakeNotices:
    told: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)  # names of objects whose changes are told later

    def tell(self, app: AppName) -> None:
        self.told.append(f"{app} changed")

    def changed(self, key: ResourceKey, apps: Collection[AppName]) -> None:
        if key.name not in self.held:
            self.told += [f"{app} changed" for app in apps]

    def touched(self, apps: Collection[AppName]) -> None:
        self.told += [f"{app} touched" for app in apps]
