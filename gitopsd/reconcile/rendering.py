"""Stage 2, rendered: the sources of one application at one epoch, and their manifests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsd.core.source.build_environment import build_environment
from gitopsd.errors import ClusterUnreachable, Conflict, GitopsError
from gitopsd.model.application import Application, Source
from gitopsd.model.cluster import Offered
from gitopsd.model.ids import AppName, Revision
from gitopsd.model.manifest import Manifest
from gitopsd.ports import Clock, Lent, RenderedSource, Renderer, Resolved, Sources
from gitopsd.reconcile.barrier import Barrier
from gitopsd.reconcile.reading_rights import ReadingRights
from gitopsd.reconcile.source_integrity import IntegrityGate
from gitopsd.runtime.lanes import stepping_aside

KUBE = "env:KUBE_"  # what a closure's keys begin with that ask for the cluster


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Git asks for, before it is anybody's target."""

    revisions: tuple[Revision, ...]  # one per source
    taken_s: float  # Unix time of the oldest epoch read
    manifests: tuple[Manifest, ...]
    origins: tuple[str, ...]  # `file:line` of each manifest
    warnings: tuple[str, ...]
    source_types: tuple[str, ...]
    announced: tuple[tuple[Mapping[str, Any], ...], ...] = ()  # parameters of plugins, one list per source
    nameless: tuple[str, ...] = ()  # objects that have no name, so that not all is known of what Git asks for
    mark: int | None = None  # of the prune barrier, from before the epochs were read; None: a person named revisions


@dataclass(frozen=True, slots=True)
class ApplicationRenderer:
    """Git and renderer, as one step of a pass."""

    sources: Sources
    renderer: Renderer
    barrier: Barrier
    now_s: Clock
    rights: ReadingRights
    integrity: IntegrityGate
    offered: Callable[[Application], Offered | None]  # what its cluster offers to templates; None: not known yet
    askers: set[AppName] = field(default_factory=set)  # whose renders asked for that, or failed

    async def __call__(self, app: Application, refs: Sequence[str] = ()) -> Rendered:
        """Render the sources of `app` at `refs`, one for each; empty: at their own target revisions.

        Raises:
            NotPermitted: its project does not let it read one of them; nothing was asked for.
            Conflict: there are more or fewer refs than sources.
            GitopsError: as `Sources.resolve` and `Renderer.render` do; then nothing of the application is known.
        """
        if refs and len(refs) != len(app.sources):
            raise Conflict(
                f"{app.name} has {len(app.sources)} sources and {len(refs)} revisions were named",
                remedy="name one revision for each source",
            )
        mark = None if refs else self.barrier.mark()
        # With its revision in it, a source that a person asked for is not taken for the one that is declared.
        sources = (
            [replace(source, target_revision=ref) for source, ref in zip(app.sources, refs, strict=True)]
            if refs
            else []
        )
        return replace(await self._desired(app, sources or app.sources), mark=mark)

    def nothing(self, revisions: tuple[Revision, ...], hooks: Sequence[Manifest]) -> Rendered:
        """Return what is asked for in the name of an application that is being deleted: `hooks`, whatever Git holds."""
        return Rendered(revisions, self.now_s(), tuple(hooks), (), (), (), mark=self.barrier.mark())

    async def _desired(self, app: Application, sources: Sequence[Source]) -> Rendered:
        self.rights.check(app)
        resolved = self._resolved(sources)
        await self.integrity.check(app, sources, resolved)
        lent = [Lent(source, at.revision) for source, at in zip(sources, resolved, strict=True) if source.ref]
        offered = self.offered(app)
        self.askers.add(app.name)
        async with stepping_aside():  # it may wait for a worker, and those whose renders are known need none
            rendered = [
                await self.renderer.render(
                    app.name, source, at.revision, build_environment(app, source, at.revision, offered), lent
                )
                for source, at in zip(sources, resolved, strict=True)
                if source.gives_manifests
            ]
        if not any(key.startswith(KUBE) for one in rendered for key in one.looked_up):
            self.askers.discard(app.name)
        elif offered is None:
            raise ClusterUnreachable(
                f"templates of {app.name} ask what its cluster offers, which is not known yet",
                remedy="wait until the cluster answers, or set helm.kubeVersion and helm.apiVersions",
            )
        return _joined(resolved, rendered)

    def _resolved(self, sources: Sequence[Source]) -> Sequence[Resolved]:
        """Return what all sources are, with no await between them: one repository's all see one epoch (D2).

        Each is looked up though one before it fails: what has to be fetched first is asked for at once.
        """
        resolved, errors = [], []
        for source in sources:
            try:
                resolved.append(self.sources.resolve(source.repository, source.reference, source.tag_prefix))
            except GitopsError as err:
                errors.append(err)
        if errors:
            raise errors[0]
        return resolved


def _joined(resolved: Sequence[Resolved], rendered: Sequence[RenderedSource]) -> Rendered:
    return Rendered(
        revisions=tuple(at.revision for at in resolved),
        taken_s=min(at.taken_s for at in resolved),
        manifests=tuple(manifest for one in rendered for manifest in one.manifests),
        origins=tuple(origin for one in rendered for origin in one.origins),
        warnings=tuple(warning for one in rendered for warning in one.warnings),
        source_types=tuple(one.source_type for one in rendered),
        announced=tuple(one.announced for one in rendered),
        nameless=tuple(description for one in rendered for description in one.nameless),
    )
