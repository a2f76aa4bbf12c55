"""Stage 2, rendered: which sources may be read and are trusted, and the manifests of one application at one epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gitopsd.core.project.access import dependency_permitted, no_project, refuse, source_conditions
from gitopsd.core.project.source_integrity import policy_for
from gitopsd.core.source.build_environment import build_environment
from gitopsd.errors import ClusterUnreachable, Conflict, GitopsError, NotPermitted
from gitopsd.model.application import Application, Source
from gitopsd.model.cluster import Offered
from gitopsd.model.ids import AppName, ClusterId, RepoUrl, Revision
from gitopsd.model.manifest import Manifest
from gitopsd.model.project import DEFAULT
from gitopsd.ports import Applications, Clock, Lent, RenderedSource, Renderer, Resolved, Signatures, Sources
from gitopsd.runtime.lanes import stepping_aside
from gitopsd.words import without_credentials

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


@dataclass(frozen=True, slots=True)
class ReadingRights:
    """The `sourceRepos` of projects, and whom credentials are for: asked before anything is sent to a repository."""

    apps: Applications
    scope_of: Callable[[str], str] = lambda _url: ""  # of a repository's credentials: the project they are for, or ""

    def check(self, app: Application) -> None:
        """Return if all sources of `app` may be read; one that only lends files counts as well.

        Raises:
            NotPermitted: there is no such project, it does not permit one of them, or another's credentials open it.
        """
        project = self.apps.project(app.project)
        if project is None:
            raise no_project(app)
        refuse(source_conditions(project, app))
        for source in app.sources:
            scope = self.scope_of(source.repository)
            if scope not in ("", app.project):
                raise NotPermitted(
                    f"the credentials of {without_credentials(source.repo_url)} are for the project {scope} alone",
                    remedy=f"move {app.name} to that project, or give credentials of its own",
                )

    def permits(self, app: Application) -> bool:
        """Tell whether `check` returns."""
        try:
            self.check(app)
        except NotPermitted:
            return False
        return True

    def may_have(self, name: AppName, repo: RepoUrl) -> bool:
        """Tell whether an application may have `repo` read, to which a source of its own leads.

        What leads there is a base, a dependency, a file or a submodule. Without a name it is a declaration of the
        operator's that is rendered, which no project binds.
        """
        if not name:
            return True
        app = self.apps.get(name)
        project = self.apps.project(app.project) if app is not None else None
        ours = project is not None and self.scope_of(repo) in ("", project.name)
        return project is not None and ours and dependency_permitted(project, repo)


@dataclass(frozen=True, slots=True)
class IntegrityGate:
    """Holds every source to the policy that the project has for its repository: what is not trusted goes no further."""

    apps: Applications
    signatures: Signatures

    async def check(self, app: Application, sources: Sequence[Source], resolved: Sequence[Resolved]) -> None:
        """Return if all `sources` may be rendered as `resolved`; a source that only lends files counts as well.

        Raises:
            NotTrusted: one has commits that the project does not trust.
            RepositoryUnreachable, TooSlow: that cannot be told now.
        """
        project = self.apps.project(app.project) or DEFAULT
        for source, at in zip(sources, resolved, strict=True):
            policy = policy_for(project, source.repo_url)
            # Charts and artifacts hold no commits; their digests are checked where they are fetched.
            if policy is not None and not source.chart and not source.repo_url.startswith("oci://"):
                await self.signatures.verify(
                    source.repo_url, source.target_revision, at.revision, policy, source.tag_prefix
                )


@dataclass(frozen=True, slots=True)
class ApplicationRenderer:
    """Git and renderer, as one step of a pass."""

    sources: Sources
    renderer: Renderer
    now_s: Clock
    rights: ReadingRights
    integrity: IntegrityGate
    offered: Callable[[ClusterId], Offered | None]  # what a cluster offers to templates; None: not known yet
    askers: set[AppName] = field(default_factory=set)  # whose renders asked for that, or failed

    async def __call__(self, app: Application, cluster: ClusterId | None, refs: Sequence[str] = ()) -> Rendered:
        """Render the sources of `app` for `cluster` at `refs`, one for each; empty: at their own target revisions.

        Without a cluster, templates are told of none.

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
        if not refs:
            return await self._desired(app, cluster, app.sources)
        # With its revision in it, a source that a person asked for is not taken for the one that is declared.
        sources = [replace(source, target_revision=ref) for source, ref in zip(app.sources, refs, strict=True)]
        return await self._desired(app, cluster, sources)

    def nothing(self, revisions: tuple[Revision, ...], hooks: Sequence[Manifest]) -> Rendered:
        """Return what is asked for in the name of an application that is being deleted: `hooks`, whatever Git holds."""
        return Rendered(revisions, self.now_s(), tuple(hooks), (), (), ())

    async def _desired(self, app: Application, cluster: ClusterId | None, sources: Sequence[Source]) -> Rendered:
        self.rights.check(app)
        resolved = self._resolved(sources)
        await self.integrity.check(app, sources, resolved)
        lent = [Lent(source, at.revision) for source, at in zip(sources, resolved, strict=True) if source.ref]
        offered = Offered() if cluster is None else self.offered(cluster)
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
