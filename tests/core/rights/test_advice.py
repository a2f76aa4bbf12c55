"""What a policy says that its writer may not have meant, and what its ConfigMap holds."""

from __future__ import annotations

import pytest

from gitopsd.core.rights.advice import advice
from gitopsd.core.rights.config_map import RbacPolicy, rbac_policy
from gitopsd.core.rights.policy import MatchMode, PolicyText
from gitopsd.core.rights.policy_csv import read_policy
from gitopsd.core.rights.resources import request_fault
from gitopsd.errors import InvalidPolicy


def warnings(*lines: str, mode: MatchMode = MatchMode.GLOB, default_role: str = "") -> list[str]:
    policy = read_policy([PolicyText("policy.csv", "\n".join(lines))], mode)
    assert () == policy.errors
    return [str(warning) for warning in advice(policy, mode, default_role)]


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("p, role:a, aplications, get, *, allow", "is about 'aplications', which is no resource; did you mean appl"),
        ("p, role:a, apps*, get, *, allow", "is about 'apps*', which is no resource; "),
        ("p, role:a, applications , get, *, allow", "is about 'applications ', which is no resource; did you mean"),
        ("p, role:a, applications, synch, *, allow", "'synch', which is no action on applications; did you mean sync?"),
        ("p, role:a, logs, create, *, allow", "is about 'create', which is no action on logs; known are get"),
        ("p, role:a, applications, action, *, allow", "is about `action` alone"),
        ("p, org:team, applications, get, *, allow", "counts for no member of the group 'org:team'"),
        ("g, ann, role:amdin", "gives the role 'role:amdin', about which there is no rule; did you mean role:admin?"),
    ],
)
def test_line_without_the_effect_that_it_seems_to_have(line: str, warning: str) -> None:
    (said,) = warnings(line)

    assert said.startswith("policy.csv:1: ")
    assert warning in said


def test_what_does_something_is_not_warned_of() -> None:
    assert [] == warnings(
        "p, role:a, *, *, *, allow",
        'p, role:a, app*, "{get,sync}", *, allow',
        "p, role:a, applications, delete/*/Pod/*/*, */*, deny",
        "p, org:team, logs, get, */*, allow",
        "g, org:team, role:b",
        "g, role:b, role:a",
        "g, ann, proj:web:dev",
        "p, proj:web:ci, clusters, get, *, allow",
        default_role="role:readonly",
    )
    assert [] == warnings("p, role:a, ^app, (get|sync), ^web/, allow", mode=MatchMode.REGEX)


def test_default_role_without_a_rule_is_warned_of() -> None:
    (said,) = warnings(default_role="role:readnoly")

    assert "policy.default: is 'role:readnoly', about which there is no rule; did you mean role:readonly?" == said


def test_config_map_s_policies_are_put_together_by_name() -> None:
    data = {
        "policy.b.csv": "b",
        "policy.csv": "main",
        "policy.a.csv": "a",
        "policy.default": "role:readonly",
        "policy.matchMode": "regex",
        "scopes": "[groups, email]",
    }

    assert ["main", "a", "b"] == [text.text for text in rbac_policy(data).texts]
    assert ("role:readonly", MatchMode.REGEX) == (rbac_policy(data).default_role, rbac_policy(data).mode)


@pytest.mark.parametrize(
    ("scopes", "claims"),
    [
        ("[groups, email]", ("groups", "email")),
        ("groups", ("groups",)),
        ("'[\"cognito:groups\"]'", ("cognito:groups",)),
        ("[]", ("groups",)),
        ("", ("groups",)),
    ],
)
def test_scopes_are_a_list_or_a_word(scopes: str, claims: tuple[str, ...]) -> None:
    assert claims == rbac_policy({"scopes": scopes.strip("'")}).scopes


def test_empty_config_map_is_no_policy() -> None:
    assert RbacPolicy() == rbac_policy({})


@pytest.mark.parametrize(
    ("data", "what", "remedy"),
    [
        ({"policy.cvs": ""}, "'policy.cvs' is no key of a policy", "did you mean policy.csv?"),
        ({"colour": ""}, "is no key of a policy", "known are policy.csv,"),
        ({"policy.matchMode": "regexp"}, "policy.matchMode is 'regexp'", "did you mean regex?"),
    ],
)
def test_key_that_means_nothing_is_refused(data: dict[str, str], what: str, remedy: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        rbac_policy(data)

    assert what in caught.value.what
    assert caught.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("resource", "action", "fault"),
    [
        ("applications", "sync", ""),
        ("applications", "delete/apps/Deployment/ns/web", ""),
        ("applications", "sync/x", "'sync/x' is no action on applications"),
        ("clusters", "delete/x", "'delete/x' is no action on clusters"),
        ("logs", "create", "'create' is no action on logs: known are get"),
        ("aps", "get", "'aps' is no resource: did you mean app"),
    ],
)
def test_right_that_nobody_is_asked_for(resource: str, action: str, fault: str) -> None:
    assert request_fault(resource, action).startswith(fault)
    assert bool(fault) is bool(request_fault(resource, action))
