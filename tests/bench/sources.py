"""Renders of each type of source, by a fresh worker and by one that has rendered before; and what a worker takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import yaml

from gitopsd.manifests.entries import NoEntries
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.runtime.workers import WorkerPool
from tests.bench.figures import Budget, Figure, percentile
from tests.bench.fleet import ten_objects
from tests.bench.world import Options
from tests.gitserver import Repo

ROWS = ("sources",)
TURNS = 15
URL = RepoUrl("https://git.example/fleet")
CLUSTER = {"ARGOCD_APP_NAME": "app", "KUBE_VERSION": "1.33.1", "KUBE_API_VERSIONS": "v1,apps/v1,batch/v1"}
Files = Mapping[str, str]


def directory(value: str) -> Files:
    return {"a.yaml": yaml.safe_dump_all(ten_objects("app", value))}


def kustomize(value: str) -> Files:
    return {
        "kustomization.yaml": "resources: [base]\nnamePrefix: x-\n",
        "base/kustomization.yaml": "resources: [a.yaml]\n",
        **{f"base/{name}": text for name, text in directory(value).items()},
    }


def jsonnet(value: str) -> Files:
    objects = orjson.dumps(ten_objects("app", value)).decode()
    return {"a.jsonnet": "import 'objects.libsonnet'", "objects.libsonnet": objects}


def chart(value: str) -> Files:
    template = yaml.safe_dump_all(ten_objects("app", "VALUE")).replace("VALUE", "{{ .Values.value }}")
    return {
        "Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0}\n",
        "values.yaml": f"value: {value}\n",
        "templates/a.yaml": template,
    }


def asking_chart(value: str) -> Files:
    more = (
        "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata: {v: '{{ .Capabilities.KubeVersion }}'}\n"
    )
    files = chart(value)
    return {**files, "templates/a.yaml": files["templates/a.yaml"] + more}


KINDS: Mapping[str, tuple[Callable[[str], Files], Budget | None]] = {
    "a directory": (directory, None),
    "a kustomization": (kustomize, None),
    "Jsonnet": (jsonnet, None),
    "a chart": (chart, Budget(5)),
    "a chart with .Capabilities": (asking_chart, Budget(100)),
}


async def measure(_options: Options, _rows: frozenset[str]) -> list[Figure]:
    """Return the figures; ten objects each."""
    figures, resident = [], 0.0
    with TemporaryDirectory(prefix="gitopsd-bench-") as folder:
        for name, (files, budget) in KINDS.items():
            cold, warm, rss = await _kind(Path(folder) / name, files)
            figures += [
                Figure("sources", f"{name} rendered by a fresh worker", cold, "ms"),
                Figure("sources", f"{name} rendered by a warm worker, p50", warm, "ms", budget),
            ]
            resident = max(resident, rss)
    return [*figures, Figure("sources", "resident memory of a worker that rendered charts", resident, "MB")]


async def _kind(place: Path, files: Callable[[str], Files]) -> tuple[float, float, float]:
    """Return the milliseconds of the first render, the median of later ones, and the worker's MB."""
    repo = Repo(place.with_suffix(".git"))
    took: list[float] = []
    async with WorkerPool(1) as pool:
        await pool.call(f"{__name__}:resident_mb")  # so that its start does not count
        renderer = ClosureRenderer(pool, NoEntries(), lambda _: str(repo.path), work_dir=place / "work")
        for turn in range(TURNS):
            content = {f"app/{name}": text for name, text in files(f"v{turn}").items()}
            revision = Revision(await asyncio.to_thread(repo.commit, content))
            began_s = time.perf_counter()
            found = await renderer.render(AppName("app"), Source(URL, path="app"), revision, CLUSTER)
            took.append((time.perf_counter() - began_s) * 1000)
            assert len(found.manifests) >= 10
        return took[0], percentile(took[1:], 0.5), await pool.call(f"{__name__}:resident_mb")


def resident_mb() -> float:
    """Return the resident memory of this process; a job of a worker."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:"))
