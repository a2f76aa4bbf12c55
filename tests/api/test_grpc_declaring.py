"""Applications that are declared and changed over gRPC."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from tests.api.grpcclient import GrpcClient, client
from tests.api.grpcworld import APP, HELD, Refused, ann, world
from tests.api.serving import serving
from tests.fakes.backend import REPO, FakeBackend

SPEC: dict[str, Any] = {
    "project": "retail",
    "source": {"repoURL": REPO, "path": "new", "helm": {"valuesObject": {"a": 1}}},
    "destination": {"name": "c1", "namespace": "new"},
    "syncPolicy": {"automated": {"enabled": False}},
}
NEW = {"metadata": {"name": "new", "labels": {"team": "a"}}, "spec": SPEC}
MAY = [("applications", action, "retail/*") for action in ("get", "create", "update")]


async def test_an_application_is_declared_shown_and_changed() -> None:
    backend = world()
    async with serving(backend) as api, client(api.port, metadata=HELD) as caller:
        created = await caller.ask(f"{APP}/Create", application=NEW)
        rest = await api.get("/api/v1/applications/new")
        changed = await caller.ask(f"{APP}/UpdateSpec", name="new", spec={**SPEC, "syncPolicy": {"automated": {}}})
        patched = await caller.ask(
            f"{APP}/Patch", name="new", patch='{"spec": {"source": {"path": "other"}}}', patchType="merge"
        )
        moved = {"metadata": {"name": "new"}, "spec": {**SPEC, "source": {"repoURL": REPO, "path": "third"}}}
        updated = await caller.ask(f"{APP}/Update", application=moved)

    assert (SPEC, {"team": "a"}) == (rest["spec"], rest["metadata"]["labels"])
    assert ("new", "retail") == (created.metadata.name, created.spec.project)
    assert not changed.syncPolicy.automated.HasField("enabled")
    assert ("other", "third") == (patched.spec.source.path, updated.spec.source.path)


async def test_another_one_of_that_name_is_only_changed_where_it_is_asked_for() -> None:
    other = {**NEW, "spec": {**SPEC, "source": {"repoURL": REPO, "path": "other"}}}
    async with serving(world()) as api, client(api.port, metadata=HELD) as caller:
        await caller.ask(f"{APP}/Create", application=NEW)
        with Refused as error:
            await caller.ask(f"{APP}/Create", application=other)
        upserted = await caller.ask(f"{APP}/Create", application=other, upsert=True)

    assert (grpc.StatusCode.FAILED_PRECONDITION, "other") == (error.value.code(), upserted.spec.source.path)


async def test_what_git_declares_is_changed_there() -> None:
    async with serving(world()) as api, client(api.port, metadata=HELD) as caller:
        with Refused as error:
            await caller.ask(f"{APP}/UpdateSpec", name="shop", spec={**SPEC, "project": "default"})

    assert "declared in Git" in str(error.value.details())


async def _create(caller: GrpcClient) -> None:
    await caller.ask(f"{APP}/Create", application=NEW)


async def _update_spec(caller: GrpcClient) -> None:
    await caller.ask(f"{APP}/UpdateSpec", name="cart", spec=SPEC)


async def _patch(caller: GrpcClient) -> None:
    await caller.ask(f"{APP}/Patch", name="cart", patch="[]", patchType="json")


async def _update(caller: GrpcClient) -> None:
    await caller.ask(f"{APP}/Update", application={"metadata": {"name": "cart"}, "spec": SPEC})


@pytest.mark.parametrize("change", [_create, _update_spec, _patch, _update])
async def test_who_may_only_look_declares_nothing(change: Any) -> None:
    backend: FakeBackend = world()
    before = dict(backend.apps)
    async with ann(backend, ("applications", "get", "retail/*")) as caller:
        with Refused as error:
            await change(caller)

    assert (grpc.StatusCode.PERMISSION_DENIED, before) == (error.value.code(), backend.apps)


async def test_who_may_declares() -> None:
    async with ann(world(), *MAY) as caller:
        assert "new" == (await caller.ask(f"{APP}/Create", application=NEW)).metadata.name
        with Refused as error:
            await caller.ask(f"{APP}/Create", application={**NEW, "spec": {**SPEC, "project": "money"}}, upsert=True)

    assert grpc.StatusCode.PERMISSION_DENIED == error.value.code()


@pytest.mark.parametrize(
    ("patch", "kind"), [("{", "merge"), ("{}", "strategic"), ('[{"op": "test", "path": "/x", "value": 1}]', "json")]
)
async def test_what_is_no_patch_is_refused(patch: str, kind: str) -> None:
    async with serving(world()) as api, client(api.port, metadata=HELD) as caller:
        await caller.ask(f"{APP}/Create", application=NEW)
        with Refused as error:
            await caller.ask(f"{APP}/Patch", name="new", patch=patch, patchType=kind)

    assert grpc.StatusCode.INVALID_ARGUMENT == error.value.code()
