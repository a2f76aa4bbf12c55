"""What the operator adds: a plugin, and keys for files that SOPS encrypted; from a push to what is live."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import Json, until
from tests.e2e.world import World
from tests.manifests.plugging import script, written
from tests.manifests.sealing import AGE_KEY, OTHER_KEY, PROGRAM, sealed

PLUGIN = script('sed "s/COLOR/$(cat color)/; s/SIZE/$PARAM_SIZE/" template', "colors", variables="")
PLUGIN["spec"]["parameters"] = {
    "static": [{"name": "size", "required": True}],
    "dynamic": {"command": ["cat", "parameters.json"]},
}
TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-plugin}\ndata: {color: COLOR, size: SIZE}\n"
CHART = {
    "chart/Chart.yaml": "{apiVersion: v2, name: db, version: 1.0.0}\n",
    "chart/templates/a.yaml": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: {{ .Values.password | quote }}}\n"
    ),
}


def values(password: str) -> str:
    return sealed("values.yaml", f"password: {password}\n")


@ONCE
@pytest.mark.skipif(not PROGRAM, reason="no sops on this machine")
async def test_plugins_and_sops_files_reach_the_cluster_and_no_secret_is_told(own: Own, tmp_path: Path) -> None:
    key = tmp_path / "age"
    key.write_text(AGE_KEY)
    plugins = written(tmp_path / "plugins", PLUGIN)
    changes = {"plugins": {"directory": str(plugins)}, "sops": {"keys": [{"age": {"file": str(key)}}]}}
    async with own(changes=changes) as shop:
        first = {"plug/color": "red", "plug/template": TEMPLATE, "plug/parameters.json": '[{"name": "color"}]'}
        first |= {**CHART, "chart/values.yaml": values("hush-hush-1")}
        repo = shop.repo(files=first)
        plugged, sealing = shop.application("plug", repo, "plug"), shop.application("db", repo, "chart")
        plugged["spec"]["source"] |= {"plugin": {"name": "colors", "parameters": [{"name": "size", "string": "xl"}]}}
        for each in (plugged, sealing):
            del each["spec"]["source"]["directory"]
        sealing["metadata"]["annotations"] = {"gitopsd.io/decrypt": "sops"}
        await shop.declare(plugged, sealing)
        await shop.until_live("of-plugin", {"color": "red", "size": "xl"})
        await _until_password(shop, "hush-hush-1")
        assert "Plugin" == (await shop.daemon.until_synced(shop.name("plug")))["status"]["sourceType"]

        place = f"/api/v1/repositories/{quote(shop.host.url(repo), safe='')}/appdetails"
        announced = (await shop.daemon.ok("POST", place, {"appName": shop.name("plug")}))["plugin"]
        assert [{"name": "color"}, {"name": "size", "required": True}] == announced["parametersAnnouncement"]

        commit = await shop.push(repo, {"plug/color": "blue", "chart/values.yaml": values("hush-hush-2")})
        await shop.until_live("of-plugin", {"color": "blue", "size": "xl"})
        await _until_password(shop, "hush-hush-2")
        seen = await shop.daemon.until_synced(shop.name("db"), commit)
        shown = await shop.daemon.ok("GET", f"/api/v1/applications/{shop.name('db')}/manifests")

        key.write_text(OTHER_KEY)
        refused = await shop.push(repo, {"chart/values.yaml": values("hush-hush-3"), "plug/template": "kind: ["})
        told = await shop.daemon.until_condition(shop.name("db"), "ComparisonError", "chart/values.yaml")
        await shop.daemon.until_condition(shop.name("plug"), "ComparisonError", "what plugin colors makes of plug")
        assert refused
        await shop.until_live("of-plugin", {"color": "blue", "size": "xl"})
        await _until_password(shop, "hush-hush-2")
        everything = f"{seen}{shown}{told}{shop.daemon.process.log}"
    assert "hush" not in everything
    assert "AGE-SECRET-KEY" not in everything


async def _until_password(shop: World, password: str) -> None:
    async def probe() -> bool:
        live: Json | None = await shop.live("db", "secrets")
        return live is not None and password == base64.b64decode(live["data"]["password"]).decode()

    await until(f"the Secret's password is {password}", probe)
