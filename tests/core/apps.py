"""Applications, made by hand."""

from __future__ import annotations

from typing import Any

from gitopsd.model.application import Application, Destination, Source, SyncPolicy
from gitopsd.model.ids import AppName, ProjectName, RepoUrl

SOURCE = Source(RepoUrl("https://git.example.org/team/shop.git"))
AUTOMATED = SyncPolicy(automated=True, prune=True)


def application(**fields: Any) -> Application:
    defaults: dict[str, Any] = {
        "name": AppName("shop"),
        "project": ProjectName("default"),
        "sources": (SOURCE,),
        "destination": Destination(name="c1", namespace="prod"),
        "sync_policy": AUTOMATED,
    }
    return Application(**{**defaults, **fields})
