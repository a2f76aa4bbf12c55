"""Logs, events and single objects: of whose, and for whom."""

from __future__ import annotations

import base64

import pytest

from gitopsd.core.tree.owners import TreeNode
from gitopsd.errors import BadRequest, ClusterUnreachable, GitopsError, NotFound, NotPermitted
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.model.logs import LogLine, LogQuery
from gitopsd.model.manifest import GVK, ResourceKey
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.authentication import StreamHolder
from gitopsd.usecases.inspecting import InspectingUseCases
from gitopsd.usecases.tree_objects import ObjectName
from tests.core.lives import live_of, pod_node
from tests.fakes.backend import FakeBackend, app_view
from tests.usecases.asking import ANN, uses_of

SHOP, BANK = AppName("shop"), AppName("bank")
RETAIL = [("ann", resource, "get", "retail/*") for resource in ("applications", "logs")]
POD = ObjectName("Pod", "web-1", "shop")


class Holder:
    """An authenticator of one session, which the test ends."""

    def __init__(self) -> None:
        self.now: Caller | None = ANN
        self.time_s = 0.0

    def caller(self, token: str, address: str) -> Caller | None:
        return self.now

    @property
    def stream(self) -> StreamHolder:
        return StreamHolder(self, "token", "", lambda: self.time_s)


def above(kind: str, name: str, uid: str, *parents: TreeNode) -> TreeNode:
    live = live_of(ResourceKey("apps", kind, "shop", name), uid=uid)
    return TreeNode(GVK("apps", "v1", kind), live, None, tuple((node.gvk, node.live) for node in parents))


def world(*rules: tuple[str, str, str, str]) -> tuple[FakeBackend, InspectingUseCases]:
    backend = FakeBackend(app_view("shop", project="retail"), app_view("bank", project="money"))
    workload = above("Deployment", "web", "d")
    replicas = above("ReplicaSet", "web-1", "r", workload)
    backend.nodes = [
        workload,
        replicas,
        pod_node("web-1", [replicas]),
        pod_node("web-2", [replicas]),
        pod_node("other"),
    ]
    backend.log_lines = [LogLine("", "one", "t1"), LogLine("", "two", "t2")]
    return backend, uses_of(backend, *rules).inspecting


async def told(uses: InspectingUseCases, wanted: ObjectName, query: LogQuery | None = None) -> list[tuple[str, str]]:
    async with uses.logs(Holder().stream, SHOP, wanted, query or LogQuery()) as lines:
        return [(line.pod, line.text) async for line in lines]


async def test_log_of_a_pod_is_told() -> None:
    _, uses = world(*RETAIL)

    assert [("web-1", "one"), ("web-1", "two")] == await told(uses, POD)


@pytest.mark.parametrize(
    "workload",
    [
        ObjectName("Deployment", "web", "shop", "apps"),
        ObjectName("ReplicaSet", "web-1", group="apps"),
        ObjectName(uid="d"),
    ],
)
async def test_logs_of_all_pods_of_a_workload_are_told(workload: ObjectName) -> None:
    _, uses = world(*RETAIL)

    assert ["web-1", "web-1", "web-2", "web-2"] == [name for name, _ in await told(uses, workload)]


WORKLOAD = ObjectName("Deployment", "web", "shop", "apps")


async def test_several_pods_are_followed_as_their_lines_come() -> None:
    backend, uses = world(*RETAIL)
    first, second = backend.follow("web-1"), backend.follow("web-2")
    async with uses.logs(Holder().stream, SHOP, WORKLOAD, LogQuery(follow=True)) as lines:
        seen = []
        for stream, text in ((second, "a"), (first, "b"), (second, "c"), (first, "d")):
            stream.put_nowait(LogLine("", text, ""))
            line = await anext(lines)
            seen.append((line.pod, line.text))

    assert [("web-2", "a"), ("web-1", "b"), ("web-2", "c"), ("web-1", "d")] == seen
    assert {"web-1", "web-2"} == backend.closed


