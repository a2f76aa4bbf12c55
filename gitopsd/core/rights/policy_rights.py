"""May they: the policy of all, and for what is of a project the roles of that project beside it.

Source: Argo CD, server/rbacpolicy/rbacpolicy.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cachetools import LRUCache

from gitopsd.core.rights.policy_table import Decision, PolicyTable, RightExplanation
from gitopsd.core.rights.project_roles import project_of, project_policy
from gitopsd.core.rights.resources import OF_PROJECTS, PolicyResource
from gitopsd.model.project import AppProject, ProjectRole

MAX_PROJECTS = 8192  # whose compiled roles are kept
MAX_DECIDED = 16_384  # lists of decisions that are kept, each for somebody, an action and a project
_Asked = tuple[tuple[str, ...], str, str, str]  # subjects, resource, action, project


class PolicyRights:
    """Answers for subjects: who asks, then their groups; nobody is the default role alone."""

    def __init__(self, table: PolicyTable, project: Callable[[str], AppProject | None]) -> None:
        """Answer by `table`, and by the roles of what `project` returns for a name, as they are at each request."""
        self.table = table
        self._project = project
        self._decided: LRUCache[_Asked, tuple[tuple[ProjectRole, ...] | None, list[Decision]]] = LRUCache(MAX_DECIDED)
        self._tables: LRUCache[str, tuple[tuple[ProjectRole, ...], PolicyTable]] = LRUCache(MAX_PROJECTS)

    def allows(self, subjects: Iterable[str], resource: str, action: str, obj: str) -> bool:
        """Tell whether one of `subjects` may do `action` to `obj`: see `PolicyTable.allows`."""
        return self.permitted(subjects, resource, action)(obj)

    def permitted(self, subjects: Iterable[str], resource: str, action: str) -> Callable[[str], bool]:
        """Return what tells of one object after another whether they may do `action` to it, as a list needs it."""
        who = tuple(subjects)
        known: dict[str, list[Decision]] = {}

        def permits(obj: str) -> bool:
            project = _project_in(resource, obj)
            decisions = known.get(project)
            if decisions is None:
                decisions = known[project] = self._known_decisions(who, resource, action, project)
            return any(decision.allows(obj) for decision in decisions)

        return permits

    def explain(self, subjects: Iterable[str], resource: str, action: str, obj: str) -> RightExplanation:
        """Return what `allows` answers, and the line it comes from."""
        project = _project_in(resource, obj)
        explanations = [
            table.explain(who, resource, action, obj) for table, who in self._asked(tuple(subjects), project)
        ]
        allowing = [explanation for explanation in explanations if explanation.allowed]
        denying = [explanation for explanation in explanations if explanation.rule is not None]
        return next(iter([*allowing, *denying, *explanations]))

    def _known_decisions(self, subjects: tuple[str, ...], resource: str, action: str, project: str) -> list[Decision]:
        named = self._project(project) if project else None
        roles = None if named is None else named.roles
        key = (subjects, resource, action, project)
        known = self._decided.get(key)
        if known is None or known[0] is not roles:
            known = (roles, self._decisions(subjects, resource, action, project))
            self._decided[key] = known
        return known[1]

    def _decisions(self, subjects: Sequence[str], resource: str, action: str, project: str) -> list[Decision]:
        asked = self._asked(subjects, project)
        decisions = [decision for table, who in asked for decision in table.decisions(who, resource, action)]
        return list({id(decision): decision for decision in decisions}.values())

    def _asked(self, subjects: Sequence[str], project: str) -> list[tuple[PolicyTable, Sequence[str]]]:
        """Return the tables that are asked, and for whom; the default role is asked for in each."""
        named = self._project(project) if project else None
        if named is None:
            return [(self.table, subjects)]
        of_role = project_of(subjects[0]) if subjects else ""
        if of_role and of_role != named.name:
            return [(self.table, ())]
        everybody: tuple[PolicyTable, Sequence[str]] = (self.table, ())
        return [everybody, (self._table_of(named), subjects[:1] if of_role else subjects)]

    def _table_of(self, project: AppProject) -> PolicyTable:
        if not project.roles:
            return self.table
        known = self._tables.get(project.name)
        if known is None or (known[0] is not project.roles and known[0] != project.roles):
            policy = project_policy(project, self.table.mode)
            known = (project.roles, PolicyTable(policy, base=self.table))
            self._tables[project.name] = known
        return known[1]


def _project_in(resource: str, obj: str) -> str:
    """Return the project that an object is of; "" where none is named."""
    if resource == PolicyResource.PROJECTS:
        return obj
    project, slash, _ = obj.partition("/")
    return project if slash and resource in OF_PROJECTS else ""
