"""What always holds (decision 20), whatever comes after what: commits, edits, refusals, kills."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from gitopsd.errors import ClusterUnreachable, GitopsError, InvalidManifest, StoreFailed
from gitopsd.model.command import Refused
from gitopsd.model.ids import ClusterId
from gitopsd.model.manifest import Manifest, ResourceKey
from tests.reconcile.clusters import C1, C2, FakeClusters
from tests.reconcile.git import FakeGit
from tests.reconcile.shell import Clock, Shell, app, config, config_key, turns

SOAK = bool(os.environ.get("GITOPSD_SOAK"))
APPS = {"a": C1, "b": C1, "c": C1, "d": C2}
OBJECTS = ("o0", "o1", "o2", "o3", "o4")
Wish = dict[str, dict[str, str]]  # application → object → value
BROKEN = InvalidManifest("line 3 is no YAML", remedy="mend it")


@dataclass
class Story:
    """A world in which the order of everything that waits is drawn."""

    draw: random.Random
    clock: Clock = field(default_factory=Clock)
    parked: list[asyncio.Future[None]] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)  # by commit
    broken: list[set[str]] = field(default_factory=list)  # by commit
    faults: list[str] = field(default_factory=list)
    prunes: int = 0
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.git = FakeGit(self.clock, self.turn)
        self.clusters = FakeClusters(self.turn, on_prune=self.pruned)
        self.shell = Shell(self.clock, git=self.git, clusters=self.clusters)

    async def turn(self) -> None:
        """Wait until it is drawn to go on."""
        parked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.parked.append(parked)
        await parked

    def pruned(self, cluster: ClusterId, key: ResourceKey) -> None:
        self.prunes += 1
        assert self.git.epoch is not None
        wish = self.wishes[self.git.epoch.number]
        holders = [name for name, objects in wish.items() if key.name in objects and APPS[name] == cluster]
        declared = {each.name for each in self.shell.apps.all()}
        if set(holders) & declared:
            self.faults.append(f"{key} was pruned in {cluster}, and {holders} hold it: {self.told}")

    def commit(self, *, sound: bool = False) -> None:
        wish: Wish = {name: {} for name in APPS}
        for each in OBJECTS:
            wanting = [self.draw.choice((*APPS, None))]
            if not sound and self.draw.random() < 0.15:
                wanting.append(self.draw.choice((*APPS,)))
            for name in wanting:
                if name is not None:
                    wish[name][each] = str(self.draw.randint(0, 2))
        broken = {name for name in APPS if not sound and self.draw.random() < 0.1}
        self.wishes.append(wish)
        self.broken.append(broken)
        self.git.commit(_files(wish, broken))
        self.told.append(f"commit {wish} broken {broken}")

    def fetch(self) -> None:
        self.git.fetched()
        self.told.append(f"fetch {self.git.epoch}")

    def edit(self) -> None:
        world = self.clusters.worlds[self.draw.choice((C1, C2))]
        keys = [key for key in world.objects if key.kind == "ConfigMap"]
        if not keys:
            return
        key = self.draw.choice(keys)
        if self.draw.random() < 0.5:
            world.remove(key)
        else:
            world.edit(key, "data", "value", value="drifted")
        self.told.append(f"edit {key}")

    def refuse(self) -> None:
        world, key = self.clusters.worlds[self.draw.choice((C1, C2))], config_key(self.draw.choice(OBJECTS))
        refusal = Refused(key, 429, "too many requests", retryable=True)
        lost = ClusterUnreachable("no answer", remedy="wait")
        world.answers.setdefault(key, []).append(self.draw.choice((refusal, lost)))
        world.dry_answers.setdefault(key, []).append(lost)
        self.told.append(f"refuse {key}")

    def fill_disk(self) -> None:
        self.shell.apps.fail = StoreFailed("the disk is full", remedy="free space")
        self.told.append("disk full")

    def declare(self) -> None:
        """Declare all applications, or all but one: its objects stay, and are nobody's."""
        self.shell.apps.fail = None
        left_out = self.draw.choice((*APPS, None, None))
        manifests = [app(name, cluster=where) for name, where in APPS.items()]
        self.shell.declare(*(each for each in manifests if each["metadata"]["name"] != left_out))
        self.told.append(f"declare all but {left_out}")

    async def start_pass(self, group: asyncio.TaskGroup, tasks: list[asyncio.Task[object]]) -> None:
        self.shell.line.awake()
        due = [name for name in self.shell.line.due if name not in self.shell.line.passing]
        if due:
            name = self.draw.choice(due)
            self.told.append(f"pass {name}")
            tasks.append(group.create_task(self.shell.pass_over(name), name=f"pass {name}"))
        else:
            self.clock.now_s += self.draw.choice((0.5, 3.0, 30.0))
        await turns()

    async def release(self) -> None:
        if self.parked:
            parked = self.parked.pop(self.draw.randrange(len(self.parked)))
            if not parked.done():
                parked.set_result(None)
        await turns()


