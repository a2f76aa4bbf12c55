"""A plugin: a program of the operator that makes manifests of a directory. Runs in a worker's sandbox."""

from __future__ import annotations

import os
import posixpath
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gitopsd.core.text.globs import DOUBLESTAR, GO_PATH, Dialect, compiled, fixed_directory
from gitopsd.core.text.redacted import scrubbed
from gitopsd.errors import GitopsError, InvalidManifest, NotSupported, PathNotFound, WorkerFailed, WorkerStopped
from gitopsd.manifests import whole_directory as subtree
from gitopsd.manifests.announced import announcements
from gitopsd.manifests.directory import Loaded
from gitopsd.manifests.plugins import Plugin
from gitopsd.manifests.program_output import printed
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.variables import Variables
from gitopsd.manifests.workspace import lay_out, workspace
from gitopsd.model.application import PluginOptions
from gitopsd.ports import Tree
from gitopsd.runtime.sandbox import Program, ProgramResult, run

NOT_A_NAME = re.compile(r"[^A-Z0-9_]")


def discovered(tree: Tree, path: str, context: RenderContext) -> bool:
    """Tell whether a plugin's discovery finds the directory `path`; none is asked that has no discovery."""
    return any(_fits(plugin, tree, path, PluginOptions(), context) for plugin in _all(context) if plugin.discovers)


def generate(tree: Tree, path: str, options: PluginOptions, context: RenderContext) -> Loaded:
    """Return what the plugin of `options`, or the first one that discovers the directory, makes of it.

    Raises:
        NotSupported: there is no such plugin, or none that fits.
        InvalidManifest: it refuses the directory, or what it prints is no manifest.
        PathNotFound: a link leads out of the repository.
        NotConfined: there is no sandbox to run it in.
        WorkerFailed, WorkspaceUnusable: it did not end well, or its files could not be laid out.
    """
    plugin = _chosen(tree, path, options, context)
    with _running(plugin, tree, path, options, context) as plugin_run:
        if plugin.init:
            plugin_run.output("init", plugin.init)
        loaded = printed(
            f"what plugin {plugin.name} makes of {path}",
            path,
            plugin_run.output("generate", plugin.generate),
            context.limits,
        )
        loaded.announced = _announced(plugin, plugin_run, loaded)
    return loaded


def _announced(plugin: Plugin, plugin_run: _PluginRun, loaded: Loaded) -> list[dict[str, Any]]:
    """Return the parameters that the plugin announces, those that it finds out first, as in Argo CD.

    They are for people to read: a command that fails costs a warning, not the manifests.
    """
    announced: list[dict[str, Any]] = []
    if plugin.announce:
        try:
            text = plugin_run.output("parameters", plugin.announce)
            announced = announcements(orjson.loads(text), f"what parameters of plugin {plugin.name} prints")
        except orjson.JSONDecodeError as err:
            loaded.warn(f"{plugin_run.path}: what parameters of plugin {plugin.name} prints is no JSON: {err}")
        except GitopsError as err:
            loaded.warn(err.what)
    return [*announced, *(plugin.announces or ())]


def environment(plugin: Plugin, options: PluginOptions, variables: Variables) -> dict[str, str]:
    """Return what Argo CD gives a plugin: the build environment, ARGOCD_ENV_…, ARGOCD_APP_PARAMETERS and PARAM_…

    As there, a variable without a value is not set.

    Source: Argo CD, reposerver/repository (getPluginEnvs) and v1alpha1 (ApplicationSourcePluginParameters.Environ).
    """
    names = variables.names if plugin.variables is None else plugin.variables
    environment = {name: variables[name] for name in names}
    environment |= {f"ARGOCD_ENV_{name}": variables.expand(value) for name, value in options.env}
    environment["ARGOCD_APP_PARAMETERS"] = orjson.dumps(list(options.parameters)).decode() if options.parameters else ""
    for parameter in options.parameters:
        environment |= _parameter(parameter)
    return {name: value for name, value in environment.items() if value}


