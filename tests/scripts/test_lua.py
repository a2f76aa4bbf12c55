"""One health check in Lua: what it is given, what it may answer, and that it reaches nothing else."""

from __future__ import annotations

import pytest

from gitopsd.scripts.lua import health
from tests.scripts.lua import MEMORY, told


def test_check_in_argo_cds_form_is_answered() -> None:
    script = """
        local hs = {}
        if obj.status ~= nil and obj.status.conditions ~= nil then
          for i, condition in ipairs(obj.status.conditions) do
            if condition.type ~= "Ready" then goto continue end
            hs.status = condition.status == "True" and "Healthy" or "Degraded"
            hs.message = condition.message .. " " .. obj.metadata.generation
            ::continue::
          end
        end
        return hs
    """

    assert {"status": "Healthy", "message": "it is güt 3"} == told(script)


def test_global_hs_is_the_answer_of_a_check_that_returns_nothing() -> None:
    assert {"status": "Healthy", "message": ""} == told('hs = {}; hs.status = "Healthy"')


def test_check_that_returns_nil_says_nothing() -> None:
    assert told("return nil") is None


@pytest.mark.parametrize(
    ("reason", "script"),
    [
        ("near 'is'", "this is not Lua"),
        ("attempt to index field 'spec' (a nil value)", "return {status = obj.spec.replicas}"),
        ("returns a string instead of a table", 'return "Healthy"'),
        ("without words", "error({})"),
        ("stack overflow", "local function f() return f() + 1 end return f()"),
        ("cannot be handed", 'return {status = "\\255"}'),
        ("needs more than", "local t = {} for i = 1, 1e9 do t[i] = {i, i, i} end"),
        ("wrong mode", "\x1bLJ\x02"),
    ],
)
def test_fault_of_a_check_is_told(reason: str, script: str) -> None:
    found = told(script)

    assert found is not None
    assert reason in found["error"]


@pytest.mark.parametrize(
    "use",
    ["os.time()", 'io.open("/etc/passwd")', "string.upper('x')", "('x'):upper()", "math.floor(1)", "debug.traceback()",
     'require("io")', 'require("ffi")', "load('return 1')()", "loadstring('return 1')()", "dofile('/etc/passwd')",
     "package.loaded.io", "python.eval('1')", "getfenv(0).io", "jit.on()", "coroutine.wrap(print)()",
     "collectgarbage()", "newproxy()"],
)  # fmt: skip
def test_libraries_are_closed(use: str) -> None:
    found = told(f"local x = {use} return {{status = 'Healthy'}}")

    assert found is not None
    assert found["error"]


@pytest.mark.parametrize(
    "script",
    [
        "local s = 'x' while true do s = s .. s end",
        "return {status = ('x'):rep(1e8)}",
        "local t = {} for i = 1, 1e6 do t[i] = ('x'):rep(1000) end return {status = table.concat(t)}",
        "return {status = (('x'):rep(1e5):gsub('', ('y'):rep(1e4)))}",
        "return {status = setmetatable({}, {__tostring = function() return ('x'):rep(1e8) end})}",
        "local t = {} while true do pcall(function() while true do t[#t + 1] = ('x'):rep(1e5) .. #t end end) end",
        "local function f() pcall(coroutine.wrap(f)) end while true do f() end",
    ],
)
def test_memory_is_bounded_however_it_is_asked_for(script: str) -> None:
    assert {"error": f"it needs more than {MEMORY} bytes"} == told(script, open_libs=True)


@pytest.mark.parametrize(
    ("reason", "script"),
    [
        ("stack overflow", "return setmetatable({}, {__index = function(t, k) return t[k] end})"),
        ("loop in gettable", "local t = {} return setmetatable(t, {__index = t})"),
        ("without words", "error(setmetatable({}, {__tostring = function() return 'no' end}))"),
        ("unfinished capture", "return {status = ('('):rep(1e5):find(('(.'):rep(30))}"),
        ("too many results", "return {status = select('#', unpack({}, 1, 1e7))}"),
        ("invalid order", "local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() return true end)"),
    ],
)
def test_trick_of_a_check_is_its_fault(reason: str, script: str) -> None:
    found = told(script, open_libs=True)

    assert found is not None
    assert reason in found["error"]


