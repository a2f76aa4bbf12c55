"""From Git to manifests: repositories, the workers that read and render them, and the cache of what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gitopsd.daemon import sandbox_policy as confine
from gitopsd.daemon import worker_views
from gitopsd.daemon.base import Base
from gitopsd.git.epoch import Epoch
from gitopsd.git.for_applications import PartsForApplications, SourcesForApplications
from gitopsd.git.repositories import Repositories
from gitopsd.git.signatures import CommitSignatures
from gitopsd.git.signers import Signers
from gitopsd.manifests import jobs, plugins
from gitopsd.manifests.cache import Cache, OnCommand, decoded_key, key_in
from gitopsd.manifests.embedded import EmbeddedRedis
from gitopsd.manifests.missing_parts import MissingPartsRenderer
from gitopsd.manifests.remote_bases import RemoteBaseRenderer
from gitopsd.manifests.render import ClosureRenderer, OnClosure
from gitopsd.manifests.sops_keys import Keyring
from gitopsd.model.ids import RepoUrl
from gitopsd.reconcile.rendering import ReadingRights
from gitopsd.runtime.isolation import WorkerView
from gitopsd.runtime.memory import best_place
from gitopsd.runtime.workers import JobLimits, OnJob, WorkerPool
from gitopsd.settings import GitSettings, Settings
from gitopsd.trust.credentials import CredentialStore
from gitopsd.trust.reach import reach_of

OPENERS = {True: "gitopsd.git.tree:open_tree", False: "gitopsd.git.tree:open_tree_alone"}  # with submodules?
CHANGES = "gitopsd.git.touched:changes"
PRELOAD = ("gitopsd.manifests.jobs", "gitopsd.git.touched")
UNPACKING = ("gitopsd.git.unpack", "gitopsd.git.chart_index")

OnEpoch = Callable[[RepoUrl, Epoch | None, Epoch], None]


class GitSide:
    """Every part between a repository and its manifests, in the order in which they depend on each other."""

    def __init__(self, base: Base, on_epoch: OnEpoch, on_closure: OnClosure) -> None:
        settings, metrics, now_s = base.settings, base.metrics, base.now_s
        self._metrics = metrics
        self.work_dir = best_place(settings.run_dir / "work")
        self.plugins = plugins.load(settings.plugins)
        confined = confine.confinement(settings, self.work_dir, os.environ)
        self.workers = WorkerPool(
            settings.workers.count,
            _limits(settings),
            preload=PRELOAD,
            confinement=confined,
            view=worker_views.of_renderers(settings, confined, self.plugins, self.work_dir, os.environ),
            on_job=metrics.worker_job,
        )
        self.unpackers = _unpackers(settings, worker_views.of_unpackers(settings, confined), metrics.worker_job)
        self.trust = CredentialStore(settings.git, now_s, reach_of(settings, self._named))
        self.git = Repositories(
            settings.git,
            data_dir=settings.data_dir,
            run_dir=settings.run_dir,
            now_s=now_s,
            trust=self.trust,
            oci=settings.oci,
            charts=settings.charts,
            call=self.unpackers.call,
            on_epoch=on_epoch,
            on_request=lambda kind, repo, s, ok: metrics.git_request(repo, kind, s, failed=not ok),
            on_quick=metrics.quick_fetch,
        )
        signers = Signers(settings.git, settings.run_dir / "git")
        self.signatures = CommitSignatures(self.git.mirror, self.git.epoch, signers)
        self.redis = EmbeddedRedis(settings.run_dir) if settings.redis.url == "embedded" else None
        self.cache = _cache(
            settings,
            self.redis,
            self._on_cache,
            lambda seconds, failed: metrics.redis_request(seconds, failed=failed),
        )
        renderer = ClosureRenderer(
            self.workers,
            self.cache,
            self.git.mirror,
            work_dir=self.work_dir,
            opener=OPENERS[settings.git.submodules],
            limits=settings.render,
            tools=settings.tools,
            plugins=self.plugins,
            keyring=Keyring(settings.sops.keys, settings.sops.program),
            on_closure=on_closure,
            on_render=self._on_render,
        )
        self.for_applications = SourcesForApplications(self.git)
        self.rights = ReadingRights(base.store, self.trust.project)
        self.renderer = RemoteBaseRenderer(
            MissingPartsRenderer(renderer, PartsForApplications(self.git.parts), self.rights.may_have),
            self.for_applications,
            self.trust.as_trusted,
            self.rights.may_have,
            settings.charts,
        )

    def _named(self) -> Iterable[str]:
        return self.trust.urls()

    def configure(self, settings: GitSettings) -> None:
        """Go by other settings from now on."""
        self.signatures.signers.settings = settings
        self.git.configure(settings)

    async def changes(self, repo: RepoUrl, old: str, new: str) -> Mapping[str, Any] | None:
        """Return what differs between two revisions, as `git.touched.changes` has it."""
        changes: Mapping[str, Any] | None = await self.workers.call(CHANGES, self.git.mirror(repo), old, new)
        return changes

    async def parse(self, name: str, text: str) -> Sequence[tuple[int, Any]]:
        """Return the documents of a YAML file, each with its line."""
        documents: Sequence[tuple[int, Any]] = await self.workers.call(jobs.DOCUMENTS, name, text)
        return documents

    def _on_render(self, outcome: str, seconds: float) -> None:
        self._metrics.looked_up(outcome, seconds)
        if outcome == "miss":
            self._metrics.rendered()

    def _on_cache(self, event: str) -> None:
        if event == "unsealed":
            self._metrics.unsealed()
        self._metrics.redis_degraded(degraded=self.cache.state.degraded)


def _unpackers(settings: Settings, view: WorkerView, on_job: OnJob) -> WorkerPool:
    """Return workers apart from those that render, since these write to mirrors; they start when first needed."""
    return WorkerPool(settings.workers.count, _limits(settings), preload=UNPACKING, view=view, on_job=on_job)


def _limits(settings: Settings) -> JobLimits:
    workers = settings.workers
    return JobLimits(
        deadline_s=workers.deadline_s,
        data_bytes=workers.data_bytes,
        output_bytes=workers.output_bytes,
        file_bytes=workers.file_bytes,
    )


def _cache(
    settings: Settings, embedded: EmbeddedRedis | None, on_event: Callable[[str], None], on_command: OnCommand
) -> Cache:
    redis, key = settings.redis, settings.redis.key
    return Cache(
        embedded.url if embedded else redis.url,
        decoded_key(key.read(), "redis.key") if key else key_in(settings.data_dir / "cache.key"),
        password=embedded.password if embedded else redis.password.read() if redis.password else None,
        deadline_s=redis.deadline_s,
        ttl_s=redis.ttl_s,
        on_event=on_event,
        on_command=on_command,
        ready=embedded.ready if embedded else None,
    )
