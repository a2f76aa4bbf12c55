"""Every route of the REST API with what it takes, and the rights that it takes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from urllib.parse import quote

from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.application import API_SOURCE, Origin
from gitopsd.model.caller import Caller, SignIn
from gitopsd.model.cluster import PodFacts
from gitopsd.model.drift import Drift
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.logs import LogLine
from gitopsd.model.manifest import GVK, ResourceKey
from gitopsd.model.operation import SyncRequest
from gitopsd.model.status import HistoryEntry
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.backend import AppView, ClusterState, RepositoryState, SourceDetails
from tests.core.lives import live_of
from tests.fakes.backend import REPO, FakeBackend, app_view

APPLICATION = "/api/v1/applications/{name}"
GET = ("applications, get, retail/*",)
PROJECTS = {"shop": "retail", "bank": "money"}


@dataclass(frozen=True, slots=True)
class Route:
    """A route, asked about the application `shop` of the project `retail` unless it says otherwise."""

    method: str
    path: str  # as the router has it
    rights: tuple[str, ...] = ()  # that are needed, and are enough: resource, action, object
    url: str = ""  # with other things filled in; "": `path`
    body: dict[str, object] | str | None = None
    lists: str = ""  # the member of the answer that holds what may be seen; such a route is refused to nobody

    @property
    def of_application(self) -> bool:
        """Whether it is about one application, so that another one may be asked for."""
        return self.path.startswith(APPLICATION) or self.path == DETAILS

    def asked(self, name: str) -> tuple[str, dict[str, object] | str | None]:
        """Return URL and body for the application `name`."""
        body: dict[str, object] | str | None = {"appName": name} if self.path == DETAILS else self.body
        return (self.url or self.path).replace("{name}", name), body


DETAILS = "/api/v1/repositories/{source}/appdetails"

SPEC: dict[str, object] = {
    "project": "retail",
    "source": {"repoURL": REPO, "path": "shop"},
    "destination": {"name": "c1", "namespace": "shop"},
}

ROUTES = (
    Route("GET", "/api/v1/applications", GET, lists="items"),
    Route("GET", APPLICATION, GET),
    Route("DELETE", APPLICATION, (*GET, "applications, delete, retail/shop")),
    Route(
        "PUT",
        APPLICATION,
        (*GET, "applications, update, retail/shop"),
        body={"metadata": {"name": "shop"}, "spec": SPEC},
    ),
    Route("PUT", f"{APPLICATION}/spec", (*GET, "applications, update, retail/shop"), body=SPEC),
    Route(
        "PATCH",
        APPLICATION,
        (*GET, "applications, update, retail/shop"),
        body={"patch": '{"spec": {"revisionHistoryLimit": 3}}', "patchType": "merge"},
    ),
    Route(
        "POST",
        "/api/v1/applications",
        ("applications, create, retail/new",),
        body={"metadata": {"name": "new"}, "spec": SPEC},
    ),
    Route("POST", f"{APPLICATION}/sync", (*GET, "applications, sync, retail/shop"), body={}),
    Route("POST", f"{APPLICATION}/rollback", (*GET, "applications, sync, retail/shop"), body={"id": 7}),
    Route("DELETE", f"{APPLICATION}/operation", (*GET, "applications, sync, retail/shop")),
    Route("POST", f"{APPLICATION}/confirm-deletion", (*GET, "applications, update, retail/shop"), body={}),
    Route("GET", f"{APPLICATION}/syncwindows", GET),
    Route("GET", f"{APPLICATION}/syncs", GET),
    Route("GET", f"{APPLICATION}/syncs/{{id}}", GET, f"{APPLICATION}/syncs/7"),
    Route("GET", f"{APPLICATION}/manifests", GET),
    Route("GET", f"{APPLICATION}/managed-resources", GET),
    Route("GET", f"{APPLICATION}/resource-tree", GET),
    Route("GET", f"{APPLICATION}/resource", GET, f"{APPLICATION}/resource?kind=Pod&resourceName=web"),
    Route(
        "POST",
        f"{APPLICATION}/resource",
        (*GET, "applications, update//Pod/shop/web, retail/shop"),
        f"{APPLICATION}/resource?kind=Pod&resourceName=web",
        body={"metadata": {"labels": {"a": "b"}}},
    ),
    Route(
        "DELETE",
        f"{APPLICATION}/resource",
        (*GET, "applications, delete//Pod/shop/web, retail/shop"),
        f"{APPLICATION}/resource?kind=Pod&resourceName=web",
    ),
    Route("GET", f"{APPLICATION}/resource/actions", GET, f"{APPLICATION}/resource/actions?kind=Pod&resourceName=web"),
    Route(
        "POST",
        f"{APPLICATION}/resource/actions",
        (*GET, "applications, action//Pod/restart, retail/shop"),
        f"{APPLICATION}/resource/actions?kind=Pod&resourceName=web",
        body="restart",
    ),
    Route(
        "POST",
        f"{APPLICATION}/resource/actions/v2",
        (*GET, "applications, action//Pod/restart, retail/shop"),
        body={"kind": "Pod", "resourceName": "web", "action": "restart"},
    ),
    Route("GET", f"{APPLICATION}/events", GET, f"{APPLICATION}/events?resourceUID=web"),
    Route("GET", f"{APPLICATION}/logs", (*GET, "logs, get, retail/shop"), f"{APPLICATION}/logs?podName=web"),
    Route("GET", f"{APPLICATION}/pods/{{pod}}/logs", (*GET, "logs, get, retail/shop"), f"{APPLICATION}/pods/web/logs"),
    Route("GET", "/api/v1/clusters", ("clusters, get, https://c1",), lists="items"),
    Route("GET", "/api/v1/repositories", (f"repositories, get, {REPO}",), lists="items"),
    Route(
        "POST", DETAILS, (*GET, f"repositories, get, {REPO}"), f"/api/v1/repositories/{quote(REPO, safe='')}/appdetails"
    ),
    Route("GET", "/api/v1/projects", ("projects, get, default",), lists="items"),
    Route("GET", "/api/v1/projects/{name}", ("projects, get, default",), "/api/v1/projects/default"),
    Route("GET", "/api/v1/audit", GET, lists="items"),
    Route("GET", "/api/v1/drift", GET, lists="items"),
    Route("GET", "/api/v1/drift/{id}", GET, "/api/v1/drift/1"),
    Route("GET", "/api/v1/version"),
    Route("GET", "/api/version"),
)
STREAM = "/api/v1/stream/applications"  # it has tests of its own

ACCOUNT, ROLE_TOKEN = "/api/v1/account/{name}", "/api/v1/projects/{name}/roles/{role}/token"
# What is one's own needs no right there: tests/usecases/test_accounts.py and test_sessions.py try who may what.
OF_ACCOUNTS = {
    ("GET", "/api/v1/account"),
    ("PUT", "/api/v1/account/password"),
    ("GET", "/api/v1/account/can-i/{resource}/{action}/{name}"),
    ("GET", ACCOUNT),
    ("POST", f"{ACCOUNT}/token"),
    ("DELETE", f"{ACCOUNT}/token/{{id}}"),
    ("POST", ROLE_TOKEN),
    ("DELETE", f"{ROLE_TOKEN}/{{id}}"),
    ("DELETE", f"{ROLE_TOKEN}/{{iat}}/{{id}}"),
}
OF_SESSIONS = {
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("GET", "/api/v1/session/userinfo"),
    ("GET", "/auth/logout"),
}


def caller(account: str) -> Caller:
    return Caller(account, ("team-of-" + account,), "192.0.2.1", SignIn.SESSION)


class Tokens:
    """Whoever's name is the token is let in, unless it has ended."""

    def __init__(self, *accounts: str) -> None:
        self.valid = set(accounts)

    def caller(self, token: str, address: str) -> Caller | None:
        return caller(token) if token in self.valid else None


