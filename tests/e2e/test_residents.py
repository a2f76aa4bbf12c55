"""Namespaces and definitions that leave Git while others live in them, on both servers."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.kubernetes.objects import CRDS, GROUP, crd, widget, widgets_at
from tests.e2e.daemon import Json, sync_status, until
from tests.e2e.world import SYNC_BY_ITSELF, World, config_map, found, text

MAKES = {**SYNC_BY_ITSELF, "syncOptions": ["CreateNamespace=true"]}
FINALIZER = "resources-finalizer.argocd.argoproj.io"


@pytest.fixture
async def other(shop: World) -> AsyncIterator[str]:
    """The name of a namespace that only applications of the test make."""
    name = f"{shop.namespace}-more"
    yield name
    await shop.forget()
    await shop.here.delete(f"/api/v1/namespaces/{name}")


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def secret(shop: World, name: str) -> None:
    (await shop.here.post(f"/api/v1/namespaces/{name}/secrets", {"metadata": {"name": "theirs"}})).ok()


async def read(shop: World, name: str) -> Json | None:
    return found(await shop.here.get(f"/api/v1/namespaces/{name}"))


async def uid(shop: World, name: str) -> str:
    live = await read(shop, name) or {}
    assert "deletionTimestamp" not in live["metadata"]
    return str(live["metadata"]["uid"])


def told(app: Json) -> str:
    return str(app["status"].get("gitopsd", {}).get("waiting", ""))


async def test_move_to_create_namespace_leaves_the_namespace_and_all_that_is_in_it(shop: World, other: str) -> None:
    files = {"ns.yaml": text(namespace(other)), "x.yaml": text(config_map("x", v="1"))}
    repo = shop.repo(files=files)
    await shop.declare(shop.application("web", repo, policy=MAKES, namespace=other))
    await shop.daemon.until_synced(shop.name("web"))
    before = await uid(shop, other)
    await secret(shop, other)

    commit = await shop.push(repo, {"ns.yaml": None})
    seen = await shop.daemon.until_synced(shop.name("web"), commit)

    assert before == await uid(shop, other)
    assert (await shop.here.get(f"/api/v1/namespaces/{other}/secrets/theirs")).ok()
    assert ["x"] == [each["name"] for each in seen["status"]["resources"]]


async def test_namespace_goes_when_nobody_lives_in_it_and_says_who_does_before(shop: World, other: str) -> None:
    files = {"a/ns.yaml": text(namespace(other)), "b/x.yaml": text(config_map("x", v="1"))}
    repo = shop.repo(files=files)
    a, b = shop.application("a", repo, "a"), shop.application("b", repo, "b", namespace=other)
    b["metadata"]["finalizers"] = [FINALIZER]
    for name, declared in (("a", a), ("b", b)):
        await shop.declare(declared)
        await shop.daemon.until_synced(shop.name(name))
    before = await uid(shop, other)
    await secret(shop, other)

    await shop.push(repo, {"a/ns.yaml": None, "a/z.yaml": text(config_map("z", v="1"))})
    await shop.daemon.until_app(shop.name("a"), lambda app: shop.name("b") in told(app), what="b is in its way")
    await shop.undeclare(b)
    await shop.daemon.until_gone(shop.name("b"))

    async def secret_is_told() -> bool:
        return "/Secret:" in told(await shop.daemon.refreshed(shop.name("a")))

    await until("a Secret is in its way", secret_is_told)
    assert before == await uid(shop, other)

    annotation = {"argocd.argoproj.io/sync-options": "Prune=confirm"}
    (await shop.here.patch(f"/api/v1/namespaces/{other}", {"metadata": {"annotations": annotation}})).ok()
    await shop.daemon.until_app(shop.name("a"), lambda app: "approve it" in str(app["status"].get("operationState")))
    await shop.daemon.ok("POST", f"/api/v1/applications/{shop.name('a')}/confirm-deletion", {})
    await until("the namespace is gone", lambda: gone(shop, other))
    await shop.daemon.until_app(shop.name("a"), lambda app: sync_status(app) == "Synced")


async def test_application_leaves_what_others_live_in_behind(shop: World, other: str) -> None:
    plural = f"things{secrets.token_hex(4)}"
    definition = crd(plural, "Thing")
    files = {"all.yaml": text(namespace(other), definition, config_map("x", v="1"))}
    repo = shop.repo(files=files)
    app = shop.application("web", repo, namespace=other)
    app["metadata"]["finalizers"] = [FINALIZER]
    await shop.declare(app)
    await shop.daemon.until_synced(shop.name("web"))
    thing: Any = {**widget("theirs", size=1), "kind": "Thing"}
    (await shop.here.post(widgets_at(shop.namespace).replace("widgets", plural), thing)).ok()
    await secret(shop, other)
    before = await uid(shop, other)

    await shop.undeclare(app)
    await shop.daemon.until_gone(shop.name("web"))

    assert before == await uid(shop, other)
    live = (await shop.here.get(f"{CRDS}/{plural}.{GROUP}")).ok()
    assert "deletionTimestamp" not in live["metadata"]
    assert found(await shop.here.get(f"/api/v1/namespaces/{other}/configmaps/x")) is None
    await shop.here.delete(f"{CRDS}/{plural}.{GROUP}")


async def gone(shop: World, name: str) -> bool:
    return await read(shop, name) is None
