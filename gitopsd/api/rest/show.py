"""An application as JSON: Argo CD's shape, with the operation that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from cachetools import LRUCache

from gitopsd.api.argocd_json import application_json
from gitopsd.api.fields import EVERYTHING, SelectedFields
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from gitopsd.usecases.backend import AppView

KEPT_BYTES = 16 << 20  # about 4,000 applications of ten objects; a quarter of a millisecond is saved for each
AGES = ("epochAgeSeconds", "watchAgeSeconds")
END = b"}}}"  # of our part of the status, of the status, of the application


@dataclass(frozen=True, slots=True)
class _Written:
    """The JSON of what does not change with time, and of whom it is."""

    view: AppView
    text: bytes  # of the whole Application up to END; of fields of it, all


class Show:
    """Writes applications. What was written is kept until the application is published anew; ages are always fresh."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._kept: LRUCache[tuple[AppName, str], _Written] = LRUCache(
            KEPT_BYTES, getsizeof=lambda written: len(written.text)
        )

    def application(self, view: AppView, fields: SelectedFields = EVERYTHING) -> bytes:
        """Return `view` as Argo CD writes an Application; `operation` is what was asked for and waits for a pass.

        Of it the `fields` alone, and then without ages.
        """
        key = (view.application.name, fields.text)
        written = self._kept.get(key)
        if written is None or not same_view(written.view, view):
            written = _written(view, self._now_s(), fields)
            if len(written.text) <= KEPT_BYTES:
                self._kept[key] = written
        if fields is not EVERYTHING:
            return written.text
        ages = ages_of(view, self._now_s())
        return written.text + (b"," + orjson.dumps(ages)[1:-1] if ages else b"") + END

    @property
    def kept_bytes(self) -> int:
        return int(self._kept.currsize)


def ages_of(view: AppView, now_s: float) -> dict[str, float]:
    """Return how old what is known of an application is: since its repositories were fetched, since watches told."""
    ages = {}
    if view.status is not None and view.status.epoch_s:
        ages["epochAgeSeconds"] = round(max(0.0, now_s - view.status.epoch_s), 1)
    if view.watch_age_s is not None:
        ages["watchAgeSeconds"] = round(view.watch_age_s, 1)
    return ages


def same_view(old: AppView, new: AppView) -> bool:
    """Tell whether two views show the same. What is published is frozen, so identity will do for the large parts."""
    return (
        old.application is new.application
        and old.status is new.status
        and old.deleting_s == new.deleting_s
        and old.request == new.request
        and (old.history is new.history or list(old.history) == list(new.history))
    )


def document_of(view: AppView, now_s: float, fields: SelectedFields = EVERYTHING) -> dict[str, Any]:
    """Return `view` as Argo CD's Application; `operation` is what was asked for and waits for a pass."""
    document = application_json(
        view.application, view.status, view.history, now_s, deleting_s=view.deleting_s, fields=fields
    )
    if view.request:
        document["operation"] = _operation(view.request)
    return document


def _written(view: AppView, now_s: float, fields: SelectedFields) -> _Written:
    document = document_of(view, now_s, fields)
    if fields is not EVERYTHING:
        return _Written(view, orjson.dumps(fields.of(document)))
    status = document.pop("status")
    ours = status.pop("gitopsd")
    for age in AGES:
        ours.pop(age, None)
    text = orjson.dumps({**document, "status": {**status, "gitopsd": ours}})
    return _Written(view, text.removesuffix(END))


def _operation(request: SyncRequest) -> dict[str, Any]:
    sync: dict[str, Any] = {"prune": request.prune, "dryRun": request.dry_run}
    if request.revisions:
        sync |= {"revision": request.revisions[0]} if len(request.revisions) == 1 else {"revisions": request.revisions}
    if request.resources:
        sync["resources"] = [
            {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}
            for key in request.resources
        ]
    return {"sync": sync, "initiatedBy": {"username": request.initiated_by}}
