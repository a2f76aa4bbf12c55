"""The files of the web UI, and what the browser is told of them."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from gitopsd.api.web_pages import ROOT, VIEWS
from tests.api.serving import serving
from tests.fakes.backend import FakeBackend


@pytest.mark.parametrize("path", ["/", *(f"/{view}" for view in VIEWS), "/applications/shop?tab=tree"])
async def test_every_view_is_the_page_for_everybody(path: str) -> None:
    async with serving(FakeBackend()) as api, api.session.get(api.url + path, headers={"Authorization": ""}) as answer:
        assert 200 == answer.status
        assert "text/html" == answer.content_type
        assert "no-cache" == answer.headers["Cache-Control"]


async def test_nothing_runs_but_our_files_and_the_map_of_libraries() -> None:
    async with serving(FakeBackend()) as api, api.session.get(api.url + "/") as answer:
        text, policy = await answer.text(), answer.headers["Content-Security-Policy"]

    (libraries,) = re.findall(r'<script type="importmap">(.*?)</script>', text)
    digest = base64.b64encode(hashlib.sha256(libraries.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert [] == re.findall(r"<script(?![^>]* (?:src|type=\"importmap\"))|\son\w+=|https?://", text)


async def test_every_file_has_an_address_that_may_be_kept_for_ever() -> None:
    async with serving(FakeBackend()) as api:
        async with api.session.get(api.url + "/") as answer:
            text = await answer.text()
        preloads = re.findall(r'(?:href|src)="(assets/[^"]+)"', text)
        libraries = json.loads(re.findall(r'importmap">(.*?)</script>', text)[0])["imports"].values()
        for path in {*preloads, *(library.removeprefix("./") for library in libraries)}:
            async with api.session.get(f"{api.url}/{path}") as answer:
                assert 200 == answer.status, path
                assert "immutable" in answer.headers["Cache-Control"]
                assert await answer.read() == (ROOT / path.split("/", 2)[2]).read_bytes()


@pytest.mark.parametrize("path", ["js/none.js", "index.html", "..%2f..%2fapi%2fapp.py", "vendor/README.md"])
async def test_no_other_file_is_served(path: str) -> None:
    async with serving(FakeBackend()) as api:
        async with api.session.get(api.url + "/") as answer:
            (version,) = set(re.findall(r"assets/([0-9a-f]{16})/", await answer.text()))

        assert 404 == (await api.status("GET", f"/assets/{version}/{path}"))[0]
        assert 404 == (await api.status("GET", "/assets/0123456789abcdef/app.css"))[0]


async def test_what_is_no_view_tells_nothing_without_a_token() -> None:
    async with serving(FakeBackend()) as api:
        for path in ("/nothing", "/assets/x/app.css", "/api/v1/applications"):
            assert 401 == (await api.status("GET", path, headers={"Authorization": ""}))[0]
