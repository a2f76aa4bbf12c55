"""A target, and live objects and predictions of it with their managedFields."""

from __future__ import annotations

from typing import Any

from gitopsd.core.compare.verdict import Basis, Doubtful, verdict
from gitopsd.model.comparison import Pair, Remembered
from gitopsd.model.ids import TargetHash, ViewHash
from tests.core.frozen import frozen
from tests.core.lives import config_key, found, manifest_of

KEY = config_key()
TARGET = manifest_of(KEY, data={"a": "1"})
BASIS = Basis(TargetHash("t"), admission="adm")
SHOWN = Remembered(TargetHash("t"), ViewHash("view"), "", "adm")


def doubt(basis: Basis = BASIS, key: Any = KEY, target: Any = TARGET, **live: Any) -> Doubtful:
    asked = verdict(Pair(key, target, found(key, **live)), target, basis, None)
    assert isinstance(asked, Doubtful)
    return asked


def body(data: Any = None, version: str = "7", fields: Any = ..., annotations: Any = None, **more: Any) -> Any:
    """Return an object of which our Apply entry owns `fields`; without: all of its data and annotations."""
    data = data or {"a": "1"}
    if fields is ...:
        fields = {"f:data": named(data), "f:metadata": {"f:annotations": named(annotations or {})}}
    meta = {"name": "x", "namespace": "prod", "resourceVersion": version, "managedFields": managed(fields)}
    if annotations is not None:
        meta["annotations"] = annotations
    return frozen({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data, **more})


def named(values: Any) -> Any:
    return {f"f:{name}": {} for name in values}


def managed(fields: Any) -> list[Any]:
    entry = {"manager": "gitopsd", "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}
    return [entry] if fields else []
