"""What the cases are tried on, as other tests have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.git.artifacts import Place, place
from tests.git.conftest import World, world
from tests.gitserver import Repo
from tests.manifests.charting import Harbour
from tests.manifests.conftest import stage
from tests.manifests.kustomizing import Kitchen

__all__ = ["Place", "World", "place", "stage", "world"]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "r.git")


@pytest.fixture
def harbour(tmp_path: Path) -> Harbour:
    return Harbour(tmp_path)


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)
