"""The settings that the demo writes are such as a person may write."""

from __future__ import annotations

from pathlib import Path

from gitopsd.demo.config import write_secrets, write_settings
from gitopsd.settings import load, problems


def test_written_settings_have_no_problem(tmp_path: Path) -> None:
    secrets = write_secrets(tmp_path)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")

    file = write_settings(tmp_path, clusters={"east": kubeconfig}, repo_url="http://127.0.0.1:1/fleet.git", port=9000)

    assert [] == problems(file, {})
    settings = load(file, {})
    assert (9000, 9001) == (settings.api.port, settings.api.probe_port)
    assert settings.api.token is not None
    assert settings.api.token.file is not None
    assert secrets.token == settings.api.token.file.read_text()


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    write_secrets(tmp_path)

    assert {0o600} == {(tmp_path / name).stat().st_mode & 0o777 for name in ("token", "webhook-secret")}
