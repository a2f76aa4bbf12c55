"""What a render needs and its mirror lacks: a submodule's commit, or a file that is kept in Git LFS."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitopsd.errors import PartNotFetched

MIRROR = r"(?P<mirror>[0-9a-f]{32}(?:/modules/[0-9a-f]{32})*)"
SUBMODULE = re.compile(rf"submodule (?P<path>.+) at (?P<revision>[0-9a-f]{{40,64}}) of {MIRROR} is not fetched yet")
OBJECT = re.compile(rf"LFS object (?P<oid>[0-9a-f]{{64}}) of (?P<size>\d{{1,15}}) bytes of {MIRROR} is not fetched yet")
REMEDY = "it is fetched now"


@dataclass(frozen=True, slots=True)
class Submodule:
    mirror: str  # of the repository that has it: its path below the directory of mirrors
    path: str
    revision: str  # of the repository that has it

    def error(self) -> PartNotFetched:
        what = f"submodule {self.path} at {self.revision} of {self.mirror} is not fetched yet"
        return PartNotFetched(what, remedy=REMEDY)


@dataclass(frozen=True, slots=True)
class LfsObject:
    mirror: str
    oid: str  # SHA-256
    size: int

    def error(self) -> PartNotFetched:
        what = f"LFS object {self.oid} of {self.size} bytes of {self.mirror} is not fetched yet"
        return PartNotFetched(what, remedy=REMEDY)


def missing(err: PartNotFetched) -> Submodule | LfsObject | None:
    """Return what `err` misses; from a worker an error comes as its words alone. None where they say nothing."""
    if found := SUBMODULE.fullmatch(err.what):
        return Submodule(found["mirror"], found["path"], found["revision"])
    if found := OBJECT.fullmatch(err.what):
        return LfsObject(found["mirror"], found["oid"], int(found["size"]))
    return None
