"""The door to Helm's own library (helm-python-sdk, a binding of its Go packages), in the process of a worker.

The package's class for charts leaves out what its library can do (the cluster's version and kinds), so the library's
functions are called by the package's table of them.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from gitopsd.errors import NotSupported

WARNING = re.compile(r" warning: ([^\n(]+)")
MOST_TOLD_BYTES = 64 << 10


class HelmRefused(Exception):
    """Helm refuses a chart or its values; it says why."""


@dataclass(frozen=True, slots=True)
class HelmRelease:
    """What a chart is rendered as."""

    name: str
    namespace: str
    kube_version: str = ""  # "": the library's own
    api_versions: tuple[str, ...] = ()  # besides the library's own


@dataclass(frozen=True, slots=True)
class Rendering:
    templates: Mapping[str, str]  # `chart/templates/x.yaml` → text; partials are left out
    crds: tuple[tuple[str, str], ...]  # file and text, of every chart that is not switched off
    warnings: tuple[str, ...]  # of values that have no effect


def rendering(archive: bytes, values: Mapping[str, Any], release: HelmRelease) -> Rendering:
    """Render the chart in `archive`, without a cluster: `lookup` finds nothing.

    Raises:
        Refused: the chart, its values or a template is not what it should be.
        NotSupported: there is no library.
    """
    library = _library()
    options = {"name": release.name, "namespace": release.namespace}
    if release.kube_version:
        options["kube_version"] = release.kube_version
    with _refusals(), _told() as warnings:
        buffer = (ctypes.c_uint8 * len(archive)).from_buffer_copy(archive)
        chart = library.call_handle("helm_chart_load_archive", buffer, len(archive))
        try:
            settings = orjson.dumps(options | {"api_versions": release.api_versions}).decode()
            templates = library.call_string("helm_render", chart, _json(values), settings)
            # Afterwards: rendering drops the sub-charts that conditions switch off.
            crds = library.call_string("helm_chart_crds", chart)
        finally:
            library.call_status("helm_chart_free", chart)
    definitions = tuple((crd["filename"], crd["data"]) for crd in orjson.loads(crds))
    return Rendering(orjson.loads(templates), definitions, tuple(warnings))


def _json(values: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(values).decode()
    except orjson.JSONEncodeError as err:  # a whole number of more than 64 bits
        raise HelmRefused(f"the values cannot be written as JSON: {err}") from err


def _library() -> Any:
    try:
        return importlib.import_module("helm_python._native")
    except Exception as err:  # the package's own too, where its library does not load
        raise NotSupported(
            f"there is nothing here that renders charts: {err}",
            remedy="install gitopsd[helm], or commit what the chart renders",
        ) from err


@contextmanager
def _told() -> Iterator[list[str]]:
    """Collect the library's warnings, which it writes to standard error; what they show of values is left out."""
    warnings: list[str] = []
    before = os.dup(2)
    with os.fdopen(os.memfd_create("stderr"), "r+b", buffering=0) as stderr:
        os.dup2(stderr.fileno(), 2)
        try:
            yield warnings
        finally:
            os.dup2(before, 2)
            os.close(before)
        stderr.seek(0)
        warnings += WARNING.findall(stderr.read(MOST_TOLD_BYTES).decode(errors="replace"))


@contextmanager
def _refusals() -> Iterator[None]:
    error: type[Exception] = importlib.import_module("helm_python.errors").HelmError
    try:
        yield
    except error as err:
        raise HelmRefused(str(getattr(err, "detail", None) or err)) from err
