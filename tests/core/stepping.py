"""The objects that tests of a sync's steps are about, and a world of them."""

from __future__ import annotations

from typing import Any

from gitopsd.model.manifest import ResourceKey
from tests.core.lives import config_key, manifest_of
from tests.core.worlds import World

NAMESPACE = ResourceKey("", "Namespace", "", "prod")
DEFINITION = ResourceKey("apiextensions.k8s.io", "CustomResourceDefinition", "", "cars.example.org")
CAR = ResourceKey("example.org", "Car", "prod", "beetle")
WEB = ResourceKey("apps", "Deployment", "prod", "web")
ONE, TWO, OLD = config_key("one"), config_key("two"), config_key("old")
DEFINES = {"group": "example.org", "names": {"kind": "Car"}, "scope": "Namespaced"}


def world(*keys: ResourceKey, waves: dict[ResourceKey, int] | None = None, **fields: Any) -> World:
    target = {}
    for key in keys:
        wave = (waves or {}).get(key)
        annotations = {} if wave is None else {"argocd.argoproj.io/sync-wave": str(wave)}
        extra = {"spec": DEFINES} if key == DEFINITION else {}
        target[key] = manifest_of(key, annotations=annotations, **extra)
    return World(target, **fields)
