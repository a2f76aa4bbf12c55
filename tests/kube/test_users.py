"""Each field of a kubeconfig says what it says to kubectl, or is refused by its name."""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import ClusterRefused, ClusterUnreachable, GitopsError, InvalidSettings
from gitopsd.kube.client import KubeClient
from gitopsd.kube.credentials import Credentials, load
from gitopsd.settings import ClusterSettings
from gitopsd.sim.tls import Authority
from tests.kube.credentials import NOW_S, kubeconfig, now_s
from tests.kube.fake import says, serving

V1 = "client.authentication.k8s.io/v1"
PEM = Authority(datetime.fromtimestamp(NOW_S, UTC)).certificate


def plugin(folder: Path, body: str = "", **more: Any) -> dict[str, Any]:
    """Return a user whose exec plugin, a program beside the kubeconfig, tells what it was told as its token."""
    program = folder / "bin" / "plugin"
    program.parent.mkdir(exist_ok=True)
    answer = {"apiVersion": V1, "kind": "ExecCredential", "status": {"token": "TOLD"}}
    code = body or f"print({json.dumps(answer)!r}.replace('TOLD', os.environ['KUBERNETES_EXEC_INFO'].encode().hex()))"
    program.write_text(f"#!{sys.executable}\nimport os, sys\n{code}\n")
    program.chmod(0o755)
    return {"exec": {"apiVersion": V1, "command": "bin/plugin", "interactiveMode": "Never", **more}}


async def load_with(folder: Path, user: dict[str, Any], **cluster: Any) -> Credentials:
    return await load(kubeconfig(folder, user, **cluster), now_s, [f"{folder}/bin/plugin", "nowhere"])


def told(found: Credentials) -> Any:
    return json.loads(bytes.fromhex(found.authorization.removeprefix("Bearer ")))


ACTING_AS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "nobody": ({}, []),
    "as": ({"as": "ann"}, [("Impersonate-User", "ann")]),
    "as-groups": (
        {"as": "ann", "as-groups": ["dev", "ops"]},
        [("Impersonate-User", "ann"), ("Impersonate-Group", "dev"), ("Impersonate-Group", "ops")],
    ),
    "as-uid": ({"as": "ann", "as-uid": "7"}, [("Impersonate-User", "ann"), ("Impersonate-Uid", "7")]),
    "as-user-extra": (
        {"as": "ann", "as-user-extra": {"example.org/team": ["a", "b"], "plain": ["c"]}},
        [
            ("Impersonate-User", "ann"),
            ("Impersonate-Extra-example.org%2Fteam", "a"),
            ("Impersonate-Extra-example.org%2Fteam", "b"),
            ("Impersonate-Extra-plain", "c"),
        ],
    ),
}


@pytest.mark.parametrize("name", ACTING_AS)
async def test_requests_are_sent_in_the_name_that_the_kubeconfig_says(tmp_path: Path, name: str) -> None:
    user, headers = ACTING_AS[name]

    found = await load_with(tmp_path, {"token": "t", **user})

    assert headers == list(found.acting_as)


