"""Who signed what: gpg and ssh-keygen as children, with the keys of the settings and none besides."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gitopsd.errors import NotTrusted, RepositoryUnreachable
from gitopsd.git import child
from gitopsd.git.epoch import lines_of
from gitopsd.git.signed import Signed
from gitopsd.settings import GitSettings

DEADLINE_S = 60.0  # of one batch
MAX_KEYS_BYTES = 16 << 20
GPG = ("--batch", "--no-tty", "--no-options", "--no-autostart", "--no-auto-key-retrieve", "--no-auto-check-trustdb")
# One child for a batch. Names are numbers, so nothing of a commit comes near the shell.
GPG_EACH = """\
for signature in "$1"/*.gpg; do
  of="${{signature%.gpg}}"
  echo "[OF] $(basename "$of")"
  gpg --homedir "$2" {options} --trust-model always --status-fd 1 --verify "$signature" "$of" 2>/dev/null
done
true
"""
SSH_EACH = """\
for signature in "$1"/*.ssh; do
  of="${signature%.ssh}"
  at="-Overify-time=$(cat "$of.time")"
  echo "[OF] $(basename "$of")"
  ssh-keygen -Y find-principals "$at" -s "$signature" -f "$2" 2>/dev/null | while IFS= read -r who; do
    ssh-keygen -Y verify "$at" -n git -f "$2" -I "$who" -s "$signature" <"$of" >/dev/null 2>&1 && echo "[GOOD] $who"
  done
done
true
"""
BAD = ("BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "NODATA")
WHY = {
    "BADSIG": "its signature is not of its content",
    "EXPSIG": "its signature has expired",
    "EXPKEYSIG": "the key that signed it has expired",
    "REVKEYSIG": "the key that signed it was revoked",
    "NODATA": "its signature cannot be read",
}


@dataclass(frozen=True, slots=True)
class Signer:
    """Who made a good signature: `keys` by GPG (fingerprints of key and primary key), or `principals` by SSH."""

    keys: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    fault: str = ""  # why the signature is not good; "": it is


@dataclass(slots=True)
class Signers:
    """Tells who signed; the keyring is made anew whenever its keys are other ones."""

    settings: GitSettings
    run_dir: Path
    _ring: str = ""  # what `_home` was made of
    _home: Path | None = None
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def keys(self) -> str:
        """Return a hash of all keys that count now: while it is the same, so is who signed what."""
        return await asyncio.to_thread(self._hash)

    async def signers(self, objects: Sequence[Signed]) -> Mapping[str, Signer]:
        """Return for the name of each of `objects` who signed it.

        Raises:
            NotTrusted: what is needed to tell is not installed, or not in the settings.
            TooSlow, RepositoryUnreachable: that cannot be told now.
        """
        signers = {signed.name: Signer(fault="it is not signed") for signed in objects if not signed.signature}
        by_gpg = [signed for signed in objects if signed.signature and not signed.is_ssh]
        by_ssh = [signed for signed in objects if signed.is_ssh]
        try:
            if by_gpg:
                signers |= await self._by_gpg(by_gpg)
            if by_ssh:
                signers |= await self._by_ssh(by_ssh)
        except OSError as err:
            raise RepositoryUnreachable(
                f"signatures cannot be checked: {err}", remedy="see run_dir in the settings: it must be writable"
            ) from err
        return signers

    async def _by_gpg(self, objects: Sequence[Signed]) -> Mapping[str, Signer]:
        _installed("gpg", "install gnupg")
        home = await self._keyring()
        with self._laid_out(objects, ".gpg") as folder:
            script = GPG_EACH.format(options=" ".join(GPG))
            lines = await self._run(["sh", "-c", script, "gpg", str(folder), str(home)], "checking signatures by gpg")
        return {signed.name: _gpg_signer(lines.get(str(index), ())) for index, signed in enumerate(objects)}

    async def _by_ssh(self, objects: Sequence[Signed]) -> Mapping[str, Signer]:
        allowed = self.settings.allowed_signers
        if allowed is None:
            raise NotTrusted(
                "commits are signed by SSH, and no keys are there to check it", remedy="set git.allowed_signers"
            )
        _installed("ssh-keygen", "install OpenSSH's client")
        with self._laid_out(objects, ".ssh") as folder:
            command = ["sh", "-c", SSH_EACH, "ssh", str(folder), str(allowed)]
            lines = await self._run(command, "checking signatures by ssh-keygen")
        return {signed.name: _ssh_signer(lines.get(str(index), ())) for index, signed in enumerate(objects)}

    async def _keyring(self) -> Path:
        async with self._making:
            files = await asyncio.to_thread(_files, self.settings.gpg_keys)
            ring = _hash_of(files)
            if self._home is None or ring != self._ring or not self._home.exists():
                self._home, self._ring = await self._made(files, ring), ring
            return self._home

    async def _made(self, files: Sequence[tuple[Path, bytes]], ring: str) -> Path:
        if not files:
            raise NotTrusted("commits are signed by GPG, and no keys are there to check it", remedy="set git.gpg_keys")
        home = self.run_dir / f"gpg-{ring}"
        for old in self.run_dir.glob("gpg-*"):
            shutil.rmtree(old, ignore_errors=True)
        home.mkdir(parents=True, mode=0o700)
        command = ["gpg", "--homedir", str(home), *GPG, "--import", *(str(path) for path, _ in files)]
        # Beside good keys it may be given others; who signed is told by those that were taken.
        await child.run(command, env=_environment(), deadline_s=DEADLINE_S, what="reading git.gpg_keys")
        return home

    async def _run(self, command: Sequence[str], what: str) -> Mapping[str, Sequence[str]]:
        """Run `command`; return the lines that it printed, by the number of the object they are of."""
        ended = await child.run(command, env=_environment(), deadline_s=DEADLINE_S, what=what)
        output: dict[str, list[str]] = {}
        lines: list[str] = []
        for line in lines_of(ended.stdout.decode(errors="replace")):
            if line.startswith("[OF] "):
                lines = output.setdefault(line.removeprefix("[OF] "), [])
            else:
                lines.append(line)
        return output

    @contextmanager
    def _laid_out(self, objects: Sequence[Signed], suffix: str) -> Iterator[Path]:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="signed-", dir=self.run_dir) as directory:
            folder = Path(directory)
            for index, signed in enumerate(objects):
                (folder / str(index)).write_bytes(signed.payload)
                (folder / f"{index}{suffix}").write_bytes(signed.signature)
                at = datetime.fromtimestamp(signed.made_s, UTC)
                (folder / f"{index}.time").write_text(f"{at:%Y%m%d%H%M%S}")
            yield folder

    def _hash(self) -> str:
        allowed = self.settings.allowed_signers
        return _hash_of([*_files(self.settings.gpg_keys), *_files(allowed)])


def _gpg_signer(lines: Sequence[str]) -> Signer:
    """Return who signed, by what gpg said of one signature; exactly one good one counts."""
    words = [line.split(" ")[1:] for line in lines if line.startswith("[GNUPG:] ")]
    statuses = [word[0] for word in words if word]
    for bad in BAD:
        if bad in statuses:
            key = next((word[1] for word in words if word[0] == bad and len(word) > 1), "")
            fault = WHY.get(bad, f"the key {key[-16:]} that signed it is not among those of git.gpg_keys")
            return Signer(fault=fault)
    valid = [word for word in words if word and word[0] == "VALIDSIG"]
    if statuses.count("GOODSIG") != 1 or len(valid) != 1 or len(valid[0]) < 2:  # noqa: PLR2004 - the word and its value
        return Signer(fault="its signature cannot be read")
    return Signer(keys=tuple(dict.fromkeys((valid[0][1], valid[0][-1]))))


def _ssh_signer(lines: Sequence[str]) -> Signer:
    names = [line.removeprefix("[GOOD] ") for line in lines if line.startswith("[GOOD] ")]
    if not names:
        return Signer(fault="its signature is not by a key of git.allowed_signers that holds at its time")
    return Signer(principals=tuple(name.strip() for line in names for name in line.split(",")))


def _files(path_named: Path | None) -> list[tuple[Path, bytes]]:
    """Return the files that `path_named` is or holds, with their contents; what cannot be read is left out."""
    if path_named is None:
        return []
    paths = [path_named]
    if path_named.is_dir():
        paths = sorted(path for path in path_named.iterdir() if not path.name.startswith("."))  # "..data" of a mount
    files = []
    for path in paths:
        with suppress(OSError):
            if path.is_file():
                with path.open("rb") as opened:
                    files.append((path, opened.read(MAX_KEYS_BYTES)))
    return files


def _hash_of(files: Sequence[tuple[Path, bytes]]) -> str:
    digest = hashlib.sha256()
    for path, content in files:
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]


def _installed(program: str, remedy: str) -> None:
    if shutil.which(program) is None:
        raise NotTrusted(f"commits must be signed, and {program} is not there to check it", remedy=remedy)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", "HOME": os.devnull}
