"""A kind whose API server knows no server-side apply is written and compared all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from gitopsd.apply.merge import merged
from gitopsd.apply.run import ClusterApplier
from gitopsd.core.compare.prediction import settle
from gitopsd.core.compare.verdict import Basis, Doubtful, verdict
from gitopsd.live.decode import Decoder
from gitopsd.model.command import Accepted, Apply, DryRun, Predicted
from gitopsd.model.comparison import Compared, Found, Pair, SyncStatus
from gitopsd.model.ids import ClusterId, TargetHash
from gitopsd.model.manifest import key_of
from tests.kube.fake import Fake, serving, status_of
from tests.kube.kit import resource, served

HERE = ClusterId("here")
BOAT = resource("old.example.com", "v1", "Boat", "boats")
BOATS = "/apis/old.example.com/v1/namespaces/web/boats"
HASH = TargetHash("t")


class Old:
    """An API server of one object, as they were before server-side apply."""

    def __init__(self) -> None:
        self.held: dict[str, Any] | None = None
        self.writes = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.method == "PATCH":
            return web.json_response(status_of(415, "unknown format"), status=415)
        if request.method == "GET":
            found = self.held or status_of(404, "not found")
            return web.json_response(found, status=200 if self.held else 404)
        body = await request.json()
        if self.held is not None and body["metadata"]["resourceVersion"] != self.held["metadata"]["resourceVersion"]:
            return web.json_response(status_of(409, "it has moved"), status=409)
        self.writes += 1
        about = {"uid": "u", "resourceVersion": f"{self.writes}"}
        self.held = {**body, "metadata": {**body["metadata"], **about}}
        return web.json_response(self.held, status=201)


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with serving() as found:
        yield found


def target(**spec: Any) -> dict[str, Any]:
    notes = {"gitopsd.io/tracking-id": "shop:old.example.com/Boat:web/ann"}
    meta = {"name": "ann", "namespace": "web", "annotations": notes}
    return {"apiVersion": "old.example.com/v1", "kind": "Boat", "metadata": meta, "spec": spec}


async def test_a_kind_without_server_side_apply_is_created_compared_and_changed(fake: Fake) -> None:
    old = Old()
    fake.script(BOATS, old.answer)
    fake.script(f"{BOATS}/ann", old.answer)
    async with fake.client() as client:
        applier = ClusterApplier({HERE: client}, served(BOAT), ())

        async def judged(wanted: dict[str, Any]) -> Compared:
            assert old.held is not None
            pair = Pair(key_of(wanted), wanted, Found(Decoder(()).live(key_of(wanted), old.held)))
            doubt = verdict(pair, wanted, Basis(HASH), None)
            assert isinstance(doubt, Doubtful)
            answer = await applier.dry_run(HERE, wanted)
            assert isinstance(answer, Predicted)
            return settle(doubt, answer, old.held)

        first, second = target(size=1, sails=["a", "b"]), target(size=2, sails=["a"])
        assert isinstance(await applier.run(HERE, DryRun(key_of(first), first)), Accepted)
        assert 0 == old.writes
        for _ in range(2):
            assert isinstance(await applier.run(HERE, Apply(key_of(first), first, HASH)), Accepted)
        assert 1 == old.writes
        assert old.held is not None
        old.held["spec"]["crew"] = 5  # of somebody else

        same, changed = await judged(first), await judged(second)
        assert isinstance(await applier.run(HERE, Apply(key_of(second), second, HASH)), Accepted)

        assert (SyncStatus.SYNCED, False) == (same.status, same.adopt)
        assert (SyncStatus.OUT_OF_SYNC, {".spec.size", ".spec.sails[1]"}) == (
            changed.status,
            {each.path for each in changed.differences},
        )
        assert {"size": 2, "sails": ["a"], "crew": 5} == old.held["spec"]
        assert SyncStatus.SYNCED is (await judged(second)).status


@pytest.mark.parametrize(
    ("expected", "live", "over"),
    [
        ({"a": 2, "b": 1}, {"a": 1, "b": 1}, {"a": 2}),
        ({"b": 1}, {"a": 1, "b": 1}, {"a": None}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": {"b": 1, "c": None}}),
        ({"a": [2]}, {"a": [1, 2]}, {"a": [2]}),
    ],
)
def test_what_is_laid_over_goes_before_what_was_there(expected: Any, live: Any, over: Any) -> None:
    assert expected == merged(live, over)