async def test_what_narrows_us_is_not_lifted_by_another_name(tmp_path: Path) -> None:
    async with serving() as fake:
        fake.script("/x", says({}))
        settings = kubeconfig(tmp_path, {"token": "t", "as": "ann"}, server=fake.url)
        async with KubeClient(settings) as client:
            assert (await client.request("GET", "/x")).ok
            with pytest.raises(ClusterRefused, match="acts as somebody already"):
                await client.acting_as("system:serviceaccount:web:deployer").request("GET", "/x")


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "as-groups without as": ({"as-groups": ["dev"]}, {}, "and no as"),
    "as-uid without as": ({"as-uid": "7"}, {}, "and no as"),
    "as-groups that is no list": ({"as": "ann", "as-groups": "dev"}, {}, "as-groups is no list"),
    "a tokenFile that is not there": ({"tokenFile": "nowhere"}, {}, "tokenFile .*nowhere cannot be read: No such file"),
    "an empty tokenFile": ({"tokenFile": "/dev/null"}, {}, "tokenFile /dev/null is empty"),
    "a token and a password": ({"token": "t", "username": "u", "password": "p"}, {}, "both a token and a password"),
    "a provider that is gone": ({"auth-provider": {"name": "gcp", "config": {"cmd-path": "/bin/sh"}}}, {}, "'gcp'"),
    "authorities that are no base64": ({}, {"certificate-authority-data": "!!!!"}, "certificate-authority-data"),
    "authorities that are no PEM": (
        {},
        {"certificate-authority-data": base64.b64encode(b"hello").decode()},
        "certificates cannot be used",
    ),
    "authorities that are white space": (
        {},
        {"certificate-authority-data": base64.b64encode(b"\n").decode()},
        "certificates cannot be used",
    ),
    "an empty file of authorities": ({}, {"certificate-authority": "/dev/null"}, "certificates cannot be used"),
    "authorities and no check": (
        {},
        {"certificate-authority-data": base64.b64encode(PEM).decode(), "insecure-skip-tls-verify": True},
        "both certificate-authority and insecure-skip-tls-verify",
    ),
    "a SOCKS proxy": ({}, {"proxy-url": "socks5://127.0.0.1:1080"}, "the scheme socks5"),
    "a proxy without scheme": ({}, {"proxy-url": "127.0.0.1:1080"}, "the scheme none"),
    "exec without command": ({"exec": {"apiVersion": V1}}, {}, "no command"),
    "exec of an old version": (
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "nowhere"}},
        {},
        "v1alpha1",
    ),
    "exec that asks a person": (
        {"exec": {"apiVersion": V1, "command": "nowhere", "interactiveMode": "Always"}},
        {},
        "asks a person",
    ),
    "exec of a program that is not there": (
        {"exec": {"apiVersion": V1, "command": "nowhere", "installHint": "get it\x1b[2J at https://example.org"}},
        {},
        r"nowhere is not there.*; get it \[2J at https://example.org",
    ),
    "exec that is not allowed": ({"exec": {"apiVersion": V1, "command": "sh"}}, {}, "sh may not be run"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_followed_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    user, cluster, words = REFUSED[name]

    with pytest.raises(InvalidSettings, match=words):
        await load_with(tmp_path, user, **cluster)


async def test_a_token_file_goes_before_a_token_and_is_read_again_when_it_changes(tmp_path: Path) -> None:
    user = {"token": "old", "tokenFile": "token"}
    found = []
    for text in ("first\n", "second\n"):
        (tmp_path / "token").write_text(text)
        found.append(await load_with(tmp_path, user))
    (tmp_path / "token").unlink()
    found.append(await load_with(tmp_path, user))

    assert ["Bearer first", "Bearer second", "Bearer old"] == [each.authorization for each in found]
    assert {60.0} == {each.holds_s for each in found}


async def test_a_relative_command_is_beside_the_kubeconfig_and_is_told_no_cluster(tmp_path: Path) -> None:
    found = told(await load_with(tmp_path, plugin(tmp_path)))

    assert {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False}} == found


async def test_a_plugin_is_told_of_its_cluster_where_it_wants_that(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(PEM)
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "shop"}}

    found = told(
        await load_with(
            tmp_path,
            plugin(tmp_path, provideClusterInfo=True),
            extensions=[{"name": "other", "extension": {}}, extension],
            **{"certificate-authority": "ca.crt", "tls-server-name": "shop", "proxy-url": "http://127.0.0.1:1"},
        )
    )

    assert {
        "server": "https://10.0.0.1:6443/",
        "certificate-authority-data": base64.b64encode(PEM).decode(),
        "tls-server-name": "shop",
        "proxy-url": "http://127.0.0.1:1",
        "config": {"audience": "shop"},
    } == found["spec"]["cluster"]


async def test_a_token_goes_before_a_plugin(tmp_path: Path) -> None:
    found = await load_with(tmp_path, {"token": "t", **plugin(tmp_path, "sys.exit(1)")})

    assert "Bearer t" == found.authorization


async def test_a_plugin_that_talks_much_is_heard_to_its_end(tmp_path: Path) -> None:
    body = "sys.stderr.write('x' * (1 << 20)); sys.stdout.write('x' * (1 << 21)); sys.exit(3)"

    with pytest.raises(ClusterUnreachable, match="ended with code 3"):
        await load_with(tmp_path, plugin(tmp_path, body))


async def test_a_file_that_is_mended_counts_while_we_run(tmp_path: Path) -> None:
    """A login that cannot be used is its cluster's alone: nothing else stops for it."""
    async with serving() as fake:
        fake.script("/x", says({}))
        settings: ClusterSettings = kubeconfig(tmp_path, {"tokenFile": "token"}, server=fake.url)
        async with KubeClient(settings) as client:
            with pytest.raises(GitopsError, match="tokenFile") as failure:
                await client.request("GET", "/x")
            (tmp_path / "token").write_text("t")
            assert (await client.request("GET", "/x")).ok
    assert isinstance(failure.value, ClusterUnreachable)
