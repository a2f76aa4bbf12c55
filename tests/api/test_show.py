from __future__ import annotations

import dataclasses
import json
from typing import Any

from gitopsd.api.argocd_json import application_json
from gitopsd.api.rest import show as module
from gitopsd.api.rest.show import Show
from gitopsd.model.comparison import Comparison, SyncStatus
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import Revision
from gitopsd.model.operation import SyncRequest
from gitopsd.model.status import AppStatus, HistoryEntry
from gitopsd.usecases.backend import AppView
from tests.fakes.backend import app_view


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def published(view: AppView, **changes: Any) -> AppView:
    assert view.status is not None
    return dataclasses.replace(view, status=dataclasses.replace(view.status, **changes))


def test_what_was_kept_reads_as_what_is_written_anew() -> None:
    clock = Clock()
    show = Show(clock)
    view = published(app_view("shop"), epoch_s=900.0, reconciled_s=990.0)
    for now_s in (1000.0, 1030.0, 5000.04):
        clock.now_s = now_s
        expected = application_json(view.application, view.status, view.history, now_s)
        assert expected == json.loads(show.application(view))


def test_age_of_the_watches_is_told_anew_each_time() -> None:
    show = Show(Clock())
    view = published(app_view("shop"), epoch_s=900.0)

    ages = [
        json.loads(show.application(dataclasses.replace(view, watch_age_s=age_s)))["status"]["gitopsd"]
        for age_s in (1.0, 700.04)
    ]

    assert [(100.0, 1.0), (100.0, 700.0)] == [(each["epochAgeSeconds"], each["watchAgeSeconds"]) for each in ages]


def test_every_change_is_shown() -> None:
    show = Show(Clock())
    view = app_view("shop")
    entry = HistoryEntry(0, (Revision("1" * 40),), 1.0, 2.0, "", "Succeeded", "", "t")
    unknown = AppStatus(Comparison(SyncStatus.UNKNOWN, Health(HealthStatus.UNKNOWN)), (), None)
    versions = [
        view,
        dataclasses.replace(view, status=unknown),
        dataclasses.replace(view, status=None),
        dataclasses.replace(view, history=(entry,)),
        dataclasses.replace(view, history=(entry, dataclasses.replace(entry, id=1))),
        dataclasses.replace(view, request=SyncRequest()),
        dataclasses.replace(view, request=SyncRequest(prune=True)),
        dataclasses.replace(view, deleting_s=5.0),
        dataclasses.replace(view, application=dataclasses.replace(view.application, manifest={"spec": {"a": 1}})),
    ]
    shown = [show.application(version) for version in versions]

    assert len(versions) == len(set(shown))
    assert shown == [Show(Clock()).application(version) for version in versions]


def test_what_is_kept_is_bounded() -> None:
    show = Show(Clock())
    filler = {"metadata": {"annotations": {"a": "x" * (module.KEPT_BYTES // 3)}}}
    for number in range(5):
        view = app_view(f"app-{number}")
        large = dataclasses.replace(view, application=dataclasses.replace(view.application, manifest=filler))
        show.application(large)

    assert show.kept_bytes <= module.KEPT_BYTES
