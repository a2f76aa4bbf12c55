"""The programs to compare with, from outside: none of them is part of the project.

A directory holds those that are there:

- `helm`: Helm itself.
- `kustomize`: kustomize itself.
- `argocd`: Argo CD's renderer. For each line on its input, a JSON object with `root`, `name`, `namespace`,
  `kubeVersion`, `apiVersions` and `source` (as in an Application, `path` below `root`), it answers with a line: an
  object with `manifests` (texts of JSON) or `error`. It is a screen of Go around `GenerateManifests` of Argo CD's
  package reposerver/repository, and finds `helm` and `kustomize` beside itself.

They may write into the sources (`helm dependency build` does), so a tree of sources is one that can be thrown away.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.yaml import parse
from gitopsd.settings import RenderSettings
from tests.compare.results import Answer

DEADLINE_S = 120.0
NAME, NAMESPACE = "compared", "elsewhere"
KUBE_VERSION = "1.36.2"
API_VERSIONS = ("monitoring.coreos.com/v1", "monitoring.coreos.com/v1/ServiceMonitor")


Source = Mapping[str, Any]  # the fields of an Application's source beside where it is


class Peer(Protocol):
    """Somebody who renders sources, too."""

    @property
    def name(self) -> str: ...

    def renders(self, kind: str) -> bool: ...

    def render(self, root: Path, path: str, options: Source) -> Answer: ...


@contextmanager
def peers(directory: Path) -> Iterator[list[Peer]]:
    """Have the peers whose programs are in `directory`."""
    made: Mapping[str, type[Helm | Kustomize | ArgoCd]] = {"helm": Helm, "kustomize": Kustomize, "argocd": ArgoCd}
    found = [kind(directory / name) for name, kind in made.items() if os.access(directory / name, os.X_OK)]
    try:
        yield list(found)
    finally:
        for each in found:
            if isinstance(each, ArgoCd):
                each.end()


@dataclass(slots=True)
class Helm:
    program: Path
    name: str = "helm"

    def renders(self, kind: str) -> bool:
        return kind == "Helm"

    def render(self, root: Path, path: str, options: Source) -> Answer:
        command = ["template", NAME, str(root / path), "--namespace", NAMESPACE, "--include-crds"]
        command += ["--kube-version", KUBE_VERSION, *(f"--api-versions={each}" for each in API_VERSIONS)]
        given = options.get("helm", {}).get("parameters", [])
        command += [f"--set={each['name']}={each['value']}" for each in given]
        return _printed(self.program, command)


@dataclass(slots=True)
class Kustomize:
    program: Path
    name: str = "kustomize"

    def renders(self, kind: str) -> bool:
        return kind == "Kustomize"

    def render(self, root: Path, path: str, options: Source) -> Answer:
        return _printed(self.program, ["build", str(root / path)])


@dataclass(slots=True)
class ArgoCd:
    program: Path
    name: str = "argocd"
    _running: subprocess.Popen[bytes] | None = field(default=None)

    def renders(self, kind: str) -> bool:
        return bool(kind)

    def render(self, root: Path, path: str, options: Source) -> Answer:
        asked = {
            "root": str(root),
            "name": NAME,
            "namespace": NAMESPACE,
            "kubeVersion": KUBE_VERSION,
            "apiVersions": API_VERSIONS,
            "source": {"repoURL": "file:///compared", "path": path, **options},
        }
        line = self._answer(orjson.dumps(asked) + b"\n")
        if line is None:
            return Answer(error="it ended, or took too long")
        answer = json.loads(line)
        if answer.get("error"):
            return Answer(error=str(answer["error"]))
        return Answer(tuple(json.loads(each) for each in answer.get("manifests") or ()))

    def _answer(self, line: bytes) -> bytes | None:
        running = self._running or self._start()
        if running.stdin is None or running.stdout is None:
            return None
        try:
            running.stdin.write(line)
            running.stdin.flush()
            if found := _line(running.stdout.fileno()):
                return found
        except BrokenPipeError:
            pass
        self.end()
        return None

    def end(self) -> None:
        """End the program, if it runs; the next source starts it anew."""
        if self._running is not None:
            self._running.kill()
            with self._running:  # closes its pipes, and waits
                pass
        self._running = None

    def _start(self) -> subprocess.Popen[bytes]:
        path = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        self._running = subprocess.Popen(  # noqa: S603 - the peer
            [self.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": path},
        )
        return self._running


def _line(source: int) -> bytes | None:
    """Return the next line that is read from `source`; None where none comes in time."""
    found = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(source, selectors.EVENT_READ)
        while not found.endswith(b"\n"):
            if not ready.select(DEADLINE_S):
                return None
            more = os.read(source, 1 << 20)
            if not more:
                return None
            found += more
    return bytes(found)


def _printed(program: Path, arguments: list[str]) -> Answer:
    try:
        done = subprocess.run(  # noqa: S603 - the peer
            [program, *arguments], capture_output=True, check=False, timeout=DEADLINE_S
        )
    except subprocess.TimeoutExpired:
        return Answer(error="it took too long")
    if done.returncode != 0:
        return Answer(error=done.stderr.decode(errors="replace").strip())
    try:
        found = parse("output", done.stdout, RenderSettings()).documents
    except InvalidManifest as err:
        return Answer(error=f"its output: {err}")
    return Answer(tuple(flat for each in found for flat in _flat(each.value)))


def _flat(value: Any) -> list[Any]:
    """Return the items of a List, which Argo CD and we take apart; or the value itself."""
    items = value.get("items") if isinstance(value, dict) and str(value.get("kind")).endswith("List") else None
    return items if isinstance(items, list) else [value]
