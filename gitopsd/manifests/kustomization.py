"""A kustomization as a value: what it names, and what an Application changes of it. No I/O.

Source of both: kustomize 5, api/types/kustomization.go for the fields, kustomize/commands/edit for the changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.variables import Variables
from gitopsd.model.application import KustomizeOptions

FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

# Those that name nothing, then those that do.
FIELDS = (
    *("apiVersion", "kind", "metadata", "namePrefix", "nameSuffix", "namespace", "commonLabels", "labels"),
    *("commonAnnotations", "images", "imageTags", "replicas", "vars", "sortOptions", "generatorOptions"),
    *("buildMetadata", "helmGlobals", "helmCharts", "helmChartInflationGenerator"),
    *("openapi", "patchesStrategicMerge", "patchesJson6902", "patches", "replacements", "resources", "components"),
    *("crds", "bases", "configMapGenerator", "secretGenerator", "configurations", "generators", "transformers"),
    "validators",
)
_CANONICAL = {name.lower(): name for name in FIELDS}  # kustomize takes a field in any case, as Go's JSON does

Kustomization = Mapping[str, Any]

SWITCHES = ("includeSelectors", "includeTemplates")  # of an entry of `labels`
IMAGE = re.compile(r"(?P<name>[^@]*?)(?::(?P<tag>[^:/@]*))?(?:@(?P<digest>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Names:
    """What a kustomization names, as it stands there."""

    files: tuple[str, ...]
    files_or_directories: tuple[str, ...]  # of the two, the file is taken
    directories: tuple[str, ...]
    configs: tuple[str, ...]  # of generators and the like: a file or directory, or the document itself
    helm: bool  # asks for Helm inflation
    unknown: tuple[str, ...]  # fields of another version of kustomize


def canonical(value: Any) -> Kustomization:
    """Return a document with its fields by their proper names; what is no mapping has none."""
    fields = value if isinstance(value, Mapping) else {}
    return {_CANONICAL.get(str(name).lower(), str(name)): one for name, one in fields.items()}


def names(value: Kustomization) -> Names:
    """Return what `value`, canonical, names; what is not of the type it should be names nothing, and fails later."""
    patches = [*_mappings(value, "patches"), *_mappings(value, "patchesJson6902"), *_mappings(value, "replacements")]
    openapi = value.get("openapi")
    files = [
        *_texts(patch.get("path") for patch in patches),
        *_texts([openapi.get("path")] if isinstance(openapi, Mapping) else []),
        *(text for text in _list(value, "patchesStrategicMerge") if not is_document(text)),
        *_list(value, "crds"),
        *_list(value, "configurations"),
    ]
    for generator in (*_mappings(value, "configMapGenerator"), *_mappings(value, "secretGenerator")):
        files += _sources(generator)
    return Names(
        files=tuple(files),
        files_or_directories=(*_list(value, "resources"), *_list(value, "bases")),
        directories=tuple(_list(value, "components")),
        configs=tuple(text for name in ("generators", "transformers", "validators") for text in _list(value, name)),
        helm=bool(value.get("helmCharts") or value.get("helmChartInflationGenerator")),
        unknown=tuple(sorted(value.keys() - set(FIELDS))),
    )


def chart_entries(value: Kustomization) -> list[Mapping[str, Any]]:
    """Return what `value`, canonical, says of each chart that it inflates."""
    return [*_mappings(value, "helmCharts"), *_mappings(value, "helmChartInflationGenerator")]


def charts(value: Kustomization) -> tuple[str, list[str]]:
    """Return the directory of the charts that `value`, canonical, inflates, and the files of values it names."""
    home = value.get("helmGlobals")
    homes = _texts([home.get("chartHome")] if isinstance(home, Mapping) else [])
    charts = chart_entries(value)
    files = [*_texts(chart.get("valuesFile") for chart in charts), *_texts(chart.get("values") for chart in charts)]
    return next(homes, "charts"), [
        *files,
        *(text for chart in charts for text in _list(chart, "additionalValuesFiles")),
    ]


def config_names(config: Any) -> Iterator[str]:
    """Yield the files that the configuration of a built-in generator or transformer names."""
    if isinstance(config, Mapping):
        yield from _texts([config.get("path")])
        yield from _list(config, "paths")
        yield from _sources(config)
        yield from _texts(replacement.get("path") for replacement in _mappings(config, "replacements"))


def is_document(text: str) -> bool:
    """Tell whether `text` is a YAML document itself, where kustomize takes one or the name of a file."""
    return "\n" in text or text.lstrip().startswith("{")


def is_inflation(config: Any) -> bool:
    """Tell whether the configuration of a generator asks for Helm inflation."""
    return isinstance(config, Mapping) and config.get("kind") == "HelmChartInflationGenerator"


def is_remote(text: str) -> bool:
    """Tell whether kustomize would fetch a base or a file from `text`, which names nothing in the repository."""
    return is_url(text) or _REMOTE.search(text) is not None


def is_url(text: str) -> bool:
    """Tell whether kustomize fetches `text` whatever is in the repository."""
    return re.match(r"https?:|[a-z][a-z0-9+.-]*://", text, re.IGNORECASE) is not None


_REMOTE = re.compile(r"^git::|^[^/@]+@[^/]+[:/]|^([^/@]+@)?github\.com[:/]|\?(ref|version)=", re.IGNORECASE)


def edited(
    value: Kustomization, options: KustomizeOptions, variables: Variables, components: Sequence[str]
) -> Kustomization:
    """Return `value`, canonical, as `kustomize edit` would leave it after what `options` asks for.

    `variables` go into images, labels and, where asked for, annotations; `components` are those of `options` that are
    to be added.

    Raises:
        InvalidManifest: what is there already is of another type, or is there and may not be replaced.
    """
    overrides = {
        "namePrefix": options.name_prefix,
        "nameSuffix": options.name_suffix,
        "namespace": options.namespace,
    }
    changed = {**value, **{name: text for name, text in overrides.items() if text}}
    if options.images:
        old = [*_checked(value, "images", list), *_checked(value, "imageTags", list)]
        changed["images"] = _images(old, [variables.expand(text) for text in options.images])
        changed.pop("imageTags", None)
    if options.replicas:
        new = [{"name": name, "count": count} for name, count in options.replicas.items()]
        changed["replicas"] = _by_name(_checked(value, "replicas", list), new)
    if options.common_labels:
        labels = {name: variables.expand(text) for name, text in options.common_labels.items()}
        changed.update(_labels(value, labels, options))
    if options.common_annotations:
        expand = variables.expand if options.common_annotations_envsubst else str
        there = _checked(value, "commonAnnotations", dict)
        annotations = {name: expand(text) for name, text in options.common_annotations.items()}
        changed["commonAnnotations"] = _added("annotation", there, annotations, force=options.force_common_annotations)
    if options.patches:
        changed["patches"] = [*_checked(value, "patches", list), *options.patches]
    if components:
        changed["components"] = list(dict.fromkeys([*_checked(value, "components", list), *components]))
    return changed


def _images(old: list[Any], texts: Iterable[str]) -> list[Any]:
    new = [_image(text) for text in texts]
    for image in new:
        same = (entry for entry in old if isinstance(entry, Mapping) and entry.get("name") == image["name"])
        before: Mapping[str, Any] = next(same, {})
        for name in ("newName", "newTag", "digest"):
            if image.get(name) == "*":
                image[name] = before.get(name, "")
    return _by_name(old, [{name: text for name, text in image.items() if text or name == "name"} for image in new])


def _image(text: str) -> dict[str, str]:
    """Return an entry of `images` from `name=new:tag@digest` or `name:tag@digest`."""
    name, separator, new = text.partition("=")
    match = IMAGE.fullmatch(new if separator else text)
    if match is None or (not separator and match["tag"] is None and match["digest"] is None):
        raise InvalidManifest(
            f"kustomize.images has {text!r}, which says nothing to change",
            remedy="write name=new:tag, name:tag or name@digest",
        )
    changed = {"newTag": match["tag"] or "", "digest": match["digest"] or ""}
    if separator:
        return {"name": name, "newName": match["name"], **changed}
    return {"name": match["name"], **changed}


def _by_name(old: Iterable[Any], new: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return one entry for each name, sorted: the last of the new ones, else the first of the old ones."""
    entries = {entry["name"]: entry for entry in new}
    for entry in old:
        if isinstance(entry, Mapping):
            entries.setdefault(str(entry.get("name", "")), entry)
    return [entries[name] for name in sorted(entries)]


