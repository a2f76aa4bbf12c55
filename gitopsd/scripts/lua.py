"""Users' Lua in a sandbox, and their health checks, in Argo CD's form: `obj` in, `hs` out.

Runs in a worker, which may be killed at any time.

LuaJIT's interpreter is Lua 5.1 with `goto`, as gopher-lua is, for which such scripts are written; its compiler stays
off. Every run has a runtime of its own, so that nothing one script does to its libraries reaches the next one.
"""

from __future__ import annotations

from typing import Any

import orjson
from lupa.luajit21 import LuaError, LuaMemoryError, LuaRuntime

HEALTH = f"{__name__}:health"
MAX_MESSAGE = 1000  # characters
FAULTS = (
    LuaMemoryError,
    LuaError,
    OverflowError,
    ValueError,
    RecursionError,
)  # the last: too large, no UTF-8, too deep

# Numbers and text as gopher-lua turns one into the other, by tostring, tonumber and table.concat.
# Source: gopher-lua, value.go (LNumber.String), baselib.go (baseToNumber).
NUMBERS = """
local find, sub, gsub, lower = string.find, string.sub, string.gsub, string.lower
local byte, format = string.byte, string.format
local as_text, as_number, concat = tostring, tonumber, table.concat
local function shown(value)
  if type(value) ~= "number" or value ~= value or value == 1/0 or value == -1/0 then return as_text(value) end
  if value == math.floor(value) and value >= -2^63 and value < 2^63 then return format("%d", value) end
  for digits = 1, 17 do
    local text = format("%." .. digits .. "g", value)
    if as_number(text) == value then return text end
  end
end
local function whole(text, base)
  local _, _, sign, digits = find(text, "^([+-]?)(%w+)$")
  local value = 0
  for place = 1, digits and #digits or 0 do
    local code = byte(lower(digits), place)
    local digit = code <= 57 and code - 48 or code - 87
    if digit >= base then return nil end
    value = value * base + digit
  end
  if digits and base == 10 then value = as_number(digits) end
  if not digits or value > 2^63 then return nil end
  return sign == "-" and -value or value
end
local function number(...)
  local value, base = ...
  if select("#", ...) == 0 then error("bad argument #1 to tonumber (value expected)", 2) end
  if type(value) == "number" then return value end
  if type(value) ~= "string" then return nil end
  local text = gsub(gsub(value, "^[ \\n\\t]+", ""), "[ \\n\\t]+$", "")
  if find(text, ".", 1, true) then
    return (find(text, "^[+-]?[%d.]+$") or find(text, "^[+-]?[%d.]+[eE][+-]?%d+$")) and as_number(text) or nil
  end
  if base == nil and lower(sub(text, 1, 2)) == "0x" then return whole(sub(text, 3), 16) end
  return whole(text, base or 10)
end
local function joined(list, between, first, last)
  local texts = {}
  for place = first or 1, last or #list do
    local each = list[place]
    texts[place] = type(each) == "number" and shown(each) or each
  end
  return concat(texts, between, first or 1, last or #list)
end
"""
SANDBOX = f"""
jit.off()
{NUMBERS}
"""
SANDBOX += """
local load, text = load, getmetatable("")
local clock = {time = os.time, date = os.date, clock = os.clock, difftime = os.difftime}
local function copy(library, ...)
  local found = {}
  for _, name in ipairs({...}) do found[name] = library[name] end
  return found
end
local function environment(obj, open)
  local env = copy(_G, "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
    "rawset", "select", "setmetatable", "type", "unpack", "xpcall", "_VERSION")
  env._G, env.obj, env.print, env.tostring, env.tonumber = env, obj, function() end, shown, number
  env.table = copy(table, "insert", "maxn", "remove", "sort")
  env.table.concat = joined
  env.table.getn = function(list) return #list end
  env.require = function(name)
    if name == "os" then return clock end
    error("module '" .. tostring(name) .. "' is not open to scripts", 2)
  end
  if open then
    env.string, env.math, env.bit, env.coroutine, env.os = string, math, bit, coroutine, clock
    string.dump = nil
  else
    text.__index = nil
  end
  return env
end
local function run(source, name, env)
  local chunk, fault = load(source, name, "t", env)
  if not chunk then error(fault, 0) end
  return chunk()
end
"""
CHECK = """
return function(source, obj, open)
  local env = environment(obj, open)
  local hs = run(source, "=health.lua", env)
  if hs == nil then hs = env.hs end
  if type(hs) ~= "table" then return type(hs) end
  return "table", shown(hs.status), hs.message ~= nil and shown(hs.message) or ""
end
"""


def health(script: str, text: str, *options: Any) -> dict[str, str] | None:
    """Return `status` and `message` as a script judges the object that `text` is as JSON; None where it returns nil.

    Args:
        script: Lua.
        text: the live object.
        options: whether string, math, bit, coroutine and os's clock are open to it; the bytes it may take.

    What goes wrong in the script is `error`, in one line.
    """
    open_libs, memory_bytes = options
    try:
        lua = runtime(memory_bytes)
        run = lua.execute(SANDBOX + CHECK)
        result = run(script, lua.table_from(orjson.loads(text), recursive=True), open_libs)
    except FAULTS as err:
        return {"error": fault_of(err, memory_bytes)}
    if result == "nil":
        return None
    if isinstance(result, str):
        return {"error": f"it returns a {result} instead of a table with status and message"}
    _, status, message = result
    return {"status": status, "message": message[:MAX_MESSAGE]}


def runtime(memory_bytes: int) -> LuaRuntime:
    """Return a runtime of its own for one run of a script."""
    return LuaRuntime(
        register_eval=False, register_builtins=False, unpack_returned_tuples=True, max_memory=memory_bytes
    )


def fault_of(err: Exception, memory_bytes: int) -> str:
    """Return what one of `FAULTS` says, in one line."""
    if isinstance(err, LuaMemoryError):
        return f"it needs more than {memory_bytes} bytes"
    if isinstance(err, LuaError):
        return str(err).partition("\n")[0][:MAX_MESSAGE] or "it raised an error without words"
    return f"a value cannot be handed to or from Lua: {err}"[:MAX_MESSAGE]
