"""The same request to a real and to a simulated cluster, and what differs between the two answers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.clusters import Cluster
from tests.contract.kubernetes.api import Answer, Api, connect, until
from tests.contract.kubernetes.objects import is_established

_SERVERS_OWN = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "selfLink", "continue")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Twins:
    """One session with each."""

    real: Api
    sim: Api

    async def send(self, *args: Any, **more: Any) -> tuple[Answer, Answer]:
        return await self.real.send(*args, **more), await self.sim.send(*args, **more)

    async def gone(self, path: str) -> None:
        """Wait until neither has the object at `path`."""
        await self.real.gone(path)
        await self.sim.gone(path)

    async def established(self, path: str) -> bool:
        """Wait until both serve what the CRD at `path` defines."""
        for api in (self.real, self.sim):
            await until(lambda api=api: api.get(path), lambda answer: is_established(answer.body))  # type: ignore[misc]
        return True


@asynccontextmanager
async def twins(real: Cluster, sim: Cluster) -> AsyncIterator[Twins]:
    """Open a session with each for the block."""
    async with connect(real) as one, connect(sim) as two:
        yield Twins(one, two)


def comparable(answer: Answer) -> Any:
    """Return what must be equal in two answers: all of a success; code and reason of a refusal."""
    body = answer.body
    if not isinstance(body, dict):
        return answer.status
    if body.get("kind") == "Status":
        return answer.status, body.get("reason"), _cleaned(body.get("details", {})) if answer.status == 200 else None
    return answer.status, _cleaned(body)


def _cleaned(value: Any, path: str = "") -> Any:
    if isinstance(value, dict):
        out: dict[str, Any] = {}
        for name, item in value.items():
            where = f"{path}.{name}"
            if name in _SERVERS_OWN or (name == "time" and "managedFields" in path) or name == "lastTransitionTime":
                out[name] = "…"
            elif name == "managedFields":
                entries = [_cleaned(entry, where) for entry in item]
                out[name] = sorted(entries, key=_entry)
            elif name == "nodePort" or (
                name in ("clusterIP", "clusterIPs") and path == ".spec" and "None" not in str(item)
            ):
                out[name] = "…"
            else:
                out[_UID.sub("…", name)] = _cleaned(item, where)
        return out
    if isinstance(value, list):
        return [_cleaned(item, f"{path}[]") for item in value]
    return _UID.sub("…", value) if isinstance(value, str) else value


def _entry(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(entry.get(name, "") for name in ("operation", "manager", "apiVersion", "subresource"))


def differences(real: Any, sim: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each place where two comparable answers differ."""
    if isinstance(real, dict) and isinstance(sim, dict):
        for name in sorted(real.keys() | sim.keys()):
            where = f"{path}.{name}"
            if name not in sim:
                yield f"{where}: only real: {real[name]!r}"
            elif name not in real:
                yield f"{where}: only sim: {sim[name]!r}"
            else:
                yield from differences(real[name], sim[name], where)
    elif isinstance(real, list | tuple) and isinstance(sim, list | tuple) and len(real) == len(sim):
        for number, (one, two) in enumerate(zip(real, sim, strict=True)):
            yield from differences(one, two, f"{path}[{number}]")
    elif real != sim:
        yield f"{path}: real {real!r}, sim {sim!r}"
