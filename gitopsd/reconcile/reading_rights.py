"""Which repositories may be read for an application: asked before anything is sent to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitopsd.core.project.access import dependency_permitted, source_conditions
from gitopsd.errors import NotPermitted
from gitopsd.model.application import Application
from gitopsd.model.ids import AppName, RepoUrl
from gitopsd.ports import Applications
from gitopsd.words import without_credentials


@dataclass(frozen=True, slots=True)
class ReadingRights:
    """The `sourceRepos` of projects, and whom credentials are for."""

    apps: Applications
    scope_of: Callable[[str], str] = lambda _url: ""  # of a repository's credentials: the project they are for, or ""

    def check(self, app: Application) -> None:
        """Return if all sources of `app` may be read; one that only lends files counts as well.

        Raises:
            NotPermitted: there is no such project, it does not permit one of them, or another's credentials open it.
        """
        project = self.apps.project(app.project)
        if project is None:
            raise NotPermitted(f"there is no project {app.project}", remedy="declare it, or name one that is there")
        refused = source_conditions(project, app)
        if refused:
            raise NotPermitted("; ".join(condition.message for condition in refused), remedy=refused[0].remedy)
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
