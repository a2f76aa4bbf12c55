"""Whatever the daemon started ends with it, however it ends; and it outlives whatever it started."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.e2e.conftest import Own
from tests.e2e.daemon import until
from tests.e2e.world import config_map, text
from tests.gitserver import trickling_server


def descent(root: int) -> dict[int, str]:
    """Return the processes that descend from `root`: pid → command line."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = int(fields[1])
    found: set[int] = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid: command(pid) for pid in found - {root}}


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_nothing_is_left_behind_by_kill_9(own: Own) -> None:
    async with trickling_server() as slow, own() as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
        await shop.declare(shop.application("web", repo), shop.application("slow", slow))
        await shop.daemon.until_synced(shop.name("web"))
        process = shop.daemon.process
        wanted = ("redis-server", "worker_main", "git")

        async def all_there() -> bool:
            commands = descent(process.pid).values()
            return all(any(word in text for text in commands) for word in wanted)

        await until(f"{wanted} run", all_there)
        left = descent(process.pid)
        assert -signal.SIGKILL == process.stop(signal.SIGKILL)

        async def gone() -> bool:
            return not any(runs(pid) for pid in left)

        await until(f"all of them are gone: {left}", gone)


async def test_it_outlives_what_it_started(own: Own) -> None:
    async with own() as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="0"))})
        await shop.declare(shop.application("web", repo))
        await shop.daemon.until_synced(shop.name("web"))

        for count in range(1, 4):
            for pid in descent(shop.daemon.process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            commit = await shop.push(repo, {"a.yaml": text(config_map("a", v=str(count)))})
            await shop.until_live("a", {"v": str(count)})
            await shop.daemon.until_synced(shop.name("web"), commit)
