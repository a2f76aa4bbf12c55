"""The blocks of a source that say by what it is rendered, and how: `directory`, `kustomize`, `helm`, `plugin`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsd.core.declaration.fields import Fields
from gitopsd.core.declaration.helm import helm_options
from gitopsd.core.declaration.plugin import plugin_options
from gitopsd.model.application import (
    FLAT,
    DirectoryOptions,
    HelmOptions,
    JsonnetOptions,
    JsonnetVariable,
    KustomizeOptions,
    PluginOptions,
    Tooling,
)

BLOCKS = {"helm": "Helm", "kustomize": "Kustomize", "plugin": "Plugin", "directory": "Directory"}


def tooling_of(source: Fields) -> Tooling:
    """Return what the blocks of `source` say.

    Raises:
        InvalidDeclaration: a field is not of its type, or blocks of two tools are there.
    """
    kustomize, helm = source.mapping("kustomize"), source.mapping("helm")
    plugin = source.mapping("plugin")
    return Tooling(
        tool=_tool(source),
        directory=_directory(source.mapping("directory")),
        kustomize=_kustomize(kustomize) if kustomize is not None else KustomizeOptions(),
        helm=helm_options(helm) if helm is not None else HelmOptions(),
        plugin=plugin_options(plugin) if plugin is not None else PluginOptions(),
    )


def _tool(source: Fields) -> str:
    named = [tool for block, tool in BLOCKS.items() if source.raw(block) or source.has(block)]
    if len(named) > 1:
        raise source.refuse("", f"has blocks for {' and '.join(named)}", "leave one of them")
    if source.has("chart"):
        return "Helm"
    return named[0] if named else ""


def _directory(directory: Fields | None) -> DirectoryOptions:
    if directory is None:
        return FLAT
    jsonnet = directory.mapping("jsonnet")
    options = DirectoryOptions(
        recurse=directory.flag("recurse"),
        include=directory.text("include"),
        exclude=directory.text("exclude"),
        any_extension=directory.flag("disableExtensionFilter"),
        jsonnet=_jsonnet(jsonnet) if jsonnet is not None else JsonnetOptions(),
    )
    directory.close()
    return options


def _jsonnet(jsonnet: Fields) -> JsonnetOptions:
    options = JsonnetOptions(_variables(jsonnet, "extVars"), _variables(jsonnet, "tlas"), jsonnet.texts("libs"))
    jsonnet.close()
    return options


def _variables(jsonnet: Fields, name: str) -> tuple[JsonnetVariable, ...]:
    variables = []
    for variable in jsonnet.mappings(name) or ():
        if not variable.text("name"):
            raise variable.refuse("name", "is missing", "write the variable's name")
        variables.append(JsonnetVariable(variable.text("name"), variable.text("value"), variable.flag("code")))
        variable.close()
    return tuple(variables)


def _kustomize(block: Fields) -> KustomizeOptions:
    options = KustomizeOptions(
        name_prefix=block.text("namePrefix"),
        name_suffix=block.text("nameSuffix"),
        namespace=block.text("namespace"),
        images=block.texts("images"),
        replicas=_replicas(block),
        common_labels=block.text_map("commonLabels"),
        label_without_selector=block.flag("labelWithoutSelector"),
        label_include_templates=block.flag("labelIncludeTemplates"),
        force_common_labels=block.flag("forceCommonLabels"),
        common_annotations=block.text_map("commonAnnotations"),
        common_annotations_envsubst=block.flag("commonAnnotationsEnvsubst"),
        force_common_annotations=block.flag("forceCommonAnnotations"),
        patches=_patches(block),
        components=block.texts("components"),
        ignore_missing_components=block.flag("ignoreMissingComponents"),
        version=block.text("version"),
        kube_version=block.text("kubeVersion"),
        api_versions=block.texts("apiVersions"),
    )
    if options.label_include_templates and not options.label_without_selector:
        raise block.refuse(
            "labelIncludeTemplates", "is given without labelWithoutSelector", "set both, or leave it out"
        )
    block.close()
    return options


def _replicas(block: Fields) -> dict[str, int]:
    """Return name → count; a count may be a whole number or one in quotes, as Kubernetes' IntOrString."""
    counts = {}
    for replica in block.mappings("replicas") or ():
        name = replica.text("name")
        count = replica.value().get("count")
        text = str(count) if isinstance(count, int | str) and not isinstance(count, bool) else ""
        if not name:
            raise replica.refuse("name", "is missing", "write the name of a Deployment or the like")
        if not text.isascii() or not text.isdecimal():
            raise replica.refuse("count", "is no count", "write a whole number that is not below 0")
        counts[name] = int(text)
        replica.ignore("count")
        replica.close()
    return counts


def _patches(block: Fields) -> tuple[Mapping[str, Any], ...]:
    patches = []
    for patch in block.mappings("patches") or ():
        if patch.text("path") and patch.text("patch"):
            raise patch.refuse("", "has a path and a patch", "leave one of them")
        if not patch.text("path") and not patch.text("patch"):
            raise patch.refuse("", "has neither a path nor a patch", "write one of them")
        target = patch.mapping("target")
        if target is not None:
            for name in ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"):
                target.text(name)
            target.close()
        options = patch.mapping("options")
        if options is not None:
            for name in ("allowNameChange", "allowKindChange"):
                options.flag(name)
            options.close()
        patch.close()
        patches.append({name: patch.value()[name] for name in PATCH if patch.has(name)})
    return tuple(patches)


PATCH = ("path", "patch", "target", "options")
