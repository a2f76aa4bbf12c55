"""The roles of a project as a policy: rules about its own objects, for its own roles, and who is in them.

Source: Argo CD, docs/user-guide/projects.md, "Project Roles".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitopsd.core.rights.policy import Effect, MatchMode, Policy, PolicyLine, PolicyProblem, PolicyRule, PolicyText
from gitopsd.core.rights.policy_csv import read_policy
from gitopsd.core.rights.resources import OF_PROJECTS, WITH_PATH, Action
from gitopsd.core.text.suggest import did_you_mean
from gitopsd.model.ids import ProjectName
from gitopsd.model.project import AppProject, ProjectRole

ROLE_NAME = re.compile(r"[a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?")
POLICY = re.compile(r"\s*p\s*,")
SHOWN = 80  # characters of what somebody wrote, in a problem
ACTIONS = frozenset({"*", *Action}) - {Action.INVOKE, Action.ACTION}
MAX_LINES = 2000  # of all roles of one project: their writers are many, and each costs memory


def role_subject(project: str, role: str) -> str:
    """Return how policies name a role of a project."""
    return f"proj:{project}:{role}"


def project_of(subject: str) -> str:
    """Return the project whose role `subject` is; "" where it is anybody else."""
    parts = subject.split(":")
    return parts[1] if len(parts) == len(("proj", "project", "role")) and parts[0] == "proj" else ""


def project_policy(project: AppProject, mode: MatchMode = MatchMode.GLOB) -> Policy:
    """Return what the roles of `project` say. Where one line cannot be used, all of them together say nothing.

    A role less may be a deny less, so nobody has anything by the roles of such a project; the problems tell why.
    """
    parts: list[Policy] = []
    names: set[str] = set()
    whole = PolicyLine(f"project {project.name}", 0)
    for role in project.roles:
        line = PolicyLine(f"{whole.document}, role {role.name[:SHOWN]}", 0)
        if not ROLE_NAME.fullmatch(role.name) or role.name in names:
            what = "is there twice" if role.name in names else "is no name for a role"
            parts.append(_problem(line, what, "write letters, digits, - and _, and each name once"))
        names.add(role.name)
        parts.append(_role_policy(project.name, role, line, mode))
    if sum(len(role.policies) + len(role.groups) for role in project.roles) > MAX_LINES:
        parts = [_problem(whole, f"has more than {MAX_LINES} policies and groups", "write fewer, with globs")]
    problems = tuple(problem for part in parts for problem in part.problems)
    if problems:
        return Policy(problems=problems)
    rules = (rule for part in parts for rule in part.rules)
    return Policy(tuple(rules), tuple(binding for part in parts for binding in part.bindings))


def _role_policy(project: ProjectName, role: ProjectRole, line: PolicyLine, mode: MatchMode) -> Policy:
    subject = role_subject(project, role.name)
    for written in role.policies:
        if "\n" in written or not POLICY.match(written):
            return _problem(line, f"has {written[:SHOWN]!r}", f"write `p, {subject}, …` on one line")
    for group in role.groups:
        if "\n" in group or group != group.strip():
            return _problem(line, f"has the group {group[:SHOWN]!r}", "write it without space around it")
    lines = (*role.policies, *(f"g, {group}, {subject}" for group in role.groups))
    policy = read_policy([PolicyText(line.document, "\n".join(lines))], mode)
    faults = tuple(problem for rule in policy.rules for problem in _problems(project, subject, rule))
    # Whoever has a role may see its project.
    seen = PolicyRule(subject, "projects", "get", project, Effect.ALLOW, line)
    return Policy((seen, *policy.rules), policy.bindings, (*policy.problems, *faults))


def _problem(line: PolicyLine, what: str, remedy: str) -> Policy:
    return Policy(problems=(PolicyProblem(line, what, remedy),))


def _problems(project: ProjectName, subject: str, rule: PolicyRule) -> Iterator[PolicyProblem]:
    if rule.subject != subject:
        yield PolicyProblem(rule.line, f"is about {rule.subject[:SHOWN]!r}", f"write {subject}")
    if rule.resource not in OF_PROJECTS:
        hint = did_you_mean(rule.resource, OF_PROJECTS) or f"a project grants {', '.join(sorted(OF_PROJECTS))}"
        yield PolicyProblem(rule.line, f"is about {rule.resource[:SHOWN]!r}", hint)
    verb, slash, _ = rule.action.partition("/")
    if rule.action not in ACTIONS and not (slash and verb in WITH_PATH):
        hint = did_you_mean(rule.action, ACTIONS) or "write an action, or `*`"
        yield PolicyProblem(rule.line, f"has the action {rule.action[:SHOWN]!r}", hint)
    if not rule.object.startswith(f"{project}/"):
        remedy = f"write `{project}/<name>`, or `{project}/*`"
        yield PolicyProblem(rule.line, f"is about the object {rule.object[:SHOWN]!r}", remedy)
