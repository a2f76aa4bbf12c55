"""The versions that a chart's lock pins its dependencies to: `Chart.lock`, or `requirements.lock` of old charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gitopsd.core.source.semver import Version, range_of
from gitopsd.errors import InvalidManifest
from gitopsd.manifests.chart_files import Files, mapping
from gitopsd.settings import RenderSettings

OLD = "requirements.yaml"  # of charts of apiVersion v1
LOCKS = ("Chart.lock", "requirements.lock")


def locked(path: str, declared: Sequence[Mapping[str, Any]], files: Files, limits: RenderSettings) -> list[str]:
    """Return the version of each dependency that is `declared`: of the lock, or as it is declared where there is none.

    Raises:
        InvalidManifest: the lock is of other dependencies.
    """
    ranges = [str(dependency.get("version") or "") for dependency in declared]
    lock = next((name for name in LOCKS if name in files), None)
    if lock is None:
        return ranges
    entries = mapping(f"{path}/{lock}", files[lock], limits).get("dependencies")
    pins = [entry for entry in entries or () if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    versions = [str(pin.get("version") or "") for pin in pins]
    names, declared_names = ([str(entry.get("name")) for entry in some] for some in (pins, declared))
    if names != declared_names or not all(_fits(*pair) for pair in zip(versions, ranges, strict=True)):
        raise InvalidManifest(
            f"{path}/{lock} is not of the dependencies that are declared",
            remedy="run `helm dependency update`, and commit the lock",
        )
    return versions


def _fits(version: str, constraint_text: str) -> bool:
    """Tell whether `constraint_text` allows `version`; what is neither a version nor a range says nothing."""
    constraint, parsed = range_of(constraint_text), Version.parse(version)
    return constraint is None or parsed is None or constraint.allows(parsed)
