"""Ownership of custom resources whose definition changed, or whose managedFields were wiped; and their nulls."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gitopsd.apply.run import ClusterApplier
from gitopsd.kube.client import APPLY_PATCH, JSON_PATCH, KubeClient, Reply
from gitopsd.kube.paths import object_path
from gitopsd.model.cluster import ApiResource
from gitopsd.model.command import Accepted, DryRun, Inapplicable, Predicted
from gitopsd.model.manifest import Manifest, key_of
from tests.contract.applying import HERE, MERGE, accepted, config_map, live
from tests.contract.kubernetes.objects import CRDS, GROUP, crd, is_established
from tests.kube.kit import CONFIG_MAP, resource, served

DEADLINE_S = 60.0
OLD, NEW = f"{GROUP}/v1alpha1", f"{GROUP}/v1"


class Kind:
    """A kind of this test's own, whose versions come and go."""

    def __init__(self, client: KubeClient) -> None:
        self.client = client
        self.plural = f"things{secrets.token_hex(3)}"
        self.name = self.plural.capitalize()

    async def define(self, *versions: str) -> None:
        """Define the kind at `versions`, the first one stored, and wait until just these are served."""
        definition = crd(self.plural, self.name, versions=versions)
        where = f"{CRDS}/{definition['metadata']['name']}"
        query = {"fieldManager": "test", "force": "true"}
        await self._until(where, definition, query)
        async with asyncio.timeout(DEADLINE_S):
            while await self._served() != set(versions):  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.05)

    async def _until(self, where: str, definition: Manifest, query: dict[str, str]) -> None:
        reply = await self.client.request("PATCH", where, query=query, body=definition, content_type=APPLY_PATCH)
        assert reply.ok, reply.message
        async with asyncio.timeout(DEADLINE_S):
            while not is_established((await self.client.request("GET", where)).body):  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.05)

    async def _served(self) -> set[str]:
        asked = {
            version: await self.client.request("GET", f"/apis/{GROUP}/{version}") for version in ("v1", "v1alpha1")
        }
        return {version for version, reply in asked.items() if self.plural in str(reply.body)}

    def resource(self, version: str = "v1") -> ApiResource:
        return resource(GROUP, version, self.name, self.plural)

    def thing(self, namespace: str, version: str = "v1", **spec: Any) -> dict[str, Any]:
        meta = {"name": "one", "namespace": namespace}
        return {"apiVersion": f"{GROUP}/{version}", "kind": self.name, "metadata": meta, "spec": spec}

    def path(self, namespace: str, version: str = "v1") -> str:
        return object_path(self.resource(version), namespace, "one")


@pytest.fixture
async def kind(client: KubeClient) -> AsyncIterator[Kind]:
    made = Kind(client)
    yield made
    await client.request("DELETE", f"{CRDS}/{made.plural}.{GROUP}")


def applier_of(client: KubeClient, *resources: ApiResource) -> ClusterApplier:
    return ClusterApplier({HERE: client}, served(*resources), ())


def owners(found: Manifest) -> list[tuple[str, str]]:
    return [(entry["manager"], entry["apiVersion"]) for entry in found["metadata"].get("managedFields", ())]


async def test_entries_at_a_version_that_is_gone_are_moved_and_dropped(
    client: KubeClient, kind: Kind, namespace: str
) -> None:
    await kind.define("v1", "v1alpha1")
    first = kind.thing(namespace, "v1alpha1", mode="fast", size=5)
    await accepted(applier_of(client, kind.resource("v1alpha1")), first)
    query = {"fieldManager": "kubectl-edit"}
    body = {"metadata": {"labels": {"x": "y"}}}
    await client.request("PATCH", kind.path(namespace, "v1alpha1"), query=query, body=body, content_type=MERGE)
    await kind.define("v1")
    applier, wanted = applier_of(client, kind.resource()), kind.thing(namespace, mode="safe")

    asked = await applier.dry_run(HERE, wanted)
    checked = await applier.run(HERE, DryRun(key_of(wanted), wanted))
    before = await live(applier, wanted)
    answer = await accepted(applier, wanted)

    assert isinstance(asked, Inapplicable)
    assert (500, "no-dry-run") == (asked.code, asked.kind)
    assert isinstance(checked, Accepted)
    assert {("gitopsd", OLD), ("kubectl-edit", OLD)} == set(owners(before))
    assert f"ours is moved to {NEW} and that of kubectl-edit is dropped" in answer.message
    found = await live(applier, wanted)
    # What Git dropped meanwhile is gone, and filled in again: it was ours, whatever the version.
    assert {"mode": "safe", "size": 3} == found["spec"]
    assert [("gitopsd", NEW)] == owners(found)
    assert {"x": "y"} == found["metadata"]["labels"]
    assert answer.view is not None
    assert "" == (await accepted(applier, wanted)).message


