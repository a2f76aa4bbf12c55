"""Start, stop, restart, reload: what is in hand is finished or resumed, and what did not change costs nothing."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from pathlib import Path

import pytest

from tests.e2e.asks import stuck_and_next
from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import Daemon, Json, Process, conditions, settings, until
from tests.e2e.world import config_map, text

MANY = 150


async def test_restart_asks_nothing_about_what_did_not_change(own: Own) -> None:
    async with own() as shop:
        maps = text(*(config_map(f"m{place}", v="1") for place in range(20)))
        repo = shop.repo(files={"a/a.yaml": maps, "b/b.yaml": text(config_map("b", v="1"))})
        await shop.declare(shop.application("a", repo, "a"), shop.application("b", repo, "b"))
        first = await shop.daemon.until_synced(shop.name("a"))
        await shop.daemon.until_synced(shop.name("b"))
        process = shop.daemon.process
        assert 0 == process.stop()
        await shop.edit("b", {"v": "2"})  # while nobody looks

        process.start()
        await shop.daemon.ready()

        again = await shop.daemon.until_synced(shop.name("a"))
        await shop.until_live("b", {"v": "1"})
        await shop.daemon.until_synced(shop.name("b"))
        assert first["status"]["history"] == again["status"]["history"]
        patches = await shop.daemon.metric("gitopsd_api_requests_total", verb="PATCH")
        assert 1 <= patches <= 2, f"{patches} dry runs and applies for one object that changed"


async def test_sigterm_in_the_middle_of_a_sync_is_orderly_and_the_rest_is_done_later(own: Own) -> None:
    async with own() as shop:
        maps = text(*(config_map(f"m{place:03}", v="1") for place in range(MANY)))
        repo = shop.repo(files={"a.yaml": maps})
        await shop.declare(shop.application("web", repo))
        await until("the sync has begun", lambda: shop.live("m000"))
        process = shop.daemon.process

        assert 0 == process.stop(signal.SIGTERM), process.log[-2000:]

        process.start()
        await shop.daemon.ready()
        seen = await shop.daemon.until_synced(shop.name("web"))
        assert MANY == len(seen["status"]["resources"])
        assert "daemon.forced" not in process.log


async def test_sync_that_waits_is_resumed_after_a_kill(own: Own) -> None:
    async with own() as shop:
        repo = shop.repo(files={"all.yaml": stuck_and_next()})
        await shop.declare(shop.application("web", repo))
        name = shop.name("web")
        waiting = await shop.daemon.until_app(name, _waits, what="its first wave waits")
        process = shop.daemon.process
        assert -signal.SIGKILL == process.stop(signal.SIGKILL)

        process.start()
        await shop.daemon.ready()

        resumed = await shop.daemon.until_app(name, _waits, what="it waits again")
        assert waiting["status"]["gitopsd"]["operationId"] == resumed["status"]["gitopsd"]["operationId"]
        assert await shop.live("later") is None
        commit = await shop.push(repo, {"all.yaml": text(config_map("later", v="2"))})
        await shop.daemon.until_synced(name, commit)


def _waits(app: Json) -> bool:
    state = app["status"].get("operationState", {})
    return state.get("phase") == "Running" and "stuck" in state.get("message", "")


async def test_request_survives_a_kill(own: Own) -> None:
    async with own() as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
        name = shop.name("web")
        await shop.declare(shop.application("web", repo, policy={}))
        await shop.daemon.refreshed(name)
        await shop.daemon.ok("POST", f"/api/v1/applications/{name}/sync", {})
        process = shop.daemon.process
        process.stop(signal.SIGKILL)  # at once: before, in or after the pass

        process.start()
        await shop.daemon.ready()

        await shop.until_live("a", {"v": "1"})
        await shop.daemon.until_synced(name)


async def test_deletion_with_its_objects_survives_a_kill(own: Own) -> None:
    async with own() as shop:
        maps = text(*(config_map(f"m{place:03}", v="1") for place in range(MANY)))
        repo = shop.repo(files={"a/a.yaml": maps, "b/b.yaml": text(config_map("b", v="1"))})
        a, b = shop.application("a", repo, "a"), shop.application("b", repo, "b")
        a["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
        await shop.declare(a, b)
        await shop.daemon.until_synced(shop.name("a"))
        await shop.undeclare(a)
        await shop.until_gone("m149")
        process = shop.daemon.process
        process.stop(signal.SIGKILL)

        process.start()
        await shop.daemon.ready()

        await shop.daemon.until_gone(shop.name("a"))
        listed = (await shop.here.get(shop.path(""))).ok()["items"]
        assert ["b"] == [item["metadata"]["name"] for item in listed if item["data"] == {"v": "1"}]


@ONCE
async def test_sighup_takes_good_settings_and_keeps_the_old_for_bad_ones(own: Own) -> None:
    async with own(environ={"E2E_OTHER": "another-token-0123456789"}) as shop:
        process = shop.daemon.process
        process.config.write_text("api: {prot: 1}\nclusters: [\n")
        process.send(signal.SIGHUP)
        await until("it is told", lambda: _logged(process, "settings.kept"))
        assert 200 == (await shop.daemon.call("GET", "/api/v1/applications"))[0]

        process.settings["api"]["token"] = {"env": "E2E_OTHER"}
        process.settings["log"]["level"] = "info"
        process.write_settings()
        process.send(signal.SIGHUP)
        await until("it is told", lambda: _logged(process, "settings.read"))

        assert 401 == (await shop.daemon.call("GET", "/api/v1/applications"))[0]
        other = "another-token-0123456789"
        assert 200 == (await shop.daemon.call("GET", "/api/v1/applications", token=other))[0]
        assert process.child is not None
        assert process.child.poll() is None


async def _logged(process: Process, event: str) -> bool:
    return bool(process.events(event))


@ONCE
async def test_systemd_is_told_and_the_root_may_be_read_only(own: Own, tmp_path: Path) -> None:
    wrapper: tuple[str, ...] = ()
    if os.geteuid() == 0 and shutil.which("unshare"):
        # Everything is read-only but what the unit names: StateDirectory, RuntimeDirectory.
        script = (
            f'mount --make-rprivate / && mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind / && exec "$@"'
        )
        wrapper = ("unshare", "--mount", "sh", "-c", script, "sh")
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.setblocking(False)  # noqa: FBT003 - the name of the argument is in the method's
        environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "300000", "PYTHONDONTWRITEBYTECODE": "1"}
        async with own(environ=environ, wrapper=wrapper) as shop:
            repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
            await shop.declare(shop.application("web", repo))
            await shop.daemon.until_synced(shop.name("web"))
            process = shop.daemon.process
            told: list[str] = []

            async def said(word: str) -> bool:
                told.extend(heard(listener))
                return any(word in message for message in told)

            await until("READY is told", lambda: said("READY=1"))
            await until("the watchdog is fed", lambda: said("WATCHDOG=1"))
            process.send(signal.SIGHUP)
            await until("RELOADING is told", lambda: said("RELOADING=1"))
            assert any("MONOTONIC_USEC=" in message for message in told)
            assert 0 == process.stop()
            await until("STOPPING is told", lambda: said("STOPPING=1"))
            order = [
                next(place for place, text in enumerate(told) if word in text) for word in ("READY=1", "STOPPING=1")
            ]
            assert order == sorted(order)
            assert any(text.startswith("READY=1") and "STATUS=" in text for text in told)


def heard(listener: socket.socket) -> list[str]:
    """Return the datagrams that have come."""
    found = []
    while True:
        try:
            found.append(listener.recv(4096).decode())
        except BlockingIOError:
            return found


@ONCE
async def test_second_daemon_on_the_same_data_is_refused(own: Own) -> None:
    async with own() as shop:
        first = shop.daemon.process
        second = Process(first.root, first.settings, first.environ)
        second.start()

        assert 0 != second.wait()
        assert 200 == (await shop.daemon.call("GET", "/api/v1/applications"))[0]


@pytest.mark.parametrize("what", ["data_dir", "run_dir"])
async def test_everything_it_made_may_be_lost(own: Own, tmp_path: Path, what: str) -> None:
    async with own() as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"), config_map("b", v="1"))})
        await shop.declare(shop.application("web", repo))
        await shop.daemon.until_synced(shop.name("web"))
        before = await shop.live("a")
        process = shop.daemon.process
        assert 0 == process.stop()
        shutil.move(process.settings[what], tmp_path / "lost")
        commit = repo.commit({"a.yaml": text(config_map("a", v="1"))})

        process.start()
        await shop.daemon.ready()

        await shop.daemon.until_app(shop.name("web"), bool, what="it is declared again")
        await shop.daemon.until_synced(shop.name("web"), commit)
        await shop.until_gone("b")  # known by its tracking id, though nothing is remembered
        assert before == await shop.live("a")
        assert [] == conditions(await shop.daemon.app(shop.name("web")) or {})


@ONCE  # the lease itself is tried on both, in tests/contract
async def test_second_daemon_of_one_instance_writes_nothing_until_the_first_is_gone(own: Own, tmp_path: Path) -> None:
    async with own(changes={"sync": {"lease_s": 6}}) as shop:
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
        await shop.declare(shop.application("web", repo))
        await shop.daemon.until_synced(shop.name("web"))
        first = shop.daemon.process
        clusters = {cluster["name"]: Path(cluster["kubeconfig"]) for cluster in first.settings["clusters"]}
        mine = settings(tmp_path / "second", clusters, first.settings["declarations"])
        mine |= {"instance": first.instance, "sync": first.settings["sync"], "git": {"poll_s": 1}}
        second = Daemon(Process(tmp_path / "second", mine, first.environ), shop.daemon.session)
        second.process.start()
        try:
            await second.ready()
            seen = await second.until_app(shop.name("web"), lambda app: app["status"]["sync"]["status"] == "Synced")
            repo.commit({"a.yaml": text(config_map("a", v="2"))})  # of which the first is not told
            held = await second.until_app(
                shop.name("web"), lambda app: "another gitopsd" in app["status"]["gitopsd"].get("waiting", "")
            )
            await until("the first has noticed", lambda: noticed(first))
            before = await shop.live("a")
            assert 0 == first.stop()
            await shop.until_live("a", {"v": "2"})
        finally:
            second.process.end()

        assert ("Synced", "OutOfSync") == (seen["status"]["sync"]["status"], held["status"]["sync"]["status"])
        assert {"v": "1"} == (before or {})["data"]


async def noticed(process: Process) -> bool:
    return bool(process.events("lease.contended"))
