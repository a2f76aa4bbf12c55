"""Manifests are keyed by what was read, not by the commit (decision 1).

`inputs_hash` names everything a render is given besides the tree; `manifests_key` adds what it saw there, look-ups
that failed included. Equal key: same manifests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import orjson

from gitopsd.core.declaration.tooling import BLOCKS
from gitopsd.model.application import Source
from gitopsd.ports import Lent
from gitopsd.settings import RenderSettings

RECENT = 8  # closures kept for one source: branches that differ, and a way back

LookedUp = tuple[str, ...]  # keys of a closure, sorted


@cache
def renderer_version() -> str:
    """Return the hash of what turns files into manifests: this package's code and its parsers."""
    parsers = f"{_version('pyyaml')} {orjson.__version__} {_version('gojsonnet')} {_version('helm-python-sdk')}"
    digest = hashlib.blake2b(parsers.encode(), digest_size=20)
    ours = Path(__file__).parent
    declared = ours.parent / "core" / "declaration"  # reads the blocks of a source
    for file in (*sorted(ours.glob("*.py")), *sorted(declared.glob("*.py"))):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def inputs_hash(source: Source, limits: RenderSettings, tools: str, lent: Iterable[Lent] = ()) -> str:
    """Return the name of all that a render of `source` depends on besides the files: no application, no revision.

    `tools` names the programs that may render it, by what they are. The repository is part of it, so that nobody's
    content answers for somebody else's.
    """
    blocks = {name: source.options[name] for name in BLOCKS if name in source.options}
    parts = [renderer_version(), tools, source.repository, source.path, source.tool]
    refs = sorted((loan.source.ref, loan.source.repository) for loan in lent)
    return _hash([*parts, blocks, limits, *refs])


def personal(inputs: str, variables: Mapping[str, str]) -> str:
    """Return the name under which look-ups of `inputs` are kept that were made where the variables had these values."""
    return _hash([inputs, sorted(variables.items())])


def manifests_key(inputs: str, states: Mapping[str, str]) -> str:
    """Return the key of what a render of `inputs` gives where it sees `states`, a closure."""
    return _hash([inputs, sorted(states.items())])


def _hash(value: object) -> str:
    return hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=20).hexdigest()


def with_newest(newest: LookedUp, recent: Iterable[LookedUp]) -> tuple[LookedUp, ...]:
    """Return the look-up sets to keep: `newest` first, each once, the oldest dropped."""
    return tuple(dict.fromkeys((newest, *recent)))[:RECENT]
