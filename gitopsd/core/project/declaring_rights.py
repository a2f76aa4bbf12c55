"""Who may declare: which applications and projects an application of applications may make.

A project that names many clusters has not thereby said that its applications may make applications, so none of this
follows from a glob of servers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gitopsd.core.declaration.destination import IN_CLUSTER, IN_CLUSTER_SERVER, Declare, means_here
from gitopsd.core.project.access import MAX_TOLD, kind_permitted
from gitopsd.core.rights.patterns import is_expression, pattern_fault, pattern_matches
from gitopsd.core.rights.policy import MatchMode
from gitopsd.core.text.globs import matches
from gitopsd.model.application import Application, Destination
from gitopsd.model.ids import ClusterId, ProjectName
from gitopsd.model.manifest import GroupKind
from gitopsd.model.project import AppProject
from gitopsd.model.status import Condition, at_most

GROUP = "argoproj.io"
ARGOCD_NAMESPACE = "argocd"
Declared = Application | AppProject
KINDS = {Application: GroupKind(GROUP, "Application"), AppProject: GroupKind(GROUP, "AppProject")}


@dataclass(frozen=True, slots=True)
class DeclaringRights:
    """The rules, beside what they need to know of this gitopsd."""

    clusters: Mapping[ClusterId, str]  # name → server: what is one of them is not gitopsd itself
    project: Callable[[ProjectName], AppProject | None]
    home: str = ARGOCD_NAMESPACE  # Argo CD's own namespace: no sourceNamespaces is asked there

    def may_declare(self, project: AppProject, namespace: str) -> bool:
        """Tell whether a destination of the project names gitopsd itself and `namespace`, and none denies it."""
        where = namespace or self.home
        allows = any(
            means_here(destination, self.clusters) and matches(destination.namespace, where)
            for destination in project.destinations
            if not _denying(destination)
        )
        return allows and not any(
            _denied_here(destination, where) for destination in project.destinations if _denying(destination)
        )

    def conditions(
        self, project: AppProject, parent: Application, declared: Iterable[Declared]
    ) -> tuple[Condition, ...]:
        """Return one condition, of at most `MAX_TOLD`, for each that `parent` of `project` may not declare."""
        conditions = [
            _refused(f"{_named(declaration)}: {reason}", remedy)
            for declaration in declared
            for reason, remedy in self._why(project, parent, declaration)
        ]
        return at_most(MAX_TOLD, conditions, "are not permitted")

    def destination_conditions(self, project: AppProject, app: Application) -> tuple[Condition, ...]:
        """Return a condition where the project does not let `app`, whose destination is gitopsd itself, declare."""
        if self.may_declare(project, app.destination.namespace):
            return ()
        return (_refused(*self._not_here(project, app.destination.namespace)),)

    def _why(self, project: AppProject, parent: Application, declaration: Declared) -> Iterable[tuple[str, str]]:
        namespace = declaration.namespace if isinstance(declaration, Application) else ""
        where = namespace or parent.destination.namespace or self.home
        if not kind_permitted(project, KINDS[type(declaration)]):
            scope = "see the project's spec.namespaceResourceWhitelist and spec.namespaceResourceBlacklist"
            yield f"project {project.name} does not permit {KINDS[type(declaration)].kind}", scope
        elif not self.may_declare(project, where):
            yield self._not_here(project, where)
        elif isinstance(declaration, AppProject):
            if not project.declares_projects:
                what = f"project {project.name} does not let its applications declare projects"
                yield what, 'declare it elsewhere, or annotate that project gitopsd.io/declares-projects: "true"'
        else:
            yield from self._why_application(project, declaration, where)

    def _why_application(self, project: AppProject, app: Application, where: str) -> Iterable[tuple[str, str]]:
        theirs = app.project
        if theirs != project.name and not any(matches(glob, theirs) for glob in project.declares_for):
            remedy = f"name {project.name}, or add it to the annotation gitopsd.io/declares-for of that project"
            yield f"project {project.name} does not let its applications declare any of project {theirs}", remedy
            return
        named = self.project(theirs)
        if (
            where != self.home
            and named is not None
            and not any(_is_source_namespace(entry, where) for entry in named.source_namespaces)
        ):
            yield f"project {theirs} has no applications in namespace {where}", "add it to its spec.sourceNamespaces"

    def _not_here(self, project: AppProject, namespace: str) -> tuple[str, str]:
        where = namespace or self.home
        return (
            f"project {project.name} does not let its applications declare in namespace {where!r}",
            f"add {{name: {Declare.DECLARE.value}, namespace: {where}}} to the project's spec.destinations",
        )


def _is_source_namespace(entry: str, namespace: str) -> bool:
    """Tell whether an entry is about a namespace: a glob, or an expression of RE2 between slashes, found anywhere."""
    if is_expression(entry):
        pattern = entry[1:-1]
        return not pattern_fault(pattern, MatchMode.REGEX) and pattern_matches(pattern, namespace, MatchMode.REGEX)
    return matches(entry, namespace)


def _denying(destination: Destination) -> bool:
    return any(text.startswith("!") for text in (destination.server, destination.name, destination.namespace))


def _denied_here(destination: Destination, namespace: str) -> bool:
    server, name = destination.server.removeprefix("!"), destination.name.removeprefix("!")
    named = bool(name) and any(matches(name, reserved) for reserved in (Declare.DECLARE.value, IN_CLUSTER))
    served = bool(server) and matches(server, IN_CLUSTER_SERVER)
    return (named or served) and matches(destination.namespace.removeprefix("!"), namespace)


def _named(declaration: Declared) -> str:
    return f"{KINDS[type(declaration)].kind} {declaration.name}"


def _refused(message: str, remedy: str) -> Condition:
    return Condition("InvalidSpecError", message, remedy)
