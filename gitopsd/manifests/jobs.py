"""What runs in a worker: look up, and render. Values in and out are JSON; the tree is opened there by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.core.declaration.tooling import tooling_of
from gitopsd.core.source.ref_source import lent_key, parted
from gitopsd.errors import (
    GitopsError,
    InvalidDeclaration,
    InvalidManifest,
    NotSupported,
    PathNotFound,
    error_to_json,
)
from gitopsd.manifests import directory, helm, kustomize, plugin, sops, variables
from gitopsd.manifests.chart_files import CHART
from gitopsd.manifests.closure import manifests_key
from gitopsd.manifests.kustomization import FILES
from gitopsd.manifests.overrides import overridden
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.yaml import parse
from gitopsd.ports import Entry, Tree
from gitopsd.settings import RenderSettings

LOOK_UP = f"{__name__}:look_up"
RENDER = f"{__name__}:render"
DOCUMENTS = f"{__name__}:documents"

# What may be remembered like manifests.
FOLLOWS_FROM_INPUTS = (InvalidManifest, InvalidDeclaration, PathNotFound, NotSupported)

Opened = tuple[str, str, str]  # who opens trees ("module:function"), the mirror, the revision
Place = tuple[Opened, Sequence[tuple[str, Opened]]]  # of the source, and of what others lend it, by their refs
Question = tuple[str, Sequence[Sequence[str]], Mapping[str, str]]  # inputs, look-up sets, the build environment


def look_up(mirrors: Place, questions: Sequence[Question]) -> list[list[str]]:
    """Return the key that each look-up set of each question has there."""
    keys = {key for _, sets, _ in questions for looked_up in sets for key in looked_up}
    there = _there(mirrors, keys - variables.seen(keys, {}).keys())
    return [
        [
            manifests_key(inputs, {key: there[key] for key in looked_up if key in there} | variables_seen)
            for looked_up in sets
            for variables_seen in [variables.seen(looked_up, values)]
        ]
        for inputs, sets, values in questions
    ]


def render(mirrors: Place, inputs: str, source: Mapping[str, Any], packed: Mapping[str, Any]) -> dict[str, Any]:
    """Render one source: `outcome` (manifests, or an error that follows from the inputs), `key`, `looked_up`.

    `source` is its path, its options as declared, and the keys that decrypt it (of `sops_keys`), if any; `packed` is of
    `RenderContext.packed`.
    """
    keys: Mapping[str, Any] = source.get("keys") or {}
    bare = RenderContext.unpacked(packed, {})
    tree = sops.opened(_open(*mirrors[0]), keys.get(""), bare)
    unpacked = replace(bare, refs={ref: sops.opened(_open(*opened), keys.get(ref), bare) for ref, opened in mirrors[1]})
    trees = (tree, *unpacked.refs.values())
    outcome: dict[str, Any]
    try:
        outcome = _rendered(tree, source["path"], source["options"], unpacked)
        warnings = [*outcome["warnings"], *sops.warnings_of(trees)]
        outcome["warnings"] = [sops.hidden(trees, warning) for warning in warnings]
        outcome["nameless"] = [sops.hidden(trees, description) for description in outcome["nameless"]]
        outcome["announced"] = _hidden(trees, outcome["announced"])
    except FOLLOWS_FROM_INPUTS as err:
        outcome = {"error": error_to_json(err.again(sops.hidden(trees, err.what)))}
    except GitopsError as err:
        raise err.again(sops.hidden(trees, err.what)) from None
    closure = {**tree.closure(), **unpacked.closure()}
    return {"outcome": outcome, "key": manifests_key(inputs, closure), "looked_up": sorted(closure)}


def _hidden(trees: Sequence[Tree], value: Any) -> Any:
    if isinstance(value, str):
        return sops.hidden(trees, value)
    if isinstance(value, list):
        return [_hidden(trees, item) for item in value]
    if isinstance(value, dict):
        return {name: _hidden(trees, field) for name, field in value.items()}
    return value


def _there(mirrors: Place, keys_wanted: Iterable[str]) -> dict[str, str]:
    """Return what is seen at the keys of `keys_wanted`; a ref that is lent no more is at none."""
    own, lent = mirrors[0], dict(mirrors[1])
    states: dict[str, str] = {}
    for ref, keys in parted(keys_wanted).items():
        if not ref:
            states |= _open(*own).seen(keys)
        elif ref in lent:
            states |= {lent_key(ref, key): state for key, state in _open(*lent[ref]).seen(keys).items()}
    return states


def documents(name: str, text: str) -> list[tuple[int, Any]]:
    """Return the line and value of each document of a YAML or JSON file; raises InvalidManifest."""
    return [(document.line, document.value) for document in parse(name, text.encode(), RenderSettings()).documents]


def _rendered(tree: Tree, path: str, declared: Mapping[str, Any], context: RenderContext) -> dict[str, Any]:
    entries = tree.list(path)
    if entries is None:
        raise PathNotFound(f"{path} is no directory at this revision", remedy="mend spec.source.path, or add it in Git")
    options = overridden(tree, path, entries, declared, context)
    warnings = Warnings()
    tooling = tooling_of(Fields(options, ".spec.source", warnings))
    tool = tooling.tool or ("Plugin" if plugin.discovered(tree, path, context) else _detected_source_type(entries))
    if tool == "Kustomize":
        loaded = kustomize.build(tree, path, tooling.kustomize, context)
    elif tool == "Helm":
        loaded = helm.build(tree, path, tooling.helm, context)
    elif tool == "Plugin":
        loaded = plugin.generate(tree, path, tooling.plugin, context)
    elif tool == "Directory":
        loaded = directory.build(tree, path, tooling.directory, context)
    else:
        raise not_supported(f"{path} asks for {tool}")
    return {
        "source_type": tool,
        "manifests": [orjson.Fragment(manifest) for manifest in loaded.manifests],
        "origins": loaded.origins,
        "announced": loaded.announced,
        "nameless": loaded.nameless,
        "warnings": [*loaded.warnings, *(warnings.all() if options != declared else ())],
    }


def _detected_source_type(entries: Sequence[Entry]) -> str:
    """Return the tool that the files of a directory are for; Kustomize goes before Helm, as in Argo CD."""
    names = {entry.name for entry in entries}
    if not names.isdisjoint(FILES):
        return "Kustomize"
    return "Helm" if CHART in names else "Directory"


def not_supported(what: str) -> NotSupported:
    """Return the error for a source that asks for a tool which is not done yet."""
    return NotSupported(
        f"{what}, and this version of gitopsd renders directories, Kustomize and Helm charts in Git",
        remedy="commit what it renders, or write spec.source.directory to have files read as they are",
    )


def _open(opener: str, mirror: str, revision: str) -> Tree:
    module, _, name = opener.partition(":")
    opened: Callable[[str, str], Tree] = getattr(importlib.import_module(module), name)
    return opened(mirror, revision)
