"""All repositories: one epoch each, polled, fetched one at a time, resolved without traffic."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from gitopsd.backoff import backoff_s
from gitopsd.core.source.repo_address import RepoAddress, repository_key
from gitopsd.errors import (
    GitopsError,
    InvalidDeclaration,
    NotFetchedYet,
    RepositoryUnreachable,
    RevisionNotFound,
    Terminal,
)
from gitopsd.git import objects
from gitopsd.git.artifacts import ArtifactMirror, Call, here
from gitopsd.git.charts import ChartMirror
from gitopsd.git.credentials import remove_keys
from gitopsd.git.epoch import FULL_SHA, KEPT, SHA, Epoch, is_ref_name
from gitopsd.git.mirror import GitMirror, mirror_path, remove_unused
from gitopsd.git.parts import GitParts
from gitopsd.git.quick_fetch import OnQuickFetch, QuickFetch, is_quick
from gitopsd.git.remote_files import FileMirror
from gitopsd.git.repository import GitRepository
from gitopsd.model.chart import CHARTS, FILES, bare
from gitopsd.model.ids import RepoUrl, Revision
from gitopsd.oci.reference import SCHEME
from gitopsd.ports import Clock, Resolved
from gitopsd.settings import ChartSettings, GitSettings, OciSettings
from gitopsd.trust.credentials import CredentialStore
from gitopsd.trust.kept import KeptSessions
from gitopsd.words import without_credentials

RETRY_S = 5.0  # after a first failure; doubled with each that follows …
RETRY_MOST_S = 600.0  # … up to this
TERMINAL_RETRY_S = 1800.0  # of what only a person can mend; the person's remedy may be at the server, unseen from here
ARTIFACTS = (SCHEME, CHARTS, FILES)  # what a URL begins with whose mirror holds what was asked for, and nothing else
WANTED_AT_ONCE = 20  # SHAs asked for in one fetch
TIDY_AFTER_S = 30.0  # from a commit to packing its mirror: first what the commit asks for gets the machine

log = structlog.get_logger()

OnEpoch = Callable[[RepoUrl, Epoch | None, Epoch], None]
OnRequest = Callable[[str, str, float, bool], None]


class Repositories:
    """`ports.Sources`, and the service that polls."""

    name = "git"

    def __init__(  # noqa: PLR0913 - three callbacks and a clock, each with a default
        self,
        settings: GitSettings,
        *,
        data_dir: Path,
        run_dir: Path,
        now_s: Clock,
        trust: CredentialStore | None = None,
        oci: OciSettings | None = None,
        charts: ChartSettings | None = None,
        call: Call = here,
        on_epoch: OnEpoch = lambda *_: None,
        on_request: OnRequest = lambda *_: None,
        on_quick: OnQuickFetch = lambda _: None,
        spread: Callable[[], float] = random.random,
    ) -> None:
        """Make an empty set; `run` polls what `watch`, `use` or a first `resolve` names.

        Args:
            settings: poll interval, limits, credentials.
            data_dir: mirrors live in its folder `git`.
            run_dir: for SSH keys while a fetch runs.
            now_s: Unix time.
            trust: which credentials a URL gets; None: those of `settings`.
            oci: limits of artifacts, which archives of charts are.
            charts: limits of chart repositories.
            call: runs a job in a worker.
            on_epoch: told of each new epoch, with the one before, as soon as it can be resolved.
            on_request: told of each fetch: "fetch", the URL as it may be shown, seconds, whether it succeeded.
            on_quick: told of each fetch that was tried inside the process: "done", or why it was left to git.
            spread: a number from 0 to 1, by which polls are spread.
        """
        self._settings = settings
        self._data_dir = data_dir
        self._run_dir = run_dir / "git"
        self._now_s = now_s
        self._trust = trust or CredentialStore(settings, now_s)
        self._on_epoch = on_epoch
        self._on_request = on_request
        self._on_quick = on_quick
        self._spread = spread
        self._oci, self._charts, self._call = oci or OciSettings(), charts or ChartSettings(), call
        self.parts = GitParts((data_dir / "git").resolve(), self._mirror_named)
        self._repos: dict[RepoUrl, GitRepository] = {}
        self._gate = asyncio.Semaphore(settings.fetches_at_once)
        self._group: asyncio.TaskGroup | None = None
        self._sessions = KeptSessions()  # used while `run` is there to close them

    # What ports.Sources asks for.

    def resolve(self, repo: RepoUrl, ref: str, tag_prefix: str = "") -> Resolved:
        repository = self._known(repo)
        if repository.epoch is None:
            if repo.startswith(ARTIFACTS):
                repository.ask(ref)  # so that the first fetch brings it
            if repository.error:
                raise repository.error.again()
            raise NotFetchedYet(
                f"{without_credentials(repo)} has not been fetched yet", remedy="wait for the first fetch"
            )
        repository.asked_again(_wanted_name(ref), self._now_s())
        revision = self._revision(repository, repository.epoch, ref, tag_prefix)
        if repo.startswith(ARTIFACTS):
            repository.ask(ref)
        if revision is None and repo.startswith(ARTIFACTS):
            raise repository.missing(ref)
        if revision is None:
            hint = " yet; the server is asked for it" if self._want(repository, ref) else ""
            raise RevisionNotFound(
                f"{without_credentials(repo)} has no {ref[:200]!r}{hint}",
                remedy="name a branch, tag, commit or version range that exists, or push it",
            )
        return Resolved(Revision(revision), repository.epoch.number, repository.epoch.taken_s)

    async def fetch(self, repo: RepoUrl) -> None:
        repository = self._known(repo)
        due = repository.begun + 1  # what runs already may have read the refs before our caller's push
        async with repository.fetching:
            if repository.ended < due:
                await self._fetch(repository)
            elif repository.error is not None:
                raise repository.error.again()

    # Beside it.

    async def want(self, repo: RepoUrl, name: str, tag_prefix: str = "") -> Resolved:
        """Return what `name` is, after asking the server for it where the epoch lacks it.

        `name` may be a SHA that no branch reaches, or a full ref that is neither branch nor tag.
        """
        with contextlib.suppress(RevisionNotFound, RepositoryUnreachable):
            return self.resolve(repo, name, tag_prefix)
        await self.fetch(repo)
        return self.resolve(repo, name, tag_prefix)

    def use(self, repo: RepoUrl) -> None:
        """Have `repo` fetched now and polled from now on; one that already is stays as it is."""
        self._known(repo)

    def watch(self, repos: Iterable[RepoUrl]) -> None:
        """Poll exactly `repos`; what is not among them is forgotten, its mirror stays on the disk.

        A URL that cannot be fetched from is left out: whoever resolves it is told why.
        """
        urls = set(repos)
        for gone in self._repos.keys() - urls:
            repository = self._repos.pop(gone)
            for task in (repository.poller, repository.tidying):
                if task is not None:
                    task.cancel()
        for repo in sorted(urls):
            with contextlib.suppress(InvalidDeclaration):
                self.use(repo)

    def pushed(self, urls: Iterable[str], commits: Iterable[str] = ()) -> int:
        """Fetch at once what one of a webhook's `urls` may name; return how many repositories that is.

        What it says was pushed, `commits`, is asked for along with the refs; those alone tell what is there.
        A push during a fetch makes the next one, and many make no more than that.
        """
        keys = {repository_key(url) for url in urls} - {None}
        matched = [repository for repository in self._repos.values() if repository.key in keys]
        for repository in matched:
            if repository.mirror.quick is not None:
                repository.mirror.quick.name(commits)
            repository.poke.set()
        return len(matched)

    def configure(self, settings: GitSettings) -> None:
        """Take over new settings, all but `fetches_at_once`; what runs goes on under the old."""
        self._settings = settings
        self._trust.settings = settings
        for repository in self._repos.values():
            repository.mirror.settings = settings
            repository.poke.set()

    def retry(self) -> None:
        """Fetch at once what could not be fetched: there are other credentials."""
        for repository in self._repos.values():
            if repository.error is not None:
                repository.poke.set()

    def repositories(self) -> tuple[RepoUrl, ...]:
        """Return the repositories that are polled, sorted."""
        return tuple(sorted(self._repos))

    def mirror(self, repo: RepoUrl) -> str:
        """Return the path of the bare mirror, which workers read; it stays the same when the mirror is made anew."""
        return str(self._known(repo).mirror.path)

    def epoch(self, repo: RepoUrl) -> Epoch | None:
        repository = self._repos.get(repo)
        return repository.epoch if repository else None

    def last_error(self, repo: RepoUrl) -> GitopsError | None:
        """Return why the last fetch failed; None where it did not, or there was none."""
        repository = self._repos.get(repo)
        return repository.error if repository else None

    def age_s(self, repo: RepoUrl) -> float | None:
        """Return the seconds since the epoch was last confirmed, None without one."""
        epoch = self.epoch(repo)
        return None if epoch is None else max(0.0, self._now_s() - epoch.taken_s)

    def size_bytes(self, repo: RepoUrl) -> int | None:
        """Return the size of the mirror when it was last looked at, None where it was not."""
        repository = self._repos.get(repo)
        return repository.mirror.size_bytes if repository else None

    async def run(self) -> None:
        """Poll until cancelled."""
        await asyncio.to_thread(remove_keys, self._run_dir)
        await asyncio.to_thread(remove_unused, self._data_dir / "git", self._now_s())
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for repository in self._repos.values():
                    self._start(repository)
                await asyncio.Event().wait()
        finally:
            self._group = None
            await self._sessions.close()

    def _mirror_named(self, name: str) -> GitMirror | None:
        mirrors = (repository.mirror for repository in self._repos.values())
        return next((mirror for mirror in mirrors if mirror.path.name == name), None)

    def _known(self, repo: RepoUrl) -> GitRepository:
        if repo not in self._repos:
            self._check(repo)
            self._repos[repo] = GitRepository(repo, self._mirror_of(repo), repository_key(repo))
            self._start(self._repos[repo])
        return self._repos[repo]

    def _mirror_of(self, repo: RepoUrl) -> GitMirror:
        parts = (bare(repo), mirror_path(self._data_dir, repo), self._run_dir, self._settings, self._trust)
        if repo.startswith(SCHEME):
            return ArtifactMirror(*parts, limits=self._oci, call=self._call)
        if repo.startswith(FILES):
            return FileMirror(*parts, limits=self._oci, call=self._call, allowed=self._charts.value_files)
        if repo.startswith(CHARTS):
            most = self._charts.max_index_bytes
            return ChartMirror(*parts, limits=self._oci, call=self._call, max_index_bytes=most)
        return GitMirror(*parts)

    def _check(self, repo: RepoUrl) -> None:
        address = RepoAddress.parse(repo)
        if address is None:
            raise InvalidDeclaration(
                f"{without_credentials(repo)[:200]!r} is no URL that is fetched from",
                remedy="write https://, http://, ssh://, user@host:path, file:// or an absolute path",
            )
        # The mirrors hold what other projects' credentials have fetched.
        local = Path("/", *address.parts).resolve()
        if address.scheme == "file" and local.is_relative_to(self._data_dir.resolve()):
            raise InvalidDeclaration(
                f"{without_credentials(repo)} lies in gitopsd's own data directory", remedy="name the repository itself"
            )

    def _start(self, repository: GitRepository) -> None:
        if self._group is not None and repository.poller is None:
            if is_quick(repository.url):
                repository.mirror.quick = QuickFetch(self._sessions, self._trust.reach, self._on_quick)
            repository.poller = self._group.create_task(self._poll(repository), name=f"poll {repository.public_url}")

    async def _poll(self, repository: GitRepository) -> None:
        while True:
            repository.poke.clear()
            try:
                await self.fetch(repository.url)
            except GitopsError as err:
                log.warning(
                    "git.fetch_failed",
                    repo=repository.public_url,
                    error=str(err),
                    failures=repository.failures,
                )
            else:
                self._tidy_soon(repository)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s(repository)):
                    await repository.poke.wait()

    def _tidy_soon(self, repository: GitRepository) -> None:
        """Tidy beside the polls: a fetch need not wait for git to pack."""
        changed = repository.epoch is not None and repository.epoch.number != repository.tidied
        if self._group is None or not changed or (repository.tidying is not None and not repository.tidying.done()):
            return
        repository.tidied = repository.epoch.number if repository.epoch else -1
        repository.tidying = self._group.create_task(self._tidy(repository), name=f"tidy {repository.public_url}")

    async def _tidy(self, repository: GitRepository) -> None:
        await asyncio.sleep(TIDY_AFTER_S)
        try:
            await repository.mirror.tidy()
        except GitopsError as err:
            log.warning("git.tidy_failed", repo=repository.public_url, error=str(err))

    def _wait_s(self, repository: GitRepository) -> float:
        spread = 1 + self._settings.poll_jitter * (2 * self._spread() - 1)
        if repository.error is None:
            return self._settings.poll_s * spread
        if isinstance(repository.error, Terminal):
            return max(TERMINAL_RETRY_S, self._settings.poll_s) * spread
        longest = max(RETRY_MOST_S, self._settings.poll_s)
        return backoff_s(repository.failures, first_s=RETRY_S, longest_s=longest) * spread

    async def _fetch(self, repository: GitRepository) -> None:
        async with self._gate:
            repository.begun += 1
            number, taken_s = repository.begun, self._now_s()
            clock = asyncio.get_running_loop().time
            began_s, succeeded = clock(), False
            try:
                refs = await repository.mirror.fetch(tuple(repository.asked) or tuple(repository.others))
                refs = await self._fetch_commits(repository, refs)
                succeeded = True
            except GitopsError as err:
                self._trust.refused(repository.url)
                repository.error, repository.ended = err, number
                repository.failures += 1
                if repository.epoch is None:
                    await self._fall_back(repository)
                raise
            finally:
                self._on_request("fetch", repository.public_url, clock() - began_s, succeeded)
        repository.error, repository.failures, repository.ended = None, 0, number
        self._publish(repository, refs, taken_s)
        await asyncio.to_thread(repository.mirror.stamp, refs, taken_s)

    async def _fetch_commits(self, repository: GitRepository, refs: dict[str, str]) -> dict[str, str]:
        """Keep what was named by SHA: only a ref makes an epoch move, and who waits for the commit hears of it."""
        due = [sha for sha in repository.wanted if repository.is_due(sha) and f"{KEPT}{sha}" not in refs]
        if len(due) > WANTED_AT_ONCE:  # the newest, and what waits longest: neither waits for a flood of the other
            due = due[: WANTED_AT_ONCE // 2] + due[-WANTED_AT_ONCE // 2 :]
        for sha in due:
            if not await repository.mirror.keep(sha) and sha in repository.commits:
                repository.commits[sha] = repository.begun + 10  # what the server does not have is seldom asked for
        return await repository.mirror.refs() if due else refs

    async def _fall_back(self, repository: GitRepository) -> None:
        """Take the epoch of the last run from the disk: with Git away, drift is still healed, and shown as stale."""
        stamped = await repository.mirror.stamped()
        if stamped is not None:
            self._publish(repository, *stamped)

    def _publish(self, repository: GitRepository, refs: dict[str, str], taken_s: float) -> None:
        old = repository.epoch
        if old is not None and old.refs == refs:
            repository.epoch = Epoch(old.number, taken_s, old.refs, old.ranges)
            return
        repository.peeled.clear()
        repository.epoch = Epoch(old.number + 1 if old else 0, taken_s, refs)
        log.info("git.epoch", repo=repository.public_url, epoch=repository.epoch.number, refs=len(refs))
        self._on_epoch(repository.url, old, repository.epoch)

    def _revision(self, repository: GitRepository, epoch: Epoch, ref: str, tag_prefix: str = "") -> str | None:
        named = None if FULL_SHA.fullmatch(ref) else epoch.named(ref, tag_prefix)
        return self._peeled(repository, ref.lower()) if named is None and SHA.fullmatch(ref) else named

    def _peeled(self, repository: GitRepository, name: str) -> str | None:
        """Return the commit that an object's full or short name stands for; None where the mirror has none, or two."""
        if repository.peeled.get(name) is None:
            repository.peeled[name] = objects.peeled(str(repository.mirror.path), name)
        return repository.peeled[name]

    def _want(self, repository: GitRepository, ref: str) -> bool:
        """Have the server asked for what the epoch lacks; False where it would not be, or is already."""
        is_ref = ref.startswith("refs/")
        if is_ref and (ref.startswith(("refs/heads/", "refs/tags/", "refs/gitopsd/")) or not is_ref_name(ref)):
            return False
        if not is_ref and not SHA.fullmatch(ref):
            return False
        fresh = repository.want(_wanted_name(ref), self._now_s(), is_ref=is_ref)
        if fresh:
            repository.poke.set()
        return fresh


def _wanted_name(ref: str) -> str:
    return ref if ref.startswith("refs/") else ref.lower()
