"""Files that SOPS encrypted, decrypted as a render reads them; in a worker, with the keys of that render alone.

What is in clear stays in memory: of the worker, and in directories that `workspace` makes there.
"""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitopsd.core.text.redacted import MASK, scrubbed
from gitopsd.errors import InvalidManifest, NotSupported
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.sops_meaning import oddities
from gitopsd.manifests.workspace import workspace
from gitopsd.model.ids import Revision
from gitopsd.ports import Entry, Tree
from gitopsd.runtime.memory import in_memory
from gitopsd.runtime.sandbox import Program, run

SEALED = b"ENC[AES256_GCM,"  # of the seal over all values, so that it is in every file of SOPS
TYPES = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".env": "dotenv", ".ini": "ini"}  # as SOPS itself goes by
METADATA = {
    "yaml": re.compile(rb"""(?m)^["']?sops["']?\s*:|"sops"\s*:"""),
    "json": re.compile(rb'"sops"\s*:'),
    "dotenv": re.compile(rb"(?m)^sops_mac="),
    "ini": re.compile(rb"(?m)^\[sops\]"),
}
IMPORT = (
    'export GNUPGHOME="$HOME"; printf %s "$PGP_KEYS" | gpg --batch --quiet --import >/dev/null || exit 1; '
    'unset PGP_KEYS; exec "$@"'
)
REMEDY = "encrypt it for a key that gitopsd is given for this repository (sops.keys in the settings)"
SHORT = 4  # characters of a value that is not masked in an error: it is in too many words


def type_of(path: str, data: bytes) -> str:
    """Return the format of a file that SOPS encrypted, as SOPS names it; "" where it did not."""
    if SEALED not in data:
        return ""
    by_name = TYPES.get(posixpath.splitext(path)[1].lower(), "")
    if by_name:
        return by_name if METADATA[by_name].search(data) else ""
    for name in ("dotenv", "ini"):
        if METADATA[name].search(data):
            return name
    if METADATA["json"].search(data) and data.lstrip().startswith(b"{"):
        return "binary"
    return "yaml" if METADATA["yaml"].search(data) else ""


