"""Logins and contents stay with those whom they were given to: docs/security.md, "Reading"."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from gitopsd.errors import PartNotFetched, RepositoryUnreachable
from gitopsd.git.credentials import access
from gitopsd.git.tree import open_tree
from gitopsd.manifests.directory import build
from gitopsd.manifests.render_context import RenderContext
from gitopsd.model.application import FLAT
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import Held, RenderSettings, RepoCredentials
from tests.chartserver import chart_server
from tests.git.charts import Place as Charts
from tests.git.conftest import World
from tests.git.parts import lfs_reading
from tests.lfsserver import lfs_server


def test_no_key_of_the_accounts_own_is_offered(tmp_path: Path) -> None:
    given = RepoCredentials("ssh://git@h", insecure_host_key=True)
    for found in (None, given, replace(given, ssh_key=Held(text="-----BEGIN\nabc\n-----END"))):
        with access("ssh://git@h/x", found, tmp_path / "run") as granted:
            words = shlex.split(granted.env["GIT_SSH_COMMAND"])

        assert ("-oIdentityFile=none" in words) != ("-i" in words)
        assert {"-oIdentitiesOnly=yes", "-oIdentityAgent=none"} <= set(words)


async def test_content_in_lfs_is_not_had_by_knowing_its_pointer(world: World) -> None:
    """Not even out of what one worker remembers of the files that it parsed."""
    secret = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hush}\n"
    async with lfs_server(world.served, users={"bot": "pw"}) as lfs:
        pointer = lfs.keep(secret)
        world.repo().commit({"app/a.yaml": pointer})
        world.repo("other.git").commit({"app/a.yaml": pointer})
        theirs = await lfs_reading(world, lfs)
        found = await theirs.tree("app/a.yaml")
        assert ["ConfigMap"] == kinds(build(found, "app", FLAT, context()).manifests)

        url = RepoUrl(f"{lfs.server.url}/other.git")
        await theirs.repositories.fetch(url)
        other = open_tree(theirs.repositories.mirror(url), theirs.repositories.resolve(url, "main").revision)
        with pytest.raises(PartNotFetched):
            build(other, "app", FLAT, context())


def context() -> RenderContext:
    return RenderContext(limits=RenderSettings())


def kinds(manifests: list[bytes]) -> list[str]:
    return [each.split(b'"kind":"')[1].split(b'"')[0].decode() for each in manifests]


async def test_an_application_alone_has_no_login_sent_elsewhere(world: World) -> None:
    async with chart_server(login="bot:pw") as ours, chart_server(login="bot:pw") as other:
        digest = other.add("web", "1.0.0")
        ours.add("web", "1.0.0", urls=[f"{other.url}/web-1.0.0.tgz"], digest=digest.removeprefix("sha256:"))
        place = Charts(world, ours)

        with pytest.raises(RepositoryUnreachable):
            await place.tree(place.repositories(), "web", "1.0.0", passCredentials=True)
        assert {""} == {login for _, login in other.asked}
