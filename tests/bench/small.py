"""What needs no cluster: closures looked up by a worker, the command line's start, parsing and decoding."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import yaml

from gitopsd.live.decode import Decoder
from gitopsd.manifests import jobs
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.tools import Programs
from gitopsd.manifests.yaml import parse
from gitopsd.model.manifest import GVK
from gitopsd.runtime.workers import WorkerPool
from gitopsd.settings import RenderSettings
from tests.bench.figures import Budget, Figure, percentile
from tests.bench.fleet import Fleet, one_map, ten_objects
from tests.bench.world import Options
from tests.gitserver import Repo

ROWS = ("closures", "help", "micro")
OPENER = "gitopsd.git.tree:open_tree"
DEPLOYMENT = GVK("apps", "v1", "Deployment")
DEFINITION = GVK("apiextensions.k8s.io", "v1", "CustomResourceDefinition")


async def measure(options: Options, rows: frozenset[str]) -> list[Figure]:
    """Return the figures of the rows asked for."""
    figures: list[Figure] = []
    if "closures" in rows:
        figures.append(await _closures(options))
    if "help" in rows:
        figures.append(await asyncio.to_thread(_help))
    if "micro" in rows:
        figures += [_yaml(), *_decoded()]
    return figures


async def _closures(options: Options) -> Figure:
    with TemporaryDirectory(prefix="gitopsd-bench-") as folder:
        fleet = Fleet(Repo(Path(folder) / "fleet.git"), "", options.apps, one_map, [""])
        mirror, revision = str(fleet.repo.path), await asyncio.to_thread(fleet.write)
        took: list[float] = []
        async with WorkerPool(1) as pool:
            source = {"path": "apps/app-00000", "options": {}}
            place, given = [[OPENER, mirror, revision], []], RenderContext.packed(RenderSettings(), Programs(), {})
            rendered = await pool.call(jobs.RENDER, place, "inputs", source, given)
            closures = [[key.replace("app-00000", name) for key in rendered["looked_up"]] for name in fleet.names()]
            for turn in range(7):
                revision = await asyncio.to_thread(fleet.touch, "app-00001", str(turn))
                began_s = time.perf_counter()
                await pool.call(
                    jobs.LOOK_UP, [[OPENER, mirror, revision], []], [["inputs", [one], {}] for one in closures]
                )
                took.append(time.perf_counter() - began_s)
    what = f"closures of {options.apps} applications looked up at a new commit, p50"
    return Figure("closures", what, percentile(took, 0.5) * 1000, "ms", Budget(150))


def _help() -> Figure:
    program = Path(sys.executable).with_name("gitopsd")
    took, bare = (
        percentile([_seconds(lambda command=command: _quietly(command)) for _ in range(15)], 0.5)  # type: ignore[misc]
        for command in ([str(program), "--help"], [sys.executable, "-c", ""])
    )
    what = "a Python that does nothing"
    return Figure("help", "gitopsd --help, p50", took * 1000, "ms", Budget(120), bare * 1000, what)


def _quietly(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words


def _yaml() -> Figure:
    one = yaml.safe_dump_all(ten_objects("app", "value")).encode()
    text = b"\n---\n".join([one] * 20)
    limits = RenderSettings()
    ours = percentile([_seconds(lambda: parse("bench.yaml", text, limits)) for _ in range(5)], 0.5)
    peer = percentile([_seconds(lambda: list(yaml.load_all(text, yaml.CSafeLoader))) for _ in range(5)], 0.5)
    rate, peer_rate = len(text) / ours / 1e6, len(text) / peer / 1e6
    return Figure("micro", "YAML parsed, as kubectl reads it", rate, "MB/s", None, peer_rate, "PyYAML's CSafeLoader")


def _decoded() -> list[Figure]:
    found = [
        _decode("ConfigMap", GVK("", "v1", "ConfigMap"), _live_map()),
        _decode("Deployment", DEPLOYMENT, _live_deployment()),
        _decode("CustomResourceDefinition of 200 KB", DEFINITION, _live_definition()),
    ]
    nobodys = {**_live_map(), "metadata": {**_live_map()["metadata"], "managedFields": []}}
    return [*found, _decode("ConfigMap of nobody's", GVK("", "v1", "ConfigMap"), nobodys)]


def _decode(what: str, gvk: GVK, live: dict[str, Any]) -> Figure:
    decoder, text = Decoder(frozenset()), orjson.dumps(live)
    count = max(20, 2_000_000 // len(text))

    def decode() -> None:
        for _ in range(count):
            found: Any = orjson.loads(text)
            key = decoder.key(gvk, found)
            assert key is not None
            decoder.live(key, found)

    def read() -> None:
        for _ in range(count):
            orjson.loads(text)

    took, bare = (percentile([_seconds(work) for _ in range(5)], 0.5) / count * 1e6 for work in (decode, read))
    return Figure("micro", f"a live {what} decoded", took, "µs", None, bare, "reading its JSON alone")


def _live_map() -> dict[str, Any]:
    """Return a ConfigMap as a server gives it after our apply."""
    return _applied(next(dict(one) for one in ten_objects("app", "value") if one["kind"] == "ConfigMap"), "data")


def _live_definition() -> dict[str, Any]:
    """Return a large CustomResourceDefinition as a server gives it after our apply."""
    text = "One of the fields of which such definitions have hundreds, with a description of about this length."
    fields = {f"field{place}": {"type": "string", "description": text * 2} for place in range(800)}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"properties": fields}}}
    names = {"kind": "Boat", "plural": "boats", "singular": "boat", "listKind": "BoatList"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    meta = {"name": "boats.example.com"}
    definition = {
        "apiVersion": DEFINITION.api_version, "kind": DEFINITION.kind, "metadata": meta, "spec": spec,
        "status": {"conditions": [{"type": "Established", "status": "True"}]},
    }  # fmt: skip
    return _applied(definition, "spec")


def _live_deployment() -> dict[str, Any]:
    """Return a Deployment as a server gives it after our apply."""
    return _applied(next(dict(one) for one in ten_objects("app", "value") if one["kind"] == "Deployment"), "spec")


def _applied(target: dict[str, Any], part: str) -> dict[str, Any]:
    fields = {"f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}}, f"f:{part}": _fields(target[part])}
    entry = {"manager": "gitopsd", "operation": "Apply", "apiVersion": target["apiVersion"], "fieldsV1": fields}
    meta = {**target["metadata"], "uid": "u", "resourceVersion": "1", "managedFields": [entry]}
    return {**target, "metadata": meta}


def _fields(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {f"f:{name}": _fields(one) for name, one in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict) and "name" in value[0]:
        return {f'k:{{"name":"{one["name"]}"}}': _fields(one) for one in value}
    return {}


def _seconds(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
