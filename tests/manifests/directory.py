"""What tests of plain and their neighbours share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gitopsd.git.tree import open_tree
from gitopsd.manifests.directory import Loaded, build
from gitopsd.manifests.render_context import RenderContext
from gitopsd.model.application import FLAT, DirectoryOptions
from gitopsd.settings import RenderSettings
from tests.gitserver import Repo

LIMITS = RenderSettings()


def manifest(name: str, **more: Any) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **more})


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "r.git")


def load(  # noqa: PLR0913 - a source is all of this
    repo: Repo,
    files: Mapping[str, str | bytes],
    path: str = "app",
    options: DirectoryOptions = FLAT,
    *,
    limits: RenderSettings = LIMITS,
    links: Mapping[str, str] | None = None,
) -> Loaded:
    return build(open_tree(str(repo.path), repo.commit(files, links=links)), path, options, RenderContext(limits))
