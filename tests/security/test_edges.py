"""The API, webhooks and what is shown: cases 28 to 60 of docs/security.md that have a test of their own here."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import orjson
import pytest

from gitopsd.core.declaration.changes import DeclarationKey, Documents, read_source
from gitopsd.core.source.webhook_events import azure_devops, bitbucket, bitbucket_server, gitea, github
from gitopsd.core.target.target import apply_form
from gitopsd.errors import GitopsError, InvalidDeclaration, InvalidPayload, RevisionNotFound
from gitopsd.manifests.directory import parsed
from gitopsd.model.ids import AppName, RepoUrl
from gitopsd.model.operation import SyncRequest
from gitopsd.settings import GitSettings, Held, RenderSettings, RepoCredentials
from gitopsd.trust.credentials import CredentialStore, DeclaredCredentials
from gitopsd.usecases.backend import RepositoryState
from gitopsd.words import without_credentials
from tests.api.serving import NOW_S, serving
from tests.core.declaring import parsed as declared
from tests.core.tree.network import INGRESS, told
from tests.core.tree.owners import nodes, thing
from tests.fakes.backend import FakeBackend, app_view
from tests.git.conftest import World
from tests.scripts.lua import told as judged

OK = 200
APPS = "/api/v1/applications"


@pytest.mark.parametrize(
    "use", ["os.execute('id')", "io.open('/etc/passwd')", "require('io')", "dofile('/etc/passwd')"]
)
def test_case_23_a_check_opens_no_library(use: str) -> None:
    found = judged(f"{use} return {{status='Healthy'}}")

    assert found is not None
    assert "Healthy" != found.get("status")


@pytest.mark.parametrize("text", ["1", "-5s", "1e400h", "9" * 400 + "h", "NaN", "1y", "5s5s5", "\u0661s"])
def test_case_26_a_duration_that_is_none_costs_its_declaration_alone(text: str) -> None:
    backoff = {"limit": 1, "backoff": {"duration": text, "maxDuration": text}}
    try:
        found = declared(syncPolicy={"retry": backoff})
    except InvalidDeclaration:
        return
    assert found.sync_policy.retry is not None
    assert 0 <= found.sync_policy.retry.duration_s < float("inf")


def test_case_28_owners_in_a_circle_end() -> None:
    found = nodes([thing("a", "b")], thing("b", "a"), thing("self", "self", "a"))

    assert {"a", "b", "self"} == set(found)


@pytest.mark.parametrize(
    "payload",
    [
        {"refUpdates": []},
        {"repository": {"links": {"clone": [1, None]}}},
        {"repository": {"links": {"clone": {"href": None}}}},
        {"repository": None, "ref": "refs/heads/main"},
        {"ref": ["x"], "repository": []},
        [],
        None,
    ],
)
def test_cases_30_to_32_a_payload_of_another_shape_is_refused(payload: Any) -> None:
    azure = {"eventType": "git.push", "resource": payload}
    for parse, event, body in (
        (github, "push", payload),
        (gitea, "push", payload),
        (bitbucket, "repo:push", payload),
        (bitbucket_server, "repo:refs_changed", payload),
        (azure_devops, "", azure),
    ):
        with pytest.raises(InvalidPayload):
            parse(event, orjson.dumps(body))


async def test_case_33_credentials_may_be_asked_for_and_change_at_once() -> None:
    given = RepoCredentials("https://git.example/", "bot", Held(text="pw"))
    store = CredentialStore(GitSettings(credentials=(given,)), lambda: 0.0)

    async with asyncio.TaskGroup() as group:
        for number in range(200):
            name = f"ask {number}"
            group.create_task(store.credentials(f"https://git.example/{number}"), name=name)
            store.declare("dir", DeclaredCredentials((RepoCredentials(f"https://git.example/{number}"),)))


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_case_34_no_page_of_another_site_has_anything_done(kind: str) -> None:
    backend = FakeBackend(app_view("shop"))
    async with serving(backend) as api:
        status, _ = await api.status("POST", f"{APPS}/shop/sync", data=b"{}", headers={"Content-Type": kind})

    assert 415 == status
    assert None is backend.apps[AppName("shop")].request


async def test_cases_35_and_37_nothing_is_told_without_the_token() -> None:
    unsigned = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."
    async with serving(FakeBackend(app_view("shop"))) as api, aiohttp.ClientSession() as stranger:
        async with stranger.get(f"{api.url}/api/v1/settings") as answer:  # how to log in, and nothing else
            assert {"url": "", "trackingMethod": "annotation"} == await answer.json()
        for path in ("/api/v1/clusters", "/api/v1/repositories", APPS, "/api/version"):
            for headers in ({}, {"Authorization": unsigned}):
                async with stranger.get(api.url + path, headers=headers) as answer:
                    assert 401 == answer.status


async def test_cases_45_and_48_a_request_brings_no_cluster_and_no_manifests() -> None:
    backend = FakeBackend(app_view("shop"))
    async with serving(backend) as api:
        for method, path in (("PUT", "/api/v1/clusters/c1"), ("POST", "/api/v1/clusters")):
            assert (await api.status(method, path, json={"server": "https://evil"}))[0] in (404, 405)
        status, _ = await api.status("POST", f"{APPS}/shop/sync", json={"manifests": ["{}"]})

    asked = SyncRequest(initiated_by="admin", asked_s=NOW_S) if status == OK else None
    assert asked == backend.apps[AppName("shop")].request


async def test_cases_50_to_54_no_credentials_are_shown() -> None:
    token = "hunter2" * 4  # too long for a name
    urls = ["https://bot:hunter2@git.example/a", f"https://{token}@git.example/a", f"oci://{token}@r.example/a"]
    for url in urls:
        backend = FakeBackend()
        backend.repository_states = (RepositoryState(RepoUrl(url), 1.0, f"{url} fails", epoch=1),)
        async with serving(backend) as api:
            assert "hunter2" not in json.dumps(await api.get("/api/v1/repositories"))
        assert "hunter2" not in without_credentials(f"x{url} and {url}")
    assert "git@h:x ssh://git@h/x" == without_credentials("git@h:x ssh://git@h/x")


@pytest.mark.parametrize(
    "body",
    [
        "stringData: {a: [hunter2]}",
        "stringData: {a: {hunter2: 1}}",
        "stringData: hunter2",
        "data: {a: !!int hunter2}",
        "data: {a: !!timestamp hunter2}",
        "data: {a: !!float 'hunter2'}",
        "metadata: {name: s, annotations: {a: [hunter2]}}",
        "stringData: {a: 'hunter2}",
        "stringData: {? [hunter2] : x}",
    ],
)
def test_case_52_what_is_wrong_with_a_secret_is_said_without_its_values(body: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\n{'' if 'metadata' in body else 'metadata: {name: s}'}\n{body}\n"

    def rendered() -> None:
        for _, manifest in parsed("s.yaml", text.encode(), RenderSettings()).manifests:
            apply_form(orjson.loads(manifest), AppName("shop"), "web", namespaced=True)

    with pytest.raises(GitopsError) as refused:
        rendered()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "text | javascript:x", "JAVASCRIPT:x", "data:text/html,x"])
def test_case_57_a_link_is_one_to_a_page(link: str) -> None:
    notes = {"link.argocd.argoproj.io/a": link, "link.argocd.argoproj.io/b": "docs | https://docs.example/a"}

    assert ("https://docs.example/a",) == told(INGRESS, notes=notes).urls


def test_case_58_an_empty_answer_takes_nothing_away() -> None:
    kept = {DeclarationKey("Application", "shop"): declared()}

    found = read_source(Documents("git:x", [], [], complete=True, prune=True), kept)

    assert (frozenset(), 1) == (found.gone, len(found.warnings))


async def test_case_59_a_revision_that_is_not_there_is_no_other_one(world: World) -> None:
    repo = world.repo()
    repo.commit({"a": "1"})
    repositories = world.repositories()
    for name in ("0" * 40, "gone", "v9.*"):
        with pytest.raises(RevisionNotFound):
            await repositories.want(RepoUrl(repo.url), name)
