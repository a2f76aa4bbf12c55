"""Users' actions in Lua: what they are given, what they may answer, and that nothing else changes on the way."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gitopsd.scripts.lua_actions import act, discover
from tests.scripts.lua import MEMORY

OBJECT: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "tidy", "labels": {"app": "tidy"}, "annotations": {}, "creationTimestamp": None},
    "spec": {
        "suspend": False,
        "large": 9007199254740993,
        "half": 0.5,
        "jobTemplate": {
            "spec": {"containers": [{"name": "a", "resources": {}, "args": []}], "volumes": [{"emptyDir": {}}]}
        },
    },
}


def acted(script: str, **params: str) -> dict[str, Any]:
    return act(script, orjson.dumps(OBJECT).decode(), params, MEMORY)


def patched(script: str, **params: str) -> Any:
    """Return what a script makes of the object."""
    [outcome] = acted(script, **params)["outcomes"]
    assert "patch" == outcome["operation"]
    return outcome["resource"]


def discovered(script: str) -> dict[str, Any]:
    return discover(script, orjson.dumps(OBJECT).decode(), MEMORY)


def test_what_a_script_does_not_touch_comes_back_as_it_was() -> None:
    assert OBJECT == patched("return obj")
    assert orjson.dumps(OBJECT) == orjson.dumps(patched("obj.spec.suspend = false return obj"))


def test_what_a_script_changes_is_changed_and_nothing_beside() -> None:
    made = patched(
        """
        obj.spec.suspend = true
        obj.metadata.labels.app = nil
        obj.metadata.annotations["x/at"] = os.date("!%Y", 0) .. require("os").date("!%Y", 0)
        obj.spec.jobTemplate.spec.containers[1].name = "b"
        obj.spec.jobTemplate.spec.containers[2] = {name = "c", count = 2, share = 0.25}
        return obj
        """
    )

    spec = OBJECT["spec"]["jobTemplate"]["spec"]
    containers = [{**spec["containers"][0], "name": "b"}, {"name": "c", "count": 2, "share": 0.25}]
    wanted = {
        **OBJECT,
        "metadata": {**OBJECT["metadata"], "labels": {}, "annotations": {"x/at": "19701970"}},
        "spec": {**OBJECT["spec"], "suspend": True, "jobTemplate": {"spec": {**spec, "containers": containers}}},
    }
    assert wanted == made


def test_empty_table_that_is_new_says_nothing() -> None:
    assert OBJECT == patched("obj.metadata.new = {} obj.spec.jobTemplate.metadata = {} return obj")


def test_parameters_are_given_as_texts() -> None:
    assert (
        3
        == patched('obj.spec.replicas = tonumber(actionParams["replicas"]) return obj', replicas="3")["spec"][
            "replicas"
        ]
    )
    assert "invalid number: x" in acted('error("invalid number: " .. actionParams.replicas, 0)', replicas="x")["error"]


def test_list_of_operations_makes_others_beside() -> None:
    found = acted(
        """
        obj.spec.suspend = true
        local job = {apiVersion = "batch/v1", kind = "Job", metadata = {name = obj.metadata.name .. "-1"}}
        return {{operation = "create", resource = job}, {operation = "patch", resource = obj}}
        """
    )

    one, other = found["outcomes"]
    assert ("create", "tidy-1") == (one["operation"], one["resource"]["metadata"]["name"])
    assert ("patch", True, {}) == (
        other["operation"], other["resource"]["spec"]["suspend"], other["resource"]["metadata"]["annotations"]
    )  # fmt: skip
    assert {"outcomes": []} == acted("return {}")


@pytest.mark.parametrize(
    ("reason", "script"),
    [
        ("neither an object nor a list", "return nil"),
        ("neither an object nor a list", 'return "x"'),
        ("neither an object nor a list", 'return {{operation = "delete", resource = obj}}'),
        ("neither an object nor a list", 'return {{operation = "create"}}'),
        ("neither an object nor a list", "return {1}"),
        ("has holes, or names beside numbers", "return {[1] = obj, [3] = obj}"),
        ("has holes, or names beside numbers", "obj[1] = 1 return obj"),
        ("is not finite", "obj.spec.half = 1/0 return obj"),
        ("a function is no JSON", "obj.spec.half = print return obj"),
        ("nested more than", "obj.spec = obj return obj"),
        ("cannot be handed", 'obj.spec.half = "\\255" return obj'),
        ("needs more than", "local t = {} for i = 1, 1e9 do t[i] = {i, i, i} end"),
        ("near 'is'", "this is not Lua"),
    ],
)
def test_fault_of_a_script_is_told(reason: str, script: str) -> None:
    assert reason in acted(script)["error"]


@pytest.mark.parametrize(
    "use", ['io.open("/etc/passwd")', 'os.execute("true")', "os.getenv('HOME')", "string.upper('x')", 'require("io")',
            "load('return 1')()", "package.loaded.io", "python.eval('1')", "debug.traceback()"],
)  # fmt: skip
def test_libraries_are_closed(use: str) -> None:
    assert acted(f"local x = {use} return obj")["error"]
    assert discovered(f"local x = {use} return {{}}")["error"]


def test_metamethods_of_a_script_run_nowhere() -> None:
    trap = "return setmetatable({}, {__index = function() error('run') end, __pairs = function() error('run') end})"

    assert {"outcomes": []} == acted(trap)


def test_what_is_offered_is_told_by_name() -> None:
    found = discovered(
        'return {["suspend"] = {disabled = obj.spec.suspend}, resume = {}, run = {params = {{name = "n"}}}}'
    )

    assert {"suspend": {"disabled": False}, "resume": [], "run": {"params": [{"name": "n"}]}} == found["actions"]
    assert {"actions": {}} == discovered("return {}")
    assert "no table of actions" in discovered('return {"restart"}')["error"]
    assert "no table of actions" in discovered("return 1")["error"]