class DecryptedTree:
    """`ports.Tree` on another one, with what SOPS encrypted in clear. Its closure is that of the other."""

    def __init__(self, tree: Tree, keys: Mapping[str, str], context: RenderContext) -> None:
        """Decrypt with `keys`: `program`, `age` (identities) and `pgp` (armoured secret keys), `id` (of all three).

        Raises:
            NotSupported: there is no SOPS, or files in clear would be laid out on a disk.
        """
        if not keys["program"]:
            raise NotSupported(
                "there is no SOPS to decrypt by", remedy="install gitopsd[sops], or name the program in tools.sops"
            )
        if not in_memory(Path(context.programs.work_dir)):
            raise NotSupported(
                "what SOPS decrypts would be written to a disk", remedy="put run_dir, or /dev/shm, on a tmpfs"
            )
        self._tree = tree
        self._keys = keys
        self._given = context
        self._clear: dict[str, bytes] = {}  # by place
        self._secrets: set[str] = set()
        self.warnings: list[str] = []

    @property
    def revision(self) -> Revision:
        return self._tree.revision

    @revision.setter
    def revision(self, _: Revision) -> None:
        raise AttributeError("a tree is of one revision")

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        data = self._tree.read(path, max_bytes=max_bytes)
        kind = type_of(path, data) if data is not None else ""
        if data is None or not kind:
            return data
        real = self._tree.real(path)
        if real not in self._clear:
            self._clear[real] = clear = self._decrypted(path, kind, data, max_bytes)
            if kind == "yaml":
                self.warnings += oddities(path, data, clear, self._given.limits)
            self._secrets.update(_values(clear.decode(errors="replace"), data.decode(errors="replace")))
        return self._clear[real]

    def blob(self, path: str) -> str | None:
        oid = self._tree.blob(path)
        # What is kept parsed is kept by this name, and those without the keys have the file as it is.
        return None if oid is None else f"{oid} {self._keys['id']}"

    def list(self, path: str) -> Sequence[Entry] | None:
        return self._tree.list(path)

    def real(self, path: str) -> str:
        return self._tree.real(path)

    def closure(self) -> Mapping[str, str]:
        return self._tree.closure()

    def links(self) -> Mapping[str, str]:
        return self._tree.links()

    def seen(self, looked_up: Iterable[str]) -> Mapping[str, str]:
        return self._tree.seen(looked_up)

    def hidden(self, text: str) -> str:
        """Return `text` with every value that was decrypted masked."""
        for value in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text

    def _decrypted(self, path: str, kind: str, data: bytes, max_bytes: int) -> bytes:
        programs = self._given.programs
        if not self._keys["age"] and not self._keys["pgp"]:
            raise InvalidManifest(f"{path} is encrypted by SOPS, and there is no key for its repository", remedy=REMEDY)
        with workspace(programs.work_dir) as work:
            source, home = work / "source", work / "home"
            source.mkdir()
            home.mkdir(mode=0o700)
            (source / "sealed").write_bytes(data)
            command = [self._keys["program"], "decrypt", "--input-type", kind, "--output-type", kind, "sealed"]
            ended = run(
                Program(
                    ["/bin/sh", "-c", IMPORT, "sh", *command] if self._keys["pgp"] else command,
                    cwd=source,
                    env=self._environment(),
                    what=f"sops of {path}",
                    deadline_s=programs.deadline_s,
                    output_bytes=max_bytes,
                    home=home,
                )
            )
        if ended.code != 0:
            text, _, _ = ended.stderr.partition("Recovery failed because")  # a page that every failure ends with
            words = scrubbed(text.replace("sealed", posixpath.basename(path)).replace(str(home), "~"), most=600)
            raise InvalidManifest(f"{path}: SOPS cannot decrypt it: {words or 'it says nothing'}", remedy=REMEDY)
        return ended.stdout

    def _environment(self) -> dict[str, str]:
        secrets = {"SOPS_AGE_KEY": self._keys["age"], "PGP_KEYS": self._keys["pgp"]}
        fixed = {"PATH": PATH, "LANG": "C.UTF-8", "SOPS_DISABLE_VERSION_CHECK": "1"}
        return fixed | {name: value for name, value in secrets.items() if value}


PATH = "/usr/local/bin:/usr/bin:/bin"  # gpg is looked for there
_LINE = re.compile(r"""^\s*(?:-\s+)?(?:["']?[\w./-]+["']?\s*[:=]\s*)?(?P<value>.*?),?\s*$""")


def _values(clear: str, sealed: str) -> Iterator[str]:
    """Yield what the lines of `clear` say that `sealed` does not: as it is, its words, and as a Secret has it."""
    for line in clear.splitlines():
        match = _LINE.match(line)
        value = match["value"].strip("\"'") if match else line.strip()
        if len(value) < SHORT or value in sealed:
            continue
        yield value
        yield base64.b64encode(value.encode()).decode()
        yield from (word for word in value.split() if len(word) >= 2 * SHORT and word not in sealed)
        with suppress(ValueError):
            plain = base64.b64decode(value, validate=True).decode()
            if len(plain) >= SHORT:
                yield plain


def opened(tree: Tree, keys: Any, context: RenderContext) -> Tree:
    """Return `tree`, decrypted where `keys` are given."""
    return tree if keys is None else DecryptedTree(tree, keys, context)


def warnings_of(trees: Iterable[Tree]) -> list[str]:
    """Return what is odd about what any of `trees` decrypted."""
    return [warning for tree in trees if isinstance(tree, DecryptedTree) for warning in tree.warnings]


def hidden(trees: Iterable[Tree], text: str) -> str:
    """Return `text` without what any of `trees` decrypted."""
    for tree in trees:
        if isinstance(tree, DecryptedTree):
            text = tree.hidden(text)
    return text
