"""Admission webhooks that refuse, are down or hang: that is told, and over when they answer; none is a false drift."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.admissionserver import GROUP, LABEL, PLURALS, AdmissionWebhook, admission_webhook
from tests.e2e.daemon import Json, conditions, sync_status, until
from tests.e2e.world import SYNC_BY_ITSELF, World, config_map, text

pytestmark = pytest.mark.parametrize("cluster", ["real"], indirect=True)  # the simulated cluster calls no webhooks

DEADLINE_S = 200.0  # what has no answer is asked about once a minute
MUTATING, VALIDATING = "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"
SOON: Json = {"limit": -1, "backoff": {"duration": "1s", "maxDuration": "5s"}}
Deed = Callable[[AdmissionWebhook], Awaitable[None]]


async def refuse(webhook: AdmissionWebhook) -> None:
    webhook.refusal = "closed on Fridays"


async def admit(webhook: AdmissionWebhook) -> None:
    webhook.refusal = ""


@dataclass(frozen=True)
class Trouble:
    """What a webhook does, what is told of it, and what ends it."""

    name: str
    begin: Deed
    told: tuple[str, ...]
    end: Deed
    policy: Json
    timeout_s: int = 10


TROUBLES = (
    Trouble("refuses", refuse, ("denied the request", "closed on Fridays"), admit, {**SYNC_BY_ITSELF, "retry": SOON}),
    Trouble("down", AdmissionWebhook.stop, ("failurePolicy",), AdmissionWebhook.start, SYNC_BY_ITSELF),
    Trouble("hangs", AdmissionWebhook.hang, ("failurePolicy",), AdmissionWebhook.start, SYNC_BY_ITSELF, timeout_s=1),
)


@asynccontextmanager
async def webhooks(
    shop: World, folder: Path, kind: str, names: Mapping[str, int]
) -> AsyncIterator[Mapping[str, AdmissionWebhook]]:
    """Run a webhook of each name (→ the seconds it is given), all of them asked; the configurations go with them."""
    async with AsyncExitStack() as stack:
        made = {}
        for name, timeout_s in names.items():
            hook = await stack.enter_async_context(admission_webhook(f"{name}-{shop.id}", folder / name))
            body = hook.configuration(kind, shop.namespace, timeout_s=timeout_s)
            stack.push_async_callback(shop.here.delete, f"{GROUP}/{PLURALS[kind]}/{hook.name}")
            (await shop.here.post(f"{GROUP}/{PLURALS[kind]}", body)).ok()
            await until(f"{name} is asked", partial(_is_asked, shop, hook))
            made[name] = hook
        yield made


async def _is_asked(shop: World, hook: AdmissionWebhook) -> bool:
    probe = labelled("probe", hook)
    path = shop.path("probe")
    (await shop.here.apply(path, {"apiVersion": "v1", "kind": "ConfigMap", **probe}, dryRun="All")).ok()
    return hook.asked > 0


def labelled(name: str, hook: AdmissionWebhook, **data: str) -> Json:
    made = config_map(name, **data)
    made["metadata"]["labels"] = {LABEL: hook.name}
    return made


async def until_told(shop: World, trouble: Trouble) -> None:
    """Wait until the application of a trouble is not in sync and says why, whether or not it is tried just now."""

    def tells(app: Json) -> bool:
        message = str(app["status"].get("operationState", {}).get("message"))
        return sync_status(app) != "Synced" and all(word in message for word in trouble.told)

    await shop.daemon.until_app(shop.name(trouble.name), tells, what=f"{trouble.name} is told")


def of_trouble(hooks: Mapping[str, AdmissionWebhook], value: str) -> Mapping[str, str]:
    """Return the files of one application for each trouble: what the webhook is asked about, and what it is not."""
    return {
        f"{name}/all.yaml": text(labelled(f"{name}-asked", hook, v=value), config_map(f"{name}-free", v=value))
        for name, hook in hooks.items()
    }


async def test_content_that_a_webhook_keeps_out_is_told_and_written_once_it_is_let_in(
    shop: World, tmp_path: Path
) -> None:
    async with webhooks(shop, tmp_path, VALIDATING, {one.name: one.timeout_s for one in TROUBLES}) as hooks:
        repo = shop.repo(files={**of_trouble(hooks, "1"), "beside/all.yaml": text(config_map("beside", v="1"))})
        await shop.declare(
            shop.application("beside", repo, "beside"),
            *(shop.application(one.name, repo, one.name, policy=one.policy) for one in TROUBLES),
        )
        for one in TROUBLES:
            await shop.daemon.until_synced(shop.name(one.name))
            await one.begin(hooks[one.name])

        files = {**of_trouble(hooks, "2"), "beside/all.yaml": text(config_map("beside", v="2"))}
        commit = await shop.push(repo, files)

        await shop.daemon.until_synced(shop.name("beside"), commit)
        for one in TROUBLES:
            await until_told(shop, one)
            assert {"v": "1"} == (await shop.live(f"{one.name}-asked") or {})["data"]
            await one.end(hooks[one.name])

        for one in TROUBLES:
            seen = await shop.daemon.until_synced(shop.name(one.name), commit, deadline_s=DEADLINE_S)
            assert [] == [each for each in conditions(seen) if each.startswith("SyncError")]
            assert {"v": "2"} == (await shop.live(f"{one.name}-asked") or {})["data"]
            assert {"v": "2"} == (await shop.live(f"{one.name}-free") or {})["data"]


async def test_second_drift_is_healed_while_a_webhook_keeps_out_the_heal_of_the_first(
    shop: World, tmp_path: Path
) -> None:
    async with webhooks(shop, tmp_path, VALIDATING, {one.name: one.timeout_s for one in TROUBLES}) as hooks:
        repo = shop.repo(files=of_trouble(hooks, "1"))
        await shop.declare(*(shop.application(one.name, repo, one.name) for one in TROUBLES))
        for one in TROUBLES:
            await shop.daemon.until_synced(shop.name(one.name))
            await one.begin(hooks[one.name])
            (await shop.here.delete(shop.path(f"{one.name}-asked"))).ok()  # of which no webhook is asked

        for one in TROUBLES:
            await until_told(shop, one)
            await shop.edit(f"{one.name}-free", {"v": "by hand"})
            await shop.until_live(f"{one.name}-free", {"v": "1"})
            assert "OutOfSync" == sync_status(await shop.daemon.refreshed(shop.name(one.name)))
            await one.end(hooks[one.name])

        for one in TROUBLES:
            await shop.daemon.until_synced(shop.name(one.name), deadline_s=DEADLINE_S)
            assert {"v": "1"} == (await shop.live(f"{one.name}-asked") or {})["data"]


def deployment(hook: AdmissionWebhook) -> Json:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {LABEL: hook.name}},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }


SIDECAR = {"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "mesh", "image": "mesh:1"}}


async def test_what_a_webhook_makes_of_a_write_is_no_drift_until_the_webhook_goes(shop: World, tmp_path: Path) -> None:
    async with webhooks(shop, tmp_path, MUTATING, dict.fromkeys(("adds", "turns", "counts", "injects"), 10)) as hooks:
        hooks["adds"].patch = lambda _: [{"op": "add", "path": "/data/added", "value": "yes"}]
        hooks["turns"].patch = lambda _: [{"op": "replace", "path": "/data/tier", "value": "gold"}]
        hooks["counts"].patch = lambda turn: [{"op": "add", "path": "/data/turn", "value": str(turn)}]
        hooks["injects"].patch = lambda _: [SIDECAR]
        maps = (labelled(name, hooks[name], tier="silver") for name in ("adds", "turns", "counts"))
        repo = shop.repo(files={"all.yaml": text(*maps, deployment(hooks["injects"]))})
        await shop.declare(shop.application("web", repo))
        first = await shop.daemon.until_synced(shop.name("web"))

        await shop.until_live("adds", {"tier": "silver", "added": "yes"})
        await shop.until_live("turns", {"tier": "gold"})
        made = await shop.live("web", "deployments", "/apis/apps/v1") or {}
        assert ["web", "mesh"] == [each["name"] for each in made["spec"]["template"]["spec"]["containers"]]
        await shop.edit("adds", {"tier": "by hand"})
        await shop.until_live("adds", {"tier": "silver", "added": "yes"})
        healed = await shop.daemon.until_synced(shop.name("web"))
        assert operation(first) != operation(healed)
        for _ in range(3):
            seen = await shop.daemon.refreshed(shop.name("web"))
            assert ("Synced", operation(healed)) == (sync_status(seen), operation(seen))

        (await shop.here.delete(f"{GROUP}/{PLURALS[MUTATING]}/{hooks['turns'].name}")).ok()
        await shop.until_live("turns", {"tier": "silver"})
        await shop.daemon.until_synced(shop.name("web"))


def operation(app: Json) -> str:
    return str(app["status"]["gitopsd"]["operationId"])
