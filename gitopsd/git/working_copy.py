"""What lies in a directory, as a revision of a mirror: a repository's files as they are there, committed or not.

Nothing is written to the directory, nor to its repository: new objects go into a mirror beside, which borrows the
others.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitopsd.errors import RepositoryUnreachable, RevisionNotFound
from gitopsd.git.child import GitResult, run
from gitopsd.git.epoch import HEAD, LISTING, Epoch, lines_of, read_refs
from gitopsd.words import without_credentials

DEADLINE_S = 300.0  # of one git: it may have to hash a whole work tree
# The directory is named by whoever calls, so it may belong to somebody else; nothing of it is run.
TRUSTED = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "gitopsd"), ("EMAIL", "gitopsd@localhost"), ("DATE", "@0 +0000"))
}


@dataclass(frozen=True, slots=True)
class WorkingTreeState:
    """One state of a directory's files."""

    mirror: str
    revision: str  # a full SHA; of no commit that anybody else knows where there are changes
    changed: bool = False  # there is something that HEAD has not


class WorkingCopy:
    """A directory: a work tree or below one, a bare repository, or no repository at all."""

    def __init__(self, directory: Path, into: Path) -> None:
        """Look at `directory`; `into` is where a mirror is made, and is not there yet."""
        self.directory = directory.absolute()
        self._into = into
        self._git_dir = ""  # "": no repository
        self._top: Path | None = None  # of the work tree; None: bare
        self._made = False
        self._now: WorkingTreeState | None = None

    @property
    def top(self) -> Path | None:
        """Where paths of the repository begin; None of a bare one."""
        return self._top

    async def find(self) -> bool:
        """Find the repository that the directory is of; tell whether there is one."""
        answer = await self._ask("rev-parse", "--path-format=absolute", "--git-common-dir")
        self._git_dir = answer.stdout.decode().strip() if answer.code == 0 else ""
        bare = self._git_dir and (await self._said("rev-parse", "--is-bare-repository")) == "true"
        self._top = None if bare else Path(await self._said("rev-parse", "--show-toplevel") or self.directory)
        return bool(self._git_dir)

    async def urls(self) -> list[str]:
        """Return the URLs that the repository is fetched from."""
        listed = await self._said("config", "--get-regexp", r"^remote\..*\.url$")
        return [line.partition(" ")[2] for line in lines_of(listed)]

    async def at(self, ref: str, tag_prefix: str = "") -> WorkingTreeState:
        """Return the commit that `ref` names there, as a targetRevision or else as git itself understands it.

        Raises:
            RevisionNotFound: it names none.
        """
        await self._make()
        commit = await self._commit(ref, tag_prefix)
        if not commit:
            raise RevisionNotFound(
                f"{self.directory} has no {ref[:200]!r}", remedy="name a branch, a tag or a commit that is there"
            )
        return WorkingTreeState(str(self._into), commit)

    async def now(self) -> WorkingTreeState:
        """Return the files as they were when first asked, but for those that are ignored; of a bare one, HEAD."""
        if self._now is None:
            self._now = await self._taken(self._top) if self._top else await self.at("HEAD")
        return self._now

    async def _taken(self, top: Path) -> WorkingTreeState:
        await self._make()
        index = self._into / "index"
        theirs = await self._said("rev-parse", "--path-format=absolute", "--git-path", "index")
        with contextlib.suppress(OSError):  # with it, what did not change need not be read
            shutil.copy2(theirs, index)
        if (await self._ours(top, "add", "--all", ".")).code != 0:
            index.unlink(missing_ok=True)  # theirs may be of a form that holds in its own place alone
            await self._must(top, "add", "--all", ".")
        tree = await self._must(top, "write-tree")
        head = await self._commit("HEAD")
        if head and tree == await self._said("rev-parse", f"{head}^{{tree}}"):
            return WorkingTreeState(str(self._into), head)
        parent = ("-p", head) if head else ()
        commit = await self._must(top, "commit-tree", *parent, "-m", "as it is", tree)
        return WorkingTreeState(str(self._into), commit, changed=True)

    async def _commit(self, ref: str, tag_prefix: str = "") -> str:
        head = await self._said("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if ref in ("", "HEAD"):
            return head
        refs = read_refs((await self._ask("for-each-ref", LISTING)).stdout, lambda _: None)
        named = Epoch(0, 0.0, {**refs, HEAD: head} if head else refs).named(ref, tag_prefix)
        return named or await self._said("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")

    async def _make(self) -> None:
        """Make a mirror that borrows the directory's objects."""
        if self._made:
            return
        self._made = True
        answer = await self._git("init", "--quiet", "--bare", str(self._into))
        if answer.code != 0:
            raise self._failed(answer)
        if self._git_dir:
            (self._into / "objects" / "info" / "alternates").write_text(f"{self._git_dir}/objects\n")
            with contextlib.suppress(OSError):
                shutil.copy2(f"{self._git_dir}/info/exclude", self._into / "info" / "exclude")

    async def _said(self, *arguments: str) -> str:
        return (await self._ask(*arguments)).stdout.decode(errors="replace").strip()

    async def _ask(self, *arguments: str) -> GitResult:
        return await self._git("-C", str(self.directory), *arguments)

    async def _ours(self, top: Path, *arguments: str) -> GitResult:
        where = {"GIT_DIR": self._into, "GIT_WORK_TREE": top, "GIT_INDEX_FILE": self._into / "index"}
        env = NOBODY | {name: str(path) for name, path in where.items()}
        return await self._git("-C", str(top), *arguments, env=env)

    async def _must(self, top: Path, *arguments: str) -> str:
        ended = await self._ours(top, *arguments)
        if ended.code != 0:
            raise self._failed(ended)
        return ended.stdout.decode().strip()

    async def _git(self, *arguments: str, env: Mapping[str, str] | None = None) -> GitResult:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME") if name in os.environ}
        command = ("git", *TRUSTED, *arguments)
        what = f"git {arguments[0]} in {self.directory}"
        return await run(command, env={**inherited, "LC_ALL": "C", **(env or {})}, deadline_s=DEADLINE_S, what=what)

    def _failed(self, ended: GitResult) -> RepositoryUnreachable:
        words = without_credentials(" ".join(ended.stderr.split()))[-500:]
        return RepositoryUnreachable(f"{self.directory} cannot be read: {words}", remedy="mend it, or its rights")
