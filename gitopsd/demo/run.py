"""The demo from start to end: repository, clusters, daemon; then it tells what happens until it is stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from gitopsd.demo import words
from gitopsd.demo.api import Api, ApiAway, AppState, connected
from gitopsd.demo.config import write_secrets, write_settings
from gitopsd.demo.exercise import Exercise, News
from gitopsd.demo.fleet import create, sample_apps
from gitopsd.demo.fleet_server import REPOSITORY, DemoWebhook, Pushes, serving
from gitopsd.demo.home import home
from gitopsd.demo.observer import Announcement, Observer
from gitopsd.demo.parts import check_ports, clusters, daemon
from gitopsd.demo.watching import watching
from gitopsd.errors import GitopsError, TooSlow

READY_S, READY_EACH_S = 90.0, 0.5  # until everything is Synced and Healthy: at all, and for each application
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class DemoOptions:
    clusters: int
    apps: int
    port: int  # of the API; probes and metrics are at the next
    directory: Path | None = None  # None: a temporary one
    exercise: bool = False  # do the three things and end


def main(options: DemoOptions) -> int:
    """Run the demo until it is stopped; return 0, or with `exercise` 1 where something did not visibly work."""
    try:
        return asyncio.run(_until_stopped(options))
    except ExceptionGroup as group:
        raise _first(group) from group


async def _until_stopped(options: DemoOptions) -> int:
    work = asyncio.current_task()
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        if work:
            work.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await _demo(options)
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
        return 0  # being stopped is how a demo ends


async def _demo(options: DemoOptions) -> int:
    check_ports(options.port, options.port + 1)
    observer, news = Observer(), News()
    url = f"http://127.0.0.1:{options.port}"

    def tell(announcement: Announcement) -> None:
        click.echo(words.told(announcement))
        news.add(announcement)

    with home(options.directory) as directory:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            repositories = directory / "git"
            pushes = Pushes(repositories / REPOSITORY, pushed=observer.pushed, failed=click.echo)
            repo_url = await enter(serving(repositories, pushes))

            click.echo(f"[1/4] a fleet repository with {options.apps} applications")
            names = [f"cluster-{number}" for number in range(1, options.clusters + 1)]
            await create(repositories / REPOSITORY, sample_apps(options.apps, names), repo_url)

            click.echo(f"[2/4] {options.clusters} simulated clusters")
            kubeconfigs = await enter(clusters(directory, names))

            click.echo("[3/4] the daemon")
            secrets = write_secrets(directory)
            pushes.webhook = DemoWebhook(f"{url}/api/webhook", secrets.webhook)
            settings = write_settings(directory, clusters=kubeconfigs, repo_url=repo_url, port=options.port)
            await enter(daemon(settings))
            apps = await _ready(await enter(connected(url, secrets.token)), options.apps)

            await enter(watching(kubeconfigs, observer, tell))
            click.echo("\n".join(words.table(apps)))
            click.echo(words.introduction(port=options.port, token=secrets.token, directory=directory))
            if options.exercise:
                worked = await Exercise(kubeconfigs, repo_url, directory, news, click.echo).run(apps)
                return 0 if worked else 1
            click.echo(words.things_to_try(apps, repo_url))
            for_ever: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            return await for_ever  # a signal cancels it, or the end of a child


async def _ready(api: Api, count: int) -> Sequence[AppState]:
    """Wait until `count` applications are Synced and Healthy, telling how many are; return them."""
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + READY_S + READY_EACH_S * count
    apps: Sequence[AppState] = ()
    reported = -1
    while len(apps) < count or not all(app.good for app in apps):
        if loop.time() > ends_s:
            raise _late(apps, count)
        await asyncio.sleep(POLL_S)
        try:
            apps = await api.apps()
        except ApiAway:
            continue  # it starts
        good = sum(app.good for app in apps)
        if good != reported:
            click.echo(f"[4/4] {good} of {count} applications Synced and Healthy")
            reported = good
    return apps


def _late(apps: Sequence[AppState], count: int) -> TooSlow:
    lines = "".join(f"\n    {app.name}: {app.sync}, {app.health}: {app.condition}" for app in apps if not app.good)
    return TooSlow(
        f"after {READY_S + READY_EACH_S * count:g} s not all of {count} applications are Synced and Healthy:{lines}\n",
        remedy="see gitopsd.log in the demo's directory; --dir keeps it",
    )


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """Return the first error raised on purpose in `group`, else the first of all."""
    inner = [_first(one) if isinstance(one, ExceptionGroup) else one for one in group.exceptions]
    return next((one for one in inner if isinstance(one, GitopsError)), inner[0])
