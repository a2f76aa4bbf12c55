"""Each verb: for whom it is allowed, for whom it is denied, and what strangers learn of the name."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

import pytest

from gitopsd.errors import GitopsError, NotFound, NotPermitted
from gitopsd.model.audit import AuditEntry, AuditQuery, AuditResult
from gitopsd.model.caller import Caller
from gitopsd.model.drift import Drift, DriftQuery
from gitopsd.model.ids import AppName, ClusterId, TargetHash
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import SyncRequest
from gitopsd.model.status import HistoryEntry
from gitopsd.usecases.auditing import Refusals, done_by
from gitopsd.usecases.backend import ClusterState, RepositoryState, SourceDetails
from gitopsd.usecases.listing import Filters, ListPage
from gitopsd.usecases.selector import selector
from gitopsd.usecases.wiring import UseCases
from tests.fakes.backend import REPO, FakeBackend, app_view
from tests.usecases.asking import ANN, NOW_S, OPERATOR, uses_of

SHOP, BANK, NOBODY = AppName("shop"), AppName("bank"), AppName("nobody")
ALL = Filters(labels=selector(""))
Ask = Callable[[UseCases, Caller, AppName], Awaitable[object]]


def fleet() -> FakeBackend:
    """Return an application of each of two projects, each with a request under way and a history."""
    past = (HistoryEntry(7, (), 1.0, 2.0, "ann", "Succeeded", "", ""),)
    views = (app_view("shop", project="retail"), app_view("bank", project="money"))
    backend = FakeBackend(*(dataclasses.replace(view, request=SyncRequest(), history=past) for view in views))
    backend.details = (SourceDetails(REPO, "Directory"),)
    return backend


async def _list(uses: UseCases, caller: Caller, name: AppName) -> object:
    found = uses.applications.list(caller, dataclasses.replace(ALL, name=name), ListPage())
    if not found.views:
        raise NotFound(f"there is no application {name}", remedy="see `gitopsd app list`")
    return found


async def _syncs(uses: UseCases, caller: Caller, name: AppName) -> object:
    return uses.operations.syncs(caller, name)


async def _results(uses: UseCases, caller: Caller, name: AppName) -> object:
    return uses.operations.results(caller, name, 7)


async def _tree(uses: UseCases, caller: Caller, name: AppName) -> object:
    return uses.resources.tree(caller, name)


VERBS: dict[str, tuple[str, Ask]] = {
    "list": ("get", _list),
    "get": ("get", lambda uses, who, name: uses.applications.get(who, name)),
    "delete": ("delete", lambda uses, who, name: uses.applications.delete(who, name, cascade=False)),
    "sync": ("sync", lambda uses, who, name: uses.operations.sync(who, name, SyncRequest())),
    "rollback": ("sync", lambda uses, who, name: uses.operations.rollback(who, name, 7, SyncRequest())),
    "terminate": ("sync", lambda uses, who, name: uses.operations.terminate(who, name)),
    "confirm": ("update", lambda uses, who, name: uses.operations.confirm(who, name)),
    "syncs": ("get", _syncs),
    "results": ("get", _results),
    "manifests": ("get", lambda uses, who, name: uses.resources.manifests(who, name, "")),
    "managed": ("get", lambda uses, who, name: uses.resources.managed(who, name)),
    "tree": ("get", _tree),
    "details": ("get", lambda uses, who, name: uses.repositories.details(who, REPO, name, 0)),
}
READS_REPOSITORY = ("ann", "repositories", "get", REPO)


def drift(number: int, app: AppName) -> Drift:
    key = ResourceKey("", "ConfigMap", "web", "settings")
    return Drift(number, app, ClusterId("c1"), key, ".data.colour", "blue", "red", TargetHash("t"), NOW_S)


def everything_of(project: str, action: str) -> list[tuple[str, str, str, str]]:
    return [("ann", "applications", each, f"{project}/*") for each in {"get", action}] + [READS_REPOSITORY]


async def refusal(ask: Ask, uses: UseCases, name: AppName) -> tuple[type[GitopsError], str, str]:
    with pytest.raises(GitopsError) as raised:
        await ask(uses, ANN, name)
    return type(raised.value), raised.value.what.replace(name, "NAME"), raised.value.remedy


@pytest.mark.parametrize("verb", VERBS)
async def test_whoever_has_the_right_does_it(verb: str) -> None:
    action, ask = VERBS[verb]

    await ask(uses_of(fleet(), *everything_of("retail", action)), ANN, SHOP)


@pytest.mark.parametrize("verb", VERBS)
async def test_the_static_token_does_everything_without_a_policy(verb: str) -> None:
    await VERBS[verb][1](uses_of(fleet()), OPERATOR, SHOP)


@pytest.mark.parametrize("verb", VERBS)
async def test_case_49_another_projects_application_answers_as_one_that_is_not_there(verb: str) -> None:
    action, ask = VERBS[verb]
    backend = fleet()
    uses = uses_of(backend, *everything_of("retail", action))

    assert await refusal(ask, uses, BANK) == await refusal(ask, uses, NOBODY)
    assert NotFound is (await refusal(ask, uses, BANK))[0]
    assert fleet().apps == backend.apps
    assert [] == backend.audit_log


@pytest.mark.parametrize("verb", [verb for verb, (action, _) in VERBS.items() if action != "get"])
async def test_whoever_may_only_look_does_nothing(verb: str) -> None:
    backend = fleet()
    action, ask = VERBS[verb]
    kind, text, _ = await refusal(ask, uses_of(backend, *everything_of("retail", "get")), SHOP)

    assert (NotPermitted, f"permission denied: applications, {action}, retail/NAME, sub: ann") == (kind, text)
    assert fleet().apps == backend.apps
    assert [] == backend.audit_log


@pytest.mark.parametrize("verb", [verb for verb, (action, _) in VERBS.items() if action != "get"])
async def test_case_44_a_right_to_act_without_one_to_get_is_none(verb: str) -> None:
    action, ask = VERBS[verb]

    assert NotFound is (await refusal(ask, uses_of(fleet(), ("ann", "applications", action, "*")), SHOP))[0]


async def test_a_group_has_what_its_members_may() -> None:
    uses = uses_of(fleet(), ("team-retail", "applications", "get", "retail/*"))

    assert [SHOP] == [view.application.name for view in uses.applications.list(ANN, ALL, ListPage()).views]


@dataclasses.dataclass
class Log:
    backend: FakeBackend

    def audit(self, entry: AuditEntry) -> None:
        self.backend.record(entry)


async def test_what_is_done_is_told_with_who_did_it() -> None:
    backend = fleet()
    uses = uses_of(backend, *everything_of("retail", "sync"))
    view = await uses.operations.sync(ANN, SHOP, SyncRequest(initiated_by="somebody else"))

    assert ("ann", NOW_S) == (view.request and view.request.initiated_by, view.request and view.request.asked_s)
    assert [("ann", "sync", SHOP, "applications, sync, retail/shop", AuditResult.DONE)] == [
        (entry.who, entry.what, entry.app, entry.right, entry.result) for entry in backend.audit_log
    ]


async def test_what_is_refused_is_written_down_once_a_minute_and_nobody_fills_the_disk() -> None:
    backend = fleet()
    uses, now_s = uses_of(backend, ("ann", "applications", "get", "*")), [0.0]
    refusals = Refusals(Log(backend), lambda: now_s[0])
    uses.applications.access.rights.on_refused = refusals.refused
    for now_s[0] in (0.0, 1.0, 59.0, 61.0):
        with pytest.raises(NotPermitted):
            await uses.operations.sync(ANN, SHOP, SyncRequest())
    with pytest.raises(NotFound):
        uses.applications.access.known(ANN, AppName("none"))
    for number in range(200):
        refusals.refused(Caller(f"caller-{number}"), "accounts, update, admin")

    first = backend.audit_log[-1]
    assert ("ann", "sync", SHOP, AuditResult.REFUSED) == (first.who, first.what, first.app, first.result)
    assert "applications, sync, retail/shop" == first.right
    assert 2 == sum(entry.who == "ann" for entry in backend.audit_log)
    assert len(backend.audit_log) <= 102


async def test_lists_hold_what_may_be_seen() -> None:
    backend = fleet()
    backend.cluster_states = [ClusterState(ClusterId(name), f"https://{name}") for name in ("c1", "c2")]
    backend.repository_states = [RepositoryState(REPO)]
    uses = uses_of(backend, ("ann", "clusters", "get", "https://c2"))

    assert ["c2"] == [state.name for state in uses.clusters.list(ANN)]
    assert ([], []) == (uses.repositories.list(ANN), uses.projects.list(ANN))
    assert (["c1", "c2"], [REPO], ["default"]) == (
        [state.name for state in uses.clusters.list(OPERATOR)],
        [state.url for state in uses.repositories.list(OPERATOR)],
        [project.name for project in uses.projects.list(OPERATOR)],
    )


@pytest.mark.parametrize("name", ["default", "nobody"])
def test_case_49_projects_that_may_not_be_seen_are_refused_before_they_are_looked_for(name: str) -> None:
    with pytest.raises(NotPermitted, match=f"permission denied: projects, get, {name}, sub: ann"):
        uses_of(fleet()).projects.get(ANN, name)


def test_audit_log_is_of_the_applications_that_may_be_seen() -> None:
    backend = fleet()
    for app in (SHOP, BANK, NOBODY):
        backend.record(done_by(OPERATOR, "sync", app))
    mine = uses_of(backend, ("ann", "applications", "get", "retail/*")).audit.list(ANN, AuditQuery(limit=3))
    everything = uses_of(backend, ("ann", "applications", "get", "*")).audit.list(ANN, AuditQuery(limit=10))

    assert ([SHOP], 1) == ([entry.app for entry in mine.records], mine.next)
    assert ([NOBODY, BANK, SHOP], None) == ([entry.app for entry in everything.records], everything.next)


async def test_ledger_of_drift_is_of_the_applications_that_may_be_seen() -> None:
    backend = fleet()
    backend.entries = [drift(2, BANK), drift(1, SHOP)]
    uses = uses_of(backend, ("ann", "applications", "get", "retail/*"))

    assert [1] == [entry.id for entry in (await uses.drift.list(ANN, DriftQuery())).records]
    assert 1 == (await uses.drift.get(ANN, 1)).id
    for number in (2, 3):
        with pytest.raises(NotFound, match=f"the ledger has no entry {number}"):
            await uses.drift.get(ANN, number)
