"""Objects of every kind, written in every way, to a real and to the simulated cluster: the answers are equal."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsd.sim.kinds import ServedKind, builtin_kinds
from tests.contract.kubernetes.api import APPLY_PATCH, MERGE_PATCH
from tests.contract.kubernetes.objects import CRDS
from tests.contract.kubernetes.twins import Twins, comparable, differences

JSON = "application/json"
KINDS = {(kind.group, kind.kind): kind for kind in builtin_kinds()}
CORPUS = list(yaml.safe_load_all(Path(__file__).with_name("corpus.yaml").read_text()))


def kind_of(manifest: Any) -> ServedKind:
    group, _, _ = manifest["apiVersion"].rpartition("/")
    return KINDS[group, manifest["kind"]]


def collection(kind: ServedKind, namespace: str) -> str:
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{base}/namespaces/{namespace}/{kind.plural}" if kind.namespaced else f"{base}/{kind.plural}"


def requests(manifest: Any, path: str, *, first: str) -> Iterator[tuple[Any, ...]]:
    """Yield what is done to one object: made by POST or apply, applied with a change, patched, replaced, deleted."""
    one = f"{path}/{manifest['metadata']['name']}"
    labelled = copy.deepcopy(manifest)
    labelled["metadata"].setdefault("labels", {})["x"] = "y"
    if first == "POST":
        yield "POST", path, manifest, JSON, {"fieldManager": "poster"}
    else:
        yield "PATCH", one, manifest, APPLY_PATCH, {"fieldManager": "applier"}
    yield "PATCH", one, labelled, APPLY_PATCH, {"fieldManager": "applier", "force": "true"}
    yield "PATCH", one, labelled, APPLY_PATCH, {"fieldManager": "applier", "force": "true"}
    yield "PATCH", one, {"metadata": {"annotations": {"z": "1"}}}, MERGE_PATCH, {"fieldManager": "patcher"}
    yield "PATCH", one, manifest, APPLY_PATCH, {"fieldManager": "applier", "dryRun": "All"}
    yield "PUT", one, manifest, JSON, {"fieldManager": "putter"}
    yield "GET", one, None, JSON, {}
    yield "DELETE", one, None, JSON, {}


@pytest.mark.parametrize("first", ["POST", "apply"])
@pytest.mark.parametrize("manifest", CORPUS, ids=[f"{one['kind']} {one['metadata']['name']}" for one in CORPUS])
async def test_every_answer_is_equal(both: Twins, manifest: Any, first: str) -> None:
    namespace = f"corpus-{secrets.token_hex(4)}"
    manifest = yaml.safe_load(yaml.safe_dump(manifest).replace("NAMESPACE", namespace))
    await both.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    found, established = [], False
    for method, path, body, content_type, query in requests(
        manifest, collection(kind_of(manifest), namespace), first=first
    ):
        real, sim = await both.send(method, path, body, content_type, **query)
        lines = differences(comparable(real), comparable(sim))
        found += [f"{method} {content_type}: {line}" for line in lines]
        if manifest["kind"] == "CustomResourceDefinition" and not established:
            established = await both.established(f"{CRDS}/{manifest['metadata']['name']}")

    if manifest["kind"] == "CustomResourceDefinition":
        await both.gone(f"{collection(kind_of(manifest), namespace)}/{manifest['metadata']['name']}")
    assert [] == found


def test_corpus_has_every_kind() -> None:
    here = {kind_of(manifest).kind for manifest in CORPUS}
    unlike = {
        "APIService",  # its conditions come by themselves
        "PersistentVolume",  # its controller writes its phase and finalizers at any time
        "Namespace",
        "MutatingAdmissionPolicy",  # the two newest kinds have their siblings' form
        "MutatingAdmissionPolicyBinding",
    }

    assert {kind.kind for kind in builtin_kinds()} - unlike == here
