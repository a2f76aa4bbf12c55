"""Accounts and policy out of Argo CD's ConfigMaps, and the first password."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from gitopsd.daemon.accounts import own_secret
from gitopsd.errors import InvalidSettings
from gitopsd.settings import AccountSettings, read_accounts
from gitopsd.settings.accounts import read_config_map


def write(file: Path, **data: str) -> None:
    """Write a ConfigMap, anew so that its stamp is another one."""
    new = file.with_suffix(".new")
    new.write_text(yaml.safe_dump({"kind": "ConfigMap", "data": {k.replace("__", "."): v for k, v in data.items()}}))
    new.replace(file)


def test_config_map_is_read_as_manifest_and_as_it_is_mounted(tmp_path: Path) -> None:
    write(tmp_path / "argocd-cm.yaml", accounts__ann="login", url="https://argocd.example")
    mounted = tmp_path / "mounted"
    (mounted / "..2026_12_01").mkdir(parents=True)
    (mounted / "..2026_12_01" / "accounts.ann").write_text("login")
    (mounted / "..data").symlink_to("..2026_12_01")
    (mounted / "accounts.ann").symlink_to("..data/accounts.ann")

    assert {"accounts.ann": "login", "url": "https://argocd.example"} == read_config_map(tmp_path / "argocd-cm.yaml")
    assert {"accounts.ann": "login"} == read_config_map(mounted)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "kind: Secret", "kind: ConfigMap\ndata: {a: true}", "kind: ConfigMap\ndata: []", "{", "a: !!int x"],
)
def test_what_is_no_config_map_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "cm.yaml").write_text(text)
    with pytest.raises(InvalidSettings):
        read_config_map(tmp_path / "cm.yaml")
    with pytest.raises(InvalidSettings):
        read_config_map(tmp_path / "nothing")


def test_settings_go_over_the_file(tmp_path: Path) -> None:
    write(tmp_path / "cm.yaml", accounts__ann="login", accounts__bob="login")
    rules = read_accounts(AccountSettings(tmp_path / "cm.yaml", data={"accounts.bob.enabled": "false"}))

    assert {"admin": True, "ann": True, "bob": False} == {name: each.enabled for name, each in rules.accounts.items()}


def test_secret_of_the_data_directory_is_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    os.umask(0o022)
    file = tmp_path / "session-key"

    assert ("first", "first") == (own_secret(file, lambda: "first"), own_secret(file, lambda: "second"))
    assert 0o600 == file.stat().st_mode & 0o777
