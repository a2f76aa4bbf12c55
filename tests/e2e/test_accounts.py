"""Accounts on a daemon as it runs: the first password, a policy, tokens that outlast a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import TOKEN, Daemon, until
from tests.e2e.world import World

PASSWORD = "a-password-of-anns"  # noqa: S105 - of a test
APPS = "/api/v1/applications"


async def token_of(daemon: Daemon, username: str, password: str) -> str:
    status, body = await daemon.call("POST", "/api/v1/session", {"username": username, "password": password}, token="")
    assert 200 == status, body
    return str(body["token"])


async def status_of(daemon: Daemon, path: str, token: str) -> int:
    return (await daemon.call("GET", path, token=token))[0]


def text_of(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


async def first_password(shop: World, file: Path) -> str:
    async def probe() -> str | None:
        return text_of(file) or None

    password = await until("the first password is made", probe)
    assert 0o600 == mode(file)

    async def logged() -> list[Any]:
        return [line["shown_once"] for line in shop.daemon.process.events("accounts.first_password")]

    assert [password] == await until("it is in the log", logged)
    return password


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


@ONCE
async def test_from_the_first_password_to_a_token_that_is_deleted(own: Own) -> None:
    rules = {"accounts.ann": "login, apiKey"}
    policy = {"policy.csv": "p, ann, applications, get, default/*, allow\n"}
    async with own(changes={"accounts": rules, "rbac": policy}) as shop:
        daemon, data = shop.daemon, Path(shop.daemon.process.settings["data_dir"])
        first = await first_password(shop, data / "initial-admin-password")
        admin = await token_of(daemon, "admin", first)
        assert 200 == await status_of(daemon, "/api/v1/clusters", admin)
        assert 401 == await status_of(daemon, APPS, "")

        body = {"name": "ann", "currentPassword": first, "newPassword": PASSWORD}
        assert 200 == (await daemon.call("PUT", "/api/v1/account/password", body, token=admin))[0]
        ann = await token_of(daemon, "ann", PASSWORD)
        assert {"items": []} == {"items": (await daemon.call("GET", "/api/v1/clusters", token=ann))[1]["items"]}
        assert 403 == await status_of(daemon, "/api/v1/projects/default", ann)
        made = (await daemon.call("POST", "/api/v1/account/ann/token", {"id": "ci"}, token=ann))[1]["token"]

        daemon.process.stop()
        daemon.process.start()
        await daemon.ready()
        for token in (admin, ann, made):
            assert 200 == await status_of(daemon, APPS, token)
        assert 200 == (await daemon.call("DELETE", "/api/v1/session", token=ann))[0]
        assert (401, 200) == (await status_of(daemon, APPS, ann), await status_of(daemon, APPS, made))
        assert 200 == (await daemon.call("DELETE", "/api/v1/account/ann/token/ci", token=TOKEN))[0]
        assert 401 == await status_of(daemon, APPS, made)

        own_password = {"name": "", "currentPassword": first, "newPassword": PASSWORD}
        assert 200 == (await daemon.call("PUT", "/api/v1/account/password", own_password, token=admin))[0]

        async def gone() -> bool:
            return text_of(data / "initial-admin-password") == ""

        await until("the file of the first password is gone", gone)
        shown = json.dumps(await daemon.ok("GET", "/api/v1/audit"))
    assert PASSWORD not in shown
    assert made not in shown
