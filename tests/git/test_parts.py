"""Submodules and files in Git LFS: fetched where they are read, by nobody's credentials but the parent's."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from gitopsd.core.source.touch_index import TouchIndex
from gitopsd.errors import (
    InvalidDeclaration,
    InvalidManifest,
    PartNotFetched,
    RepositoryTooLarge,
    RepositoryUnreachable,
    RevisionNotFound,
)
from gitopsd.git.lfs_files import object_path
from gitopsd.git.modules import absolute, submodules
from gitopsd.git.touched import changes
from gitopsd.git.tree import open_tree, open_tree_alone
from gitopsd.model.ids import AppName, RepoUrl
from gitopsd.settings import Held, RepoCredentials
from tests.git.conftest import World
from tests.git.parts import Reading, lfs_reading, mount
from tests.gitserver import SSH_CLIENT, http_server, ssh_server
from tests.lfsserver import lfs_server


async def test_submodules_are_read_at_their_commits_and_nested_ones_too(world: World) -> None:
    inner, library, shop = world.repo("org/inner.git"), world.repo("org/library.git"), world.repo("org/shop.git")
    deep = inner.commit({"deep": "1"})
    library.commit({"lib/a.yaml": "a"})
    old = mount(library, "vendor/inner", deep, "../inner.git")
    library.commit({"lib/a.yaml": "newer"})
    shop.commit({"app/b.yaml": "b"})
    first = mount(shop, "app/library", old, "../library")
    async with http_server(world.served, users={"bot": "pw"}) as server:
        given = RepoCredentials(f"{server.url}/org/shop.git", "bot", Held(text="pw"))  # the parent's alone
        reading = Reading(world.repositories(credentials=(given,)), RepoUrl(f"{server.url}/org/shop.git"))
        tree = await reading.tree("app/library/lib/a.yaml", "app/library/vendor/inner/deep")

        assert 2 == reading.fetched
        assert b"a" == tree.read("app/library/lib/a.yaml", max_bytes=9)
        assert b"1" == tree.read("app/library/vendor/inner/deep", max_bytes=9)
        assert tree.read("app/library/vendor/inner/none", max_bytes=9) is None
        assert ["b.yaml blob", "library tree"] == [f"{each.name} {each.kind}" for each in tree.list("app") or ()]
        assert tree.list("app/library/vendor/inner") is not None
        closure = tree.closure()
        assert old == closure["module:app/library"]
        assert deep == closure["module:app/library/vendor/inner"]
        assert closure == tree.seen(closure) == open_tree(tree.mirror, first).seen(closure)

        latest = mount(shop, "app/library", library.commit({"lib/a.yaml": "new"}), "../library")
        await reading.repositories.fetch(reading.url)
        changed = open_tree(tree.mirror, latest).seen(closure)
        moved = changes(tree.mirror, first, latest)
        index = TouchIndex()
        index.put(AppName("reads"), {(reading.url, "main"): closure})
        index.put(AppName("does not"), {(reading.url, "main"): open_tree(tree.mirror, first).closure()})
        assert {"reads"} == index.touched(reading.url, "main", moved)
        assert closure["file:app/library/lib/a.yaml"] != changed["file:app/library/lib/a.yaml"]
        assert b"new" == (await reading.tree("app/library/lib/a.yaml")).read("app/library/lib/a.yaml", max_bytes=9)
        assert open_tree_alone(tree.mirror, latest).read("app/library/lib/a.yaml", max_bytes=9) is None


async def test_commit_of_a_submodule_that_is_not_fetched_may_hold_what_was_not_there(world: World) -> None:
    library, shop = world.repo("library.git"), world.repo("shop.git")
    shop.commit({"b": "1"})
    mount(shop, "library", library.commit({"a": "1"}), "../library.git")
    reading = Reading(world.repositories(), RepoUrl(shop.url))
    tree = await reading.tree("library/a", "library/none")
    missed = {"file:library/none": ""}
    assert missed == tree.seen(missed)

    latest = mount(shop, "library", library.commit({"none": "1"}), "../library.git")
    await reading.repositories.fetch(reading.url)

    assert missed != open_tree(tree.mirror, latest).seen(missed)


async def test_submodule_on_another_host_is_fetched_without_our_credentials(world: World) -> None:
    library, shop = world.repo("org/library.git"), world.repo("org/shop.git")
    commit = library.commit({"a": "1"})
    shop.commit({"b": "1"})
    sent: list[str | None] = []

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent.append(request.headers.get("Authorization"))
        return await handler(request)

    async with (
        http_server(world.served) as server,
        http_server(world.served, middleware=[note], users={"bot": "pw"}) as elsewhere,
    ):
        mount(shop, "library", commit, f"{elsewhere.url}/org/library.git")
        given = (
            RepoCredentials(server.url, "bot", Held(text="pw")),
            RepoCredentials(elsewhere.url, "bot", Held(text="pw")),  # of others: .gitmodules does not get at them
        )
        reading = Reading(world.repositories(credentials=given), RepoUrl(f"{server.url}/org/shop.git"))
        err = await reading.refusal("library/a")

    assert isinstance(err, RepositoryUnreachable)
    assert sent
    assert {None} == set(sent)


async def test_submodule_that_cannot_be_had_is_said(world: World) -> None:
    library, shop = world.repo("org/library.git"), world.repo("org/shop.git")
    library.commit({"a": "1"})
    shop.commit({"b": "1"})
    mount(shop, "gone", "1" * 40, "../library")
    mount(shop, "local", "1" * 40, "/etc")
    mount(shop, "runs", "1" * 40, "ext::sh -c x")
    async with http_server(world.served) as server:
        reading = Reading(world.repositories(), RepoUrl(f"{server.url}/org/shop.git"))
        gone = await reading.refusal("gone/a")
        local, runs = await reading.refusal("local/a"), await reading.refusal("runs/a")

    assert isinstance(gone, RevisionNotFound)
    assert "submodule gone is at 111111111111, which" in gone.what
    assert isinstance(local, InvalidDeclaration)
    assert isinstance(runs, InvalidDeclaration)


def damage(mirror: str) -> None:
    for loose in Path(mirror).glob("modules/*/objects/??/*"):
        loose.chmod(0o644)
        loose.write_bytes(b"")


async def test_submodule_is_never_one_of_our_mirrors(world: World) -> None:
    other, shop = world.repo("other.git"), world.repo("shop.git")
    commit = other.commit({"a": "1"})
    shop.commit({"b": "1"})
    repositories = world.repositories()
    await repositories.fetch(RepoUrl(other.url))
    mount(shop, "other", commit, f"file://{repositories.mirror(RepoUrl(other.url))}")
    err = await Reading(repositories, RepoUrl(shop.url)).refusal("other/a")

    assert isinstance(err, InvalidDeclaration)


async def test_damaged_mirror_of_a_submodule_is_made_anew(world: World) -> None:
    library, shop = world.repo("library.git"), world.repo("shop.git")
    shop.commit({"b": "1"})
    mount(shop, "library", library.commit({"a": "1"}), "../library.git")
    reading = Reading(world.repositories(), RepoUrl(shop.url))
    tree = await reading.tree("library/a")
    damage(tree.mirror)
    with pytest.raises(RepositoryUnreachable):
        open_tree(tree.mirror, tree.revision).read("library/a", max_bytes=9)

    assert b"1" == (await reading.tree("library/a")).read("library/a", max_bytes=9)


def test_urls_of_submodules_begin_at_their_parent_s() -> None:
    for parent, url, expected in (
        ("https://h:1/org/shop.git", "../lib.git", "https://h:1/org/lib.git"),
        ("https://u:p@h/org/shop", "../../x/lib", "https://u:p@h/x/lib"),
        ("https://h/shop", "../../../lib", "https://h/lib"),
        ("git@h:org/shop.git", "../lib.git", "git@h:org/lib.git"),
        ("ssh://git@h/org/shop", "./sub", "ssh://git@h/org/shop/sub"),
        ("file:///srv/shop", "../lib", "file:///srv/lib"),
        ("/srv/shop", "../lib", "/srv/lib"),
        ("https://h/shop", "https://i/lib", "https://i/lib"),
    ):
        assert expected == absolute(parent, url)


def test_gitmodules_is_read_as_git_reads_its_configuration() -> None:
    text = """