def _files(wish: Wish, broken: set[str]) -> dict[str, Manifest | GitopsError]:
    files: dict[str, Manifest | GitopsError] = {
        f"apps/{name}/{each}": config(each, value) for name, objects in wish.items() for each, value in objects.items()
    }
    return {**files, **{f"apps/{name}/broken": BROKEN for name in broken}}


async def live(story: Story) -> None:
    """Have one life of the daemon, ended by a kill."""
    tasks: list[asyncio.Task[object]] = []
    draw = story.draw
    async with asyncio.TaskGroup() as group:
        tasks.append(group.create_task(story.shell.triggers.run(), name="triggers"))
        for _ in range(draw.randint(5, 60)):
            what = draw.random()
            if what < 0.45:
                await story.release()
            elif what < 0.80:
                await story.start_pass(group, tasks)
            elif what < 0.88:
                story.commit()
                if draw.random() < 0.8:
                    story.fetch()
            elif what < 0.92:
                story.edit()
            elif what < 0.95:
                story.refuse()
            elif what < 0.98:
                story.declare()
            else:
                story.fill_disk()
            await turns()
        for task in tasks:
            task.cancel()
    story.parked.clear()


async def told(seed: int) -> Story:
    draw = random.Random(seed)  # noqa: S311 - a story, not a secret
    story = Story(draw)
    story.declare()
    story.commit()
    story.fetch()
    for _ in range(draw.randint(1, 3)):
        await live(story)
        story.told.append("restart")
        story.shell = story.shell.restarted()
    for world in story.clusters.worlds.values():
        world.answers.clear()
        world.dry_answers.clear()
    story.shell.apps.fail = None
    story.shell.declare(*(app(name, cluster=where) for name, where in APPS.items()))
    story.commit(sound=True)
    story.fetch()
    await calm(story)
    return story


async def calm(story: Story) -> None:
    """Let all passes run, with nothing new to come."""
    async with asyncio.TaskGroup() as group:
        releasing = group.create_task(_released(story), name="release")
        await story.shell.settle(for_s=20_000.0)
        releasing.cancel()


async def _released(story: Story) -> None:
    while True:
        while story.parked:
            parked = story.parked.pop(0)
            if not parked.done():
                parked.set_result(None)
        await asyncio.sleep(0)


@pytest.mark.timeout(7200 if SOAK else 120)
@settings(max_examples=5000 if SOAK else 100, deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies.integers(0, 2**32))
def test_every_story_ends_with_live_as_git_has_it_and_prunes_nothing_that_git_holds(seed: int) -> None:
    story = asyncio.run(told(seed))

    assert [] == story.faults
    for name in APPS:
        status = story.shell.status(name)
        assert "Synced" == status.comparison.status.value, "\n".join((str(status), *story.told))
    last = story.wishes[-1]
    for cluster in (C1, C2):
        wanted = {each for name, at in APPS.items() if at == cluster for each in last[name]}
        assert wanted == story.shell.names(cluster), "\n".join(story.told)


def test_stories_do_prune() -> None:
    assert 0 < sum(asyncio.run(told(seed)).prunes for seed in range(10))
