"""Argo CD's own command, unchanged, against a daemon: `$ARGOCD`, or the `argocd` of the PATH."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.daemon import TOKEN
from tests.e2e.world import BY_HAND, HERE, THERE, World, config_map, text

ARGOCD = os.environ.get("ARGOCD") or shutil.which("argocd")
POD = {"containers": [{"name": "main", "image": "tidy:1"}], "restartPolicy": "Never"}
JSON_PATCH = "application/json-patch+json"
pytestmark = pytest.mark.skipif(
    ARGOCD is None, reason="there is no argocd: name one in $ARGOCD, or have it on the PATH"
)


@dataclass(frozen=True, slots=True)
class Answered:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Argocd:
    """The command, with a home of its own."""

    server: str
    home: Path
    options: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, *arguments: str) -> Answered:
        child = await asyncio.create_subprocess_exec(
            str(ARGOCD),
            *arguments,
            *self.options,
            env={**os.environ, "HOME": str(self.home), "ARGOCD_SERVER": self.server, **self.environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await child.communicate()
        return Answered(child.returncode or 0, out.decode(), err.decode())

    async def well(self, *arguments: str) -> Answered:
        """Run a command that must succeed."""
        answered = await self(*arguments)
        assert 0 == answered.code, answered
        return answered


@pytest.fixture(params=[(), ("--grpc-web",)], ids=["gRPC", "gRPC-Web"])
def argocd(shop: World, tmp_path: Path, request: pytest.FixtureRequest) -> Argocd:
    server = shop.daemon.api.removeprefix("http://")
    return Argocd(server, tmp_path, ("--plaintext", *request.param), {"ARGOCD_AUTH_TOKEN": TOKEN})


async def test_from_diff_to_rollback(shop: World, argocd: Argocd) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    name = shop.name("web")
    await shop.declare(shop.application("web", repo, policy=BY_HAND))
    await shop.daemon.refreshed(name)

    assert name in [item["metadata"]["name"] for item in (await argocd.well("app", "list", "-o", "json")).json()]
    missing = await argocd("app", "diff", name)
    assert (1, True) == (missing.code, "ConfigMap" in missing.out), missing
    assert 'v: "1"' in (await argocd.well("app", "manifests", name)).out
    await argocd.well("app", "sync", name, "--dry-run")
    assert await shop.live("a") is None
    synced = (await argocd.well("app", "sync", name)).out
    assert ("Succeeded" in synced, bool(re.search(r"Sync Status:\s+Synced", synced))) == (True, True), synced
    assert {"v": "1"} == (await shop.live("a") or {})["data"]
    await argocd.well("app", "wait", name, "--timeout", "30")
    assert 0 == (await argocd("app", "diff", name)).code

    repo.commit({"a.yaml": text(config_map("a", v="2"))})
    shown = (await argocd.well("app", "get", name, "--refresh", "-o", "json")).json()
    assert "OutOfSync" == shown["status"]["sync"]["status"]
    changed = await argocd("app", "diff", name)
    assert (1, True) == (changed.code, 'v: "2"' in changed.out), changed
    await argocd.well("app", "sync", name, "--resource", ":ConfigMap:a")
    assert {"v": "2"} == (await shop.live("a") or {})["data"]
    await argocd.well("app", "sync", name)
    [first, *_] = (await argocd.well("app", "history", name, "-o", "id")).out.split()
    assert "a" in (await argocd.well("app", "resources", name)).out
    assert "ConfigMap/a" in (await argocd.well("app", "get", name, "-o", "tree")).out
    one = (
        await argocd.well("app", "get-resource", name, "--kind", "ConfigMap", "--resource-name", "a", "-o", "json")
    ).json()
    assert {"v": "2"} == one["data"]
    nothing = await argocd("app", "logs", name)
    assert (1, True) == (nothing.code, "has no such object" in nothing.err), nothing

    await argocd.well("app", "rollback", name, first)
    assert {"v": "1"} == (await shop.live("a") or {})["data"]
    assert 20 == (await argocd("app", "terminate-op", name)).code


async def test_delete(shop: World, argocd: Argocd) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    name = shop.name("web")
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(name)

    await argocd.well("app", "delete", name, "--yes", "--wait")
    assert await shop.live("a") is None
    assert 20 == (await argocd("app", "get", name)).code


async def test_what_there_is_beside_applications(shop: World, argocd: Argocd) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))

    assert "argocd-server: " in (await argocd.well("version", "--short")).out
    assert "default" in (await argocd.well("proj", "list")).out
    assert "default" == (await argocd.well("proj", "get", "default", "-o", "json")).json()["metadata"]["name"]
    clusters = (await argocd.well("cluster", "list", "-o", "json")).json()
    assert {HERE, THERE} <= {cluster["name"] for cluster in clusters}
    assert HERE == (await argocd.well("cluster", "get", HERE, "-o", "json")).json()["name"]
    repositories = [each["repo"] for each in (await argocd.well("repo", "list", "-o", "json")).json()]
    assert [] != [url for url in repositories if url.endswith(repo.path.name)]


async def test_a_wrong_token_and_an_unknown_application_are_told(argocd: Argocd) -> None:
    stranger = Argocd(argocd.server, argocd.home, argocd.options, {"ARGOCD_AUTH_TOKEN": "wrong"})
    refused = await stranger("app", "list")
    assert (20, True) == (refused.code, "Unauthenticated" in refused.err), refused
    unknown = await argocd("app", "get", "no-such")
    assert (20, True) == (unknown.code, "NotFound" in unknown.err), unknown


async def test_login_by_password(shop: World, argocd: Argocd) -> None:
    password = (Path(shop.daemon.process.settings["data_dir"]) / "initial-admin-password").read_text().strip()
    person = Argocd(argocd.server, argocd.home, argocd.options)

    logged_in = await person.well("login", argocd.server, "--username", "admin", "--password", password)
    assert "'admin:login' logged in successfully" in logged_in.out
    assert "Username: admin" in (await person.well("account", "get-user-info")).out
    assert "admin" in (await person.well("account", "list")).out
    assert "yes" == (await person.well("account", "can-i", "get", "applications", "*/*")).out.strip()
    await person.well("app", "list")
    await person.well("logout", argocd.server)
    assert 20 == (await person("app", "list")).code
    wrong = await person("login", argocd.server, "--username", "admin", "--password", "wrong")
    assert (20, True) == (wrong.code, "invalid username or password" in wrong.err), wrong


async def test_create_set_patch_and_unset(shop: World, argocd: Argocd) -> None:
    repo = shop.repo(files={"app/a.yaml": text(config_map("a", v="1")), "other/a.yaml": text(config_map("a", v="2"))})
    name = shop.name("made")
    url = shop.application("made", repo)["spec"]["source"]["repoURL"]
    where = ("--dest-name", HERE, "--dest-namespace", shop.namespace)

    created = await argocd.well("app", "create", name, "--repo", url, "--path", "app", *where)
    assert f"application '{name}' created" in created.out
    try:
        await argocd.well("app", "sync", name)
        assert {"v": "1"} == (await shop.live("a") or {})["data"]
        await argocd.well("app", "set", name, "--path", "other", "--sync-option", "Replace=false")
        await argocd.well("app", "sync", name)
        assert {"v": "2"} == (await shop.live("a") or {})["data"]
        await argocd.well("app", "patch", name, "--type", "merge", "--patch", '{"spec": {"source": {"path": "app"}}}')
        await argocd.well("app", "sync", name)
        assert {"v": "1"} == (await shop.live("a") or {})["data"]
        await argocd.well("app", "set", name, "--sync-policy", "automated", "--self-heal")
        shown = (await argocd.well("app", "get", name, "-o", "json")).json()
        assert shown["spec"]["syncPolicy"]["automated"]["selfHeal"]
    finally:
        await argocd.well("app", "delete", name, "--yes", "--wait")
    assert await shop.live("a") is None


async def test_objects_are_patched_and_deleted(shop: World, argocd: Argocd) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"), config_map("b", v="1"))})
    name = shop.name("web")
    await shop.declare(shop.application("web", repo, policy=BY_HAND))
    await shop.daemon.refreshed(name)
    await argocd.well("app", "sync", name)

    one = ("--kind", "ConfigMap", "--resource-name", "a")
    await argocd.well("app", "patch-resource", name, *one, "--patch", '{"data": {"v": "2"}}')
    assert {"v": "2"} == (await shop.live("a") or {})["data"]
    operations = '[{"op": "remove", "path": "/data/v"}]'
    await argocd.well("app", "patch-resource", name, *one, "--patch", operations, "--patch-type", JSON_PATCH)
    assert not (await shop.live("a") or {}).get("data")
    wrong = await argocd("app", "patch-resource", name, *one, "--patch", "{")
    assert (20, True) == (wrong.code, "the patch is not JSON" in wrong.err), wrong

    await argocd.well("app", "delete-resource", name, *one, "--force")  # no garbage collector runs beside a real server
    assert await shop.live("a") is None
    assert await shop.live("b") is not None


async def test_actions_are_listed_and_run(shop: World, argocd: Argocd) -> None:
    tidy = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": POD}}}}
    meta = {"name": "tidy"}
    repo = shop.repo(
        files={"a.yaml": text({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": tidy})}
    )
    name = shop.name("web")
    await shop.declare(shop.application("web", repo, policy=BY_HAND))
    await shop.daemon.refreshed(name)
    await argocd.well("app", "sync", name)

    offered = (await argocd.well("app", "actions", "list", name, "-o", "json")).json()
    assert [("CronJob", "create-job"), ("CronJob", "suspend")] == sorted(
        (each["Kind"], each["Action"]) for each in offered
    )
    await argocd.well("app", "actions", "run", name, "suspend", "--kind", "CronJob")
    await argocd.well("app", "actions", "run", name, "create-job", "--kind", "CronJob", "--resource-name", "tidy")
    shown = (await argocd.well("app", "actions", "list", name, "--kind", "CronJob")).out
    assert ("resume" in shown, "suspend" in shown) == (True, False), shown
    [job] = (await shop.here.get(f"/apis/batch/v1/namespaces/{shop.namespace}/jobs")).ok()["items"]
    assert job["metadata"]["name"].startswith("tidy-")
    unknown = await argocd("app", "actions", "run", name, "none", "--kind", "CronJob")
    assert (20, True) == (unknown.code, "no action none on CronJob" in unknown.err), unknown
