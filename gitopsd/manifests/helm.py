"""Helm: a chart of a tree and the values that an Application gives it → manifests, as `helm template` has them.

The chart is packed in memory and rendered by Helm's own library in this worker: nothing is written, and nothing is
asked for over a network.
"""

from __future__ import annotations

import posixpath
import re

from gitopsd.core.text.redacted import without_given
from gitopsd.errors import InvalidDeclaration, InvalidManifest
from gitopsd.manifests.capabilities import CapabilityReads, api_versions, asked_of, check_version, kube_version
from gitopsd.manifests.chart_files import CHART, Files, chart_files, mapping, packed, unpacked
from gitopsd.manifests.chart_schema import FILE as SCHEMA
from gitopsd.manifests.chart_schema import check_schemas
from gitopsd.manifests.dependencies import with_dependencies
from gitopsd.manifests.directory import Loaded
from gitopsd.manifests.helm_library import HelmRefused, HelmRelease, Rendering, rendering
from gitopsd.manifests.helm_output import Printed, of_definitions, of_templates
from gitopsd.manifests.helm_values import Values, helm_values
from gitopsd.manifests.inflation import LONGEST_RELEASE, RELEASE
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.reproducible import at_another_time, differing
from gitopsd.manifests.validate import manifests_of
from gitopsd.manifests.whole_numbers import first_template
from gitopsd.model.application import HelmOptions
from gitopsd.ports import Tree
from gitopsd.settings import RenderSettings

SHOWN = 1500  # characters of Helm's own words
VERSIONS = ("v1", "v2")  # of charts; none is v1
TEMPLATES = re.compile(r"(?:^|/)templates/(?!.*NOTES\.txt$)")
COMMENT = re.compile(rb"\{\{-?\s*/\*.*?\*/", re.DOTALL)
TESTS = {"test", "test-success"}
HOOKS = TESTS | {f"{when}-{what}" for when in ("pre", "post") for what in ("install", "upgrade", "delete", "rollback")}
QUOTE = "quote it in the template, as in {{ .Values.x | quote }}"


def build(tree: Tree, path: str, options: HelmOptions, context: RenderContext) -> Loaded:
    """Return what the chart in `path` renders to with the values of `options`.

    Raises:
        InvalidManifest: Helm refuses the chart or its values, or it renders something that is no manifest.
        InvalidDeclaration: `options` cannot be read, or the release's name is none that Helm takes.
        NotSupported: there is no Helm here.
        PathNotFound: there is no chart, or a path leads out of the repository.
        BaseNotLent: it depends on charts of elsewhere, which are not among `given.refs`.
    """
    files = chart_files(tree, path, context.limits)
    about = mapping(f"{path}/{CHART}", files[CHART], context.limits)
    if about.get("type") == "library":
        raise InvalidManifest(f"{path} is a library chart, which renders nothing", remedy="name a chart that uses it")
    if (version := about.get("apiVersion") or "v1") not in VERSIONS:
        raise InvalidManifest(
            f"{path} is a chart of the apiVersion {str(version)[:80]!r}, which Helm does not render", remedy="write v2"
        )
    files = with_dependencies(tree, path, files, context)
    values = helm_values(tree, path, options, context)
    texts = unpacked(files, path)
    _check_text(path, texts)
    first = first_template(values, texts)
    if options.skip_schema_validation:
        files = {name: data for name, data in texts.items() if not name.endswith(SCHEMA)}
    else:
        check_schemas(path, texts)
    try:
        reads = asked_of(texts, values, about)
        release = _release(options, reads, context)
        check_version(path, about, release.kube_version)
        rendered = rendering(packed({**files, **first}), values, release)
        again = at_another_time(texts if not options.skip_schema_validation else files)
        changing = _changing(rendered, {**again, **first}, values, release) if again is not None else []
    except HelmRefused as err:
        words = without_given(" ".join(str(err).split()), values)[:SHOWN]
        raise InvalidManifest(f"{path}: Helm refuses it: {words}", remedy="mend the chart or its values") from err
    loaded = _loaded(path, rendered, options, context.limits)
    for warning in rendered.warnings:
        loaded.warn(f"{path}: {warning.strip()}")
    if changing:
        names = ", ".join(posixpath.join(path, name.partition("/")[2]) for name in changing[:5])
        loaded.warn(
            f"not reproducible: {names} renders to something else each time; it is kept until its inputs change"
        )
    return loaded


def _check_text(path: str, texts: Files) -> None:
    """Return if all templates are UTF-8, but for their comments; what is none would be read as something else."""
    for name, data in texts.items():
        if TEMPLATES.search(name):
            try:
                COMMENT.sub(b"", data).decode()
            except UnicodeDecodeError as err:
                raise InvalidManifest(f"{path}/{name}: not UTF-8", remedy="save the file as UTF-8") from err


def _changing(rendered: Rendering, again: Files, values: Values, release: HelmRelease) -> list[str]:
    """Return the templates that render to something else in the chart `again`, of another time."""
    try:
        return differing(rendered.templates, rendering(packed(again), values, release).templates)
    except HelmRefused:  # of what is made of it by another clock: nobody can tell
        return []


def _release(options: HelmOptions, reads: CapabilityReads, context: RenderContext) -> HelmRelease:
    return HelmRelease(
        _release_name(options, context),
        options.namespace or context.variables["ARGOCD_APP_NAMESPACE"],
        kube_version(options, reads, context.variables),
        api_versions(options, reads, context.variables),
    )


def _release_name(options: HelmOptions, context: RenderContext) -> str:
    name = options.release_name or context.variables["ARGOCD_APP_NAME"]
    if len(name) > LONGEST_RELEASE or not RELEASE.fullmatch(name):
        raise InvalidDeclaration(
            f"{name[:80]!r} is no name of a Helm release",
            remedy=f"set helm.releaseName to lower-case letters, digits, '-' and '.', {LONGEST_RELEASE} at most",
        )
    return name


def _loaded(path: str, rendered: Rendering, options: HelmOptions, limits: RenderSettings) -> Loaded:
    loaded = Loaded()
    for printed in of_definitions(path, () if options.skip_crds else rendered.crds, limits):
        _add(loaded, printed)
    for printed in of_templates(path, rendered.templates, limits):
        if unknown := sorted(printed.hooks - HOOKS):
            loaded.warn(
                f"{printed.what}: the object of line {printed.document.line} is a Helm hook of the type "
                f"{unknown[0][:80]!r}, which Helm does not know: it was left out, as Helm leaves it out"
            )
        elif not (options.skip_tests and printed.hooks & TESTS):
            _add(loaded, printed)
    if len(loaded.manifests) > limits.max_documents:
        raise InvalidManifest(
            f"{path} renders to more than {limits.max_documents} manifests",
            remedy="split the application, or raise render.max_documents",
        )
    return loaded


def _add(loaded: Loaded, printed: Printed) -> None:
    for manifest in manifests_of(printed.what, printed.document.value, QUOTE):
        loaded.add(printed.file, manifest)
