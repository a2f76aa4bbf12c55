"""Lines of policies, as Go's encoding/csv has them."""

from __future__ import annotations

import time

import pytest

from gitopsd.core.rights.policy import Effect, MatchMode, Policy, PolicyLine, PolicyRule, PolicyText, RoleBinding
from gitopsd.core.rights.policy_csv import MAX_PROBLEMS, read_policy
from gitopsd.core.rights.policy_table import PolicyTable
from gitopsd.errors import InvalidPolicy, PolicyLines

RULE = ("ann", "applications", "get", "web/*", Effect.ALLOW)


def policy(text: str, mode: MatchMode = MatchMode.GLOB) -> Policy:
    return read_policy([PolicyText("policy.csv", text)], mode)


@pytest.mark.parametrize(
    "line",
    [
        "p, ann, applications, get, web/*, allow",
        "p,ann,applications,get,web/*,allow",
        "\t p,   ann, applications,\tget, web/*, allow \r",
        '"p", "ann", "applications", "get", "web/*", "allow"',
        "p,\xa0ann,\u2003applications, get, web/*, allow\xa0",
    ],
)
def test_quotes_and_space_around_fields_are_no_part_of_them(line: str) -> None:
    assert (PolicyRule(*RULE, PolicyLine("policy.csv", 1)),) == policy(line).rules


def test_quotes_hold_commas_and_quotes() -> None:
    found = policy('g, "team, web", role:a\ng, "the ""best""", role:a')

    assert ["team, web", 'the "best"'] == [binding.member for binding in found.bindings]


def test_space_behind_a_field_belongs_to_it() -> None:
    assert "ann " == policy("p, ann , applications, get, web/*, allow").rules[0].subject


def test_comments_and_empty_lines_say_nothing_and_count_as_lines() -> None:
    found = policy("# p, ann, applications, get, web/*, allow\n\n   # so it is\n\ng, ann, role:a")

    assert Policy(bindings=(RoleBinding("ann", "role:a", PolicyLine("policy.csv", 5)),)) == found


def test_object_may_be_nothing_as_that_of_all_certificates_is() -> None:
    assert "" == policy("p, ann, certificates, get, , allow").rules[0].object


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        ("p, ann, applications, get, web/*", "has 5 fields instead of 6", "write `p, subject, resource, action"),
        ("p, ann, applications, get, web/*, allow,", "has 7 fields instead of 6", "write `p, subject"),
        ("g, ann", "has 2 fields instead of 3", "write `g, member, role`"),
        ("P, ann, applications, get, web/*, allow", "begins with 'P'", "did you mean p?"),
        ("p2, ann, applications, get, web/*, allow", "begins with 'p2'", "did you mean p?"),
        ("p, ann, applications, get, web/*, Allow", "has the effect 'Allow'", "did you mean allow?"),
        ("p, , applications, get, web/*, allow", "has no subject", "write the subject"),
        ("p, ann, , get, web/*, allow", "has no resource", "write the resource"),
        ("g, ann, ", "has no role", "write the role"),
        ('g, an"n, role:a', 'has a " inside a field', "enclose all of it"),
        ('g, "ann, role:a', 'has a " that nothing closes', "close it on the same line"),
        ('g, "ann"x, role:a', 'has something between a closing " and the comma', "write each quote"),
        ("p, ann, applications, get, web/[, allow", "its object 'web/[' has a [ without a set", "mend the pattern"),
        ("p, ann, applications, get, web/{a, allow", "its object 'web/{a' has a { without its }", "mend"),
        ('p, ann, applications, get, "web/{a,}", allow', "has an empty part in braces", "mend the pattern"),
        ("p, ann, applications, [a-zA-Z]*, web/*, allow", "its action '[a-zA-Z]*' has the set [a-zA-Z]", "mend"),
        ("p, ann, applications, get, web/\\, allow", "ends in a \\ that stands before nothing", "mend the pattern"),
        (f"g, {'x' * 1025}, role:a", "has more than 1024 characters in its member", "write a shorter one"),
        ("g, a\0b, role:a", "has a NUL in its member", "write the member"),
    ],
)
def test_line_that_cannot_be_used_is_named_with_the_remedy(line: str, what: str, remedy: str) -> None:
    found = policy(f"g, ann, role:a\n{line}")

    (problem,) = found.errors
    assert PolicyLine("policy.csv", 2) == problem.line
    assert what in problem.what
    assert problem.remedy.startswith(remedy)
    assert 1 == len(found.bindings)


def test_expressions_are_checked_as_expressions() -> None:
    assert policy("p, ann, ^app, (get|sync), ^web/[a-zA-Z]+$, allow", MatchMode.REGEX).rules
    (problem,) = policy("p, ann, ^app, (get, web, allow", MatchMode.REGEX).errors
    assert "its action '(get' is no regular expression: missing ): (get" == problem.what


def test_policy_that_cannot_be_used_is_an_error_that_names_its_lines() -> None:
    texts = [PolicyText("policy.csv", "g, ann, role:a\nx"), PolicyText("policy.more.csv", "\n\ny\n")]

    with pytest.raises(InvalidPolicy) as caught:
        PolicyTable.compile(texts)

    assert PolicyLines(("policy.csv:2", "policy.more.csv:3")) == caught.value.details


def test_there_is_an_end_to_what_is_told() -> None:
    assert MAX_PROBLEMS == len(policy("x\n" * 10_000).problems)


@pytest.mark.parametrize(
    "line", ["p," * 500_000, "p,  " + " " * 1_000_000, '"' * 1_000_001, "p" * 1_000_000, '"p"x' * 250_000]
)
def test_line_without_end_is_read_once(line: str) -> None:
    begin = time.process_time()

    assert 1 == len(policy(line).problems)
    assert time.process_time() - begin < 1
