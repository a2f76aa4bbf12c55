"""What runs in a worker: look up, and render. Values in and out are JSON; the tree is opened there by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from gitopsd.errors import InvalidManifest, NotSupported, PathNotFound
from gitopsd.manifests import plain
from gitopsd.manifests.closure import manifests_key
from gitopsd.manifests.yaml import parse
from gitopsd.model.application import DirectoryOptions
from gitopsd.ports import Entry, Tree
from gitopsd.settings import RenderSettings

LOOK_UP = f"{__name__}:look_up"
RENDER = f"{__name__}:render"
DOCUMENTS = f"{__name__}:documents"

FOLLOWS_FROM_INPUTS = (InvalidManifest, PathNotFound, NotSupported)  # what may be remembered like manifests


Place = tuple[str, str, str]  # who opens trees ("module:function"), the mirror, the revision


def look_up(place: Place, questions: Sequence[tuple[str, Sequence[Sequence[str]]]]) -> list[list[str]]:
    """Return the key that each look-up set of each question has there; a question is inputs and sets."""
    tree = _open(*place)
    seen = tree.seen({key for _, sets in questions for looked_up in sets for key in looked_up})
    return [
        [manifests_key(inputs, {key: seen[key] for key in looked_up}) for looked_up in sets]
        for inputs, sets in questions
    ]


def render(place: Place, inputs: str, source: Mapping[str, Any], limits: Mapping[str, int]) -> dict[str, Any]:
    """Render one source: `outcome` (manifests, or an error that follows from the inputs), `key`, `looked_up`."""
    tree = _open(*place)
    outcome: dict[str, Any]
    try:
        outcome = _rendered(tree, source["path"], source["tool"], source["directory"], RenderSettings(**limits))
    except FOLLOWS_FROM_INPUTS as err:
        outcome = {"error": [type(err).__name__, err.what, err.remedy]}
    closure = tree.closure()
    return {"outcome": outcome, "key": manifests_key(inputs, closure), "looked_up": sorted(closure)}


def documents(name: str, text: str) -> list[tuple[int, Any]]:
    """Return the line and value of each document of a YAML or JSON file; raises InvalidManifest."""
    return [(document.line, document.value) for document in parse(name, text.encode(), RenderSettings()).documents]


def _rendered(tree: Tree, path: str, tool: str, options: Mapping[str, Any], limits: RenderSettings) -> dict[str, Any]:
    if not tool:
        _refuse_tools(path, tree.list(path) or ())
    loaded = plain.directory(tree, path, DirectoryOptions(**options), limits)
    return {
        "source_type": "Directory",
        "manifests": [orjson.Fragment(manifest) for manifest in loaded.manifests],
        "origins": loaded.origins,
        "warnings": loaded.warnings,
    }


TOOLS = {
    "Chart.yaml": "Helm",
    "kustomization.yaml": "Kustomize",
    "kustomization.yml": "Kustomize",
    "Kustomization": "Kustomize",
}


def _refuse_tools(path: str, entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.name in TOOLS:
            raise NotSupported(
                f"{path} holds {entry.name}, so it is for {TOOLS[entry.name]}, and this version of gitopsd renders "
                "plain directories",
                remedy="write spec.source.directory to have its files read as they are, or commit what it renders",
            )


def _open(opener: str, mirror: str, revision: str) -> Tree:
    module, _, name = opener.partition(":")
    opened: Callable[[str, str], Tree] = getattr(importlib.import_module(module), name)
    return opened(mirror, revision)
