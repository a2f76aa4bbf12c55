from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from gitopsd.errors import InvalidSettings
from gitopsd.git.credentials import access
from gitopsd.settings import RepoCredentials, Secret


def test_helper_answers_git_from_a_descriptor_as_often_as_asked(tmp_path: Path) -> None:
    text = r"a'b\n$(c) \\ ü"
    (tmp_path / "pw").write_text(text)
    given = RepoCredentials("https://h", "bot", Secret(file=tmp_path / "pw"))
    with access("https://h/x", given, tmp_path / "run") as granted:
        config = [argument for setting in granted.config for argument in ("-c", setting)]
        answers = [
            subprocess.run(  # noqa: S603 - git, as a fetch would run it
                ["git", *config, "credential", "fill"],  # noqa: S607 - as above
                check=True,
                capture_output=True,
                text=True,
                input="protocol=https\nhost=h\n\n",
                env={"PATH": os.environ["PATH"], **granted.env},
                pass_fds=granted.fds,
            ).stdout
            for _ in range(2)
        ]

    assert [f"protocol=https\nhost=h\nusername=bot\npassword={text}\n"] * 2 == answers
    assert text not in f"{granted.env}{granted.config}"
    assert not (tmp_path / "run").exists()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(granted.fds[0])


def test_token_without_a_user_name_gets_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("t")
    given = RepoCredentials("https://h", password=Secret(file=tmp_path / "pw"))
    with access("https://h/x", given, tmp_path) as granted:
        assert b"x-access-token\nt\n" == os.pread(granted.fds[0], 100, 0)


def test_ssh_key_is_a_private_file_for_as_long_as_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN\nabc\n-----END\n")
    (tmp_path / "hosts").write_text("")
    given = RepoCredentials("ssh://git@h", ssh_key=Secret(file=tmp_path / "key"), known_hosts=tmp_path / "hosts")
    with access("ssh://git:pw@h/x", given, tmp_path / "run") as granted:
        (key,) = (tmp_path / "run").iterdir()
        assert (0o600, "-----BEGIN\nabc\n-----END\n") == (stat.S_IMODE(key.stat().st_mode), key.read_text())
        command = granted.env["GIT_SSH_COMMAND"]
        assert f"-i {key}" in command
        assert "ssh://git@h/x" == granted.url
        for option in ("StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "BatchMode=yes", "-F /dev/null"):
            assert option in command

    assert [] == list((tmp_path / "run").iterdir())


def test_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for given in (
        RepoCredentials("https://h", ca_file=tmp_path / "no"),
        RepoCredentials("https://h", password=Secret(file=tmp_path / "no")),
    ):
        with pytest.raises(InvalidSettings, match="no"), access("https://h/x", given, tmp_path):
            pass


def test_without_credentials_nothing_is_handed_over(tmp_path: Path) -> None:
    with access("https://h/x", None, tmp_path / "run") as granted:
        assert ("https://h/x", {}, (), ()) == (granted.url, granted.env, granted.fds, granted.secrets)
