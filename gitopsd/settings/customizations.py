"""What can be done with objects and followed from them, as it is configured, under the keys of Argo CD's argocd-cm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from gitopsd.errors import InvalidSettings
from gitopsd.model.action import ActionCustomization
from gitopsd.model.manifest import GroupKind
from gitopsd.settings.accounts import read_config_map
from gitopsd.settings.document import NO_VALUE
from gitopsd.settings.objects import CustomizationSettings
from gitopsd.settings.problem import Problems

ALL = "resource.customizations"  # a mapping of `group/Kind` to what is customized of it
ACTIONS = f"{ALL}.actions."
KNOWN = {"discovery.lua", "definitions", "mergeBuiltinActions"}


def read_actions(settings: CustomizationSettings) -> Mapping[GroupKind, ActionCustomization]:
    """Return users' actions by kind; what the settings say themselves goes over what the file says.

    Raises:
        InvalidSettings: the file cannot be read, or a key does not say what to do.
    """
    data = {**(read_config_map(settings.file) if settings.file else {}), **settings.data}
    texts = {key: text for key, text in data.items() if key.startswith(ACTIONS)}
    for name, customized in _mapping(ALL, data.get(ALL, "")).items():
        actions = customized.get("actions") if isinstance(customized, dict) else None
        if actions is not None:
            texts.setdefault(f"{ACTIONS}{name}", actions if isinstance(actions, str) else "")
    return {_kind(key.removeprefix(ACTIONS)): _actions(key, text) for key, text in texts.items() if text.strip()}


def check_customizations(settings: CustomizationSettings, problems: Problems) -> None:
    """Note what keeps customizations from being used."""
    for key in settings.data:
        if key != ALL and not key.startswith(ACTIONS):
            problems.at(
                "customizations", f"has {key[:80]!r}, which is no setting", "see docs/actions.md for what there is"
            )
    try:
        read_actions(settings)
    except InvalidSettings as err:
        problems.at("customizations", f"cannot be used: {err.what}", err.remedy)


def _actions(key: str, text: str) -> ActionCustomization:
    said = _mapping(key, text)
    if unknown := sorted(map(str, said.keys() - KNOWN)):
        raise InvalidSettings(
            f"{key}: {unknown[0][:80]!r} means nothing", remedy=f"known are {', '.join(sorted(KNOWN))}"
        )
    discovery, definitions = said.get("discovery.lua") or "", said.get("definitions") or []
    merge = said.get("mergeBuiltinActions") or False
    if not isinstance(discovery, str) or not isinstance(definitions, list) or not isinstance(merge, bool):
        raise InvalidSettings(
            f"{key}: a field is of the wrong type",
            remedy="write discovery.lua as a text, definitions as a list, mergeBuiltinActions as true or false",
        )
    scripts = {}
    for definition in definitions:
        name, script = (
            (definition.get("name"), definition.get("action.lua")) if isinstance(definition, dict) else (None, None)
        )
        if not isinstance(name, str) or not name or not isinstance(script, str):
            raise InvalidSettings(f"{key}: a definition has no name or no action.lua", remedy="write both, as texts")
        scripts[name] = script
    return ActionCustomization((discovery,) if discovery else (), scripts, merge)


def _mapping(key: str, text: str) -> dict[Any, Any]:
    try:
        value = yaml.safe_load(text)
    except NO_VALUE:
        raise InvalidSettings(f"{key} is not YAML", remedy="mend it") from None
    if value is not None and not isinstance(value, dict):
        raise InvalidSettings(f"{key} is no mapping", remedy="write `name: value` lines below it, indented")
    return value or {}


def _kind(text: str) -> GroupKind:
    """Return the kind of `group_Kind` or `group/Kind`; a kind alone is of the core group."""
    group, _, kind = text.rpartition("/" if "/" in text else "_")
    return GroupKind(group, kind)
