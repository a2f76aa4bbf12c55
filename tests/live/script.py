"""Scripted lists and watches, and a sink that writes down what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from aiohttp import web

from gitopsd.model.manifest import Manifest
from tests.kube.fake import Answer, Fake, says


def config_map(name: str, version: str, **meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "web", "uid": f"uid-{name}", "resourceVersion": version, **meta}}


def page(*objects: dict[str, Any], version: str, more: str = "") -> Answer:
    """Return an answer of one page; as in a real list, its items carry no kind."""
    meta = {"resourceVersion": version, **({"continue": more} if more else {})}
    return says({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": meta, "items": list(objects)})


def event(kind: str, found: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": kind, "object": found}) + b"\n"


def bookmark(version: str, *, initial_end: bool = False) -> bytes:
    notes = {"annotations": {"k8s.io/initial-events-end": "true"}} if initial_end else {}
    return event("BOOKMARK", {"metadata": {"resourceVersion": version, **notes}})


def error(code: int, message: str = "gone") -> bytes:
    return event("ERROR", {"kind": "Status", "code": code, "message": message})


def sends(*chunks: bytes) -> Answer:
    """Return an answer of a watch that sends `chunks` and ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await _opened(request)
        for chunk in chunks:
            await response.write(chunk)
        return response

    return answer


def sends_and_holds(fake: Fake, *chunks: bytes) -> Answer:
    """Return an answer of a watch that sends `chunks` and then says nothing."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await _opened(request)
        for chunk in chunks:
            await response.write(chunk)
        await fake.hold()
        return response

    return answer


def ends_after(seconds: float) -> Answer:
    """Return an answer of a watch that says nothing, and ends in good order."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await _opened(request)
        await asyncio.sleep(seconds)
        return response

    return answer


def breaks_off(*chunks: bytes) -> Answer:
    """Return an answer of a watch whose connection is cut after `chunks`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await _opened(request)
        for chunk in chunks:
            await response.write(chunk)
        if request.transport is not None:
            request.transport.abort()
        return response

    return answer


async def _opened(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    return response


class Notes:
    """A sink that writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.on_heard: Callable[[], None] = lambda: None

    def count(self, line: str) -> int:
        return self.lines.count(line)

    def has(self, *lines: str) -> bool:
        return set(lines) <= set(self.lines)

    def begin(self) -> None:
        self.lines.append("begin")

    def put(self, manifest: Manifest) -> None:
        self.lines.append(f"put {_named(manifest)}")

    def drop(self, manifest: Manifest) -> None:
        self.lines.append(f"drop {_named(manifest)}")

    def end(self) -> None:
        self.lines.append("end")

    def heard(self) -> None:
        self.on_heard()

    def failed(self, cause: str, *, refused: bool) -> None:
        self.lines.append(f"{'refused' if refused else 'failed'}: {cause}")


def _named(manifest: Manifest) -> str:
    meta = manifest["metadata"]
    assert ("v1", "ConfigMap") == (manifest["apiVersion"], manifest["kind"])
    return f"{meta['name']}@{meta['resourceVersion']}"


def without_failures(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if not line.startswith(("failed", "refused"))]
