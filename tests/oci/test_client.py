"""The registry's client, at our own registry and, where it is installed, at docker-registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gitopsd.errors import (
    InvalidDeclaration,
    InvalidManifest,
    RepositoryTooLarge,
    RepositoryUnreachable,
    RevisionNotFound,
)
from gitopsd.oci.client import CHART_LAYER, IMAGE_LAYER, registry
from gitopsd.oci.reference import OciRepository, tag_of
from gitopsd.settings import Held, OciSettings, RepoCredentials
from gitopsd.trust.reach import EVERYWHERE
from tests import registry as servers
from tests.registry import INDEX, REAL, digest_of, manifest_of, own_registry, real_registry, tar

KINDS = [
    "own",
    pytest.param("docker-registry", marks=pytest.mark.skipif(REAL is None, reason="docker-registry is not here")),
]
LIMITS = OciSettings(deadline_s=20.0, max_layer_bytes=1_000_000)


@pytest.fixture(params=KINDS)
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[servers.Registry]:
    if request.param == "own":
        async with own_registry() as found:
            yield found
    else:
        async with real_registry(tmp_path) as found:
            yield found


def opened(server: servers.Registry, name: str = "org/app", limits: OciSettings = LIMITS, **given: object):  # type: ignore[no-untyped-def] # noqa: ANN201 - a context manager of the module's
    url = f"{server.url}/{name}"
    return registry(url, RepoCredentials(url, plain_http=True, **given), limits, EVERYWHERE)  # type: ignore[arg-type]


async def test_tags_ranges_and_digests_lead_to_one_artifact(server: servers.Registry) -> None:
    pushed = {}
    for tag in ("1.0.0", "1.2.0", "1.2.1_build.5", "2.0.0-rc.1", "latest", "main"):
        pushed[tag] = await server.artifact("org/app", tag, tar({"a": tag}))
    async with opened(server) as found:
        assert set(pushed) == set(await found.tags())
        for reference, tag in (
            ("1.0.0", "1.0.0"),
            ("1.*", "1.2.1_build.5"),
            ("~1.0", "1.0.0"),
            ("1.2.1+build.5", "1.2.1_build.5"),
            (">=2.0.0-0", "2.0.0-rc.1"),
            ("", "latest"),
            ("HEAD", "latest"),
            ("main", "main"),
            (pushed["main"], "main"),
        ):
            assert pushed[tag] == await found.resolve(reference), reference
        for reference in ("3.*", "9.9.9", "nothing", f"sha256:{'0' * 64}", "no tag!", "../x"):
            assert await found.resolve(reference) is None, reference
    async with opened(server, "no/where") as found:
        assert await found.resolve("latest") is None
        assert await found.resolve("1.*") is None


async def test_artifact_is_fetched_by_its_digest(server: servers.Registry) -> None:
    layer = tar({"a.yaml": "kind: X"})
    digest = await server.artifact("org/app", "1", layer, annotations={"org.opencontainers.image.title": "x"})
    async with opened(server) as found:
        artifact = await found.fetch(digest)
        content = artifact.content((IMAGE_LAYER, CHART_LAYER))

        assert {"org.opencontainers.image.title": "x"} == artifact.annotations
        assert (digest_of(layer), len(layer)) == (content.digest, content.size)
        assert layer == await found.blob(content)
        with pytest.raises(RevisionNotFound):
            await found.fetch(f"sha256:{'0' * 64}")
    async with opened(server, limits=OciSettings(max_layer_bytes=10)) as found:
        with pytest.raises(RepositoryTooLarge, match="raise oci"):
            await found.blob(content)


async def test_artifact_of_several_layers_or_platforms_is_refused_with_what_it_has(server: servers.Registry) -> None:
    one, two = tar({"a": "1"}), tar({"a": "2"})
    layers = [(IMAGE_LAYER, one), (IMAGE_LAYER, two), ("application/x", two)]
    several = await server.push("org/app", "several", manifest_of(layers), b"{}", one, two)
    first = await server.artifact("org/app", "first", one)
    second = await server.artifact("org/app", "second", two)
    described = [
        {"mediaType": servers.MANIFEST, "digest": digest, "size": len(str(digest))} for digest in (first, second)
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": described}
    both = await server.push("org/app", "both", index)
    alone = await server.push("org/app", "alone", {**index, "manifests": described[:1]})
    async with opened(server) as found:
        with pytest.raises(InvalidManifest, match="2 layers to read, of 3"):
            (await found.fetch(several)).content((IMAGE_LAYER,))
        with pytest.raises(InvalidManifest, match="no layers to read"):
            (await found.fetch(first)).content((CHART_LAYER,))
        with pytest.raises(InvalidManifest, match="no artifact that can be read"):
            await found.fetch(both)
        assert digest_of(one) == (await found.fetch(alone)).content((IMAGE_LAYER,)).digest


async def test_token_is_had_for_a_password_which_the_registry_itself_never_sees() -> None:
    async with own_registry(login="bot:s3cret") as server:
        digest = await server.artifact("org/app", "1", tar({"a": "1"}))
        server.asked.clear()
        async with opened(server, username="bot", password=Held(text="s3cret")) as found:
            assert digest == await found.resolve("1")
            await found.fetch(digest)
        assert ["", "Basic Ym90OnMzY3JldA==", f"Bearer {servers.TOKEN}", f"Bearer {servers.TOKEN}"] == [
            login for _, login in server.asked
        ]
        for password in (Held(text="wr0ng"), None):
            async with opened(server, username="bot", password=password) as found:
                with pytest.raises(RepositoryUnreachable, match="let us in") as refused:
                    await found.resolve("1")
            assert "wr0ng" not in str(refused.value)


async def test_blob_that_is_stored_elsewhere_is_fetched_without_our_login() -> None:
    async with own_registry(login="bot:s3cret") as server, own_registry() as store:
        layer = tar({"a": "1"})
        digest = await server.artifact("org/app", "1", layer)
        store.blobs[digest_of(layer)] = layer
        server.away = f"http://{store.host}"
        async with opened(server, username="bot", password=Held(text="s3cret")) as found:
            assert layer == await found.blob((await found.fetch(digest)).content((IMAGE_LAYER,)))

    assert [("", "/stored/v2/x/blobs/" in path) for path, _ in store.asked] == [
        (login, True) for _, login in store.asked
    ]


async def test_registry_that_gives_other_bytes_is_not_believed() -> None:
    async with own_registry() as server:
        layer = tar({"a": "1"})
        digest = await server.artifact("org/app", "1", layer)
        async with opened(server) as found:
            content = (await found.fetch(digest)).content((IMAGE_LAYER,))
            server.blobs[digest_of(layer)] = layer[:-1] + b"x"
            with pytest.raises(RepositoryUnreachable, match="something else"):
                await found.blob(content)
            server.lies = True
            for ask in (found.fetch, found.resolve):
                with pytest.raises(RepositoryUnreachable, match="something else"):
                    await ask(digest)
            with pytest.raises(RepositoryUnreachable, match="something else"):
                await found.resolve("1")


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="https://127.0.0.1:9/token",service="x"',
        'Bearer realm="http://elsewhere.example/token"',
        'Bearer realm="http://[::1"',
        "Bearer",
        "Negotiate",
        "",
    ],
)
async def test_token_server_that_is_none_is_told(challenge: str) -> None:
    async with own_registry(login="bot:s3cret") as server:
        server.challenge = challenge
        async with opened(server, username="bot", password=Held(text="s3cret")) as found:
            with pytest.raises(RepositoryUnreachable, match="let us in") as refused:
                await found.resolve("1")
        assert "s3cret" not in str(refused.value)
        assert not [login for _, login in server.asked if login]


async def test_password_does_not_go_to_a_token_server_without_tls() -> None:
    async with own_registry(login="bot:s3cret") as server, own_registry() as elsewhere:
        server.challenge = f'Bearer realm="http://{elsewhere.host}/token",service="registry"'
        async with opened(server, username="bot", password=Held(text="s3cret")) as found:
            with pytest.raises(RepositoryUnreachable, match="without TLS"):
                await found.resolve("1")

        assert [] == elsewhere.asked


@pytest.mark.parametrize("away", ["ftp://h", "http://[", "javascript:x"])
async def test_blob_that_is_sent_nowhere_is_told(away: str) -> None:
    async with own_registry() as server:
        digest = await server.artifact("org/app", "1", tar({"a": "1"}))
        server.away = away
        async with opened(server) as found:
            with pytest.raises(RepositoryUnreachable, match="sends us on"):
                await found.blob((await found.fetch(digest)).content((IMAGE_LAYER,)))


async def test_registry_that_never_answers_is_left_at_the_deadline() -> None:
    stop = asyncio.Event()

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stop.wait()
        writer.close()

    listening = await asyncio.start_server(hold, "127.0.0.1", 0)
    silent = servers.Registry("{}:{}".format(*listening.sockets[0].getsockname()[:2]))
    async with opened(silent, limits=OciSettings(deadline_s=0.3)) as found:
        with pytest.raises(RepositoryUnreachable, match="does not answer"):
            await found.resolve("1")
    stop.set()
    listening.close()


def test_repositories_are_named_by_host_and_path() -> None:
    assert OciRepository("r.example:5000", "org/app") == OciRepository.parse("oci://R.example:5000/org/app")
    assert OciRepository("registry-1.docker.io", "library/nginx") == OciRepository.parse("docker.io/nginx")
    for bad in ("oci://r.example", "oci://u:p@r/x", "oci://r/UP", "oci://r/x:tag", "oci://r/../x", "https://r/x", ""):
        with pytest.raises(InvalidDeclaration):
            OciRepository.parse(bad)


def test_tag_without_a_version_is_a_name() -> None:
    assert "main" == tag_of("main", ["main", "1.0.0"])
    assert None is tag_of("1.x", ["main"])
