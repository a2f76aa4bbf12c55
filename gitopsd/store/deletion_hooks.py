"""The hooks that are run when an application is deleted: Git may hold them no more by then.

Values of Secrets are on the disk only where they are sealed by a key that is not (decision 46); else in memory alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import structlog

from gitopsd.core.objects.mask import is_secret
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest
from gitopsd.runtime.seal import Seal
from gitopsd.store.database import Database

NAME = "delete_hooks:"  # + application: what a seal is bound to

log = structlog.get_logger()


class DeletionHooks:
    def __init__(self, database: Database, seal: Seal | None) -> None:
        self._database = database
        self._seal = seal
        self._held: dict[AppName, bytes] = {}  # all of them, as JSON: hardly ever looked at

    def load(self) -> None:
        for app, body, sealed in self._database.rows("SELECT app, body, sealed FROM delete_hooks"):
            secrets = self._opened(app, sealed) if sealed is not None else []
            self._held[AppName(app)] = _written([*orjson.loads(body), *secrets])

    def _opened(self, app: str, sealed: bytes) -> list[Manifest]:
        opened = self._seal.opened(NAME + app, sealed) if self._seal is not None else None
        if opened is None:
            log.warning("store.hooks_sealed", app=app, remedy="give redis.key as it was, or wait for the next pass")
            return []
        manifests: list[Manifest] = orjson.loads(opened)
        return manifests

    def of(self, app: AppName) -> tuple[Manifest, ...]:
        return tuple(orjson.loads(self._held.get(app, b"[]")))

    def put(self, app: AppName, hooks: Sequence[Manifest]) -> None:
        if not hooks and app not in self._held:
            return
        secrets = [hook for hook in hooks if is_secret(hook)]
        rest = [hook for hook in hooks if not is_secret(hook)]
        written = _written([*rest, *secrets])
        if written == self._held.get(app):
            return
        sealed = self._seal.sealed(NAME + app, _written(secrets)) if secrets and self._seal is not None else None
        with self._database.write(durable=False) as connection:
            connection.execute("INSERT OR REPLACE INTO delete_hooks VALUES (?, ?, ?)", (app, _written(rest), sealed))
        self._held[app] = written
        if secrets and sealed is None:
            log.warning("store.hooks_in_memory", app=app, secrets=len(secrets), remedy="set redis.key to keep them")

    def forget(self, app: AppName) -> None:
        self._held.pop(app, None)


def _written(hooks: Sequence[Manifest]) -> bytes:
    return orjson.dumps(list(hooks), option=orjson.OPT_SORT_KEYS)
