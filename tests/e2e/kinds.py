"""What tests of kinds and their neighbours share."""

from __future__ import annotations

from tests.e2e.daemon import Json


def definition(group: str) -> Json:
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"boats.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Boat", "plural": "boats", "singular": "boat", "listKind": "BoatList"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def boat(group: str, size: int) -> Json:
    return {"apiVersion": f"{group}/v1", "kind": "Boat", "metadata": {"name": "ann"}, "spec": {"size": size}}
