"""Repositories with files that the real SOPS encrypted, and keys for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from gitopsd.manifests.jobs import render
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.sops_keys import Keyring, Keys
from gitopsd.manifests.tools import Programs, Tools
from gitopsd.model.application import Source
from gitopsd.runtime.memory import SHARED, in_memory
from gitopsd.settings import RenderSettings, Secret, SopsKeys, ToolSettings
from tests.gitserver import Repo
from tests.manifests.staging import URL

PROGRAM = Keyring()._program  # noqa: SLF001 - what it finds by itself
# Made for these tests, and for nothing else.
AGE_KEY = "AGE-SECRET-KEY-1MJHRP2UQJJLCGAT3R28HWKP7SLD0DVGDYEGN5KZ7JVUC7GLSC3PQWGNZCF"
AGE_RECIPIENT = "age1nk20grg3skavudk6lqcz4gafgs535ljuug7zzys0nckugu9du90qq6jxgl"
OTHER_KEY = "AGE-SECRET-KEY-1J5AAT6GNERY4K0RLCZWE5KCQAA2JHGF72YYJC0W5MKNES2LFEG6SJF860W"
OTHER_RECIPIENT = "age1hmrp8dkv2ud3t7gx4n64xndj7spzzxt56sg28sj9dna6crg8u5hsdd5fqd"
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "SOPS_DISABLE_VERSION_CHECK": "1"}


def sealed(
    name: str, text: str, *options: str, recipient: tuple[str, str] = ("--age", AGE_RECIPIENT), **env: str
) -> str:
    """Return `text`, a file called `name`, as SOPS encrypts it."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, name)
        file.write_text(text)
        command = [PROGRAM, "encrypt", *recipient, *options, "--in-place", str(file)]
        subprocess.run(command, check=True, capture_output=True, env={**ENVIRONMENT, "HOME": place, **env})  # noqa: S603
        return file.read_text()


class Vault:
    """A repository, keys, and renders of it as a worker does them."""

    def __init__(self, place: Path, work: Path) -> None:
        self.place = place
        self.work = work
        self.repo = Repo(place / "r.git")

    def keyring(self, *, age: str = AGE_KEY, pgp: str = "", url: str = "") -> Keyring:
        """Return a keyring of one pair of files."""
        given = {}
        for name, text in (("age", age), ("pgp", pgp)):
            if text:
                (self.place / name).write_text(text + "\n")
                given[name] = Secret(self.place / name)
        return Keyring([SopsKeys(url, **given)])

    def outcome(
        self, files: Mapping[str, str], keyring: Keyring | None = None, *, work: Path | None = None, **options: Any
    ) -> dict[str, Any]:
        """Commit `files`, render the directory `app` of them with the annotation, and return a job's outcome."""
        revision = self.repo.rewrite(files)
        source = Source(URL, path="app", decrypt="sops", options=options)
        return self._outcome(revision, (keyring or self.keyring()).given(source), work, options)

    def bare(self, revision: str) -> dict[str, Any]:
        """Return what is rendered at `revision` for an application that does not ask to decrypt."""
        return self._outcome(revision, None, None, {})

    def _outcome(
        self, revision: str, keys: Keys | None, work: Path | None, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        programs = Programs(
            kustomize=Tools(ToolSettings(), self.work).programs.kustomize, work_dir=str(work or self.work)
        )
        place = (("gitopsd.git.tree:open_tree", str(self.repo.path), revision), ())
        given = RenderContext.packed(RenderSettings(), programs, {})
        answer = render(place, "inputs", {"path": "app", "options": options, "keys": keys}, given)
        found: dict[str, Any] = orjson.loads(orjson.dumps(answer["outcome"]))
        return found

    def manifests(
        self, files: Mapping[str, str], keyring: Keyring | None = None, **options: Any
    ) -> list[dict[str, Any]]:
        outcome = self.outcome(files, keyring, **options)
        assert "error" not in outcome, outcome["error"]
        found: list[dict[str, Any]] = outcome["manifests"]
        return found

    def error(self, files: Mapping[str, str], keyring: Keyring | None = None, **options: Any) -> str:
        kind, what, remedy = self.outcome(files, keyring, **options)["error"]
        return f"{kind}: {what}; {remedy}"


@contextmanager
def vault_at(place: Path) -> Iterator[Vault]:
    """Have a vault whose renders are laid out in memory."""
    work = Path(tempfile.mkdtemp(prefix="vault-", dir=SHARED if in_memory(SHARED) else place))
    try:
        yield Vault(place, work)
    finally:
        shutil.rmtree(work)
