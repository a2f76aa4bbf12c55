"""Charts of an HTTP chart repository, read as Git is: by epochs, revisions and trees."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gitopsd.errors import (
    GitopsError,
    InvalidDeclaration,
    InvalidManifest,
    NotFetchedYet,
    RepositoryTooLarge,
    RepositoryUnreachable,
    RevisionNotFound,
    TooSlow,
)
from gitopsd.git.tree import GitTree, open_tree
from gitopsd.model.application import Source
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import Held, RepoCredentials
from gitopsd.trust import http
from tests.certificates import certificate
from tests.chartserver import chart_server
from tests.git.charts import Place
from tests.git.conftest import World
from tests.proxyserver import proxy_server
from tests.registry import CHART_LAYER, own_registry, tar


@pytest.fixture
async def place(world: World) -> AsyncIterator[Place]:
    async with chart_server(login="bot:pw") as charts:
        yield Place(world, charts)


def version_of(tree: GitTree) -> str:
    text = tree.read("Chart.yaml", max_bytes=999)
    assert text is not None
    return str(json.loads(text)["version"])


@pytest.mark.parametrize(
    ("wanted", "is_"),
    [("1.*", "1.10.0"), ("1.9.0", "1.9.0"), ("v1.9.0", "1.9.0"), ("HEAD", "1.10.0"), (">=2.0.0-0", "2.0.0-rc.1")],
)
async def test_chart_is_a_revision_named_by_its_version_and_the_digest_of_its_archive(
    place: Place, wanted: str, is_: str
) -> None:
    digests = {version: place.charts.add("web", version) for version in ("1.9.0", "1.10.0", "2.0.0-rc.1")}
    tree = await place.tree(place.repositories(), "web", wanted)

    assert (f"{is_}@{digests[is_]}", is_) == (tree.revision, version_of(tree))
    assert ["/index.yaml", f"/web-{is_}.tgz"] == place.charts.paths()


async def test_new_version_is_followed_by_the_next_fetch_and_an_unchanged_index_is_not_sent_again(place: Place) -> None:
    first = f"1.0.0@{place.charts.add('web', '1.0.0')}"
    repositories = place.repositories()
    await place.tree(repositories, "web", "1.*")
    await repositories.fetch(place.repo)
    assert ["/index.yaml", "/web-1.0.0.tgz", "/index.yaml"] == place.charts.paths()
    assert first == repositories.resolve(place.repo, "web@1.*").revision

    second = f"1.1.0@{place.charts.add('web', '1.1.0')}"
    await repositories.fetch(place.repo)
    assert second == repositories.resolve(place.repo, "web@1.*").revision
    for back in (first, first.rpartition("@")[2], "1.0.0"):  # as a person names it who goes back
        assert "1.0.0" == version_of(await place.tree(repositories, "web", back))


async def test_index_without_digests_and_etags_and_in_json_serves_as_well(place: Place) -> None:
    digest = place.charts.add("web", "1.0.0", digest=None, urls=[f"http://{place.charts.host}/web-1.0.0.tgz"])
    place.charts.index = json.dumps({"apiVersion": "v1", "entries": place.charts.entries}).encode()
    place.charts.etags = False

    assert f"1.0.0@{digest}" == (await place.tree(place.repositories(), "web", "1.0.0")).revision


async def test_what_is_wrong_with_one_chart_is_told_and_leaves_the_others(place: Place) -> None:
    good = f"1.0.0@{place.charts.add('web', '1.0.0')}"
    place.charts.add("lies", "1.0.0", digest="0" * 64)
    place.charts.add("lost", "1.0.0", urls=["none.tgz"])
    place.charts.add("bare", "1.0.0", urls=[])
    place.charts.files["/odd-1.0.0.tgz"] = b"no archive"
    place.charts.add("odd", "1.0.0", digest=None, urls=["odd.tgz"])
    place.charts.files["/odd.tgz"] = b"no archive"
    place.charts.add("ftp", "1.0.0", urls=["ftp://files.example/x.tgz"])
    place.charts.add("bad", "1.0.0", urls=["http://[::1/x.tgz"])
    place.charts.add("port", "1.0.0", urls=["http://x.example:99999999/x.tgz"])
    place.charts.add("reg", "1.0.0", urls=["oci://../x:1"])
    repositories = place.repositories()
    told: list[tuple[str, str, type[GitopsError], str]] = [
        ("none", "*", RevisionNotFound, "has no chart 'none'"),
        ("web", "9.*", RevisionNotFound, "has no '9.*' of the chart web; its newest is 1.0.0"),
        ("lies", "*", InvalidManifest, "its digest differs"),
        ("lost", "*", RepositoryUnreachable, "the archive of lost 1.0.0 of"),
        ("bare", "*", RevisionNotFound, "has no urls"),
        ("odd", "*", InvalidManifest, "odd 1.0.0 of http://"),
        ("ftp", "*", InvalidManifest, "a place that is not fetched from"),
        ("bad", "*", InvalidManifest, "a place that is not fetched from"),
        ("port", "*", InvalidManifest, "a place that is not fetched from"),
        ("reg", "*", InvalidDeclaration, "names no repository of a registry"),
    ]
    for chart, version, kind, words in told:
        with pytest.raises(kind) as err:
            await place.tree(repositories, chart, version)
        assert words in err.value.what

    assert good == (await place.tree(repositories, "web", "*")).revision
    assert repositories.last_error(place.repo) is None


async def test_chart_that_was_not_asked_for_yet_is_told_apart_from_one_that_is_not_there(place: Place) -> None:
    place.charts.add("web", "1.0.0")
    repositories = place.repositories()
    await place.tree(repositories, "web", "*")

    with pytest.raises(NotFetchedYet):
        repositories.resolve(place.repo, "db@*")
    await repositories.fetch(place.repo)
    with pytest.raises(RevisionNotFound):
        repositories.resolve(place.repo, "db@*")


async def test_archive_that_cannot_be_had_now_leaves_the_version_before_it(place: Place) -> None:
    first = f"1.0.0@{place.charts.add('web', '1.0.0')}"
    repositories = place.repositories()
    await place.tree(repositories, "web", "*")
    place.charts.add("web", "1.1.0", urls=["not-yet.tgz"])
    await repositories.fetch(place.repo)

    assert first == repositories.resolve(place.repo, "web@*").revision


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (b"entries: [\n", "is no YAML (line 2)"),
        (b"<html>Not here</html>", "lists no charts"),
        (b"apiVersion: v1\nentries: none\n", "lists no charts"),
        (b'{"entries": []}', "lists no charts"),
        (b"\xff\xfe\x00", "is no YAML"),
        (b"? [a]\n: b\n", "is no YAML"),
        (b"entries: {web: " + b"[" * 200 + b"]" * 200 + b"}", "is no YAML"),
    ],
)
async def test_index_that_is_none_is_told_and_what_was_stays(place: Place, index: bytes, words: str) -> None:
    good = f"1.0.0@{place.charts.add('web', '1.0.0')}"
    repositories = place.repositories()
    await place.tree(repositories, "web", "*")
    place.charts.index = index
    with pytest.raises(InvalidManifest) as err:
        await repositories.fetch(place.repo)

    assert f"the index of {place.charts.url} {words}" in err.value.what
    assert good == repositories.resolve(place.repo, "web@*").revision


async def test_index_above_the_limit_is_refused(place: Place) -> None:
    place.charts.add("web", "1.0.0")
    with pytest.raises(RepositoryTooLarge) as err:
        await place.repositories(most=50).fetch(place.repo)

    assert "raise charts.max_index_bytes" in err.value.remedy


async def test_server_that_never_answers_is_given_up(place: Place) -> None:
    place.charts.silent = "/"
    with pytest.raises(RepositoryUnreachable, match=r"the index of .* cannot be had: it takes too long"):
        await place.repositories(deadline_s=0.3).fetch(place.repo)


async def test_server_that_says_nothing_is_given_up_before_the_deadline(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SILENT_S", 0.3)
    place.charts.silent = "/"
    with pytest.raises(RepositoryUnreachable, match="it takes too long"):
        await place.repositories(deadline_s=3600.0).fetch(place.repo)


async def test_archive_that_never_comes_is_asked_for_after_the_others_and_given_up(place: Place) -> None:
    place.charts.add("a", "1.0.0", urls=["lost.tgz"])
    repositories = place.repositories()
    with pytest.raises(RepositoryUnreachable):
        await place.tree(repositories, "a", "*")
    for chart in ("b", "c"):
        place.charts.add(chart, "1.0.0")
        with pytest.raises(NotFetchedYet):
            repositories.resolve(place.repo, f"{chart}@*")
    place.charts.paths()
    await repositories.fetch(place.repo)
    assert ["/index.yaml", "/b-1.0.0.tgz", "/c-1.0.0.tgz", "/lost.tgz"] == place.charts.paths()

    place.charts.silent = "/lost"
    repositories = place.repositories(deadline_s=2.0)
    with pytest.raises((RepositoryUnreachable, TooSlow)):  # whichever clock is the first
        await place.tree(repositories, "a", "*")


async def test_login_that_is_not_taken_is_told_without_its_password(place: Place) -> None:
    given = RepoCredentials(place.charts.url, "bot", Held(text="wrong-word"))
    with pytest.raises(RepositoryUnreachable, match="401") as err:
        await place.repositories(given).fetch(place.repo)

    assert "wrong-word" not in str(err.value)


async def test_authority_client_certificate_and_proxy_are_those_of_its_credentials(world: World) -> None:
    tls, authority = certificate(world.folder / "server")
    _, mine = certificate(world.folder / "mine")
    tls.load_verify_locations(mine)
    tls.verify_mode = ssl.CERT_REQUIRED
    key = (world.folder / "mine/key.pem").read_text()
    async with chart_server(tls=tls) as charts, proxy_server(login="p:s3cret") as proxy:
        place, digest = Place(world, charts), charts.add("web", "1.0.0")
        through = proxy.url.replace("//", "//p:s3cret@")
        given = RepoCredentials(
            charts.url,
            ca_file=authority,
            client_cert=Held(text=mine.read_text()),
            client_key=Held(text=key),
            proxy=through,
        )
        for lacking in ({"ca_file": None}, {"client_cert": None, "client_key": None}, {"proxy": proxy.url}):
            with pytest.raises(RepositoryUnreachable) as err:
                await place.tree(place.repositories(replace(given, **lacking)), "web", "*")
            assert "s3cret" not in str(err.value)
        proxy.asked.clear()

        assert f"1.0.0@{digest}" == (await place.tree(place.repositories(given), "web", "*")).revision
        assert {charts.host} == set(proxy.asked)


async def test_login_goes_to_another_host_only_where_the_application_says_so(place: Place) -> None:
    async with chart_server() as other:
        other.add("web", "1.0.0")
        place.charts.add("web", "1.0.0", urls=[f"{other.url}/web-1.0.0.tgz"])
        place.charts.add("moved", "1.0.0")
        place.charts.moved["/moved-1.0.0.tgz"] = f"{other.url}/web-1.0.0.tgz"
        repositories = place.repositories()
        await place.tree(repositories, "web", "1.0.0")
        with pytest.raises(InvalidManifest):  # it was led to another chart
            await place.tree(repositories, "moved", "1.0.0")
        assert [("/web-1.0.0.tgz", "")] * 2 == other.asked

        other.login = "bot:pw"
        passing = RepoCredentials(place.charts.url, "bot", Held(text="pw"), pass_credentials=True)
        await place.tree(place.repositories(passing), "web", "1.0.0", passCredentials=True)
        assert other.asked


async def test_chart_that_the_index_has_in_a_registry_is_fetched_there(place: Place) -> None:
    async with own_registry() as registry:
        layer = tar({"web/Chart.yaml": '{"version": "3.0.0"}'})
        await registry.artifact("org/web", "3.0.0", layer, media_type=CHART_LAYER)
        place.charts.add("web", "3.0.0", digest=None, urls=[f"{registry.url}/org/web:3.0.0"])
        own = RepoCredentials(place.charts.url, "bot", Held(text="pw"))
        repositories = place.repositories(own, RepoCredentials(registry.url, plain_http=True))

        assert "3.0.0" == version_of(await place.tree(repositories, "web", "3.*"))


async def test_restart_without_the_repository_has_what_was(place: Place) -> None:
    good = f"1.0.0@{place.charts.add('web', '1.0.0')}"
    await place.tree(place.repositories(), "web", "*")
    place.charts.login = "nobody:x"
    restarted = place.repositories()
    with pytest.raises(RepositoryUnreachable):
        await restarted.fetch(place.repo)

    assert good == restarted.resolve(place.repo, "web@*").revision


@pytest.mark.parametrize("url", ["oci://{}/org", "{}/org"])
async def test_chart_of_a_registry_is_named_beside_it(world: World, url: str) -> None:
    async with own_registry() as registry:
        layer = tar({"web/Chart.yaml": '{"version": "1.2.0"}'})
        await registry.artifact("org/web", "1.2.0", layer, media_type=CHART_LAYER)
        source = Source(RepoUrl(url.format(registry.host)), "HEAD", chart="web", path=".")
        repositories = world.repositories(credentials=(RepoCredentials(registry.url, plain_http=True),))
        at = await repositories.want(source.repository, source.reference)

        assert "1.2.0" == version_of(open_tree(repositories.mirror(source.repository), at.revision))
