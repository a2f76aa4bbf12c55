"""Plugins as the operator describes them: Argo CD's ConfigManagementPlugin files, read once at the start."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.core.declaration.options import metadata_of
from gitopsd.errors import GitopsError, InvalidDeclaration, InvalidSettings
from gitopsd.manifests.announced import announcements
from gitopsd.manifests.yaml import parse
from gitopsd.settings import PluginSettings, RenderSettings

KIND = "ConfigManagementPlugin"
READS, VARIABLES, NETWORK = "gitopsd.io/reads", "gitopsd.io/variables", "gitopsd.io/network"  # annotations


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin; JSON by `dataclasses.asdict`."""

    name: str  # with "-" and its version where it has one
    generate: list[str]  # program and arguments, as the others
    init: list[str]
    file_name: str = ""  # discovery: the first of these three that is there decides
    glob: str = ""
    find: list[str] | None = None
    reads: list[str] | None = None  # directories it may read: below the source, or from the root ("/x"); None: its own
    variables: list[str] | None = None  # of the build environment that it is given; None: all
    network: bool = False
    announces: list[dict[str, Any]] | None = None  # parameters, as `announced.announcements` gives them
    announce: list[str] | None = None  # program and arguments that print more of them, as JSON

    @property
    def commands(self) -> Iterable[Sequence[str]]:
        """Every command that it may run."""
        return [command for command in (self.generate, self.init, self.find, self.announce) if command]

    @property
    def discovers(self) -> bool:
        return bool(self.file_name or self.glob or self.find)


def load(settings: PluginSettings) -> list[Plugin]:
    """Return the plugins of the settings, sorted by name.

    Raises:
        InvalidSettings: a file cannot be read, is no ConfigManagementPlugin, or two have one name; names the file.
    """
    plugins: dict[str, Plugin] = {}
    for file in _files(settings):
        plugin = _plugin(file)
        if plugin.name in plugins:
            raise InvalidSettings(f"{file}: there is another plugin {plugin.name}", remedy="rename one of the two")
        plugins[plugin.name] = plugin
    return [plugins[name] for name in sorted(plugins)]


def _files(settings: PluginSettings) -> Iterable[Path]:
    if settings.directory is not None:
        try:
            below = sorted(settings.directory.iterdir())
        except OSError as err:
            raise InvalidSettings(
                f"plugins.directory is {settings.directory}: {err.strerror}", remedy="name a directory of YAML files"
            ) from err
        yield from (file for file in below if file.suffix in (".yaml", ".yml"))
    yield from settings.files


def _plugin(file: Path) -> Plugin:
    try:
        documents = parse(str(file), file.read_bytes(), RenderSettings()).documents
        if len(documents) != 1 or not isinstance(documents[0].value, dict):
            raise InvalidDeclaration(f"{file} is not one mapping", remedy=f"write one {KIND}")
        return plugin_from(documents[0].value)
    except OSError as err:
        raise InvalidSettings(f"the plugin {file} cannot be read: {err.strerror}", remedy="mend the file") from err
    except GitopsError as err:
        raise InvalidSettings(f"the plugin {file}: {err.what}", remedy=err.remedy) from err


def plugin_from(manifest: Mapping[str, Any]) -> Plugin:
    """Return what a ConfigManagementPlugin says.

    Raises:
        InvalidDeclaration: it is none, or has no command to generate by.
    """
    document = Fields(manifest, "", Warnings())
    if document.text("kind") != KIND:
        raise document.refuse("kind", f"is not {KIND}", "name files of plugins only")
    metadata, spec = metadata_of(document), document.mapping("spec")
    name = metadata.text("name")
    if not name:
        raise metadata.refuse("name", "is missing", "write the plugin's name")
    if spec is None:
        raise document.refuse("spec", "is missing", "write spec.generate.command")
    annotations = metadata.text_map("annotations")
    generate = _command(spec, "generate")
    if not generate:
        raise spec.refuse("generate", "has no command", "write spec.generate.command")
    discover = spec.mapping("discover") or Fields({}, ".spec.discover", Warnings())
    find = discover.mapping("find") or Fields({}, ".spec.discover.find", Warnings())
    version = spec.text("version")
    parameters = spec.mapping("parameters") or Fields({}, ".spec.parameters", Warnings())
    static = [announcement.value() for announcement in parameters.mappings("static") or ()]
    return Plugin(
        name=f"{name}-{version}" if version else name,
        generate=generate,
        init=_command(spec, "init"),
        file_name=discover.text("fileName"),
        glob=find.text("glob"),
        find=[*find.texts("command"), *find.texts("args")] or None,
        reads=_reads(annotations),
        variables=_list(annotations, VARIABLES, ","),
        network=annotations.get(NETWORK) == "true",
        announces=announcements(static, ".spec.parameters.static") or None,
        announce=_command(parameters, "dynamic") or None,
    )


def _command(spec: Fields, name: str) -> list[str]:
    block = spec.mapping(name)
    return [] if block is None else [*block.texts("command"), *block.texts("args")]


def _reads(annotations: Mapping[str, str]) -> list[str] | None:
    places = _list(annotations, READS, ";")
    if places is None:
        return None
    return [posixpath.normpath(path) for path in places]


def _list(annotations: Mapping[str, str], name: str, separator: str) -> list[str] | None:
    text = annotations.get(name)
    return None if text is None else [part.strip() for part in text.split(separator) if part.strip()]
