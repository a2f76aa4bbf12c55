"""A login runs no program that the settings do not name: case 27 of docs/security.md."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsd.errors import InvalidSettings
from gitopsd.kube.credentials import load
from gitopsd.settings import ClusterSettings

V1 = "client.authentication.k8s.io/v1"


def program(folder: Path, name: str = "login") -> Path:
    """Write a program that leaves a file behind when it is run."""
    found = folder / name
    found.write_text(f"#!{sys.executable}\nopen({str(folder / 'ran')!r}, 'w')\n")
    found.chmod(0o755)
    return found


def settings(folder: Path, user: dict[str, Any]) -> ClusterSettings:
    file = folder / "kubeconfig"
    document = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": "https://10.0.0.1"}}],
        "users": [{"name": "it", "user": user}],
    }
    file.write_text(yaml.safe_dump(document))
    return ClusterSettings("shop", kubeconfig=file)


@pytest.mark.parametrize(
    "allowed",
    [
        [],
        ["other"],
        ["login"],  # a name is what the PATH has, not what lies beside a kubeconfig
        ["./login"],
        ["{FOLDER}"],
        ["{FOLDER}/login2"],
    ],
)
async def test_case_27_a_kubeconfig_runs_nothing_that_is_not_allowed(tmp_path: Path, allowed: list[str]) -> None:
    program(tmp_path)
    names = [name.replace("{FOLDER}", f"{tmp_path}") for name in allowed]
    for command in ("./login", f"{tmp_path}/login", f"{tmp_path}/../{tmp_path.name}/login"):
        with pytest.raises(InvalidSettings, match="may not be run"):
            await load(settings(tmp_path, {"exec": {"apiVersion": V1, "command": command}}), lambda: 0.0, names)
    assert not (tmp_path / "ran").exists()


async def test_case_27_its_environment_does_not_change_what_a_name_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "shop-login")
    plugin = {"apiVersion": V1, "command": "shop-login", "env": [{"name": "PATH", "value": f"{tmp_path}"}]}
    monkeypatch.setenv("PATH", os.defpath)

    with pytest.raises(InvalidSettings, match="is not there"):
        await load(settings(tmp_path, {"exec": plugin}), lambda: 0.0, ["shop-login"])
    assert not (tmp_path / "ran").exists()


async def test_case_27_no_provider_of_an_old_kubeconfig_runs_a_program(tmp_path: Path) -> None:
    config = {"cmd-path": f"{program(tmp_path)}", "cmd-args": "x"}

    with pytest.raises(InvalidSettings, match="auth-provider 'gcp'"):
        await load(settings(tmp_path, {"auth-provider": {"name": "gcp", "config": config}}), lambda: 0.0, ["*"])
    assert not (tmp_path / "ran").exists()