def by_api(view: AppView) -> AppView:
    """Return an application that was declared by the API, which may change it."""
    return dataclasses.replace(view, application=dataclasses.replace(view.application, origin=Origin(API_SOURCE)))


def fleet() -> FakeBackend:
    """Return an application in each of two projects, with everything there is to be seen of it."""
    past = (HistoryEntry(7, (), 1.0, 2.0, "ann", "Succeeded", "", ""),)
    views = [app_view(name, project=project) for name, project in PROJECTS.items()]
    backend = FakeBackend(*(dataclasses.replace(by_api(view), request=SyncRequest(), history=past) for view in views))
    backend.details = (SourceDetails(REPO, "Directory"),)
    backend.cluster_states = [ClusterState(ClusterId(name), f"https://{name}") for name in ("c1", "c2")]
    live = live_of(ResourceKey("", "Pod", "shop", "web"), uid="web", pod=PodFacts(("nginx:1",), "", 0, 1, 1))
    backend.nodes = [TreeNode(GVK("", "v1", "Pod"), live, None)]
    backend.objects = {"web": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}}
    backend.log_lines = [LogLine("", "listening", "")]
    backend.repository_states = [RepositoryState(REPO)]
    key = ResourceKey("", "ConfigMap", "web", "settings")
    backend.entries = [
        Drift(number, AppName(name), ClusterId("c1"), key, ".data.colour", "blue", "red", TargetHash("t"), 1.0)
        for number, name in enumerate(PROJECTS, 1)
    ]
    for name in PROJECTS:
        backend.record(done_by(Caller("admin"), "sync", AppName(name)))
    return backend
