"""Push → live of one project beside another's endless charts and expressions, giant errors and many events."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gitopsd.demo import clusters as demo
from gitopsd.runtime.isolation import granted
from gitopsd.runtime.sandbox import Program, run
from tests.bench.daemon import Daemon, daemon
from tests.bench.figures import Budget, Figure, percentile
from tests.bench.fleet import NAMESPACE, Fleet, one_map
from tests.bench.many import loop_lag_p99_s
from tests.bench.world import Options, git_server, new_fleet, one_cluster, version_of, watching
from tests.clusters import call
from tests.gitserver import Repo

ROWS = ("hostile", "sandbox")
APPS = 50  # of the other project
HOSTILE = 20
EVENTS_EACH_S = 100
PUSH_EACH_S = 2.0
WARM = 3
SEEN_S = 60.0
ENDLESS = "{{- range until 9999 }}{{- range until 9999 }}{{- range until 9999 }}{{ end }}{{ end }}{{ end }}\n"
ENDLESS_PATH = ".data | select(last(range(1e15)) > 0)"


async def measure(options: Options, rows: frozenset[str]) -> list[Figure]:
    """Return the figures of the rows asked for."""
    figures: list[Figure] = []
    if "hostile" in rows:
        figures += await _hostile(options)
    if "sandbox" in rows:
        figures.append(await asyncio.to_thread(_started))
    return figures


async def _hostile(options: Options) -> list[Figure]:
    with TemporaryDirectory(prefix="gitopsd-bench-") as folder:
        root = Path(folder)
        async with (
            one_cluster(options) as cluster,
            git_server(root) as url,
            watching(cluster) as editor,
            daemon(root / "gitopsd", {cluster.name: cluster.kubeconfig}) as process,
        ):
            fleet = await new_fleet(root, url, APPS, one_map, [cluster.name])
            fleet.declare(process.declarations)
            async with process.started():
                await process.until_synced(APPS)
                alone = await _pushes(options, fleet, process, editor, "alone")
            repo = Repo(root / "hostile.git")
            await asyncio.to_thread(_write, repo, 0)
            maps = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
            await asyncio.to_thread(call, cluster, "POST", maps, one_map("hostile-1", "x")[0])
            _declare(process.declarations, f"{url}/hostile.git", repo.branch, cluster.name)
            async with process.started():
                await process.until_synced(APPS)
                async with _attacked(process, editor, repo, f"{url}/hostile.git"):
                    before = await process.metrics()
                    beside = await _pushes(options, fleet, process, editor, "beside")
                    after = await process.metrics()
            server = version_of(cluster)
    what = "the same without the others"
    return [
        Figure(
            "hostile",
            f"push → live {named} beside {HOSTILE} hostile applications of another project",
            percentile(beside, share) * 1000,
            "ms",
            Budget(2, of_floor=True) if share > 0.5 else None,
            percentile(alone, share) * 1000,
            what,
            server,
        )
        for named, share in (("p50", 0.5), ("p99", 0.99))
    ] + [Figure("hostile", "loop lag p99 meanwhile, at most", loop_lag_p99_s(before, after) * 1000, "ms", Budget(50))]


async def _pushes(options: Options, fleet: Fleet, process: Daemon, editor: demo.Cluster, round_: str) -> list[float]:
    """Touch one application after the other; return the seconds until each is live."""
    names, took = list(fleet.names()), []
    _, version = await editor.items("ConfigMap")
    seen: dict[tuple[str, str], float] = {}
    told = asyncio.Condition()

    async def follow() -> None:
        async for _, live in editor.watch("ConfigMap", version):
            async with told:
                seen[live["metadata"]["name"], live.get("data", {}).get("value", "")] = time.perf_counter()
                told.notify_all()

    async with asyncio.TaskGroup() as group:
        following = group.create_task(follow())
        for place in range(-WARM, options.pushes):
            name, value = names[(place * 7) % len(names)], f"{round_} {place}"
            revision = await asyncio.to_thread(fleet.touch, name, value)
            began_s = time.perf_counter()
            await process.webhook(fleet.url, revision)
            async with asyncio.timeout(SEEN_S), told:
                await told.wait_for(lambda wanted=(name, value): wanted in seen)  # type: ignore[misc]
            if place >= 0:
                took.append(seen[name, value] - began_s)
            await asyncio.sleep(0.3)
        following.cancel()
    return took


@asynccontextmanager
async def _attacked(process: Daemon, editor: demo.Cluster, repo: Repo, url: str) -> AsyncIterator[None]:
    async def push() -> None:
        number = 0
        while True:
            number += 1
            await process.webhook(url, await asyncio.to_thread(_write, repo, number))
            await asyncio.sleep(PUSH_EACH_S)

    async def storm() -> None:
        number = 0
        while True:
            number += 1
            await editor.edit("ConfigMap", NAMESPACE, "hostile-1", {"metadata": {"annotations": {"n": str(number)}}})
            await asyncio.sleep(1 / EVENTS_EACH_S)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(push()), group.create_task(storm())]
        await asyncio.sleep(5)  # they have all begun
        yield
        for task in tasks:
            task.cancel()


def _write(repo: Repo, number: int) -> str:
    files: dict[str, str] = {}
    for place in range(HOSTILE):
        files |= {f"app-{place}/{name}": text for name, text in _files(place, number).items()}
    return repo.commit(files)


def _files(place: int, number: int) -> Mapping[str, str]:
    match place % 3:
        case 0:
            chart = f"{{apiVersion: v2, name: x, version: 1.0.{number}}}\n"
            return {"Chart.yaml": chart, "templates/a.yaml": ENDLESS}
        case 1:
            return {"a.yaml": json.dumps(one_map(f"hostile-{place}", str(number))[0])}
        case _:
            return {"a.yaml": f'"{number}{"x" * 1_000_000}": [\n'}


def _declare(directory: Path, url: str, branch: str, cluster: str) -> None:
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "hostile"},
        "spec": {"sourceRepos": [url], "destinations": [{"name": cluster, "namespace": NAMESPACE}]},
    }
    declared: list[Any] = [project]
    for place in range(HOSTILE):
        source = {"repoURL": url, "targetRevision": branch, "path": f"app-{place}"}
        ignored = [{"kind": "ConfigMap", "jqPathExpressions": [f"{ENDLESS_PATH} | select(.n != {place})"]}]
        spec = {
            "project": "hostile",
            "source": source,
            "destination": {"name": cluster, "namespace": NAMESPACE},
            "syncPolicy": {"automated": {"selfHeal": True}},
            "ignoreDifferences": ignored,
        }
        about = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": f"hostile-{place}"}}
        declared.append({**about, "spec": spec})
    (directory / "hostile.yaml").write_text("\n---\n".join(json.dumps(one) for one in declared))


def _started() -> Figure:
    """What a program that does nothing takes in the sandbox, and without anything."""
    kept = percentile([_seconds(_run_kept) for _ in range(50)], 0.5)
    bare = percentile([_seconds(_run_bare) for _ in range(50)], 0.5)
    return Figure(
        "sandbox",
        "a program started in the sandbox, p50",
        kept * 1000,
        "ms",
        Budget(25),
        bare * 1000,
        "the same program started without anything",
        note=f"bubblewrap: {granted().bubblewrap or granted().reason}",
    )


def _run_kept() -> None:
    run(Program(["true"], Path("/usr"), {"PATH": "/usr/bin:/bin"}, "it", 60.0, 1000))


def _run_bare() -> None:
    subprocess.run(["/usr/bin/env", "true"], check=True)


def _seconds(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
