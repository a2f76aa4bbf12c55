"""The floors, timed in a process of their own: `python -m tests.bench.floor KUBECONFIG NAMESPACE`.

Reads one JSON command a line and answers each with one line: what the cluster and git cannot do faster, without
anything of gitopsd in between.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.bench.plain import MERGE, Plain, config_map, config_map_path

QUIET = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "protocol.version=2")
GROWTH = 1.03  # of the rate; less is no growth
AT_ONCE = (4, 8, 16, 32, 64)


class Floor:
    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._client = Plain(kubeconfig)
        self._count = 0
        self._events: list[float] = []
        self._heard = threading.Condition()

    def clone(self, url: str, mirror: str) -> dict[str, float]:
        """Make the mirror that `push` fetches into."""
        subprocess.run(["git", "init", "--quiet", "--bare", mirror], check=True)  # noqa: S603, S607 - our own words
        return {"s": self._fetch(url, mirror)}

    def push(self, url: str, mirror: str) -> dict[str, float]:
        """Fetch what the repository has new, then apply one object."""
        fetch_s = self._fetch(url, mirror)
        patch_s = self._apply()
        return {"s": fetch_s + patch_s, "fetch_s": fetch_s, "patch_s": patch_s}

    def drift(self) -> dict[str, float]:
        """Edit an object, hear of it by a watch, apply it."""
        self._follow()
        self._apply()
        self._hear(self._edit)
        began_s = time.perf_counter()
        event_s = self._hear(self._edit)
        patch_s = self._apply()
        return {"s": time.perf_counter() - began_s, "event_s": event_s, "patch_s": patch_s}

    def rate(self, each: int, *, tried: bool = False) -> dict[str, float]:
        """Create objects by server-side apply, by more and more at once, until it gets no faster.

        With `tried` each is dry-run first, as a sync does that writes nothing while the server would refuse a part.
        """
        best, best_at = 0.0, 0
        for at_once in AT_ONCE:
            rate = self._rate(each, at_once, tried=tried)
            if rate < best * GROWTH:
                break
            best, best_at = rate, at_once
        return {"per_s": best, "at_once": best_at}

    def _fetch(self, url: str, mirror: str) -> float:
        command = [
            "git",
            *QUIET,
            "--git-dir",
            mirror,
            "fetch",
            "--quiet",
            "--no-tags",
            url,
            "+refs/heads/*:refs/heads/*",
        ]
        began_s = time.perf_counter()
        subprocess.run(command, check=True, env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"})  # noqa: S603 - our own words
        return time.perf_counter() - began_s

    def _apply(self) -> float:
        manifest = config_map(self._namespace, "floor", self._next())
        began_s = time.perf_counter()
        self._client.apply(config_map_path(self._namespace, "floor"), manifest)
        return time.perf_counter() - began_s

    def _edit(self) -> None:
        path = f"{config_map_path(self._namespace, 'floor')}?fieldManager=bench-editor"
        self._client.call("PATCH", path, {"data": {"value": self._next()}}, MERGE)

    def _next(self) -> str:
        self._count += 1
        return f"{os.getpid()}-{self._count}"

    def _hear(self, change: Callable[[], None]) -> float:
        """Return the seconds from the start of `change` to the watch's event."""
        with self._heard:
            self._events.clear()
        began_s = time.perf_counter()
        change()
        with self._heard:
            if not self._heard.wait_for(lambda: bool(self._events), timeout=10):
                raise RuntimeError("no watch event within 10 s")
            return self._events[0] - began_s

    def _follow(self) -> None:
        if any(thread.name == "watch" for thread in threading.enumerate()):
            return
        self._apply()
        events = Plain(self._kubeconfig).watch(config_map_path(self._namespace))
        next(events)

        def listen() -> None:
            for event in events:
                if event["object"]["metadata"].get("name") == "floor":
                    with self._heard:
                        self._events.append(time.perf_counter())
                        self._heard.notify_all()

        threading.Thread(target=listen, name="watch", daemon=True).start()

    def _rate(self, each: int, at_once: int, *, tried: bool) -> float:
        names = iter([f"rate-{self._next()}" for _ in range(each)])
        taking = threading.Lock()

        def lane(client: Plain) -> None:
            while True:
                with taking:
                    name = next(names, None)
                if name is None:
                    return
                path, manifest = config_map_path(self._namespace, name), config_map(self._namespace, name, name)
                if tried:
                    client.apply(path, manifest, dry_run=True)
                client.apply(path, manifest)

        clients = [Plain(self._kubeconfig) for _ in range(at_once)]
        for client in clients:
            client.call("GET", "/version")  # connections are open before the clock runs
        threads = [threading.Thread(target=lane, args=(client,)) for client in clients]
        began_s = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return each / (time.perf_counter() - began_s)


def main() -> None:
    floor = Floor(Path(sys.argv[1]), sys.argv[2])
    for line in sys.stdin:
        command: Mapping[str, Any] = json.loads(line)
        answer = getattr(floor, command["do"])(**command.get("with", {}))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
