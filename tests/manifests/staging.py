"""A renderer on a real repository, real workers and a real redis-server, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gitopsd.manifests.cache import Cache
from gitopsd.manifests.closure import LookedUp
from gitopsd.manifests.render import ClosureRenderer
from gitopsd.model.application import Source
from gitopsd.model.ids import AppName, RepoUrl, Revision
from tests.gitserver import Repo
from tests.redisserver import RedisServer

KEY = bytes(range(32))
ANSWERS_S = 30.0  # a busy machine is no lost Redis: renders are counted
URL = RepoUrl("https://git.example/fleet")
WEB = Source(URL, path="web")
SHOP = AppName("shop")


def cache_on(server: RedisServer) -> Cache:
    return Cache(server.url, KEY, deadline_s=ANSWERS_S)


def config_map(name: str, **data: str) -> str:
    lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{lines}"


@dataclass
class Stage:
    """A renderer, and what it cost."""

    repo: Repo
    server: RedisServer
    renderer: ClosureRenderer
    jobs: Counter[str]
    outcomes: Counter[str]
    closures: dict[AppName, LookedUp | None]

    def commit(self, files: Mapping[str, str | None]) -> Revision:
        return Revision(self.repo.commit(files))

    async def names(self, revision: Revision, source: Source = WEB, app: AppName = SHOP) -> list[str]:
        variables = {"ARGOCD_APP_NAME": app, "ARGOCD_APP_REVISION": revision}
        rendered = await self.renderer.render(app, source, revision, variables)
        return [manifest["metadata"]["name"] for manifest in rendered.manifests]
