"""Credentials come from where the settings say, hold as long as they do, and never show in an error."""

from __future__ import annotations

import base64
import json
import math
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import ClusterUnreachable, InvalidSettings
from gitopsd.kube import credentials
from gitopsd.kube.credentials import load
from gitopsd.settings import ClusterSettings, Secret
from gitopsd.sim.tls import Authority
from tests.kube.credentials import NOW_S, kubeconfig, now_s


def plugin(folder: Path, status: dict[str, Any], code: int = 0) -> dict[str, Any]:
    """Return a user whose exec plugin answers `status`, and notes each run in the file `runs`."""
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    script = folder / "plugin.py"
    script.write_text(
        f"import sys; open({str(folder / 'runs')!r}, 'a').write('x'); print({json.dumps(answer)!r}); sys.exit({code})"
    )
    return {"exec": {"apiVersion": answer["apiVersion"], "command": sys.executable, "args": [str(script)]}}


async def test_a_kubeconfig_gives_server_and_token(tmp_path: Path) -> None:
    found = await load(kubeconfig(tmp_path, {"token": "secret"}), now_s)

    assert ("https://10.0.0.1:6443", "Bearer secret", math.inf) == (found.server, found.authorization, found.holds_s)
    assert "secret" not in repr(found)
    assert found.tls is not None
    assert found.tls.check_hostname


async def test_tls_is_left_unchecked_only_where_the_kubeconfig_says_so(tmp_path: Path) -> None:
    found = await load(kubeconfig(tmp_path, {}, **{"insecure-skip-tls-verify": True}), now_s)

    assert found.tls is not None
    assert not found.tls.check_hostname
    assert "" == found.authorization


async def test_an_exec_plugin_is_run_and_its_token_holds_until_a_moment_before_its_end(tmp_path: Path) -> None:
    user = plugin(tmp_path, {"token": "fresh", "expirationTimestamp": "2027-01-15T08:10:00Z"})  # ten minutes from now

    found = await load(kubeconfig(tmp_path, user), now_s, [sys.executable])

    assert "Bearer fresh" == found.authorization
    assert 570.0 == found.holds_s
    assert "x" == (tmp_path / "runs").read_text()


async def test_an_exec_plugin_that_fails_is_retried_and_does_not_leak(tmp_path: Path) -> None:
    user = plugin(tmp_path, {"token": "hunter2"}, code=1)

    with pytest.raises(ClusterUnreachable, match="ended with code 1") as failure:
        await load(kubeconfig(tmp_path, user), now_s, [sys.executable])

    assert "hunter2" not in str(failure.value)


async def test_a_token_file_is_read_again_every_minute(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("rotated")

    found = await load(kubeconfig(tmp_path, {"tokenFile": "token"}), now_s)

    assert ("Bearer rotated", 60.0) == (found.authorization, found.holds_s)


async def test_certificates_in_a_kubeconfig_leave_no_copy_on_the_disk(tmp_path: Path) -> None:
    pem = base64.b64encode(b"no certificate").decode()

    with pytest.raises(InvalidSettings, match="certificates cannot be used"):
        await load(kubeconfig(tmp_path, {"client-certificate-data": pem, "client-key-data": pem}), now_s)

    assert ["kubeconfig"] == os.listdir(tmp_path)  # noqa: PTH208 - pathlib's is refused in async functions


BROKEN: dict[str, Any] = {
    "not YAML": "{",
    "no number": "!!int 1_0:x",
    "a number without digits": "!!int ''",
    "no date": "!!timestamp x",
    "a day that is none": "2026-13-45",
    "no switch": "!!bool x",
    "nested without end": "[" * 5_000,
    "nothing": "",
    "a text": "x",
    "no contexts": {"current-context": "one"},
    "no context": {},
    "contexts of a wrong shape": {"current-context": "one", "contexts": [5]},
    "a context without cluster": {"current-context": "one", "contexts": [{"name": "one", "context": {}}]},
    "an unknown cluster": {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c"}}],
        "clusters": [],
    },
    "a cluster without server": {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c"}}],
        "clusters": [{"name": "c", "cluster": {}}],
    },
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_kubeconfig_names_the_file(tmp_path: Path, name: str) -> None:
    document = BROKEN[name]
    file = tmp_path / "kubeconfig"
    file.write_text(document if isinstance(document, str) else json.dumps(document))

    with pytest.raises(InvalidSettings, match=str(file)):
        await load(ClusterSettings("shop", kubeconfig=file), now_s)


async def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="nowhere"):
        await load(ClusterSettings("shop", kubeconfig=tmp_path / "nowhere"), now_s)


async def test_a_service_account_is_read_from_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("of the pod\n")
    (tmp_path / "ca.crt").write_bytes(Authority(datetime.fromtimestamp(NOW_S, UTC)).certificate)
    monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    found = await load(ClusterSettings("here", in_cluster=True), now_s)

    assert ("https://[fd00::1]:443", "Bearer of the pod", 60.0) == (
        found.server,
        found.authorization,
        found.holds_s,
    )


async def test_outside_a_pod_there_is_no_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(InvalidSettings, match="in no Pod"):
        await load(ClusterSettings("here", in_cluster=True), now_s)


async def test_a_cluster_without_address_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="neither kubeconfig"):
        await load(ClusterSettings("shop", token=Secret(env="X")), now_s)


def test_the_models_of_the_whole_api_are_imported_for_those_alone_who_ask_an_identity_provider() -> None:
    script = (
        "import sys; import gitopsd.daemon.run; "
        "print(sum(name.startswith('kubernetes_asyncio') for name in sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert ["0"] == answer.stdout.split()
