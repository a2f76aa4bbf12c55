"""The web UI: one page, and the files that it is made of, as they lie in `gitopsd/web/`."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aiohttp import web

ROOT = Path(__file__).parent.parent / "web"
VIEWS = ("accounts", "applications", "audit", "clusters", "drift", "login", "projects", "repositories")
PAGE = "/{view:(?:|(?:" + "|".join(VIEWS) + ")(?:/.*)?)}"
ASSET = r"/assets/{version:[0-9a-f]{16}}/{path:.+}"
OPEN_PAGES = ("/{view}", "/assets/{version}/{path}")  # the two, as routes are named
LIBRARIES = {
    "preact": "preact.mjs",
    "preact/hooks": "preact-hooks.mjs",
    "@preact/signals-core": "signals-core.mjs",
    "@preact/signals": "signals.mjs",
    "htm": "htm.mjs",
}
WHEN_NEEDED = ("js-yaml.mjs", "diff/")  # not loaded with the page
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self' 'sha256-{script}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)
YEAR_S = 31_536_000


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page, plain and compressed."""

    type: str
    plain: bytes
    packed: bytes


class WebPages:
    """Serves the page at every address of a view, and its files at addresses that change when one of them does."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PAGE, self.page), web.get(ASSET, self.asset)]

    async def page(self, request: web.Request) -> web.Response:
        text, policy = self._page
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache"}
        return _sent(request, _asset("page.html", text), headers)

    async def asset(self, request: web.Request) -> web.Response:
        asset = self._assets.get(request.match_info["path"])
        if asset is None or request.match_info["version"] != self._version:
            raise web.HTTPNotFound
        return _sent(request, asset, {"Cache-Control": f"public, max-age={YEAR_S}, immutable"})

    @cached_property
    def _assets(self) -> dict[str, Asset]:
        """All files by their path; read when the first of them is asked for."""
        files = (path for path in sorted(self._root.rglob("*")) if path.suffix in TYPES)
        return {path.relative_to(self._root).as_posix(): _asset(path.name, path.read_bytes()) for path in files}

    @cached_property
    def _version(self) -> str:
        digest = hashlib.sha256()
        for path, asset in self._assets.items():
            digest.update(f"{path}\0{len(asset.plain)}\0".encode() + asset.plain)
        return digest.hexdigest()[:16]

    @cached_property
    def _page(self) -> tuple[bytes, str]:
        """Return the page, and the policy that lets nothing run but our files and this page's map of libraries."""
        assets = f"assets/{self._version}"
        imports = {name: f"./{assets}/vendor/{file}" for name, file in LIBRARIES.items()}
        libraries = json.dumps({"imports": imports})
        preloads = (f'<link rel="modulepreload" href="{assets}/{path}" />' for path in self._modules())
        text = (self._root / "index.html").read_text()
        for name, value in (
            ("base", "/"),
            ("assets", assets),
            ("importmap", libraries),
            ("preloads", "".join(preloads)),
        ):
            text = text.replace("{" + name + "}", value)
        script = base64.b64encode(hashlib.sha256(libraries.encode()).digest()).decode()
        return text.encode(), POLICY.format(script=script)

    def _modules(self) -> Iterator[str]:
        for path in self._assets:
            if path.endswith((".js", ".mjs")) and not path.startswith(tuple(f"vendor/{name}" for name in WHEN_NEEDED)):
                yield path


def _asset(name: str, plain: bytes) -> Asset:
    return Asset(TYPES.get(Path(name).suffix, "text/html"), plain, gzip.compress(plain, mtime=0))


def _sent(request: web.Request, asset: Asset, headers: dict[str, str]) -> web.Response:
    packs = "gzip" in request.headers.get("Accept-Encoding", "")
    own = {"Vary": "Accept-Encoding", **headers, **({"Content-Encoding": "gzip"} if packs else {})}
    body = asset.packed if packs else asset.plain
    return web.Response(body=body, content_type=asset.type, charset="utf-8", headers=own)