async def test_a_version_that_is_defined_and_not_served_is_in_nobodys_way(
    client: KubeClient, kind: Kind, namespace: str
) -> None:
    await kind.define("v1", "v1alpha1")
    await accepted(applier_of(client, kind.resource("v1alpha1")), kind.thing(namespace, "v1alpha1", mode="fast"))
    where = f"{CRDS}/{kind.plural}.{GROUP}"
    patch = [{"op": "replace", "path": "/spec/versions/1/served", "value": False}]
    assert (await client.request("PATCH", where, body=patch, content_type=JSON_PATCH)).ok
    applier, wanted = applier_of(client, kind.resource()), kind.thing(namespace, mode="safe")

    answer = await accepted(applier, wanted)

    assert "" == answer.message
    assert "safe" == (await live(applier, wanted))["spec"]["mode"]


async def test_a_plain_write_forgets_whose_anything_is_where_a_version_is_gone(
    client: KubeClient, kind: Kind, namespace: str
) -> None:
    await kind.define("v1", "v1alpha1")
    await accepted(applier_of(client, kind.resource("v1alpha1")), kind.thing(namespace, "v1alpha1", mode="fast"))
    await kind.define("v1")

    async def labelled() -> Reply:
        body = {"metadata": {"labels": {"x": secrets.token_hex(3)}}}
        query = {"fieldManager": "kubectl-label"}
        return await client.request("PATCH", kind.path(namespace), query=query, body=body, content_type=MERGE)

    assert [] == owners((await labelled()).body)


async def wiped(client: KubeClient, where: str) -> None:
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
    reply = await client.request("PATCH", where, body=patch, content_type=JSON_PATCH)
    assert reply.ok, reply.message
    assert [] == owners(reply.body)


async def test_what_was_ours_before_a_wipe_is_ours_alone_after_the_next_apply(
    client: KubeClient, namespace: str
) -> None:
    applier = applier_of(client, CONFIG_MAP)
    where = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    await accepted(applier, config_map(namespace, a="1", b="2"))
    body = {"data": {"theirs": "3"}}
    await client.request("PATCH", where, query={"fieldManager": "somebody"}, body=body, content_type=MERGE)
    await wiped(client, where)

    healed = await accepted(applier, config_map(namespace, a="1", b="2"))
    found = await live(applier, config_map(namespace))
    await accepted(applier, config_map(namespace, a="1"))

    assert found["metadata"]["resourceVersion"] == healed.resource_version
    assert {"gitopsd", "before-first-apply"} == {manager for manager, _ in owners(found)}
    assert {"a": "1", "theirs": "3"} == (await live(applier, config_map(namespace)))["data"]


NULLS: dict[str, Any] = {
    "mode": None,
    "order": None,
    "labels": {"a": None, "b": "1"},
    "parts": [{"name": "p", "weight": None}],
    "free": {"kept": None},
    "size": None,
}


async def test_nulls_that_a_schema_does_not_allow_are_left_out_as_a_post_does(
    client: KubeClient, kind: Kind, namespace: str
) -> None:
    await kind.define("v1")
    applier, wanted = applier_of(client, kind.resource()), kind.thing(namespace, **NULLS)
    query = {"dryRun": "All"}
    posted = await client.request("POST", kind.path(namespace).rpartition("/")[0], query=query, body=wanted)

    asked = await applier.dry_run(HERE, wanted)
    checked = await applier.run(HERE, DryRun(key_of(wanted), wanted))
    await accepted(applier, wanted)

    assert isinstance(asked, Predicted)
    assert isinstance(checked, Accepted)
    assert posted.ok, posted.message
    assert posted.body["spec"] == (await live(applier, wanted))["spec"] == asked.live["spec"]


async def test_a_null_that_takes_a_value_from_git_takes_it_from_live(
    client: KubeClient, kind: Kind, namespace: str
) -> None:
    await kind.define("v1")
    applier = applier_of(client, kind.resource())
    await accepted(applier, kind.thing(namespace, mode="fast"))

    await accepted(applier, kind.thing(namespace, mode=None))

    assert "mode" not in (await live(applier, kind.thing(namespace)))["spec"]
