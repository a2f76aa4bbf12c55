"""`/api/version`, in Argo CD's words."""

from __future__ import annotations

import platform
from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.usecases.backend import VersionInfo


def version_routes(info: VersionInfo) -> list[web.RouteDef]:
    """Return the routes that tell `info`."""

    async def version(_: web.Request) -> web.Response:
        return answer(version_json(info))

    return [web.get("/api/version", version), web.get("/api/v1/version", version)]


def version_json(info: VersionInfo) -> dict[str, Any]:
    """Return `info` as Argo CD's VersionMessage; `parts` are ours."""
    return {
        "Version": info.version,
        "BuildDate": info.built,
        "GitCommit": info.commit,
        "Platform": f"{platform.system().lower()}/{platform.machine()}",
        "Compiler": f"{platform.python_implementation()} {platform.python_version()}",
        "parts": dict(info.parts),
    }
