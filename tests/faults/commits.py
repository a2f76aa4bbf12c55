"""A stream of commits: objects are added, changed, moved between applications and removed, by a seeded choice."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.e2e.world import config_map, text
from tests.gitserver import Repo

FIRST = 4  # objects of each application at the start


@dataclass
class Stream:
    """What Git holds, commit by commit. A name that was removed is never used again."""

    repo: Repo
    random: Random
    groups: dict[str, str]  # application → cluster; objects move within one cluster
    held: dict[str, tuple[str, str]] = field(default_factory=dict)  # object → application, value
    removed: set[str] = field(default_factory=set)
    count: int = 0
    head: str = ""

    def start(self) -> None:
        """Make the first commit."""
        for app in self.groups:
            for _ in range(FIRST):
                self.held[self._fresh()] = app, "0"
        self.head = self.repo.commit({self._file(name): self._text(name) for name in self.held})

    def commit(self) -> None:
        """Make one commit of one to three changes."""
        files: dict[str, str | bytes | None] = {}
        for _ in range(self.random.randint(1, 3)):
            files |= self._change(files)
        if files:
            self.head = self.repo.commit(files)

    def of(self, cluster: str) -> dict[str, str]:
        """Return what a cluster has to hold: object → value."""
        return {name: value for name, (app, value) in self.held.items() if self.groups[app] == cluster}

    def _change(self, files: dict[str, str | bytes | None]) -> dict[str, str | bytes | None]:
        name = self.random.choice(sorted(self.held))
        app, value = self.held[name]
        file = self._file(name)
        if file in files:
            return {}
        kind = self.random.choice(("add", "add", "edit", "edit", "move", "move", "remove"))
        if kind in ("move", "remove") and self._alone(app):
            kind = "edit"  # an application whose last object goes is a guard's business, not this test's
        match kind:
            case "add":
                fresh = self._fresh()
                self.held[fresh] = app, "0"
                return {self._file(fresh): self._text(fresh)}
            case "edit":
                self.held[name] = app, f"{int(value) + 1}"
                return {file: self._text(name)}
            case "move":
                others = [one for one in self.groups if self.groups[one] == self.groups[app] and one != app]
                self.held[name] = self.random.choice(others), value
                return {file: None, self._file(name): self._text(name)}
            case _:
                del self.held[name]
                self.removed.add(name)
                return {file: None}

    def _alone(self, app: str) -> bool:
        return sum(one == app for one, _ in self.held.values()) <= 1

    def _fresh(self) -> str:
        self.count += 1
        return f"map-{self.count:04}"

    def _file(self, name: str) -> str:
        return f"{self.held[name][0]}/{name}.yaml"

    def _text(self, name: str) -> str:
        return text(config_map(name, value=self.held[name][1]))
