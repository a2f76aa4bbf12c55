"""What a policy allows: every telling case was asked of casbin and gobwas/glob, which Argo CD decides with, too."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.rights.patterns import PatternSet, pattern_matches
from gitopsd.core.rights.policy import MatchMode
from gitopsd.core.rights.policy_table import MAX_LEVELS
from tests.core.rights.policies import table


@pytest.mark.parametrize(
    ("allowed", "rule", "asked"),
    [
        (True, "applications, get, */*, allow", "applications get web/shop"),
        (True, "applications, get, */*, allow", "applications get web/ns/shop"),
        (False, "applications, get, */*, allow", "applications get web"),
        (True, "applications, get, *, allow", "applications get web/shop"),
        (True, "applications, *, web/*, allow", "applications delete/apps/Deployment/ns/shop web/shop"),
        (False, "applications, delete, web/*, allow", "applications delete/apps/Deployment/ns/shop web/shop"),
        (True, "applications, delete/*, web/*, allow", "applications delete//Pod/ns/shop-1 web/shop"),
        (False, "applications, delete/*, web/*, allow", "applications delete web/shop"),
        (True, "applications, delete/*/Pod/*/*, web/*, allow", "applications delete//Pod/ns/shop-1 web/shop"),
        (False, "applications, delete/*/Pod/*/*, web/*, allow", "applications delete/apps/Deployment/ns/p web/shop"),
        (True, "applications, action/apps/*, web/*, allow", "applications action/apps/Deployment/restart web/shop"),
        (False, "applications, action/apps/*, web/*, allow", "applications action//Pod/x web/shop"),
        (False, "applications, sync, web/*, allow", "applications override web/shop"),
        (True, "app*, get, web/*, allow", "applicationsets get web/shop"),
        (False, "app*s, get, web/*, allow", "applicationsetz get web/shop"),
        (True, "clusters, get, https://*.example, allow", "clusters get https://a.b/c.example"),
        (True, "applications, get, web/sho?, allow", "applications get web/shop"),
        (False, "applications, get, web/sho?, allow", "applications get web/sho"),
        (True, 'applications, get, "{web,db}/*", allow', "applications get db/pg"),
        (True, "applications, get, [a-w]eb/*, allow", "applications get web/shop"),
        (False, "applications, get, [!w]eb/*, allow", "applications get web/shop"),
        (True, "applications, get, [abc-]*, allow", "applications get -web"),
        (True, "applications, get, \\*, allow", "applications get *"),
        (False, "applications, get, \\*, allow", "applications get web"),
        (False, "applications, get, web, allow", "applications get web/shop"),
        (False, "Applications, get, web/*, allow", "applications get web/shop"),
    ],
)
def test_rule_fits_as_a_whole_and_stars_cross_slashes(allowed: bool, rule: str, asked: str) -> None:  # noqa: FBT001
    resource, action, obj = asked.split(" ")

    assert allowed is table(f"p, ann, {rule}").allows(["ann"], resource, action, obj)


@pytest.mark.parametrize(
    ("allowed", "role", "asked"),
    [
        (True, "role:readonly", "applications get web/shop"),
        (True, "role:readonly", "logs get web/shop"),
        (True, "role:readonly", "write-repositories get https://git.example/a"),
        (True, "role:readonly", "certificates get "),
        (False, "role:readonly", "exec create web/shop"),
        (False, "role:readonly", "extensions invoke x"),
        (False, "role:readonly", "applications sync web/shop"),
        (True, "role:admin", "applications get web/shop"),
        (True, "role:admin", "applications update/apps/Deployment/ns/shop web/shop"),
        (True, "role:admin", "applications override web/shop"),
        (True, "role:admin", "applications rollback web/shop"),
        (True, "role:admin", "exec create web/shop"),
        (True, "role:admin", "accounts update ann"),
        (False, "role:admin", "accounts create ann"),
        (False, "role:admin", "gpgkeys update x"),
        (False, "role:admin", "extensions invoke x"),
        (True, "admin", "projects delete web"),
    ],
)
@pytest.mark.parametrize("mode", MatchMode)
def test_built_in_roles(allowed: bool, role: str, asked: str, mode: MatchMode) -> None:  # noqa: FBT001
    resource, action, obj = asked.split(" ")

    assert allowed is table(mode=mode).allows([role], resource, action, obj)


def test_deny_wins_over_what_else_its_subject_has_wherever_it_stands() -> None:
    found = table(
        "p, role:dev, applications, delete, web/prod, deny",
        "p, role:dev, applications, *, web/*, allow",
        "p, ann, applications, delete, web/prod, allow",
        "g, ann, role:dev",
    )

    assert not found.allows(["ann"], "applications", "delete", "web/prod")
    assert found.allows(["ann"], "applications", "delete", "web/test")


def test_deny_of_one_subject_takes_nothing_from_another() -> None:
    found = table("p, ann, applications, get, web/*, deny", "g, team, role:readonly", default_role="role:logs")

    assert found.allows(["ann", "team"], "applications", "get", "web/shop")
    assert not found.allows(["ann"], "applications", "get", "web/shop")


def test_default_role_is_everybody_s_and_cannot_be_denied() -> None:
    found = table("p, ann, applications, get, */*, deny", default_role="role:readonly")

    assert found.allows(["ann"], "applications", "get", "web/shop")
    assert found.allows([], "applications", "get", "web/shop")
    assert not found.allows([], "applications", "sync", "web/shop")


def test_group_counts_only_where_it_is_bound_to_a_role() -> None:
    rule = "p, team, applications, get, web/*, allow"

    assert not table(rule).allows(["ann", "team"], "applications", "get", "web/shop")
    assert table(rule, "g, team, role:any").allows(["ann", "team"], "applications", "get", "web/shop")
    assert table(rule).allows(["team"], "applications", "get", "web/shop")


@pytest.mark.parametrize(("levels", "allowed"), [(MAX_LEVELS, True), (MAX_LEVELS + 1, False)])
def test_roles_have_roles_to_the_tenth_level(levels: int, allowed: bool) -> None:  # noqa: FBT001
    links = (f"g, {f'role:{level}' if level else 'ann'}, role:{level + 1}" for level in range(levels))
    found = table(f"p, role:{levels}, applications, get, *, allow", *links)

    assert allowed is found.allows(["ann"], "applications", "get", "web/shop")


def test_roles_that_have_each_other_end() -> None:
    found = table("g, role:a, role:b", "g, role:b, role:a", "p, role:b, applications, get, *, allow")

    assert found.allows(["role:a"], "applications", "get", "web/shop")


@pytest.mark.parametrize(
    ("allowed", "rule", "asked"),
    [
        (True, "applications, get, web, allow", "applications get the-web/shop"),
        (False, "applications, get, ^web, allow", "applications get the-web/shop"),
        (True, "app, (get|sync), ^web/[a-zA-Z]+$, allow", "applications sync web/Shop"),
        (False, "^app$, get, ^web/, allow", "applications get web/shop"),
        (True, "applications, .*, (?i)WEB/, allow", "applications get web/shop"),
        (True, r"applications, get, \Qweb/a.b, allow", "applications get web/a.b"),
        (False, r"applications, get, \Qweb/a.b, allow", "applications get web/a-b"),
    ],
)
def test_expression_is_found_anywhere(allowed: bool, rule: str, asked: str) -> None:  # noqa: FBT001
    resource, action, obj = asked.split(" ")
    found = table(f"p, ann, {rule}", "p, ann, x, x, (?P<n>x), allow", mode=MatchMode.REGEX)

    assert allowed is found.allows(["ann"], resource, action, obj)
    assert allowed is found.explain(["ann"], resource, action, obj).allowed


def test_explanation_names_the_line_and_the_way_to_it() -> None:
    found = table('g, "a, b", role:dev', "p, role:dev, applications, get, web/*, allow", "g, ann, role:readonly")

    assert 'policy.csv:2 allows it: p, role:dev, applications, get, web/*, allow; "a, b" has it by role:dev' == str(
        found.explain(["bob", "a, b"], "applications", "get", "web/shop")
    )
    assert "no rule allows it" == str(found.explain(["bob"], "applications", "get", "web/shop"))
    assert "built-in allows it: p, role:readonly" in str(found.explain(["ann"], "applications", "get", "db/pg"))


def test_explanation_of_a_refusal_names_the_deny() -> None:
    found = table("p, ann, applications, *, *, allow", "p, ann, applications, delete, web/*, deny")

    explanation = found.explain(["ann"], "applications", "delete", "web/shop")

    assert not explanation.allowed
    assert explanation.rule is not None
    assert "policy.csv:2" == str(explanation.rule.line)


GLOBS = st.lists(
    st.sampled_from(["a", "b", "/", "-", ".", "*", "**", "?", "[ab]", "[!a]", "[a-b]", "{a,b/}", "{a,{b,-}}", r"\*"]),
    max_size=5,
).map("".join)


@given(st.lists(GLOBS, min_size=1, max_size=12), st.lists(st.text("ab/-.*", max_size=6), min_size=5, max_size=20))
def test_many_patterns_fit_what_each_of_them_fits(patterns: list[str], texts: list[str]) -> None:
    found = PatternSet(patterns, MatchMode.GLOB)

    for text in texts:
        assert any(pattern_matches(each, text, MatchMode.GLOB) for each in patterns) == found.matches(text)


@pytest.mark.parametrize("obj", ["team-{}/app-{}*", "*/app-{1}", "team-?/app-[0-9]*{1}*", "*a*a*a*a*a*a*{}{}"])
def test_thousand_rules_and_a_thousand_objects_take_no_product_of_the_two(obj: str) -> None:
    # 4 to 200 ms on the machine of docs/bench.md; rule by rule it takes a minute.
    found = table(*(f"p, ann, applications, get, {obj.format(i % 100, i)}, allow" for i in range(1000)))
    objects = [f"team-{i % 100}/app-{i}" for i in range(990)] + [f"team-{i}/{'a' * 200}" for i in range(10)]
    begin = time.process_time()

    for each in objects:
        found.allows(["ann"], "applications", "get", each)

    assert time.process_time() - begin < 5