@pytest.mark.parametrize("depth", [200, 900, 2000])
def test_object_that_is_nested_without_an_end_is_judged_or_a_fault(depth: int) -> None:
    found = health("return {status='Healthy'}", '{"a":' * depth + "1" + "}" * depth, False, MEMORY)  # noqa: FBT003

    assert found is not None
    assert {"status": "Healthy", "message": ""} == found or "cannot be handed" in found["error"]


@pytest.mark.parametrize("use", ["string.upper('x')", "('x'):upper()", "math.floor(1)", "os.date('%Y')", "bit.bor(1)"])
def test_libraries_that_only_compute_can_be_opened(use: str) -> None:
    assert {"status": "Healthy", "message": ""} == told(
        f"local x = {use} return {{status = 'Healthy'}}", open_libs=True
    )


@pytest.mark.parametrize("use", ["os.execute('x')", "os.getenv('PATH')", "io.open('x')", "string.dump(print)"])
def test_libraries_that_reach_outside_are_never_opened(use: str) -> None:
    found = told(f"local x = {use} return {{status = 'Healthy'}}", open_libs=True)

    assert found is not None
    assert found["error"]


def test_clock_is_there_for_those_who_require_it() -> None:
    assert {"status": "Healthy", "message": ""} == told('local os = require("os"); os.date() return {status="Healthy"}')


def test_what_one_check_changes_is_not_seen_by_the_next() -> None:
    told('table.insert = nil; getmetatable("").__index = function() return "spoilt" end return {status = "Healthy"}')

    found = told(
        'local t = {} table.insert(t, "Healthy") return {status = t[1], message = ("x"):upper()}', open_libs=True
    )

    assert {"status": "Healthy", "message": "X"} == found


def test_number_that_lua_cannot_hold_is_a_fault_and_no_crash() -> None:
    found = health("return {status='Healthy'}", '{"n": 18446744073709551615}', False, MEMORY)  # noqa: FBT003

    assert found is not None
    assert "cannot be handed" in found["error"]


def test_long_words_are_cut() -> None:
    found = told('return {status = "Healthy", message = ("x"):rep(5000)}', open_libs=True)

    assert found is not None
    assert 1000 == len(found["message"])


def test_lists_are_counted_as_scripts_of_lua_5_0_do() -> None:
    assert {"status": "Healthy", "message": "2"} == told('return {status="Healthy", message=table.getn({1, 2})}')


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("tostring(3)", "3"),
        ("tostring(1e15)", "1000000000000000"),
        ("tostring(-1e18)", "-1000000000000000000"),
        ("tostring(1e21)", "1e+21"),
        ("tostring(1/3)", "0.3333333333333333"),
        ("tostring(0.1)", "0.1"),
        ("tostring(-0.00001)", "-1e-05"),
        ("tostring(true)", "true"),
        ("tostring(nil)", "nil"),
        ("table.concat({1e15, 'x', 2}, '-')", "1000000000000000-x-2"),
        ("table.concat({1, 2, 3}, ',', 2)", "2,3"),
        ("tostring(obj.spec.large)", "9007199254740992"),
        ("tostring(tonumber('12'))", "12"),
        ("tostring(tonumber(' -12\\n'))", "-12"),
        ("tostring(tonumber('+7'))", "7"),
        ("tostring(tonumber('010'))", "10"),
        ("tostring(tonumber('0x1F'))", "31"),
        ("tostring(tonumber('-0x1F'))", "nil"),
        ("tostring(tonumber('1e3'))", "nil"),
        ("tostring(tonumber('1.e3'))", "1000"),
        ("tostring(tonumber('.5'))", "0.5"),
        ("tostring(tonumber('1.2.3'))", "nil"),
        ("tostring(tonumber('5m'))", "nil"),
        ("tostring(tonumber(''))", "nil"),
        ("tostring(tonumber('ff', 16))", "255"),
        ("tostring(tonumber('12', 2))", "nil"),
        ("tostring(tonumber('9223372036854775807'))", "9.223372036854776e+18"),
        ("tostring(tonumber('92233720368547758080'))", "nil"),
        ("tostring(tonumber(7))", "7"),
        ("tostring(tonumber(nil))", "nil"),
        ("tostring(tonumber({}))", "nil"),
    ],
)
def test_numbers_and_text_are_those_of_gopher_lua(expression: str, text: str) -> None:
    script = f"return {{status = 'Healthy', message = {expression}}}"

    assert {"status": "Healthy", "message": text} == told(script, {"spec": {"large": 2**53}})
    assert {"status": "1000000000000000", "message": ""} == told("return {status = 1e15}")
