"""Plugins as an operator writes them, run on real repositories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import yaml

from gitopsd.git.tree import GitTree, open_tree
from gitopsd.manifests.plugin import generate
from gitopsd.manifests.plugins import Plugin, plugin_from
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.tools import Programs
from gitopsd.manifests.variables import Variables
from gitopsd.model.application import PluginOptions
from gitopsd.settings import RenderSettings
from tests.gitserver import Repo

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"
NAMED = PluginOptions("one")


def script(text: str, name: str = "one", **annotations: str) -> dict[str, Any]:
    """Return a ConfigManagementPlugin that generates by a shell script."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ConfigManagementPlugin",
        "metadata": {"name": name, "annotations": {f"gitopsd.io/{key}": value for key, value in annotations.items()}},
        "spec": {"generate": {"command": ["sh", "-c"], "args": [text]}},
    }


def says(**data: str) -> str:
    """Return a shell script that prints a ConfigMap of shell expressions."""
    lines = "".join(f'\\n  {key}: \\"{value}\\"' for key, value in data.items())
    return f'printf "%b" "apiVersion: v1\\nkind: ConfigMap\\nmetadata:\\n  name: it\\ndata:{lines}\\n"'


def written(place: Path, *manifests: Mapping[str, Any]) -> Path:
    """Write plugin files to directory `place`."""
    place.mkdir(exist_ok=True)
    for number, manifest in enumerate(manifests):
        (place / f"{number}.yaml").write_text(yaml.safe_dump(manifest))
    return place


class Workshop:
    """A repository, and a place to run plugins on what is in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.repo = Repo(place / "r.git")
        self.tree: GitTree
        self.given = RenderContext()

    def open(  # noqa: PLR0913 - a source is all of this
        self,
        files: Mapping[str, str],
        plugins: Sequence[Mapping[str, Any]],
        *,
        links: Mapping[str, str] | None = None,
        executable: Sequence[str] = (),
        limits: RenderSettings | None = None,
        deadline_s: float = 20.0,
        **variables: str,
    ) -> RenderContext:
        """Commit `files` and have `plugins`; return what a render is given."""
        if executable:
            self.tree = open_tree(str(self.repo.path), self.repo.commit(files, executable=executable))
        else:
            self.tree = open_tree(str(self.repo.path), self.repo.rewrite(files, links=links))
        found: list[Plugin] = [plugin_from(plugin) for plugin in plugins]
        programs = Programs(
            work_dir=str(self.place / "work"),
            deadline_s=deadline_s,
            output_bytes=100_000,
            plugins=[asdict(plugin) for plugin in found],
        )
        self.given = RenderContext(limits or RenderSettings(), programs, Variables(variables))
        return self.given

    def generate(self, path: str = "app", options: PluginOptions = NAMED) -> list[dict[str, Any]]:
        return [orjson.loads(each) for each in generate(self.tree, path, options, self.given).manifests]

    def data(self, path: str = "app", options: PluginOptions = NAMED) -> dict[str, str]:
        """Return the data of the one ConfigMap that is made."""
        (made,) = self.generate(path, options)
        found: dict[str, str] = made["data"]
        return found

    def left(self) -> list[Path]:
        return list((self.place / "work").iterdir())
