"""What clusters keep a sync from: each is told with what to do, nothing is lost, and what stands beside it goes on.

One application a row, all of them at once through one daemon, on both servers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tests.e2e.daemon import Json, until
from tests.e2e.kinds import boat, definition
from tests.e2e.world import World, config_map, text
from tests.gitserver import Repo

HELD = "example.com/held"  # a finalizer that nobody removes
RETRIED = {"limit": -1, "backoff": {"duration": "1s", "maxDuration": "1s"}}
POLICY = {
    "automated": {"prune": True, "selfHeal": True},
    "retry": RETRIED,
    "syncOptions": ["CreateNamespace=true"],
}
NAMESPACES, QUOTAS = "/api/v1/namespaces", "resourcequotas"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
Deed = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Row:
    """What somebody does to a cluster before a commit, how that is told, and what ends it."""

    name: str
    trouble: Deed
    told: tuple[str, ...]  # words of the operation's message
    mend: Deed
    before: Callable[[World], tuple[Json, ...]] = lambda _: ()  # what Git holds besides
    after: tuple[Json, ...] = ()  # what the commit adds
    beside: bool = True  # the rest of the commit is live while the trouble lasts
    real: bool = False  # the simulated cluster knows nothing of it


def group(shop: World) -> str:
    return f"hard-{shop.id}.example.com"


def boats(shop: World) -> str:
    return f"/apis/{group(shop)}/v1/namespaces/{shop.namespace}/boats"


def ending(shop: World) -> str:
    return f"{shop.namespace}-ending"


def held(name: str) -> Json:
    made = config_map(name, v="1")
    made["metadata"]["finalizers"] = [HELD]
    return made


def let_go(path: Callable[[World], str]) -> Deed:
    async def mend(shop: World) -> None:
        (await shop.here.patch(path(shop), {"metadata": {"finalizers": None}})).ok()

    return mend


async def nothing(_: World) -> None:
    """Leave the cluster as it is."""


async def held_boat(shop: World) -> None:
    """Make an object of the definition that goes with it, for that owns it, and that nobody lets go."""
    made = boat(group(shop), 1)
    name = f"boats.{group(shop)}"
    owner = (await shop.here.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")).ok()["metadata"]
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    refs = [{**kind, "name": name, "uid": owner["uid"]}]
    made["metadata"] |= {"namespace": shop.namespace, "finalizers": [HELD], "ownerReferences": refs}

    async def made_it() -> bool:
        return (await shop.here.post(boats(shop), made)).status in (201, 409)

    await until("the boat is made", made_it)


async def namespace_is_deleted(shop: World) -> None:
    where = f"{NAMESPACES}/{ending(shop)}"
    (await shop.here.post(f"{where}/configmaps", held("holds"))).ok()
    (await shop.here.delete(where)).ok()


async def quota(shop: World) -> None:
    """Allow as many roles as there are: none."""
    made = {"metadata": {"name": "few"}, "spec": {"hard": {"count/roles.rbac.authorization.k8s.io": "0"}}}
    (await shop.here.post(shop.path("", QUOTAS).rstrip("/"), made)).ok()

    async def counted() -> bool:
        return bool((await shop.live("few", QUOTAS) or {}).get("status", {}).get("hard"))

    await until("the quota counts", counted)


async def no_quota(shop: World) -> None:
    (await shop.here.delete(shop.path("few", QUOTAS))).ok()


async def webhook_is_down(shop: World) -> None:
    hook = {
        "name": f"down.{shop.id}.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [{"apiGroups": ["policy"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["*"]}],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": shop.namespace}},
    }
    (await shop.here.post(WEBHOOKS, {"metadata": {"name": f"down-{shop.id}"}, "webhooks": [hook]})).ok()


async def no_webhook(shop: World) -> None:
    (await shop.here.delete(f"{WEBHOOKS}/down-{shop.id}")).ok()


BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "budget"},
    "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "none"}}},
}
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "few"}, "rules": []}
ROWS = (
    Row("finalizer", nothing, (HELD, "see to"), let_go(lambda shop: shop.path("kept")), lambda _: (held("kept"),)),
    Row(
        "definition",
        held_boat,
        ("objects of its kind", "see to"),
        let_go(lambda shop: f"{boats(shop)}/ann"),
        lambda shop: (definition(group(shop)),),
    ),
    Row(
        "ending",
        namespace_is_deleted,
        ("being deleted", "conditions"),
        let_go(lambda shop: f"{NAMESPACES}/{ending(shop)}/configmaps/holds"),
        beside=False,
    ),
    Row("quota", quota, ("nothing was written", "exceeded quota"), no_quota, after=(ROLE,), beside=False, real=True),
    Row("webhook", webhook_is_down, ("tried again", "failurePolicy"), no_webhook, after=(BUDGET,), real=True),
)


async def test_what_a_cluster_holds_up_is_told_and_done_when_it_is_over(shop: World) -> None:
    rows = [row for row in ROWS if not (row.real and shop.simulated)]
    repo = shop.repo(files=files(rows, lambda row: row.before(shop), "1"))
    await shop.declare(*(application(shop, row, repo) for row in rows))
    for row in rows:
        await shop.daemon.until_synced(shop.name(row.name))
        await row.trouble(shop)
    try:
        commit = await shop.push(repo, files(rows, lambda row: row.after, "2"))

        for row in rows:
            await shop.daemon.until_app(shop.name(row.name), tells(row.told), what=f"{row.name} is told of")
            found = await shop.here.get(f"{NAMESPACES}/{namespace(shop, row)}/configmaps/{row.name}")
            assert row.beside == (found.status == 200 and found.body["data"] == {"v": "2"}), row.name
    finally:
        for row in rows:
            await row.mend(shop)

    for row in rows:
        await shop.daemon.until_synced(shop.name(row.name), commit)
    (await shop.here.delete(f"{NAMESPACES}/{ending(shop)}")).ok()


def files(rows: list[Row], besides: Callable[[Row], tuple[Json, ...]], value: str) -> Mapping[str, str]:
    return {f"{row.name}/all.yaml": text(config_map(row.name, v=value), *besides(row)) for row in rows}


def application(shop: World, row: Row, repo: Repo) -> Json:
    return shop.application(row.name, repo, row.name, policy=POLICY, namespace=namespace(shop, row))


def namespace(shop: World, row: Row) -> str:
    return ending(shop) if row.name == "ending" else shop.namespace


def tells(words: tuple[str, ...]) -> Callable[[Json], bool]:
    def good(app: Json) -> bool:
        message = str(app["status"].get("operationState", {}).get("message"))
        return all(word in message for word in words)

    return good
