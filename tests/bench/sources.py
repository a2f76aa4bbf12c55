"""Renders of each type of source, by a fresh worker and by one that has rendered before; and what a worker takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import yaml

from gitopsd.manifests.entries import NoEntries
from gitopsd.manifests.plugins import Plugin
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.manifests.sops_keys import Keyring
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from gitopsd.runtime.memory import SHARED, in_memory
from gitopsd.runtime.workers import WorkerPool
from gitopsd.settings import Secret, SopsKeys
from tests.bench.figures import Budget, Figure, percentile
from tests.bench.fleet import ten_objects
from tests.bench.world import Options
from tests.gitserver import Repo
from tests.manifests.sealing import AGE_KEY, sealed

ROWS = ("sources",)
TURNS = 15
URL = RepoUrl("https://git.example/fleet")
APP = Source(URL, path="app")
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


def sealed_directory(value: str) -> Files:
    return {name: sealed(name, text) for name, text in directory(value).items()}


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of source: its files for a value, and what it is rendered with."""

    files: Callable[[str], Files]
    budget: Budget | None = None  # of a warm worker
    plugins: Sequence[Plugin] = ()
    source: Source = APP


PLUGIN = Plugin("cat", ["cat", "a.yaml"], [])
KINDS: Mapping[str, Kind] = {
    "a directory": Kind(directory),
    "a kustomization": Kind(kustomize),
    "Jsonnet": Kind(jsonnet),
    "a chart": Kind(chart, Budget(5)),
    "a chart with .Capabilities": Kind(asking_chart, Budget(100)),
    "a plugin": Kind(directory, plugins=[PLUGIN], source=replace(APP, options={"plugin": {"name": "cat"}})),
    "a directory that SOPS encrypted": Kind(sealed_directory, source=replace(APP, decrypt="sops")),
}


async def measure(_options: Options, _rows: frozenset[str]) -> list[Figure]:
    """Return the figures; ten objects each."""
    figures, resident = [], {}
    with TemporaryDirectory(prefix="gitopsd-bench-", dir=SHARED if in_memory(SHARED) else None) as folder:
        for name, kind in KINDS.items():
            cold, warm, resident[name] = await _kind(Path(folder) / name, kind)
            figures += [
                Figure("sources", f"{name} rendered by a fresh worker", cold, "ms"),
                Figure("sources", f"{name} rendered by a warm worker, p50", warm, "ms", kind.budget),
            ]
    memory = [
        Figure("sources", f"resident memory of a worker that rendered {name}", resident[name], "MB")
        for name in ("a directory", "a chart")
    ]
    return [*figures, *memory]


async def _kind(place: Path, kind: Kind) -> tuple[float, float, float]:
    """Return the milliseconds of the first render, the median of later ones, and the worker's MB."""
    repo = Repo(place.with_suffix(".git"))
    key = place.with_suffix(".age")
    await asyncio.to_thread(key.write_text, AGE_KEY)
    took: list[float] = []
    async with WorkerPool(1) as pool:
        await pool.call(f"{__name__}:resident_mb")  # so that its start does not count
        renderer = ClosureRenderer(
            pool,
            NoEntries(),
            lambda _: str(repo.path),
            work_dir=place / "work",
            plugins=kind.plugins,
            keyring=Keyring([SopsKeys(age=Secret(key))]),
        )
        for turn in range(TURNS):
            files = await asyncio.to_thread(kind.files, f"v{turn}")
            content = {f"app/{name}": text for name, text in files.items()}
            revision = Revision(await asyncio.to_thread(repo.commit, content))
            began_s = time.perf_counter()
            found = await renderer.render(AppName("app"), kind.source, revision, CLUSTER)
            took.append((time.perf_counter() - began_s) * 1000)
            assert len(found.manifests) >= 10
        return took[0], percentile(took[1:], 0.5), await pool.call(f"{__name__}:resident_mb")


def resident_mb() -> float:
    """Return the resident memory of this process; a job of a worker."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:"))
