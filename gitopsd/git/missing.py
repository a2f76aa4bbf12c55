"""What a render needs and its mirror lacks: a submodule's commit, or a file that is kept in Git LFS."""

from __future__ import annotations

from gitopsd.errors import LfsObject, PartNotFetched, Submodule


def not_fetched(part: Submodule | LfsObject) -> PartNotFetched:
    """Return the error of a render that needs `part`."""
    if isinstance(part, Submodule):
        what = f"submodule {part.path} at {part.revision} of {part.mirror}"
    else:
        what = f"LFS object {part.oid} of {part.size} bytes of {part.mirror}"
    return PartNotFetched(f"{what} is not fetched yet", remedy="it is fetched now", details=part)