def _parameter(parameter: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    base = f"PARAM_{_upper(parameter['name'])}"
    if "string" in parameter:
        yield base, parameter["string"]
    for index, value in enumerate(parameter.get("array") or ()):
        yield f"{base}_{index}", value
    for key, value in (parameter.get("map") or {}).items():
        yield f"{base}_{_upper(str(key))}", value


def _upper(name: str) -> str:
    return NOT_A_NAME.sub("_", name.upper())


def _all(context: RenderContext) -> Iterator[Plugin]:
    return (Plugin(**fields) for fields in context.programs.plugins)


def _chosen(tree: Tree, path: str, options: PluginOptions, context: RenderContext) -> Plugin:
    plugins = list(_all(context))
    names = ", ".join(plugin.name for plugin in plugins) or "none"
    if options.name:
        named = next((plugin for plugin in plugins if plugin.name == options.name), None)
        if named is None:
            raise NotSupported(
                f"there is no plugin {options.name[:100]!r}",
                remedy=f"add it to `plugins` in the settings; known: {names}",
            )
        if named.discovers and not _fits(named, tree, path, options, context):
            raise NotSupported(
                f"the discovery of plugin {named.name} does not find {path}",
                remedy="mend the source's directory, or the plugin's spec.discover",
            )
        return named
    for plugin in plugins:
        if plugin.discovers and _fits(plugin, tree, path, options, context):
            return plugin
    raise NotSupported(f"no plugin's discovery finds {path}", remedy=f"write spec.source.plugin.name; known: {names}")


def _fits(plugin: Plugin, tree: Tree, path: str, options: PluginOptions, context: RenderContext) -> bool:
    if plugin.file_name:
        return _matches(tree, path, plugin.file_name, GO_PATH)
    if plugin.glob:
        return _matches(tree, path, plugin.glob, DOUBLESTAR)
    with _running(plugin, tree, path, options, context) as plugin_run:
        ended = plugin_run.run("discover", plugin.find or [])
        return ended.code == 0 and bool(ended.stdout.strip())


def _matches(tree: Tree, path: str, pattern: str, dialect: Dialect) -> bool:
    """Tell whether there is a file or directory below `path` that `pattern` names; looks no further than it must."""
    pattern = pattern.removeprefix("./")
    glob, levels = compiled(pattern, dialect), pattern.count("/")
    endless = dialect is DOUBLESTAR and "**" in pattern
    stem = fixed_directory(pattern).rstrip("/")
    todo = [(stem, stem.count("/") + 1 if stem else 0)]
    places: set[str] = set()
    while todo:
        below, level = todo.pop()
        real = tree.real(posixpath.join(path, below))
        if real in places:
            continue
        places.add(real)
        for entry in tree.list(real) or ():
            child = posixpath.join(below, entry.name)
            if glob.matches(child):
                return True
            if entry.kind == "tree" and (endless or level < levels):
                todo.append((child, level + 1))
    return False


@dataclass(frozen=True, slots=True)
class _PluginRun:
    """The source, laid out, and what the plugin's commands are run with there."""

    plugin: Plugin
    path: str
    root: Path
    home: Path
    env: Mapping[str, str]
    secrets: tuple[str, ...]  # values that are not to be told
    until_s: float  # of the monotonic clock
    given: RenderContext

    def output(self, name: str, command: list[str]) -> bytes:
        """Run one of its commands, and return what it prints."""
        ended = self.run(name, command)
        if ended.code == 0:
            return ended.stdout
        words = scrubbed(ended.stderr.replace(f"{self.root}/", "").replace(str(self.root), "."), self.secrets)
        how = f"was killed by signal {-ended.code}" if ended.code < 0 else f"ended with code {ended.code}"
        what = f"{self.path}: {name} of plugin {self.plugin.name} {how}: {words or 'it says nothing'}"
        remedy = "mend the source, or the plugin"
        # What it got by the network may be another the next time.
        if ended.code < 0:
            raise WorkerStopped(what, remedy=remedy)
        raise (WorkerFailed if self.plugin.network else InvalidManifest)(what, remedy=remedy)

    def run(self, name: str, command: list[str]) -> ProgramResult:
        programs, what = self.given.programs, f"{name} of plugin {self.plugin.name}"
        left_s = self.until_s - time.monotonic()
        if left_s <= 0:
            raise WorkerStopped(
                f"{self.path}: plugin {self.plugin.name} took more than {programs.deadline_s:g} s",
                remedy="make it less, or raise tools.deadline_s",
            )
        return run(
            Program(
                command,
                cwd=self.root / self.path,
                env=self.env,
                what=f"{self.path}: {what}",
                deadline_s=left_s,
                output_bytes=programs.output_bytes,
                source=self.root,
                writes=True,  # to its own copy, as in Argo CD
                home=self.home,
                network=self.plugin.network,
                steered=True,
            )
        )


@contextmanager
def _running(
    plugin: Plugin, tree: Tree, path: str, options: PluginOptions, context: RenderContext
) -> Iterator[_PluginRun]:
    until_s = time.monotonic() + context.programs.deadline_s
    for directory in _places(plugin, path):
        subtree.look_up(tree, directory)
    env = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    env |= environment(plugin, options, context.variables)
    secrets = tuple(context.variables.expand(value) for name, value in options.env if _SECRET.search(name))
    with workspace(context.programs.work_dir) as work:
        root, home = work / "source", work / "home"
        home.mkdir()
        lay_out(root, tree, instead={}, max_bytes=context.limits.max_bytes)
        (root / path).mkdir(parents=True, exist_ok=True)
        yield _PluginRun(plugin, path, root, home, env, secrets, until_s, context)


_SECRET = re.compile(r"(?i)pass|token|secret|key|credential")


def _places(plugin: Plugin, path: str) -> list[str]:
    """Return the directories that the plugin may read, from the repository's root."""
    directories = [path]
    for readable in plugin.reads or ():
        below = posixpath.normpath(readable.lstrip("/") if readable.startswith("/") else posixpath.join(path, readable))
        if below == ".." or below.startswith("../"):
            raise PathNotFound(
                f"plugin {plugin.name} may read {readable}, which is outside of the repository for {path}",
                remedy="mend the annotation gitopsd.io/reads of the plugin",
            )
        directories.append(below)
    return directories
