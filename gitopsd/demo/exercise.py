"""Does the three things by itself, and says whether each visibly worked: `gitopsd demo --exercise`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitopsd.demo.api import AppState
from gitopsd.demo.clusters import connected
from gitopsd.demo.fleet import git
from gitopsd.demo.observer import Announcement, What
from gitopsd.errors import TooSlow
from gitopsd.runtime.deadline import within

PATIENCE_S = 60.0


class News:
    """What was seen, for whoever waits for it."""

    def __init__(self) -> None:
        self._seen: asyncio.Queue[Announcement] = asyncio.Queue()

    def add(self, announcement: Announcement) -> None:
        self._seen.put_nowait(announcement)

    async def wait(self, what: What, namespace: str) -> Announcement:
        """Wait for the next `what` in a namespace; everything seen before it is dropped."""
        while True:
            announcement = await self._seen.get()
            if (what, namespace) == (announcement.what, announcement.key.namespace):
                return announcement


@dataclass(frozen=True, slots=True)
class Exercise:
    kubeconfigs: Mapping[str, Path]
    repo_url: str
    directory: Path
    news: News
    say: Callable[[str], None]

    async def run(self, apps: Sequence[AppState]) -> bool:
        """Edit, delete and commit, each in another application where there are three; tell whether all worked."""
        first, second, third = (apps[index % len(apps)] for index in range(3))
        # The commit is last: what is deleted soon after a push would count as pruned by it.
        done = [
            await self._expect("an edit is healed", self._edit(second)),
            await self._expect("a deleted object is restored", self._delete(third)),
            await self._expect("a commit is live", self._commit(first)),
        ]
        return all(done)

    async def _expect(self, what: str, work: Awaitable[Announcement]) -> bool:
        try:
            await within(PATIENCE_S, what, work)
        except TooSlow as err:
            self.say(f"FAILED    {err.what}")
            return False
        return True

    async def _edit(self, app: AppState) -> Announcement:
        async with connected(app.cluster, self.kubeconfigs[app.cluster]) as cluster:
            await cluster.edit("Deployment", app.namespace, app.name, {"spec": {"replicas": 9}})
        await self.news.wait(What.EDITED, app.namespace)
        return await self.news.wait(What.HEALED, app.namespace)

    async def _delete(self, app: AppState) -> Announcement:
        async with connected(app.cluster, self.kubeconfigs[app.cluster]) as cluster:
            await cluster.delete("Service", app.namespace, app.name)
        await self.news.wait(What.DELETED, app.namespace)
        return await self.news.wait(What.RESTORED, app.namespace)

    async def _commit(self, app: AppState) -> Announcement:
        work = self.directory / "exercise"
        await git("clone", "--quiet", self.repo_url, str(work))
        settings = work / "fleet" / app.name / "settings.yaml"
        settings.write_text(settings.read_text().replace("hello", "hello again"))
        await git("-C", str(work), "commit", "--quiet", "--all", "--message", "Greet again")
        await git("-C", str(work), "push", "--quiet")
        return await self.news.wait(What.LIVE, app.namespace)
