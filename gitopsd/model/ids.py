"""Names of things. A `str` that names something has a type of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from gitopsd.model.manifest import ResourceKey

AppName = NewType("AppName", str)
ProjectName = NewType("ProjectName", str)
ClusterId = NewType("ClusterId", str)  # the cluster's name in the settings
RepoUrl = NewType("RepoUrl", str)  # as the declaration writes it
Revision = NewType("Revision", str)  # a full commit SHA, never a branch name
ResourceVersion = NewType("ResourceVersion", str)  # opaque: test for equality, never order
Uid = NewType("Uid", str)
FieldManager = NewType("FieldManager", str)
TargetHash = NewType("TargetHash", str)  # of target objects in apply form, 128 bits as hex
ViewHash = NewType("ViewHash", str)  # of an owned view, 128 bits as hex

TRACKING = re.compile(r"(?P<app>[^:]+):(?P<group>[^/:]*)/(?P<kind>[^:/]+):(?P<namespace>[^/:]*)/(?P<name>.+)")


@dataclass(frozen=True, slots=True)
class TrackingId:
    """Which application owns an object, and the object it was written for: `<app>:<group>/<kind>:<ns>/<name>`."""

    app: AppName
    key: ResourceKey

    def __str__(self) -> str:
        return f"{self.app}:{self.key}"

    def names(self, key: ResourceKey) -> bool:
        """Tell whether it was written for the object `key`, and not copied from another one.

        A Deployment's annotations are copied to its ReplicaSets, an Ingress's to a Certificate: such a copy owns
        nothing. Argo CD writes the application's destination namespace on cluster-scoped objects too, so there it is
        not compared.
        """
        if key.namespace and self.key.namespace != key.namespace:
            return False
        return (self.key.group, self.key.kind, self.key.name) == (key.group, key.kind, key.name)

    @classmethod
    def parse(cls, text: str) -> TrackingId | None:
        """Return the tracking id that `text` writes, or None where it is not one."""
        match = TRACKING.fullmatch(text)
        if match is None:
            return None
        return cls(AppName(match["app"]), ResourceKey(match["group"], match["kind"], match["namespace"], match["name"]))
