"""Policies of rights, drawn: operators write them, and those of projects' roles tenants."""

from __future__ import annotations

from gitopsd.core.rights.advice import advice
from gitopsd.core.rights.policy import MatchMode, PolicyText
from gitopsd.core.rights.policy_csv import read_policy
from gitopsd.core.rights.policy_rights import PolicyRights
from gitopsd.core.rights.policy_table import PolicyTable
from gitopsd.model.ids import ProjectName
from gitopsd.model.project import AppProject, ProjectRole
from tests.fuzz.drawn import texts

ROLE = "p, proj:web:ci, applications, "
LINES = texts(
    *(
        "p, ann, applications, get, ",
        "p, ann, ",
        "g, ann, role:a\n",
        "p, role:a, ",
        "applications",
        ", get, ",
        "*/*",
        ", allow\n",
        ", deny\n",
        ROLE,
    ),
    *(
        "web/",
        "*",
        "**",
        "?",
        "[a-z]",
        "[!",
        "{a,b}",
        "{",
        "}",
        "\\",
        '"',
        '""',
        "(a|b)+",
        "(?i)",
        "\\Q",
        ".*",
        ", ",
        "#",
    ),
)
ASKED = ("applications", "get", "web/shop")


def decide(text: str) -> None:
    """Read `text` as a policy, and its lines as those of a project's role; what is sound has to be decided alike."""
    for mode in MatchMode:
        texts_ = [PolicyText("policy.csv", text)]
        policy = read_policy(texts_, mode)
        advice(policy, mode, "role:a")
        if policy.errors:
            continue
        role = ProjectRole("ci", policies=tuple(text.split("\n")), groups=(text[:20],))
        project = AppProject(ProjectName("web"), roles=(role,))
        rights = PolicyRights(PolicyTable.compile(texts_, mode=mode), {"web": project}.get)
        for subjects in (["ann"], ["proj:web:ci"], ["bob", text[:20]]):
            assert rights.allows(subjects, *ASKED) is rights.explain(subjects, *ASKED).allowed
