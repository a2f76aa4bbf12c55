"""Admission webhooks on loopback for real API servers to call; each says what its test has it say."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from tests.certificates import certificate
from tests.clusters import free_ports

GROUP = "/apis/admissionregistration.k8s.io/v1"
PLURALS = {
    "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
}
LABEL = "test-webhook"  # of what a webhook is asked about: it has the webhook's name


@dataclass
class AdmissionWebhook:
    """Admits whatever it is asked about, until it is told otherwise."""

    name: str
    port: int
    context: ssl.SSLContext
    authority: bytes  # PEM
    refusal: str = ""  # why it refuses everything; "": it does not
    patch: Callable[[int], list[dict[str, Any]]] | None = (
        None  # the n-th time it is asked → JSON patch of what it admits
    )
    asked: int = 0
    _answering: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Answer, from now on or again."""
        self._answering.set()
        if self._runner is None:
            app = web.Application()
            app.router.add_post("/", self._review)
            self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await self._runner.setup()
            site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.context, reuse_address=True)
            await site.start()

    async def stop(self) -> None:
        """Refuse connections."""
        self._answering.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def hang(self) -> None:
        """Take requests, and answer none."""
        self._answering.clear()

    def configuration(self, kind: str, namespace: str, *, timeout_s: int = 10) -> dict[str, Any]:
        """Return what has an API server ask it about everything in `namespace` that has its label."""
        bundle = base64.b64encode(self.authority).decode()
        hook = {
            "name": f"{self.name}.example.com",
            "clientConfig": {"url": f"https://127.0.0.1:{self.port}/", "caBundle": bundle},
            "rules": [
                {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"]}
            ],
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": timeout_s,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "objectSelector": {"matchLabels": {LABEL: self.name}},
        }
        return {"metadata": {"name": self.name}, "webhooks": [hook]}

    async def _review(self, request: web.Request) -> web.Response:
        self.asked += 1
        review = orjson.loads(await request.read())
        await self._answering.wait()
        response: dict[str, Any] = {"uid": review["request"]["uid"], "allowed": not self.refusal}
        if self.refusal:
            response["status"] = {"message": self.refusal}
        elif self.patch:
            response |= {
                "patchType": "JSONPatch",
                "patch": base64.b64encode(orjson.dumps(self.patch(self.asked))).decode(),
            }
        about = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
        return web.json_response({**about, "response": response})


@asynccontextmanager
async def admission_webhook(name: str, folder: Path) -> AsyncIterator[AdmissionWebhook]:
    """Run a webhook, with a certificate in `folder`, for the block."""
    context, authority = certificate(folder)
    webhook = AdmissionWebhook(name, free_ports(1)[0], context, authority.read_bytes())
    await webhook.start()
    try:
        yield webhook
    finally:
        await webhook.stop()