[submodule "a \\"b\\""]
path = "with space" ; why
\turl = https://h/a#x
[core]
\tpath = no
\turl = no
[submodule "c"]
  URL = https://h/c
  path = c/
  branch = main
[submodule "d"]
  path = half
"""
    assert {"with space": "https://h/a", "c": "https://h/c"} == submodules(text)
    assert {"a\u2028b": "https://h/a"} == submodules('[submodule "a"]\npath = a\u2028b\nurl = https://h/a\n')


async def test_file_in_lfs_is_read_as_its_content(world: World) -> None:
    repo = world.repo()
    async with lfs_server(world.served, users={"bot": "pw"}) as lfs:
        large = lfs.keep(b"y" * 20_000)
        repo.commit({"a.yaml": lfs.keep(b"kind: ConfigMap\n"), "b.yaml": "plain", "large.yaml": large})
        reading = await lfs_reading(world, lfs)
        tree = await reading.tree("a.yaml", "b.yaml")
        asked = list(lfs.asked)
        assert b"kind: ConfigMap\n" == (await reading.tree("a.yaml")).read("a.yaml", max_bytes=99)
        with pytest.raises(InvalidManifest, match="20000 bytes in Git LFS"):
            tree.read("large.yaml", max_bytes=10_000)
        assert "on" == tree.closure()["lfs:a.yaml"]

        lost = object_path(tree.mirror, lfs.asked[1][0].rpartition("/")[2])
        lost.write_bytes(b"damaged")
        assert b"kind: ConfigMap\n" == (await reading.tree("a.yaml")).read("a.yaml", max_bytes=99)

    assert 2 == len(asked)
    assert [("/shop.git/info/lfs/objects/batch", "Basic Ym90OnB3")] == asked[:1]
    assert 4 == len(lfs.asked)


async def test_login_goes_to_the_store_only_where_the_server_asks_for_none_of_its_own(world: World) -> None:
    repo = world.repo()
    async with lfs_server(world.served) as lfs:
        repo.commit({"a.yaml": lfs.keep(b"1")})
        lfs.store_header = {"Authorization": "RemoteAuth short-lived"}
        await (await lfs_reading(world, lfs)).tree("a.yaml")

    assert ["Basic Ym90OnB3", "RemoteAuth short-lived"] == [login for _, login in lfs.asked]


async def test_login_does_not_go_to_a_store_on_another_server(world: World) -> None:
    repo = world.repo()
    async with lfs_server(world.served) as lfs, lfs_server(world.served) as store:
        repo.commit({"a.yaml": lfs.keep(b"1")})
        store.keep(b"1")
        lfs.store = store.server.url
        await (await lfs_reading(world, lfs)).tree("a.yaml")

    assert ["Basic Ym90OnB3"] == [login for _, login in lfs.asked]
    assert [""] == [login for _, login in store.asked]


async def test_lfs_that_is_not_asked_for_is_left_alone(world: World) -> None:
    repo = world.repo()
    async with lfs_server(world.served) as lfs:
        pointer = lfs.keep(b"1")
        repo.commit({"a.yaml": pointer})
        off = Reading(world.repositories(), RepoUrl(f"{lfs.server.url}/shop.git"))
        tree = await off.tree("a.yaml")
        assert pointer.encode() == tree.read("a.yaml", max_bytes=999)
        closure = tree.closure()
        on = await lfs_reading(world, lfs)
        assert b"1" == (await on.tree("a.yaml")).read("a.yaml", max_bytes=9)
        assert closure != open_tree(tree.mirror, tree.revision).seen(closure)  # so it is rendered anew


async def test_lfs_server_that_fails_or_lies_is_told(world: World) -> None:
    repo = world.repo()
    async with lfs_server(world.served, users={"bot": "pw"}) as lfs:
        good, huge = lfs.keep(b"good"), lfs.keep(b"z").replace("size 1", "size 9000000")
        missing = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 3\n"
        repo.commit({"good": good, "missing": missing, "huge": huge})
        reading = await lfs_reading(world, lfs)
        assert isinstance(await reading.refusal("missing"), RevisionNotFound)
        lfs.lies = True
        lie = await reading.refusal("good")
        revision = reading.repositories.resolve(reading.url, "main").revision
        tree = open_tree(reading.repositories.mirror(reading.url), revision)
        with pytest.raises(PartNotFetched) as large:
            tree.read("huge", max_bytes=10_000_000)
        with pytest.raises(RepositoryTooLarge):
            await reading.repositories.parts.fetch(large.value, reading.permits)
        wrong = world.repositories(credentials=(RepoCredentials(lfs.server.url, "bot", Held(text="pw2"), lfs=True),))
        with pytest.raises(RepositoryUnreachable):
            await wrong.fetch(reading.url)

    assert isinstance(lie, RevisionNotFound)
    assert "another content" in lie.what
    with pytest.raises(PartNotFetched):
        tree.read("good", max_bytes=9)


@pytest.mark.skipif(SSH_CLIENT is None, reason="no ssh client here")
async def test_lfs_behind_ssh_is_found_by_asking_the_server(world: World) -> None:
    repo = world.repo()
    async with lfs_server(world.served, users={"bot": "pw"}) as lfs:
        answer = {"href": f"{lfs.server.url}/shop.git/info/lfs", "header": {"Authorization": "Basic Ym90OnB3"}}
        async with ssh_server(world.served, lfs=answer) as server:
            repo.commit({"a.yaml": lfs.keep(b"1")})
            hosts = world.folder / "hosts"
            hosts.write_text(server.known_hosts)
            given = RepoCredentials(server.url, ssh_key=Held(text=server.key), known_hosts=hosts, lfs=True)
            reading = Reading(world.repositories(credentials=(given,)), RepoUrl(f"{server.url}/shop.git"))

            assert b"1" == (await reading.tree("a.yaml")).read("a.yaml", max_bytes=9)


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not here")
async def test_the_lfs_server_of_these_tests_is_one_to_git_lfs_itself(world: World) -> None:
    repo = world.repo()
    async with lfs_server(world.served, users={"bot": "pw"}) as lfs:
        repo.commit({".gitattributes": "*.yaml filter=lfs\n", "a.yaml": lfs.keep(b"kind: ConfigMap\n")})
        work = world.folder / "work"
        filters = {"smudge": "git-lfs smudge -- %f", "process": "git-lfs filter-process", "required": "true"}
        options = [word for name, value in filters.items() for word in ("-c", f"filter.lfs.{name}={value}")]
        url = f"{lfs.server.url}/shop.git".replace("//", "//bot:pw@")
        cloned = await asyncio.create_subprocess_exec("git", *options, "clone", "--quiet", url, str(work))
        assert 0 == await cloned.wait()

        assert b"kind: ConfigMap\n" == await asyncio.to_thread((work / "a.yaml").read_bytes)
