"""Commits and tags that are signed, by GPG and SSH keys made for a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.gitserver import Repo

GPG = shutil.which("gpg")
SSH_KEYGEN = shutil.which("ssh-keygen")
# git asks for both before it makes a commit.
WHO = {
    f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "a"), ("EMAIL", "a@b"))
}


@dataclass(frozen=True)
class Key:
    """`options` are what git signs with."""

    id: str  # fingerprint of a GPG key, or principal of an SSH key
    public: str
    options: tuple[str, ...]


class Home:
    """A directory of keys; its path is short, since gpg's agent listens on a socket in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *command: str, given: str = "") -> str:
        environ = {**os.environ, "GNUPGHOME": str(self.path), **WHO}
        ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False, env=environ)  # noqa: S603 - the tests' own
        assert 0 == ran.returncode, (command, ran.stderr)
        return ran.stdout

    def gpg_key(self, name: str, *options: str) -> Key:
        unattended = ("--batch", "--pinentry-mode", "loopback", "--passphrase", "")
        self.run("gpg", *unattended, *options, "--quick-gen-key", f"{name}@example.org", "ed25519", "sign", "never")
        listed = self.run("gpg", "--batch", "--with-colons", "--list-keys", f"{name}@example.org")
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
        public = self.run("gpg", "--batch", "--armor", "--export", fingerprint)
        return Key(fingerprint, public, ("-c", "gpg.format=openpgp", "-c", f"user.signingkey={fingerprint}!"))

    def ssh_key(self, name: str) -> Key:
        file = self.path / name
        self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file))
        principal = f"{name}@example.org"
        public = f"{principal} {file.with_suffix('.pub').read_text()}"
        return Key(principal, public, ("-c", "gpg.format=ssh", "-c", f"user.signingkey={file}"))

    def commit(self, repo: Repo, files: Mapping[str, str], by: Key | None, message: str = "change") -> str:
        """Commit `files` on top of the main branch, signed by `by`."""
        unsigned = repo.commit(files, message=message)
        if by is None:
            return unsigned
        parents = [str(parent) for parent in repo.git[unsigned].parent_ids]  # type: ignore[attr-defined]
        tree = f"{unsigned}^{{tree}}"
        made = self.run(
            "git",
            *by.options,
            "-C",
            str(repo.path),
            "commit-tree",
            "-S",
            tree,
            *(option for parent in parents for option in ("-p", parent)),
            "-m",
            message,
        ).strip()
        repo.set_ref("refs/heads/main", made)
        return made

    def tag(self, repo: Repo, name: str, by: Key) -> None:
        """Tag the main branch's commit, signed by `by`."""
        self.run("git", *by.options, "-C", str(repo.path), "tag", "-s", "-m", name, name, "refs/heads/main")


@contextmanager
def home() -> Iterator[Home]:
    path = Path(tempfile.mkdtemp(prefix="keys"))
    made = Home(path)
    try:
        yield made
    finally:
        made.run("gpgconf", "--homedir", str(path), "--kill", "all")
        shutil.rmtree(path, ignore_errors=True)
