"""The drift ledger over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitopsd.core.text.times import rfc3339
from gitopsd.model.comparison import Writer
from gitopsd.model.drift import Drift, DriftEnd, DriftQuery, WriterClass
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.manifest import ResourceKey
from tests.api.serving import NOW_S, serving
from tests.fakes.backend import FakeBackend

EDIT = Writer("kubectl-edit", "Update", NOW_S - 61)
KEY = ResourceKey("apps", "Deployment", "shop", "web")
ENTRY = Drift(
    7, AppName("shop"), ClusterId("c1"), KEY, ".spec.replicas", 3, 5, TargetHash("t"), NOW_S - 60, WriterClass.HUMAN,
    (EDIT,),
)  # fmt: skip


def backend(*entries: Drift) -> FakeBackend:
    found = FakeBackend()
    found.entries = entries
    return found


async def test_entry_tells_what_who_when_and_how_it_ended() -> None:
    healed = replace(ENTRY, id=6, ended_s=NOW_S - 20, end=DriftEnd.HEALED, operation="op")
    async with serving(backend(ENTRY, healed)) as api:
        answer = await api.get("/api/v1/drift")
        one = await api.get("/api/v1/drift/6")

    still, over = answer["items"]
    assert over == one
    expected = {
        "id": 7, "application": "shop", "cluster": "c1", "group": "apps", "kind": "Deployment", "namespace": "shop",
        "name": "web", "path": ".spec.replicas", "old": 3, "new": 5, "class": "human", "writer": "kubectl-edit",
        "beganAt": rfc3339(NOW_S - 60), "endedAt": None, "durationSeconds": 60.0, "end": "", "operation": "",
    }  # fmt: skip
    assert expected.items() <= still.items()
    assert [{"manager": "kubectl-edit", "operation": "Update", "subresource": "", "time": rfc3339(NOW_S - 61),
             "certain": True}] == still["writers"]  # fmt: skip
    assert ("healed", "op", 40.0) == (over["end"], over["operation"], over["durationSeconds"])


async def test_entry_that_is_not_there_is_not_found() -> None:
    async with serving(backend()) as api:
        status, answer = await api.status("GET", "/api/v1/drift/9")

    assert 404 == status
    assert "gitopsd drift list" in answer["remedy"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, DriftQuery()),
        ({"application": "shop", "cluster": "c1", "writer": "kubectl*"},
         DriftQuery(app="shop", cluster="c1", writer="kubectl*")),
        ({"class": "human", "open": "true"}, DriftQuery(by=WriterClass.HUMAN, open=True)),
        ({"since": "7d", "until": "90m"}, DriftQuery(since_s=NOW_S - 7 * 86400, until_s=NOW_S - 5400)),
        ({"since": "1970-01-01T00:00:10Z"}, DriftQuery(since_s=10.0)),
        ({"since": "1970-01-01T00:00:10"}, DriftQuery(since_s=10.0)),
        ({"limit": "5", "continue": "8"}, DriftQuery(limit=5, before=8)),
        ({"limit": "99999"}, DriftQuery(limit=1000)),
    ],
)  # fmt: skip
async def test_filters_are_read(query: Any, wanted: DriftQuery) -> None:
    found = backend()
    async with serving(found) as api:
        await api.get("/api/v1/drift", **query)

    assert wanted == found.wanted


@pytest.mark.parametrize(
    "query",
    [{"class": "martian"}, {"since": "yesterday"}, {"until": "-1d"}, {"limit": "many"}, {"continue": "1;"},
     {"open": "?"}, {"since": "9999999999999999d"}],
)  # fmt: skip
async def test_filter_that_is_none_is_refused_with_a_remedy(query: Any) -> None:
    async with serving(backend()) as api:
        status, answer = await api.status("GET", "/api/v1/drift", params=query)

    assert 400 == status
    assert answer["remedy"]


async def test_full_page_names_the_next_one() -> None:
    async with serving(backend(ENTRY, replace(ENTRY, id=6))) as api:
        first = await api.get("/api/v1/drift", limit="2")
        last = await api.get("/api/v1/drift", limit="3")

    assert ("6", {}) == (first["metadata"]["continue"], last["metadata"])
