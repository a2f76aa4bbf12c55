"""What one test has of the world: a daemon, repositories it reads, namespaces of its own in two clusters."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import yaml

from tests.clusters import Cluster, call
from tests.contract.kubernetes.api import Answer, Api, connect
from tests.e2e.daemon import Daemon, Json, Process, until
from tests.e2e.githost import GitHost
from tests.gitserver import Repo

HERE, THERE = "here", "there"  # the cluster under test, and a simulated one beside it
FLEET = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "never-empty"}, "spec": {}}
SYNC_BY_ITSELF = {"automated": {"prune": True, "selfHeal": True}}
BY_HAND: Json = {}
TRACKING = "gitopsd.io/tracking-id"


@dataclass
class World:
    daemon: Daemon
    host: GitHost
    fleet: Repo  # declares applications to the daemon
    clusters: Mapping[str, Cluster]
    here: Api
    there: Api
    namespace: str  # of this test, in both clusters
    _declared: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        return self.namespace.rpartition("-")[2]

    @property
    def simulated(self) -> bool:
        return self.clusters[HERE].simulated

    # Git

    def repo(self, name: str = "config", files: Mapping[str, str | bytes | None] | None = None) -> Repo:
        """Make a repository of this test's, with a first commit where `files` are given."""
        made = self.host.repo(f"{name}-{self.id}")
        if files is not None:
            made.commit(files)
        return made

    async def push(self, repo: Repo, files: Mapping[str, str | bytes | None]) -> str:
        """Commit, tell the daemon by webhook, and return the commit."""
        commit = repo.commit(files)
        await self.tell(repo)
        return commit

    async def tell(self, repo: Repo) -> None:
        """Send the webhook of a push to `repo`."""
        assert 200 == await self.daemon.pushed(self.host.url(repo))

    # Declarations

    def name(self, name: str) -> str:
        """Return the name of an application of this test."""
        return f"{name}-{self.id}"

    def application(  # noqa: PLR0913 - fields of a declaration, by name
        self,
        name: str,
        repo: Repo | str,
        path: str = ".",
        *,
        policy: Json | None = None,
        cluster: str = HERE,
        namespace: str | None = None,
        **spec: Any,
    ) -> Json:
        """Return the declaration of an application; `policy` is its syncPolicy, SYNC_BY_ITSELF where none is given."""
        url = repo if isinstance(repo, str) else self.host.url(repo)
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": self.name(name), "namespace": "argocd"},
            "spec": {
                "project": "default",
                "source": {"repoURL": url, "path": path, "targetRevision": "main", "directory": {"recurse": True}},
                "destination": {"name": cluster, "namespace": self.namespace if namespace is None else namespace},
                "syncPolicy": SYNC_BY_ITSELF if policy is None else policy,
                **spec,
            },
        }

    async def declare(self, *declarations: Json) -> None:
        """Have the daemon know these declarations, each in a file of its own."""
        files = {_file_of(each): yaml.safe_dump(each) for each in declarations}
        self._declared |= files.keys()
        self.fleet.commit(files)
        await self.tell(self.fleet)
        for each in declarations:
            if each["kind"] == "Application":
                await self.daemon.until_app(each["metadata"]["name"], bool, what="it is declared")

    async def undeclare(self, *declarations: Json) -> None:
        """Take declarations back."""
        files = {_file_of(each) for each in declarations}
        self._declared -= files
        self.fleet.commit(dict.fromkeys(files))
        await self.tell(self.fleet)

    async def forget(self) -> None:
        """Take back whatever this test declared, so that the next one has the daemon to itself."""
        if self._declared:
            self.fleet.commit(dict.fromkeys(self._declared))
            await self.tell(self.fleet)
        self._declared.clear()

    # Clusters

    def path(self, name: str, plural: str = "configmaps", api: str = "/api/v1") -> str:
        """Return the path of an object in this test's namespace."""
        return f"{api}/namespaces/{self.namespace}/{plural}/{name}"

    async def live(self, name: str, plural: str = "configmaps", api: str = "/api/v1") -> Json | None:
        """Return one object of the cluster under test; None where there is none."""
        return found(await self.here.get(self.path(name, plural, api)))

    async def until_live(self, name: str, data: Mapping[str, str]) -> Json:
        """Wait until the ConfigMap `name` has exactly this data."""

        async def probe() -> Json | None:
            live = await self.live(name)
            return live if live is not None and live.get("data", {}) == data else None

        seen: Json = await self._until(f"ConfigMap {name} has {dict(data)}", probe)
        return seen

    async def until_gone(self, name: str, plural: str = "configmaps", api: str = "/api/v1") -> None:
        """Wait until there is no such object any more."""

        async def probe() -> bool:
            return await self.live(name, plural, api) is None

        await self._until(f"{plural} {name} is gone", probe)

    async def _until(self, what: str, probe: Any) -> Any:
        try:
            return await until(what, probe)
        except AssertionError as err:
            raise AssertionError(f"{err}\n{self.daemon.process.log[-2500:]}") from None

    async def edit(self, name: str, data: Json, manager: str = "kubectl-edit") -> Json:
        """Have somebody else merge `data` into a ConfigMap."""
        live: Json = (await self.here.patch(self.path(name), {"data": data}, fieldManager=manager)).ok()
        return live


def found(answer: Answer) -> Json | None:
    """Return the object that was asked for, None for a 404; anything else fails."""
    assert answer.status in (200, 404), answer
    return answer.body if answer.status == 200 else None


def config_map(name: str, namespace: str = "", **data: str) -> Json:
    meta = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def text(*objects: Json) -> str:
    """Return objects as one YAML file."""
    return yaml.safe_dump_all(objects)


@asynccontextmanager
async def world(process: Process, host: GitHost, fleet: Repo, clusters: Mapping[str, Cluster]) -> AsyncIterator[World]:
    """Give one test a part of the world that nobody else touches."""
    namespace = f"e2e-{secrets.token_hex(4)}"
    for cluster in clusters.values():  # they stay: to delete one costs a real control plane more than most tests
        status, answer = call(cluster, "POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        assert 201 == status, answer
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(connect(clusters[HERE]))
        there = await stack.enter_async_context(connect(clusters[THERE]))
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)))
        one = World(Daemon(process, http), host, fleet, clusters, here, there, namespace)
        await one.daemon.ready()
        before = len(process.log)
        yield one
        unforeseen = [line for line in process.log[before:].splitlines() if "unforeseen" in line or "Traceback" in line]
        assert not unforeseen, "\n".join(unforeseen)
        if process.child is not None and process.child.poll() is None:
            await one.forget()


def _file_of(declaration: Json) -> str:
    return f"{declaration['kind'].lower()}-{declaration['metadata']['name']}.yaml"
