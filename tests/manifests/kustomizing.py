"""Builds kustomizations out of a repository, and beside it by the tool alone on a checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from gitopsd.git.tree import GitTree, open_tree
from gitopsd.manifests.kustomize import build
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.tools import Programs, Tools
from gitopsd.manifests.variables import Variables
from gitopsd.model.application import KustomizeOptions
from gitopsd.settings import RenderSettings, ToolSettings
from tests.gitserver import Repo

PROGRAM = Tools(ToolSettings(), Path()).programs.kustomize
PLAIN = KustomizeOptions()


def deployment(name: str, **labels: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "main", "image": "nginx:1.25"}]},
                },
            },
        }
    )


@dataclass
class Built:
    manifests: list[dict[str, Any]]
    tree: GitTree
    variables: Variables
    warnings: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [f"{each['kind']}/{each['metadata']['name']}" for each in self.manifests]

    @property
    def read(self) -> set[str]:
        """Return the files that were there when looked up."""
        return {key.removeprefix("file:") for key, seen in self.tree.closure().items() if seen and "file:" in key}


class Kitchen:
    """A repository, and a place to build what is in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.repo = Repo(place / "r.git")

    def build(  # noqa: PLR0913 - a source is all of this
        self,
        files: Mapping[str, str],
        path: str = "app",
        options: KustomizeOptions = PLAIN,
        *,
        links: Mapping[str, str] | None = None,
        limits: RenderSettings | None = None,
        programs: Programs | None = None,
        variables: Mapping[str, str] | None = None,
        executable: Sequence[str] = (),
    ) -> Built:
        """Commit `files` and `links` alone, and build the directory `path` of them."""
        tree = open_tree(str(self.repo.path), self.repo.rewrite(files, links=links, executable=executable))
        given = RenderContext(limits or RenderSettings(), programs or self.programs(), Variables(variables or {}))
        loaded = build(tree, path, options, given)
        return Built([orjson.loads(each) for each in loaded.manifests], tree, given.variables)

    def programs(self, **changed: Any) -> Programs:
        return Programs(**{"kustomize": PROGRAM, "work_dir": str(self.place / "work"), **changed})

    def checkout(self, files: Mapping[str, str], path: str = "app", *, links: Mapping[str, str] | None = None) -> Path:
        """Write `files` and `links` as a checkout has them; return the directory `path` of it."""
        root = self.place / "checkout"
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for name, target in (links or {}).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(target)
        return root / path

    def left(self) -> list[Path]:
        """Return what builds have left behind."""
        return list((self.place / "work").iterdir())


def directly(directory: Path) -> list[Any]:
    """Return what the tool makes of a directory, by itself."""
    command = [PROGRAM, "kustomize" if "kubectl" in Path(PROGRAM).name else "build", str(directory)]
    done = subprocess.run(command, env={}, capture_output=True, check=True)  # noqa: S603 - the tool itself
    return list(yaml.safe_load_all(done.stdout))
