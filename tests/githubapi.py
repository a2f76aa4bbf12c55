"""GitHub's API for Apps, as far as tokens go: on loopback, with an App of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

HOLDS_S = 3600.0


@dataclass
class GitHub:
    """Knows one App, installed at the owner `org` as installation 77."""

    now_s: Callable[[], float]
    app_id: int = 42
    url: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    asked: list[str] = field(default_factory=list)  # method and path
    tokens: list[str] = field(default_factory=list)  # given out, the last one is good

    @property
    def private_key(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()

    async def installation(self, request: web.Request) -> web.Response:
        self._check(request)
        if request.match_info["owner"] != "org":
            return web.json_response({"message": "Not Found"}, status=404)
        return web.json_response({"id": 77, "account": {"login": "org"}})

    async def token(self, request: web.Request) -> web.Response:
        self._check(request)
        self.tokens.append(f"ghs_secret{len(self.tokens)}")
        ends = datetime.fromtimestamp(self.now_s() + HOLDS_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return web.json_response({"token": self.tokens[-1], "expires_at": ends}, status=201)

    def _check(self, request: web.Request) -> None:
        """Refuse what GitHub refuses: a signature that is not the App's, one that is over, or lasts too long."""
        self.asked.append(f"{request.method} {request.path}")
        signed = request.headers["Authorization"].removeprefix("Bearer ")
        text, _, signature = signed.rpartition(".")
        claims = json.loads(_decoded(text.split(".")[1]))
        try:
            self.key.public_key().verify(_decoded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise web.HTTPUnauthorized from None
        now_s = self.now_s()
        if claims["iss"] != str(self.app_id) or not claims["iat"] <= now_s < claims["exp"] <= now_s + 600:
            raise web.HTTPUnauthorized


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@asynccontextmanager
async def github(now_s: Callable[[], float]) -> AsyncIterator[GitHub]:
    server = GitHub(now_s)
    app = web.Application()
    app.router.add_get("/api/v3/repos/{owner}/{repo}/installation", server.installation)
    app.router.add_post("/api/v3/app/installations/77/access_tokens", server.token)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = "http://{}:{}/api/v3".format(*runner.addresses[0][:2])
    try:
        yield server
    finally:
        await runner.cleanup()
