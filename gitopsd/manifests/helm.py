"""Helm: a chart of a tree and the values that an Application gives it → manifests, as `helm template` has them.

The chart is packed in memory and rendered by Helm's own library in this worker: nothing is written, and nothing is
asked for over a network.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gitopsd.core.target.options import HELM_HOOK
from gitopsd.errors import InvalidDeclaration, InvalidManifest
from gitopsd.manifests.capabilities import CapabilityReads, api_versions, asked_of, check_version, kube_version
from gitopsd.manifests.chart_files import CHART, Files, chart_files, mapping, packed, unpacked
from gitopsd.manifests.dependencies import with_dependencies
from gitopsd.manifests.helm_library import HelmRefused, HelmRelease, Rendering, rendering
from gitopsd.manifests.helm_values import Values, helm_values, large_numbers
from gitopsd.manifests.plain import Loaded
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.reproducible import at_another_time, differing
from gitopsd.manifests.validate import manifests_of
from gitopsd.manifests.yaml import Document, parse
from gitopsd.model.application import HelmOptions
from gitopsd.ports import Tree
from gitopsd.settings import RenderSettings

SHOWN = 1500  # characters of Helm's own words
NOTES = "NOTES.txt"
LONGEST_NAME = 53  # of a release, as Helm has it: templates append to it
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
TESTS = {"test", "test-success"}
HOOKS = TESTS | {f"{when}-{what}" for when in ("pre", "post") for what in ("install", "upgrade", "delete", "rollback")}
QUOTE = "quote it in the template, as in {{ .Values.x | quote }}"
SEPARATOR = re.compile(r"^---[ \t]*(?=\S)", re.MULTILINE)  # Helm takes what follows on the line for the next document


def build(tree: Tree, path: str, options: HelmOptions, given: RenderContext) -> Loaded:
    """Return what the chart in `path` renders to with the values of `options`.

    Raises:
        InvalidManifest: Helm refuses the chart or its values, or it renders something that is no manifest.
        InvalidDeclaration: `options` cannot be read, or the release's name is none that Helm takes.
        NotSupported: there is no Helm here.
        PathNotFound: there is no chart, or a path leads out of the repository.
        BaseNotLent: it depends on charts of elsewhere, which are not among `given.refs`.
    """
    files = chart_files(tree, path, given.limits)
    about = mapping(f"{path}/{CHART}", files[CHART], given.limits)
    if about.get("type") == "library":
        raise InvalidManifest(f"{path} is a library chart, which renders nothing", remedy="name a chart that uses it")
    files = with_dependencies(tree, path, files, given)
    values = helm_values(tree, path, options, given)
    texts = unpacked(files, path)
    if options.skip_schema_validation:
        files = {name: data for name, data in texts.items() if not name.endswith("values.schema.json")}
    try:
        wanted = asked_of(texts, values, about)
        release = _release(options, wanted, given)
        check_version(path, about, release.kube_version)
        found = rendering(packed(files), values, release)
        changing = _changing(found, texts if not options.skip_schema_validation else files, values, release)
    except HelmRefused as err:
        words = " ".join(str(err).split())[:SHOWN]
        raise InvalidManifest(f"{path}: Helm refuses it: {words}", remedy="mend the chart or its values") from err
    loaded = _loaded(path, found, options, given.limits)
    for warning in found.warnings:
        loaded.warn(f"{path}: {warning.strip()}")
    if changing:
        shown = ", ".join(posixpath.join(path, name.partition("/")[2]) for name in changing[:5])
        loaded.warn(
            f"not reproducible: {shown} renders to something else each time; it is kept until its inputs change"
        )
    for name in large_numbers(options):
        loaded.warn(
            f"{path}: templates see the number of the parameter {name} as 1e+06; set its forceString for digits"
        )
    return loaded


def _changing(found: Rendering, files: Files, values: Values, release: HelmRelease) -> list[str]:
    """Return the templates that would render to something else at another time."""
    again = at_another_time(files)
    if again is None:
        return []
    try:
        return differing(found.templates, rendering(packed(again), values, release).templates)
    except HelmRefused:  # of what is made of it by another clock: nobody can tell
        return []


def _release(options: HelmOptions, wanted: CapabilityReads, given: RenderContext) -> HelmRelease:
    return HelmRelease(
        _release_name(options, given),
        options.namespace or given.variables["ARGOCD_APP_NAMESPACE"],
        kube_version(options, wanted, given.variables),
        api_versions(options, wanted, given.variables),
    )


def _release_name(options: HelmOptions, given: RenderContext) -> str:
    name = options.release_name or given.variables["ARGOCD_APP_NAME"]
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise InvalidDeclaration(
            f"{name[:80]!r} is no name of a Helm release",
            remedy=f"set helm.releaseName to lower-case letters, digits, '-' and '.', {LONGEST_NAME} at most",
        )
    return name


def _loaded(path: str, found: Rendering, options: HelmOptions, limits: RenderSettings) -> Loaded:
    loaded = Loaded()
    for name, text in () if options.skip_crds else found.crds:
        place = _place(path, name)
        for document in _documents(place, text, limits):
            _add(loaded, place, document)
    for name, text in sorted(_texts(found.templates)):
        place = _place(path, name)
        for document in _documents(place, text, limits):
            hooks = _hooks(document.value)
            if unknown := sorted(hooks - HOOKS):
                loaded.warn(
                    f"{_rendered(place)}: the object of line {document.line} is a Helm hook of the type "
                    f"{unknown[0][:80]!r}, which Helm does not know: it was left out, as Helm leaves it out"
                )
            elif not (options.skip_tests and hooks & TESTS):
                _add(loaded, place, document)
    if len(loaded.manifests) > limits.max_documents:
        raise InvalidManifest(
            f"{path} renders to more than {limits.max_documents} manifests",
            remedy="split the application, or raise render.max_documents",
        )
    return loaded


def _place(path: str, name: str) -> str:
    return posixpath.join(path, name.partition("/")[2])


def _rendered(place: str) -> str:
    return f"what {place} renders to"


def _texts(templates: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in templates.items():
        base = posixpath.basename(name)
        if text.strip() and not base.startswith("_") and not base.endswith(NOTES):
            yield name, text


def _documents(place: str, text: str, limits: RenderSettings) -> Iterator[Document]:
    # Helm ends what it prints with a line break, so a block of text at the end of a template has one as well.
    whole = text if text.endswith("\n") else f"{text}\n"
    yield from parse(_rendered(place), SEPARATOR.sub("---\n", whole).encode(), limits).documents


def _add(loaded: Loaded, place: str, document: Document) -> None:
    for manifest in manifests_of(_rendered(place), document.value, QUOTE):
        loaded.manifests.append(orjson.dumps(manifest))
        loaded.origins.append(place)


def _hooks(value: Any) -> frozenset[str]:
    """Return the types of Helm's hooks that a document names, as Helm reads them: an empty text is one, too."""
    meta = value.get("metadata") if isinstance(value, dict) else None
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    text = annotations.get(HELM_HOOK) if isinstance(annotations, dict) else None
    return frozenset(each.strip().lower() for each in text.split(",")) if isinstance(text, str) else frozenset()
