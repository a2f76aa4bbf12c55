"""What jq expressions name in an object, and that those without an end are ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from gitopsd.errors import InvalidDeclaration, WorkerFailed
from gitopsd.runtime.rests import FIRST_S
from gitopsd.runtime.workers import JobLimits, WorkerPool
from gitopsd.scripts.ignored import JqPaths
from gitopsd.scripts.jq import paths
from gitopsd.settings import ScriptSettings

POD = {
    "spec": {
        "containers": [{"name": "web", "env": [1, 2, 3]}, {"name": "proxy", "env": [4]}],
        "replicas": None,
        "rules": {"a": 1},
    }
}


@pytest.mark.parametrize(
    ("expected", "expression"),
    [
        ([["spec", "containers", 1]], '.spec.containers[] | select(.name == "proxy")'),
        ([["spec", "containers", 0, "env"], ["spec", "containers", 1, "env"]], ".spec.containers[].env"),
        ([["spec", "containers", 0, "env", 1], ["spec", "containers", 0, "env", 2]], ".spec.containers[0].env[1:]"),
        ([["spec", "containers", 1]], ".spec.containers[-1]"),
        ([["spec", "replicas"]], ".spec.replicas"),
        ([["spec", "rules"]], "select(.spec) | .spec.rules # a comment"),
        ([], ".spec.missing"),
        ([], ".spec.replicas[]"),
        ([], ".spec.containers[9]"),
        ([], "."),
        ([], "$ENV"),
        ([], "input"),
        ([], "halt"),
        ([], "tostring"),
    ],
)
def test_expression_names_paths(expected: Any, expression: str) -> None:
    assert [expected] == paths([expression], [POD])


def test_each_document_has_paths_of_its_own() -> None:
    other = {"spec": {"containers": [{"name": "proxy"}]}}

    found = paths(['.spec.containers[] | select(.name == "proxy")', ".spec.containers[-1]"], [POD, other])

    assert [[["spec", "containers", 1]], [["spec", "containers", 0]]] == found


@pytest.mark.parametrize("expression", [".spec | foo(", "", 'import "x" as $x; .', ".a)] | [path(", "nothing"])
def test_what_is_no_jq_is_refused_with_its_fault(expression: str) -> None:
    with pytest.raises(InvalidDeclaration, match="jq expression"):
        paths([expression], [POD])


def test_expression_that_names_everything_is_refused() -> None:
    with pytest.raises(InvalidDeclaration, match="names 20002 paths"):
        paths([".."], [{"items": list(range(20_000))}])


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def jq(clock: Clock) -> AsyncIterator[JqPaths]:
    async with WorkerPool(1, JobLimits(data_bytes=256 << 20), preload=("gitopsd.scripts.jq",)) as pool:
        yield JqPaths(Patient(pool), ScriptSettings(deadline_s=1.0), clock)


@dataclass
class Patient:
    """Workers that give an expression its deadline only where it has no end: a busy machine may need longer."""

    pool: WorkerPool

    async def call(self, job: str, *args: Any, deadline_s: float | None = None) -> Any:
        endless = set(args[0]) & set(ENDLESS)
        return await self.pool.call(job, *args, deadline_s=deadline_s if endless else None)


ENDLESS = [
    "until(true == false; [.] + [1])",
    "repeat(.a)",
    "def f: f; f",
    "[range(1e12)] | .[0]",
    'select("x" * 1000000000 == "y")',
]


@pytest.mark.parametrize("expression", ENDLESS)
async def test_expression_without_an_end_is_ended_and_harms_no_other(jq: JqPaths, expression: str) -> None:
    with pytest.raises(WorkerFailed, match=r"jqPathExpressions of ignoreDifferences: .*(killed|memory|crashed)"):
        await jq.paths([expression], [POD])

    assert [(("spec", "rules"),)] == await jq.paths([".spec.rules"], [POD])


async def test_expression_that_was_killed_rests_before_it_is_tried_again(clock: Clock) -> None:
    class Workers:
        calls = 0

        async def call(self, job: str, *args: Any, deadline_s: float | None = None) -> Any:
            self.calls += 1
            raise WorkerFailed("it took too long", remedy="none")

    workers = Workers()
    found = JqPaths(workers, ScriptSettings(), clock)
    for at_s in (0.0, FIRST_S - 1.0, FIRST_S + 1.0):
        clock.now_s = at_s
        with pytest.raises(WorkerFailed, match="it took too long"):
            await found.paths([".a"], [POD])

    assert 2 == workers.calls


async def test_fault_of_an_expression_comes_back_from_the_worker(jq: JqPaths) -> None:
    with pytest.raises(InvalidDeclaration, match="jq expression"):
        await jq.paths([".spec | foo("], [POD])
