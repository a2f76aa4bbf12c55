"""The sample fleet: a repository that is cloned and pushed to over HTTP, whose pushes are told by webhook."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import yaml
from aiohttp import web

from gitopsd.core.source.webhook import verify
from gitopsd.core.source.webhook_events import PushEvent as Told
from gitopsd.core.source.webhook_events import github
from gitopsd.demo.fleet import create, git, sample_apps
from gitopsd.demo.fleet_server import REPOSITORY, DemoWebhook, Pushes, serving
from gitopsd.demo.observer import ObservedPush

SECRET = "s3cret"  # noqa: S105 - of this test


def test_applications_are_spread_over_the_clusters_under_names_of_their_own() -> None:
    apps = sample_apps(25, ("east", "west"))

    assert 25 == len({app.name for app in apps})
    assert {"east": 13, "west": 12} == {name: sum(app.cluster == name for app in apps) for name in ("east", "west")}


@asynccontextmanager
async def receiver(taken: asyncio.Queue[tuple[web.Request, bytes]]) -> AsyncIterator[str]:
    async def take(request: web.Request) -> web.Response:
        taken.put_nowait((request, await request.read()))
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/api/webhook", take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/webhook"
    finally:
        await runner.cleanup()


async def test_push_over_http_is_told_by_a_signed_webhook(tmp_path: Path) -> None:
    hooks: asyncio.Queue[tuple[web.Request, bytes]] = asyncio.Queue()
    pushed: asyncio.Queue[ObservedPush] = asyncio.Queue()
    failures: list[str] = []
    repository, work = tmp_path / "git" / REPOSITORY, tmp_path / "work"
    pushes = Pushes(repository, pushed=pushed.put_nowait, failed=failures.append)
    async with serving(tmp_path / "git", pushes) as repo_url, receiver(hooks) as hook_url:
        await create(repository, sample_apps(2, ("east",)), repo_url)
        pushes.webhook = DemoWebhook(hook_url, SECRET)
        await git("clone", "--quiet", repo_url, str(work))
        (work / "fleet/shop/settings.yaml").write_text("data: {}\n")
        await git("-C", str(work), "commit", "--quiet", "--all", "--message", "Change")
        await git("-C", str(work), "push", "--quiet")
        async with asyncio.timeout(10):
            request, body = await hooks.get()
            push = await pushed.get()

    revision = await git("-C", str(work), "rev-parse", "HEAD")
    assert verify(SECRET.encode(), body, request.headers["X-Hub-Signature-256"])
    assert Told((repo_url,), ("refs/heads/main",), (revision,)) == github(request.headers["X-GitHub-Event"], body)
    assert (revision, frozenset({"shop"})) == (push.revision, push.namespaces)
    assert [] == failures


async def test_daemon_that_does_not_take_the_webhook_is_told_of() -> None:
    said = await DemoWebhook("http://127.0.0.1:9/api/webhook", SECRET).send("http://git/fleet.git", "0" * 40, "1" * 40)

    assert said.startswith("the daemon did not take the webhook")


async def test_every_file_of_the_fleet_is_a_manifest(tmp_path: Path) -> None:
    await create(tmp_path / "fleet.git", sample_apps(3, ("east", "west")), "http://git/fleet.git")
    await git("clone", "--quiet", str(tmp_path / "fleet.git"), str(tmp_path / "work"))

    found = [yaml.safe_load(file.read_text()) for file in sorted((tmp_path / "work").glob("*/**/*.yaml"))]

    assert ["Application"] * 3 == [one["kind"] for one in found if one["apiVersion"] == "argoproj.io/v1alpha1"]
    assert 12 == len(found)
    assert {"shop", "cart", "search", "settings"} == {one["metadata"]["name"] for one in found}
