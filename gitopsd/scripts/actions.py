"""Actions on live objects: those of users in Lua, each run in a worker under limits, and those that are built in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from gitopsd.core.actions.builtin import builtin_actions, builtin_outcome
from gitopsd.core.objects.mask import without_values
from gitopsd.errors import BadRequest, InvalidSettings, NotFound, WorkerFailed
from gitopsd.model.action import ActionCustomization, ActionOutcome, ObjectAction
from gitopsd.model.manifest import GroupKind, Manifest, gvk_of
from gitopsd.ports import Clock, Workers
from gitopsd.runtime.rests import Rests
from gitopsd.scripts.health_checks import script_of_file
from gitopsd.scripts.lua_actions import ACT, DISCOVER
from gitopsd.settings import CustomizationSettings, ScriptSettings, read_actions

DISCOVERY, ACTION = "discovery.lua", "action.lua"
MAX_FILES = 10_000
MOST_OUTCOMES = 100  # objects that one action writes
Customizations = Mapping[GroupKind, ActionCustomization]


class ObjectActions:
    """What is offered for an object, and what comes of it; nothing is written here."""

    def __init__(
        self, workers: Workers, customizations: Customizations, limits: ScriptSettings, now_s: Clock, since_s: Clock
    ) -> None:
        """Run scripts in `workers`; `now_s` is Unix time, `since_s` any clock that only goes forward."""
        self.customizations = customizations
        self._workers = workers
        self._limits = limits
        self._now_s, self._since_s = now_s, since_s
        self._rests: Rests[str] = Rests()  # scripts that would kill worker after worker

    async def offered(self, live: Manifest) -> Sequence[ObjectAction]:
        """Return what can be done to `live`.

        Raises:
            WorkerFailed: the script that says so did not end in time, or took too much.
            BadRequest: it failed, or says something else.
        """
        custom = self._custom(live)
        if custom is None:
            return builtin_actions(live)
        offered: dict[str, ObjectAction] = {}
        for script in custom.discoveries:
            answer = await self._run(DISCOVER, script, live)
            for name, said in sorted(answer["actions"].items()):
                offered.setdefault(name, _offer(name, said))
        for action in builtin_actions(live) if custom.with_builtin else ():
            offered.setdefault(action.name, action)
        return list(offered.values())

    async def outcomes(self, live: Manifest, name: str, params: Mapping[str, str]) -> Sequence[ActionOutcome]:
        """Return what the action `name` makes of `live`.

        Raises:
            NotFound: there is no such action on its kind.
            BadRequest: a parameter is wrong, or the script failed.
            WorkerFailed: it did not end in time, or took too much.
        """
        custom = self._custom(live)
        if custom is not None and (script := custom.scripts.get(name)) is not None:
            return await self._acted(script, live, params)
        builtin = None
        if custom is None or custom.with_builtin:
            builtin = builtin_outcome(live, name, params, self._now_s())
        if builtin is None:
            raise NotFound(f"there is no action {name[:80]} on {live['kind']}", remedy="see `gitopsd app actions list`")
        return [builtin]

    def _custom(self, live: Manifest) -> ActionCustomization | None:
        return self.customizations.get(gvk_of(live).group_kind)

    async def _acted(self, script: str, live: Manifest, params: Mapping[str, str]) -> Sequence[ActionOutcome]:
        answer = await self._run(ACT, script, live, dict(params))
        outcomes = [ActionOutcome(each["resource"], each["operation"] == "create") for each in answer["outcomes"]]
        if len(outcomes) > MOST_OUTCOMES:
            raise BadRequest(
                f"the action writes {len(outcomes)} objects", remedy=f"at most {MOST_OUTCOMES} are written"
            )
        return outcomes

    async def _run(self, job: str, script: str, live: Manifest, *more: Any) -> dict[str, Any]:
        left_s, reason = self._rests.left_s(script, self._since_s())
        if left_s:
            raise WorkerFailed(f"{reason}; it rests for {left_s:.0f} s", remedy="mend the script of the action")
        text, limits = orjson.dumps(live).decode(), self._limits
        try:
            answer: dict[str, Any] = await self._workers.call(
                job, script, text, *more, limits.memory_bytes, deadline_s=limits.deadline_s
            )
        except WorkerFailed as err:
            self._rests.stopped(script, self._since_s(), err.what)
            raise
        self._rests.went_well(script)
        if "error" in answer:
            fault = without_values(answer["error"], live)
            raise BadRequest(f"the script of the action on {live['kind']}: {fault}", remedy="mend it in the settings")
        return answer


def _offer(name: str, said: Any) -> ObjectAction:
    """Return an action as a discovery script says it; what has a wrong type there counts for nothing."""
    fields: Mapping[str, Any] = said if isinstance(said, dict) else {}
    texts = {key: value if isinstance(value := fields.get(key), str) else "" for key in ("iconClass", "displayName")}
    params = fields.get("params") if isinstance(fields.get("params"), list) else []
    names = tuple(str(param["name"]) for param in params or () if isinstance(param, dict) and param.get("name"))
    return ObjectAction(name, fields.get("disabled") is True, texts["iconClass"], texts["displayName"], names)


def load(settings: CustomizationSettings) -> Customizations:
    """Return users' actions by kind: those of the settings, which may have those of the directory beside them.

    Raises:
        InvalidSettings: a key or the directory does not say what to do.
    """
    shipped = _of_directory(settings.directory) if settings.directory else {}
    own = {kind: _with(custom, shipped.get(kind)) for kind, custom in read_actions(settings).items()}
    return {**shipped, **own}


def _with(custom: ActionCustomization, shipped: ActionCustomization | None) -> ActionCustomization:
    """Return a customization with what the directory has for its kind, where that is to be beside it."""
    if shipped is None or not custom.with_builtin:
        return custom
    discoveries = (*custom.discoveries, *shipped.discoveries)
    return ActionCustomization(discoveries, {**shipped.scripts, **custom.scripts})


def _of_directory(directory: Path) -> Customizations:
    try:
        files = sorted(directory.glob(f"*/*/actions/{DISCOVERY}"))[: MAX_FILES + 1]
        if not files or len(files) > MAX_FILES:
            fault = f"holds more than {MAX_FILES} actions" if files else f"holds no GROUP/KIND/actions/{DISCOVERY}"
            raise InvalidSettings(
                f"customizations.directory: {directory} {fault}", remedy="name a directory of groups, or remove it"
            )
        return dict(map(_of_kind, files))
    except OSError as err:
        raise InvalidSettings(
            f"customizations.directory: {err.filename} cannot be read: {err.strerror}", remedy="let gitopsd read it"
        ) from err


def _of_kind(discovery: Path) -> tuple[GroupKind, ActionCustomization]:
    actions = discovery.parent
    scripts = {file.parent.name: script_of_file(file) for file in sorted(actions.glob(f"*/{ACTION}"))}
    group, kind = actions.parent.parent.name, actions.parent.name
    return GroupKind(group, kind), ActionCustomization((script_of_file(discovery),), scripts)