def _labels(value: Kustomization, pairs: Mapping[str, str], options: KustomizeOptions) -> dict[str, Any]:
    force = options.force_common_labels
    if not options.label_without_selector:
        return {"commonLabels": _added("label", _checked(value, "commonLabels", dict), pairs, force=force)}
    new = {"pairs": dict(pairs), "includeSelectors": False, "includeTemplates": options.label_include_templates}
    labels = list(_checked(value, "labels", list))
    for index, label in enumerate(labels):
        if isinstance(label, Mapping) and all(bool(label.get(name)) is new[name] for name in SWITCHES):
            labels[index] = {**label, "pairs": _added("label", _checked(label, "pairs", dict), pairs, force=force)}
            return {"labels": labels}
    return {"labels": [*labels, new]}


def _added(kind: str, old: Mapping[str, Any], pairs: Mapping[str, str], *, force: bool) -> dict[str, Any]:
    taken = sorted(old.keys() & pairs.keys())
    if taken and not force:
        option = "forceCommonLabels" if kind == "label" else "forceCommonAnnotations"
        raise InvalidManifest(
            f"the kustomization has the {kind} {taken[0]} already", remedy=f"remove one of the two, or set {option}"
        )
    return {**old, **pairs}


def _checked(value: Kustomization, name: str, kind: type[Any]) -> Any:
    current = value.get(name)
    if current is not None and not isinstance(current, kind):
        raise InvalidManifest(
            f"{name} of the kustomization is not a {'list' if kind is list else 'mapping'}", remedy="mend it"
        )
    return current or kind()


def _sources(generator: Mapping[str, Any]) -> Iterator[str]:
    """Yield the files of a ConfigMap or Secret generator; a file may have its key before it, as in `key=path`."""
    for text in _list(generator, "files"):
        yield text.partition("=")[2] if "=" in text else text
    yield from _list(generator, "envs")
    yield from _texts([generator.get("env")])


def _list(value: Mapping[str, Any], name: str) -> list[str]:
    items = value.get(name)
    return list(_texts(items)) if isinstance(items, list) else []


def _mappings(value: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    items = value.get(name)
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _texts(values: Iterable[Any]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str) and value)