@pytest.mark.parametrize("follow", [False, True])
async def test_pod_that_cannot_be_read_says_so_among_others_and_fails_alone(follow: bool) -> None:  # noqa: FBT001
    backend, uses = world(*RETAIL)
    backend.log_faults["web-2"] = BadRequest("container is waiting to start", remedy="wait")

    seen = await told(uses, WORKLOAD, LogQuery(follow=follow))
    assert {("web-2", "container is waiting to start"), ("web-1", "one"), ("web-1", "two")} == set(seen)
    with pytest.raises(BadRequest, match="waiting to start"):
        await told(uses, ObjectName("Pod", "web-2", "shop"), LogQuery(follow=follow))
    backend.log_faults["web-1"] = BadRequest("name a container", remedy="name one")
    with pytest.raises(BadRequest, match="name a container"):
        await told(uses, WORKLOAD, LogQuery(follow=follow))


async def test_log_that_breaks_off_ends_among_others_with_the_reason() -> None:
    backend, uses = world(*RETAIL)
    backend.log_breaks["web-1"] = ClusterUnreachable("no route", remedy="mend it")

    assert ("web-1", "no route") in await told(uses, WORKLOAD, LogQuery(follow=True))
    with pytest.raises(ClusterUnreachable):
        await told(uses, POD, LogQuery(follow=True))


@pytest.mark.parametrize(
    "wanted",
    [ObjectName("Pod", "foreign", "shop"), ObjectName("Pod", "web-1", "elsewhere"), ObjectName("Service", "web")],
)
async def test_case_44_what_is_not_of_the_application_is_not_there(wanted: ObjectName) -> None:
    backend, uses = world(*RETAIL)
    for ask in (told(uses, wanted), uses.events(ANN, SHOP, wanted), uses.object(ANN, SHOP, wanted)):
        with pytest.raises(NotFound, match="shop has no such object"):
            await ask
    assert [] == backend.log_queries


@pytest.mark.parametrize(("rule", "kind"), [(RETAIL[0], NotPermitted), (RETAIL[1], NotFound)])
async def test_logs_take_a_right_of_their_own_beside_the_one_to_get(
    rule: tuple[str, str, str, str], kind: type[GitopsError]
) -> None:
    backend, uses = world(rule)
    with pytest.raises(kind):
        await told(uses, POD)
    assert [] == backend.log_queries


@pytest.mark.parametrize("ends", ["session", "right"])
async def test_case_42_a_log_ends_with_session_and_right(ends: str) -> None:
    _, uses = world(*RETAIL)
    holder = Holder()
    async with uses.logs(holder.stream, SHOP, POD, LogQuery(follow=True)) as lines:
        assert "one" == (await anext(lines)).text
        if ends == "session":
            holder.now, holder.time_s = None, 2.0
        else:
            uses.rights.change(uses_of(FakeBackend()).inspecting.rights._policy)  # type: ignore[arg-type]  # noqa: SLF001 - one without a rule
        assert [] == [line async for line in lines]


async def test_object_is_read_and_values_of_a_secret_are_masked() -> None:
    backend, uses = world(*RETAIL)
    secret = live_of(ResourceKey("", "Secret", "shop", "login"), uid="s")
    backend.nodes = [TreeNode(GVK("", "v1", "Secret"), secret, None)]
    value = base64.b64encode(b"swordfish").decode()
    backend.objects["s"] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": {"p": value}}
    shown = await uses.object(ANN, SHOP, ObjectName("Secret", "login", "shop"))

    assert ("login", False) == (shown["metadata"]["name"], value in str(shown))
    del backend.objects["s"]
    with pytest.raises(NotFound):
        await uses.object(ANN, SHOP, ObjectName("Secret", "login", "shop"))


async def test_events_are_of_the_object_that_is_named() -> None:
    _, uses = world(*RETAIL)
    events = await uses.events(ANN, SHOP, ObjectName(uid="web-2"))

    assert "web-2" == events["items"][0]["involvedObject"]["uid"]
    with pytest.raises(NotFound):
        await uses.events(ANN, SHOP, ObjectName(namespace="shop"))


async def test_events_of_an_application_are_what_people_did_to_it() -> None:
    backend, uses = world(*RETAIL)
    backend.record(done_by(ANN, "patch-resource", SHOP, "/Pod:shop/web-1"))
    backend.record(done_by(ANN, "sync", BANK))
    [event] = (await uses.events(ANN, SHOP, ObjectName()))["items"]

    assert ("PatchResource", "ann: patch-resource /Pod:shop/web-1", "shop", "1970-01-01T00:16:40Z") == (
        event["reason"], event["message"], event["involvedObject"]["name"], event["lastTimestamp"]
    )  # fmt: skip
    with pytest.raises(NotFound):
        await uses.events(ANN, BANK, ObjectName())
