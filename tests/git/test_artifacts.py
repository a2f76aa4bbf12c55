"""Artifacts of a registry, read as Git is: by epochs, revisions and trees."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from gitopsd.errors import GitopsError, InvalidManifest, RepositoryUnreachable, RevisionNotFound
from gitopsd.git.touched import changes
from gitopsd.git.tree import open_tree
from gitopsd.settings import OciSettings
from tests.git import artifacts as shared
from tests.git.artifacts import Place
from tests.oci.archive import entry
from tests.registry import CHART_LAYER, tar

place = shared.place  # the fixture


async def test_artifact_is_a_revision_named_by_its_digest(place: Place) -> None:
    link = entry("l", b"2", "app/a.yaml")
    digest = await place.registry.artifact("org/app", "1.0.0", tar({"app/a.yaml": "one", "b": "x"}, [link]))
    repositories = place.repositories()
    tree = await place.tree(repositories, "1.*")

    assert digest == tree.revision
    assert b"one" == tree.read("app/a.yaml", max_bytes=9)
    assert b"one" == tree.read("l", max_bytes=9)
    assert ["a.yaml"] == [each.name for each in tree.list("app") or ()]
    assert digest == (await place.tree(repositories, digest)).revision
    before = len(place.registry.asked)
    assert digest == repositories.resolve(place.url, "1.*").revision
    assert before == len(place.registry.asked)


async def test_tag_that_moves_is_followed_by_the_next_fetch(place: Place) -> None:
    first = await place.registry.artifact("org/app", "latest", tar({"a": "1", "same": "1"}))
    repositories = place.repositories()
    tree = await place.tree(repositories, "HEAD")
    assert first == tree.revision
    blobs = len([path for path, _ in place.registry.asked if "/blobs/" in path])

    second = await place.registry.artifact("org/app", "latest", tar({"a": "2", "same": "1"}))
    await repositories.fetch(place.url)

    assert second == repositories.resolve(place.url, "HEAD").revision
    assert {"files": ["a"], "dirs": []} == changes(tree.mirror, first, second)
    assert b"1" == tree.read("a", max_bytes=9)
    await repositories.fetch(place.url)
    pulled = [path for path, _ in place.registry.asked if path.startswith("GET") and "/blobs/" in path]
    assert 2 == len(pulled)
    assert blobs < len(place.registry.asked)


async def test_chart_s_own_directory_is_the_root(place: Place) -> None:
    layer = tar({"web/Chart.yaml": "name: web", "web/templates/a.yaml": "x"})
    await place.registry.artifact("org/app", "1.0.0", layer, media_type=CHART_LAYER)

    assert b"name: web" == (await place.tree(place.repositories(), "1.0.0")).read("Chart.yaml", max_bytes=99)


async def test_layer_that_is_not_gzipped_is_read(place: Place) -> None:
    layer = gzip.decompress(tar({"a": "1"}))
    await place.registry.artifact("org/app", "1.0.0", layer, media_type="application/vnd.oci.image.layer.v1.tar")

    assert b"1" == (await place.tree(place.repositories(), "1.0.0")).read("a", max_bytes=9)


async def test_reference_that_the_registry_does_not_have_leaves_the_others(place: Place) -> None:
    await place.registry.artifact("org/app", "1.0.0", tar({"a": "1"}))
    repositories = place.repositories()
    await place.tree(repositories, "1.0.0")
    with pytest.raises(RevisionNotFound):
        await repositories.want(place.url, "2.*")

    assert repositories.last_error(place.url) is None
    await place.registry.artifact("org/app", "2.1.0", tar({"a": "2"}))
    assert b"2" == (await place.tree(repositories, "2.*")).read("a", max_bytes=9)


async def test_layer_that_is_no_good_is_told_and_keeps_what_was(place: Place) -> None:
    good = await place.registry.artifact("org/app", "latest", tar({"a": "1"}))
    repositories = place.repositories(OciSettings(max_files=10))
    await place.tree(repositories, "latest")
    for layer in (tar({"../x": "1"}), tar({str(number): "" for number in range(11)}), b"no archive at all" * 99):
        await place.registry.artifact("org/app", "latest", layer)
        with pytest.raises(InvalidManifest):
            await repositories.fetch(place.url)
        assert good == repositories.resolve(place.url, "latest").revision


def damage(mirror: str) -> None:
    for loose in Path(mirror).glob("objects/??/*"):
        loose.chmod(0o644)
        loose.write_bytes(b"")


async def test_mirror_that_is_damaged_is_made_anew_and_a_restart_without_the_registry_has_what_was(
    place: Place,
) -> None:
    digest = await place.registry.artifact("org/app", "1.0.0", tar({"a": "1"}))
    repositories = place.repositories()
    tree = await place.tree(repositories, "1.0.0")
    damage(tree.mirror)
    with pytest.raises(GitopsError):
        open_tree(tree.mirror, digest).read("a", max_bytes=9)
    await repositories.fetch(place.url)
    assert b"1" == open_tree(tree.mirror, digest).read("a", max_bytes=9)

    restarted = place.repositories(password="no more")  # noqa: S106 - made up
    with pytest.raises(RepositoryUnreachable):
        await restarted.fetch(place.url)
    assert digest == restarted.resolve(place.url, "1.0.0").revision


async def test_data_directory_that_cannot_be_written_is_said(place: Place) -> None:
    await place.registry.artifact("org/app", "1", tar({"a": "1"}))
    repositories = place.repositories()
    (place.world.folder / "data").write_text("a file where the directory should be")

    with pytest.raises(RepositoryUnreachable, match="cannot be written"):
        await repositories.want(place.url, "1")
