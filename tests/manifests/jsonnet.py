"""What tests of jsonnet and their neighbours share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gitopsd.git.tree import GitTree, open_tree
from gitopsd.manifests.directory import Loaded, build
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.variables import Variables
from gitopsd.model.application import DirectoryOptions, JsonnetOptions
from gitopsd.settings import RenderSettings
from tests.gitserver import Repo

CONFIG = "function(name) {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: name}}"


NONE = JsonnetOptions()


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "r.git")


def load(  # noqa: PLR0913 - a source is all of this
    repo: Repo,
    files: Mapping[str, str],
    options: JsonnetOptions = NONE,
    *,
    path: str = "app",
    links: Mapping[str, str] | None = None,
    limits: RenderSettings | None = None,
    variables: Variables | None = None,
) -> tuple[Loaded, GitTree]:
    tree = open_tree(str(repo.path), repo.rewrite(files, links=links))
    given = RenderContext(limits or RenderSettings(), variables=variables or Variables({}))
    return build(tree, path, DirectoryOptions(jsonnet=options), given), tree
