"""Every sync option through the daemon, on both servers: one application a row, all of them at once.

CreateNamespace and SkipDryRunOnMissingResource are in test_kinds.py, Validate=false and managed namespace metadata in
tests/contract/test_options.py, hooks with their policies in test_hooks.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.daemon import Json, until
from tests.e2e.world import World, config_map, text

OPTIONS = "argocd.argoproj.io/sync-options"
Deed = Callable[[World], Awaitable[None]]


async def nothing(_: World) -> None:
    """Leave the world as it is."""


@dataclass(frozen=True)
class Row:
    """What Git holds before and after, what happens between, and what is to come of it."""

    name: str
    before: Sequence[Json]
    after: Sequence[Json]
    check: Deed
    options: Sequence[str] = ()
    first: Deed = nothing  # before anything is declared
    between: Deed = nothing
    spec: Json = field(default_factory=dict)


def marked(name: str, option: str = "", **data: str) -> Json:
    made = config_map(name, **data)
    if option:
        made["metadata"]["annotations"] = {OPTIONS: option}
    return made


def handed_over() -> Json:
    made = config_map("handed-over", ours="1")
    made["metadata"]["annotations"] = {"argocd.argoproj.io/client-side-apply-migration-manager": "other-tool"}
    return made


def stays(name: str, gone: str) -> Deed:
    """Check that `name` is still there when `gone`, of the same commit, is not."""

    async def check(shop: World) -> None:
        await shop.until_gone(gone)
        assert await shop.live(name) is not None, f"{name} is gone"

    return check


def becomes(name: str, **data: str) -> Deed:
    async def check(shop: World) -> None:
        await shop.until_live(name, data)

    return check


def edited(name: str, **data: str) -> Deed:
    async def edit(shop: World) -> None:
        await shop.edit(name, data)

    return edit


async def owned_child(shop: World) -> None:
    """Make an object that the parent owns."""
    parent = await shop.live("orphaning") or {}
    child = config_map("orphan", v="1")
    ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "orphaning", "uid": parent["metadata"]["uid"]}
    child["metadata"]["ownerReferences"] = [ref]
    (await shop.here.post(shop.path("").rstrip("/"), child)).ok()


async def orphaned(shop: World) -> None:
    await shop.until_gone("orphaning")

    async def alone() -> bool:
        return "ownerReferences" not in (await shop.live("orphan") or {"metadata": {"ownerReferences": 1}})["metadata"]

    await until("the child has no owner any more", alone)


async def kubectls(shop: World) -> None:
    """Make objects as `kubectl apply` of old has made them."""
    for name in ("migrated", "not-migrated"):
        made = config_map(name, ours="1", left="1")
        query = {"fieldManager": "kubectl-client-side-apply"}
        (await shop.here.post(shop.path("").rstrip("/"), made, **query)).ok()


async def somebodys(shop: World) -> None:
    """Make an object as another tool has made it."""
    made = config_map("handed-over", ours="1", left="1")
    (await shop.here.post(shop.path("").rstrip("/"), made, fieldManager="other-tool")).ok()


async def pruned_when_approved(shop: World) -> None:
    await stays("b1", "b2")(shop)
    name = shop.name("prune-confirm")
    await shop.daemon.until_app(name, lambda app: "confirm-deletion" in str(app["status"].get("operationState")))
    await shop.daemon.ok("POST", f"/api/v1/applications/{name}/confirm-deletion", {})
    await shop.until_gone("b1")


async def others(shop: World) -> None:
    """Have another application of this test want the object first."""
    repo = shop.repo("first", {"all.yaml": text(config_map("shared", v="theirs"), config_map("first", v="1"))})
    await shop.declare(shop.application("first", repo))
    await shop.daemon.until_synced(shop.name("first"))


async def shared_fails(shop: World) -> None:
    def failed(app: Json) -> bool:
        state = app["status"].get("operationState", {})
        return bool(state.get("phase") == "Failed" and "wants it too" in state["message"])

    await shop.daemon.until_app(shop.name("fail-shared"), failed)
    assert {"v": "theirs"} == (await shop.live("shared") or {})["data"]
    assert await shop.live("beside") is None


async def held_by_what_is_not_healthy(shop: World) -> None:
    async def there() -> bool:
        return await shop.live("waited-for", "deployments", "/apis/apps/v1") is not None

    await until("what is not healthy is there", there)
    assert await shop.live("pruned-last") is not None


async def warns_of_nothing(shop: World) -> None:
    seen = await shop.daemon.until_synced(shop.name("inherent"))
    assert [] == seen["status"].get("conditions", [])


def immutable(value: str) -> Json:
    return {**marked("forced", "Force=true", v=value), "immutable": True}


def never_healthy(name: str) -> Json:
    """Return a Deployment whose Pods no cluster gets to run: of a real one for want of nodes."""
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "none:broken"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


KEEP, KEEP_A, KEEP_B = (config_map(name, v="1") for name in ("keep", "keep-a", "keep-b"))
ROWS = (
    Row("prune-false", [marked("a1", "Prune=false"), config_map("a2"), KEEP_A], [KEEP_A], stays("a1", "a2")),
    Row("prune-confirm", [marked("b1", "Prune=confirm"), config_map("b2"), KEEP_B], [KEEP_B], pruned_when_approved),
    Row(
        "prune-last",
        [config_map("pruned-last"), config_map("p5")],
        [config_map("p5"), never_healthy("waited-for")],
        held_by_what_is_not_healthy,
        ["PruneLast=true"],
    ),
    Row(
        "propagation",
        [config_map("orphaning"), config_map("p6")],
        [config_map("p6")],
        orphaned,
        ["PrunePropagationPolicy=orphan"],
        between=owned_child,
    ),
    Row(
        "replace",
        [marked("replaced", "Replace=true", v="1")],
        [marked("replaced", "Replace=true", v="2")],
        becomes("replaced", v="2"),
        between=edited("replaced", theirs="1"),
    ),
    Row(
        "no-replace",
        [config_map("merged", v="1")],
        [config_map("merged", v="2")],
        becomes("merged", v="2", theirs="1"),
        between=edited("merged", theirs="1"),
    ),
    Row("force", [immutable("1")], [immutable("2")], becomes("forced", v="2")),
    Row(
        "respect",
        [config_map("respected", v="1", other="1")],
        [config_map("respected", v="1", other="2")],
        becomes("respected", v="theirs", other="2"),
        ["RespectIgnoreDifferences=true"],
        between=edited("respected", v="theirs"),
        spec={"ignoreDifferences": [{"kind": "ConfigMap", "jsonPointers": ["/data/v"]}]},
    ),
    Row(
        "fail-shared",
        [config_map("shared", v="ours"), config_map("beside")],
        [config_map("shared", v="ours"), config_map("beside")],
        shared_fails,
        ["FailOnSharedResource=true"],
        first=others,
    ),
    Row("migrate", [config_map("migrated", ours="1")], [], becomes("migrated", ours="1"), first=kubectls),
    Row("migrate-named", [handed_over()], [], becomes("handed-over", ours="1"), first=somebodys),
    Row(
        "no-migrate",
        [config_map("not-migrated", ours="2")],
        [],
        becomes("not-migrated", ours="2", left="1"),
        ["ClientSideApplyMigration=false"],
    ),
    Row("inherent", [KEEP], [], warns_of_nothing, ["ServerSideApply=true", "ApplyOutOfSyncOnly=true"]),
)


async def test_every_sync_option_has_its_effect(shop: World) -> None:
    for row in ROWS:
        await row.first(shop)
    repo = shop.repo(files={f"{row.name}/all.yaml": text(*row.before) for row in ROWS})
    apps = [application(shop, row, repo) for row in ROWS]
    await shop.declare(*apps)
    for row in ROWS:
        await shop.daemon.until_app(shop.name(row.name), over, what=f"{row.name} is synced for the first time")
        await row.between(shop)

    commit = await shop.push(repo, {f"{row.name}/all.yaml": text(*row.after) for row in ROWS if row.after})

    failures = {}
    for row in ROWS:
        if row.after:
            await shop.daemon.until_app(shop.name(row.name), lambda app: at(app) == commit, what=f"{row.name} is told")
        try:
            await row.check(shop)
        except AssertionError as err:
            failures[row.name] = str(err)[:2000]
    assert {} == failures


def application(shop: World, row: Row, repo: Any) -> Json:
    # Nothing is healed here: what somebody else has changed is to be there when the next commit comes.
    policy = {"automated": {"prune": True}, "syncOptions": list(row.options)}
    return shop.application(row.name, repo, row.name, policy=policy, **row.spec)


def over(app: Json) -> bool:
    return str(app["status"].get("operationState", {}).get("phase")) in ("Succeeded", "Failed")


def at(app: Json) -> str:
    return str(app["status"]["sync"].get("revision"))
