"""Generated sequences of writes give equal answers on a real and on the simulated API server."""

from __future__ import annotations

import copy
import os
import random
import secrets
from typing import Any

import pytest

from gitopsd.sim.patches import merge_patched
from tests.clusters import Cluster
from tests.contract.kubernetes.api import Answer, Api
from tests.contract.kubernetes.conftest import serve_widgets
from tests.contract.kubernetes.sequences import FORMS, Form, Request, requests
from tests.contract.kubernetes.twins import Twins, comparable, differences

SOAK = bool(os.environ.get("GITOPSD_SOAK"))
COUNT = 500 if SOAK else 60
LENGTH = 16
# The quick sample is always the same, so that a change's tests fail for the change; new ones are for make soak.
SEED = int(os.environ.get("GITOPSD_SEED") or (secrets.randbits(32) if SOAK else 11))


@pytest.fixture(scope="module", autouse=True)
def served(stores: tuple[Cluster, Cluster]) -> None:
    """The kind Widget, on both."""
    for cluster in stores:
        serve_widgets(cluster)


async def send(api: Api, path: str, request: Request) -> Answer:
    """Send one request to one cluster, completed with what that cluster has."""
    one = f"{path}/it"
    body: Any = copy.deepcopy(request.body)
    if request.read_first or request.own:
        live = (await api.get(one)).body
        metadata = live.get("metadata", {})
        own = {name: metadata[name] for name in request.own if name in metadata}
        if request.read_first:
            body = merge_patched(live, body) if live.get("kind") != "Status" else body
        elif request.method == "DELETE":
            body = {**(body or {}), "preconditions": {**own, **((body or {}).get("preconditions", {}))}}
        else:
            body["metadata"] |= own
    where = path if request.collection else one
    if request.subresource:
        where = f"{one}/{request.subresource}"
    return await api.send(request.method, where, body, request.content_type, **request.query)


async def run(both: Twins, form: Form, seed: str) -> list[str]:
    """Run one sequence on both clusters; return what differs at the first request whose answers do."""
    namespace = f"seq-{secrets.token_hex(4)}"
    await both.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    group, _, version = form.api_version.rpartition("/")
    base = f"/apis/{group}/{version}" if group else f"/api/{version}"
    path = f"{base}/namespaces/{namespace}/{form.plural}"
    for number, request in enumerate(requests(form, random.Random(seed), LENGTH)):  # noqa: S311 - to be repeatable
        real, sim = await send(both.real, path, request), await send(both.sim, path, request)
        found = list(differences(comparable(real), comparable(sim)))
        if found:
            said = [
                f"{one.status} {one.body.get('message', '') if isinstance(one.body, dict) else one.body}"
                for one in (real, sim)
            ]
            return [f"{form.kind} {seed}, request {number}: {request}", *said, *found]
    return []


@pytest.mark.timeout(7200 if SOAK else 120)
@pytest.mark.parametrize("form", FORMS, ids=[form.kind for form in FORMS])
async def test_answers_are_equal(both: Twins, form: Form) -> None:
    print(f"GITOPSD_SEED={SEED}")  # noqa: T201 - shown when it fails, to run the same again
    failed = []
    for number in range(COUNT // len(FORMS)):
        found = await run(both, form, f"{SEED}-{number}")
        if found:
            failed.append("\n".join(line[:900] for line in found[:12]))
        if len(failed) == 5:
            break

    assert not failed, "\n\n".join(failed)
