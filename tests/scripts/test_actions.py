"""Which action counts for an object: a user's, one of a directory, or one that is built in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import BadRequest, InvalidSettings, NotFound, WorkerFailed
from gitopsd.model.action import ActionCustomization
from gitopsd.model.manifest import GroupKind
from gitopsd.runtime.tasks import running
from gitopsd.scripts import lua_actions
from gitopsd.scripts.actions import MOST_OUTCOMES, ObjectActions, load
from gitopsd.scripts.pool import script_workers
from gitopsd.settings import CustomizationSettings, ScriptSettings

LIMITS = ScriptSettings(workers=1, deadline_s=20.0)
JOB = GroupKind("batch", "CronJob")
LIVE = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tidy", "uid": "u"}, "spec": {}}
TIDY = """
return {
  tidy = {displayName = "Tidy up", iconClass = "fa", params = {{name = "how"}}},
  suspend = {disabled = true},
}
"""
SCRIPTS = {"tidy": "obj.spec.how = actionParams.how return obj"}


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
async def actions() -> AsyncIterator[ObjectActions]:
    workers = script_workers(LIMITS, lua_actions.__name__)
    async with running(workers):
        yield ObjectActions(workers, {}, LIMITS, lambda: 1e9, Clock())


def custom(*discoveries: str, with_builtin: bool = False, **scripts: str) -> dict[GroupKind, ActionCustomization]:
    return {JOB: ActionCustomization(discoveries or (TIDY,), scripts or SCRIPTS, with_builtin)}


async def names(actions: ObjectActions, live: Any = LIVE) -> list[str]:
    return [action.name for action in await actions.offered(live)]


async def test_built_in_actions_are_there_without_any_settings(actions: ObjectActions) -> None:
    assert ["create-job", "suspend"] == await names(actions)
    [outcome] = await actions.outcomes(LIVE, "suspend", {})
    assert {"suspend": True} == outcome.manifest["spec"]
    with pytest.raises(NotFound, match="no action tidy on CronJob"):
        await actions.outcomes(LIVE, "tidy", {})


async def test_users_actions_take_the_place_of_those_that_are_built_in(actions: ObjectActions) -> None:
    actions.customizations = custom()
    suspend, tidy = await actions.offered(LIVE)

    assert ("suspend", True, "tidy", "Tidy up", "fa", ("how",)) == (
        suspend.name, suspend.disabled, tidy.name, tidy.display_name, tidy.icon, tidy.params
    )  # fmt: skip
    [outcome] = await actions.outcomes(LIVE, "tidy", {"how": "well"})
    assert ({"how": "well"}, False) == (outcome.manifest["spec"], outcome.create)
    with pytest.raises(NotFound):
        await actions.outcomes(LIVE, "create-job", {})


async def test_users_actions_are_beside_those_that_are_built_in_where_they_say_so(actions: ObjectActions) -> None:
    actions.customizations = custom(with_builtin=True)

    assert ["suspend", "tidy", "create-job"] == await names(actions)
    assert (await actions.outcomes(LIVE, "create-job", {}))[0].create
    assert ["restart", "scale"] == await names(actions, {**LIVE, "apiVersion": "apps/v1", "kind": "StatefulSet"})


async def test_what_a_discovery_says_wrongly_counts_for_nothing(actions: ObjectActions) -> None:
    actions.customizations = custom(
        'return {a = 1, b = {disabled = "yes", iconClass = 2, params = {{}, {name = "n"}, 3}}}'
    )
    a, b = await actions.offered(LIVE)

    assert ((False, "", ()), (False, "", ("n",))) == ((a.disabled, a.icon, a.params), (b.disabled, b.icon, b.params))


@pytest.mark.parametrize("script", ["return nil", "error('no')", "this is no Lua"])
async def test_script_that_fails_is_told(actions: ObjectActions, script: str) -> None:
    actions.customizations = custom(script, tidy=script)
    for ask in (actions.offered(LIVE), actions.outcomes(LIVE, "tidy", {})):
        with pytest.raises(BadRequest, match="the script of the action on CronJob"):
            await ask


async def test_value_of_a_secret_is_in_no_message(actions: ObjectActions) -> None:
    actions.customizations = {GroupKind("", "Secret"): ActionCustomization((), {"tell": "error(obj.data.p)"})}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"p": "c3dvcmRmaXNo"}}
    with pytest.raises(BadRequest) as error:
        await actions.outcomes(secret, "tell", {})

    assert "c3dvcmRmaXNo" not in str(error.value)


async def test_number_of_objects_has_a_bound(actions: ObjectActions) -> None:
    one = "{operation = 'patch', resource = obj}"
    script = f"local all = {{}} for i = 1, {MOST_OUTCOMES + 1} do all[i] = {one} end return all"
    actions.customizations = custom(TIDY, tidy=script)
    with pytest.raises(BadRequest, match="writes 101 objects"):
        await actions.outcomes(LIVE, "tidy", {})


async def test_script_that_had_to_be_stopped_rests() -> None:
    limits, clock = ScriptSettings(workers=1, deadline_s=0.2), Clock()
    workers = script_workers(limits, lua_actions.__name__)
    async with running(workers):
        actions = ObjectActions(workers, custom(tidy="while true do end"), limits, lambda: 1e9, clock)
        with pytest.raises(WorkerFailed):
            await actions.outcomes(LIVE, "tidy", {})
        with pytest.raises(WorkerFailed, match="it rests for"):
            await actions.outcomes(LIVE, "tidy", {})


ARGOCD_CM = """
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  url: https://argocd.example
  resource.customizations.actions.batch_CronJob: |
    mergeBuiltinActions: true
    discovery.lua: |
      return {tidy = {}}
    definitions:
    - name: tidy
      action.lua: |
        return obj
  resource.customizations: |
    apps/Deployment:
      actions: |
        discovery.lua: return {}
    ConfigMap:
      health.lua: return nil
