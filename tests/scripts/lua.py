"""What tests of lua and their neighbours share."""

from __future__ import annotations

from typing import Any

import orjson

from gitopsd.scripts.lua import health

OBJECT = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {"name": "web", "generation": 3},
    "status": {"conditions": [{"type": "Ready", "status": "True", "message": "it is güt"}], "missing": None},
}


MEMORY = 32 << 20


def told(script: str, manifest: Any = OBJECT, *, open_libs: bool = False) -> dict[str, str] | None:
    return health(script, orjson.dumps(manifest).decode(), open_libs, MEMORY)
