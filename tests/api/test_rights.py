"""Every route: who may, who may not, and what nobody learns. A policy decides, compiled as the daemon does it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from gitopsd.api.app import OPEN
from gitopsd.core.rights.policy_rights import PolicyRights
from gitopsd.core.rights.resources import ACTIONS, OF_PROJECTS, PolicyResource
from gitopsd.model.ids import ProjectName, RepoUrl
from gitopsd.model.manifest import GVK, Manifest
from gitopsd.model.project import AppProject, ProjectRole
from gitopsd.usecases.backend import ManagedResource, Manifests, RepositoryState
from tests.api.routes import OF_ACCOUNTS, OF_SESSIONS, PROJECTS, ROUTES, STREAM, Route, Tokens, fleet
from tests.api.serving import Api, serving
from tests.core.rights.policies import table
from tests.fakes.backend import FakeBackend

MARKER = "swordfish-4711"


def rights_of(*rules: str, subject: str = "ann") -> PolicyRights:
    return PolicyRights(table(*(f"p, {subject}, {rule}, allow" for rule in rules)), lambda _: None)


async def ask(api: Api, route: Route, name: str = "shop", account: str = "ann") -> tuple[int, str]:
    """Return what a route answers; a name that was asked for is NAME in the text."""
    url, body = route.asked(name)
    headers = {"Authorization": f"Bearer {account}"} if account else {}
    encoded = URL(api.url + url, encoded=True)
    async with (
        aiohttp.ClientSession() as session,
        session.request(route.method, encoded, json=body, headers=headers) as answer,
    ):
        return answer.status, (await answer.text()).replace(name, "NAME")


def everything_but(rights: tuple[str, ...]) -> list[str]:
    """Return rules for all there is, but what the last of `rights` is about."""
    resource, action, _ = rights[-1].split(", ")
    return [
        f"{known}, {verb}, *"
        for known in PolicyResource
        for verb in ACTIONS[known]
        if (known, verb) != (resource, action)
    ]


def ids(route: Route) -> str:
    return f"{route.method} {route.path}"


WITH_RIGHTS = [route for route in ROUTES if route.rights]
LISTS = [route for route in WITH_RIGHTS if route.lists]
OTHERS = [route for route in WITH_RIGHTS if not route.lists]
ACTS = [route for route in OTHERS if route.of_application and "get" not in route.rights[-1]]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(fleet(), authenticator=Tokens("ann", "bob"), policy=rights_of()) as served:
        yield served


async def test_no_route_is_forgotten(api: Api) -> None:
    served = {(method, path) for method, path in api.routes if path not in OPEN and method != "HEAD"}

    assert {(route.method, route.path) for route in ROUTES} | {
        ("GET", STREAM),
        ("GET", f"{STREAM}/{{name}}/resource-tree"),
    } | OF_ACCOUNTS | OF_SESSIONS == served


@pytest.mark.parametrize("route", WITH_RIGHTS, ids=ids)
async def test_whoever_has_these_rights_alone_is_answered(route: Route) -> None:
    async with serving(fleet(), authenticator=Tokens("ann"), policy=rights_of(*route.rights)) as api:
        status, text = await ask(api, route)

    assert 200 == status, text
    if route.lists:
        assert 1 == len(json.loads(text)[route.lists])


@pytest.mark.parametrize("route", WITH_RIGHTS, ids=ids)
async def test_group_that_is_bound_to_a_role_has_them_too(route: Route) -> None:
    rules = (f"p, role:x, {rule}, allow" for rule in route.rights)
    policy = PolicyRights(table("g, team-of-ann, role:x", *rules), lambda _: None)
    async with serving(fleet(), authenticator=Tokens("ann"), policy=policy) as api:
        assert 200 == (await ask(api, route))[0]


@pytest.mark.parametrize("route", LISTS, ids=ids)
async def test_list_of_whoever_has_every_other_right_is_empty(route: Route) -> None:
    policy = rights_of(*everything_but(route.rights))
    async with serving(fleet(), authenticator=Tokens("ann"), policy=policy) as api:
        status, text = await ask(api, route)

    assert (200, []) == (status, json.loads(text)[route.lists])


@pytest.mark.parametrize("route", OTHERS, ids=ids)
async def test_every_other_right_is_not_this_one(route: Route) -> None:
    backend = fleet()
    policy = rights_of(*everything_but(route.rights))
    async with serving(backend, authenticator=Tokens("ann"), policy=policy) as api:
        status, text = await ask(api, route)

    assert status in {403, 404}, text
    assert fleet().apps == backend.apps
    assert (fleet().audit_log, {}, [], []) == (backend.audit_log, backend.confirmed, backend.edits, backend.acts)


@pytest.mark.parametrize("route", ACTS, ids=ids)
async def test_deny_wins(route: Route) -> None:
    backend, rule = fleet(), route.rights[-1]
    lines = ("p, ann, applications, *, *, allow", f"p, ann, {rule}, deny")
    async with serving(backend, authenticator=Tokens("ann"), policy=PolicyRights(table(*lines), lambda _: None)) as api:
        assert 403 == (await ask(api, route))[0]
    assert (fleet().apps, [], []) == (backend.apps, backend.edits, backend.acts)


@pytest.mark.parametrize("route", [route for route in OTHERS if route.of_application], ids=ids)
async def test_case_49_application_of_another_project_answers_as_one_that_is_not_there(route: Route) -> None:
    backend = fleet()
    rules = (*route.rights, "applications, *, retail/*")
    async with serving(backend, authenticator=Tokens("ann"), policy=rights_of(*rules)) as api:
        assert await ask(api, route, "bank") == await ask(api, route, "none")
        assert 404 == (await ask(api, route, "bank"))[0]
    assert fleet().apps == backend.apps


@pytest.mark.parametrize("route", OTHERS, ids=ids)
async def test_case_44_role_of_another_project_gives_nothing_here(route: Route) -> None:
    everything = {each: project(each, f"{kind}, *, {each}/*") for each in PROJECTS.values() for kind in OF_PROJECTS}
    policy = PolicyRights(table("g, team-of-ann, proj:money:dev"), everything.get)
    backend = fleet()
    async with serving(backend, authenticator=Tokens("ann"), policy=policy) as api:
        assert (await ask(api, route))[0] in {403, 404}
    assert fleet().apps == backend.apps


@pytest.mark.parametrize("route", [route for route in OTHERS if route.of_application], ids=ids)
async def test_role_of_the_project_gives_what_its_lines_say(route: Route) -> None:
    retail = project("retail", *(rule for rule in route.rights if "retail" in rule), groups=("team-of-ann",))
    lines = (f"p, {name}, {rule}, allow" for rule in route.rights if "retail" not in rule for name in ("ann", "bob"))
    policy = PolicyRights(table(*lines), {"retail": retail}.get)
    async with serving(fleet(), authenticator=Tokens("ann", "bob"), policy=policy) as api:
        assert 200 == (await ask(api, route))[0]
        assert (await ask(api, route, account="bob"))[0] in {403, 404}


@pytest.mark.parametrize("route", [*ROUTES, *(Route(*pair) for pair in sorted(OF_ACCOUNTS))], ids=ids)
@pytest.mark.parametrize("account", ["", "eve"])
async def test_anonymous_and_strangers_learn_nothing(route: Route, account: str, api: Api) -> None:
    assert (401, "no session information") == _refusal(await ask(api, route, account=account))


@pytest.mark.parametrize("route", ROUTES, ids=ids)
async def test_token_that_has_ended_opens_nothing(route: Route) -> None:
    tokens = Tokens("ann")
    async with serving(fleet(), authenticator=tokens, policy=rights_of("*, *, *")) as api:
        assert 200 == (await ask(api, route))[0]
        tokens.valid.clear()

        assert (401, "no session information") == _refusal(await ask(api, route))


@pytest.mark.parametrize("route", ROUTES, ids=ids)
async def test_no_value_of_a_secret_leaves(route: Route) -> None:
    async with serving(with_secrets(), authenticator=Tokens("ann"), policy=rights_of("*, *, *")) as api:
        status, text = await ask(api, route)

    assert 200 == status, text
    assert not hides_nothing(text)


def hides_nothing(text: str) -> bool:
    return any(form in text for form in (MARKER, base64.b64encode(MARKER.encode()).decode(), quote(MARKER, safe="")))


def with_secrets() -> FakeBackend:
    """Return a fleet in which the marker is wherever a Secret, or an address with a login, may have brought it."""
    backend = fleet()
    encoded = base64.b64encode(MARKER.encode()).decode()
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"p": encoded}})}
    secret: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": "shop", "annotations": applied},
        "data": {"p": encoded},
        "stringData": {"q": MARKER},
        "misspelled": {"r": [MARKER]},
    }
    backend.rendered = Manifests([secret])
    backend.managed = [ManagedResource(GVK("", "v1", "Secret"), "shop", "login", secret, secret, secret, secret)]
    url = RepoUrl(f"https://ann:{MARKER}@git.example/fleet.git")
    backend.repository_states = [RepositoryState(url, error=f"fatal: {url} refused")]
    return backend


def project(name: str, *rules: str, groups: tuple[str, ...] = ()) -> AppProject:
    policies = tuple(f"p, proj:{name}:dev, {rule}, allow" for rule in rules)
    return AppProject(ProjectName(name), roles=(ProjectRole("dev", policies=policies, groups=groups),))


def _refusal(answer: tuple[int, str]) -> tuple[int, str]:
    return answer[0], json.loads(answer[1])["message"]