"""


def test_argocd_cm_is_read_and_the_settings_go_over_it(tmp_path: Path) -> None:
    file = tmp_path / "argocd-cm.yaml"
    file.write_text(ARGOCD_CM)
    found = load(CustomizationSettings(file))

    assert {JOB, GroupKind("apps", "Deployment")} == found.keys()
    assert (("return {tidy = {}}\n",), {"tidy": "return obj\n"}, True) == (
        found[JOB].discoveries, found[JOB].scripts, found[JOB].with_builtin
    )  # fmt: skip
    key = "resource.customizations.actions.batch_CronJob"
    assert () == load(CustomizationSettings(file, data={key: "definitions: []"}))[JOB].discoveries
    assert JOB not in load(CustomizationSettings(file, data={key: ""}))


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("is not YAML", "a: [")
        , ("is no mapping", "- a"),
        ("'discovery' means nothing", "discovery: x"),
        ("wrong type", "discovery.lua: 1"),
        ("wrong type", "mergeBuiltinActions: 'yes'"),
        ("no name or no action.lua", "definitions: [{name: a}]"),
    ],
)  # fmt: skip
def test_what_is_no_customization_is_refused(reason: str, text: str) -> None:
    with pytest.raises(InvalidSettings, match=reason):
        load(CustomizationSettings(data={"resource.customizations.actions.apps_Deployment": text}))


def test_directory_is_laid_out_as_argo_cds(tmp_path: Path) -> None:
    for place, text in {
        "batch/CronJob/actions/discovery.lua": "return {a = {}, tidy = {}}",
        "batch/CronJob/actions/a/action.lua": "return obj",
        "batch/CronJob/actions/tidy/action.lua": "return {}",
        "batch/CronJob/health.lua": "return nil",
    }.items():
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    shipped = load(CustomizationSettings(directory=tmp_path))

    assert {"a", "tidy"} == shipped[JOB].scripts.keys()
    own = "mergeBuiltinActions: {}\ndefinitions: [{{name: tidy, action.lua: mine}}]"
    key = "resource.customizations.actions.batch_CronJob"
    for merge, scripts in (("true", {"a": "return obj", "tidy": "mine"}), ("false", {"tidy": "mine"})):
        data = {key: own.format(merge)}
        assert scripts == load(CustomizationSettings(directory=tmp_path, data=data))[JOB].scripts
    with pytest.raises(InvalidSettings, match="holds no GROUP/KIND/actions"):
        load(CustomizationSettings(directory=tmp_path / "batch"))
