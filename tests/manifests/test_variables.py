from __future__ import annotations

import pytest

from gitopsd.manifests.variables import Variables, asked, seen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$NAME", "shop"),
        ("${NAME}-x", "shop-x"),
        ("a$NAME.b", "ashop.b"),
        ("$NAMES", ""),  # another variable
        ("$$NAME", "$NAME"),
        ("${$}", "$"),
        ("cost: 5$", "cost: 5$"),
        ("$1$NAME", "shop"),
        ("${GONE}", ""),
        ("$ NAME", "$ NAME"),
    ],
)
def test_references_are_replaced_as_argo_cd_does(text: str, expected: str) -> None:
    assert expected == Variables({"NAME": "shop"}).expand(text)


def test_what_is_asked_for_is_part_of_the_closure_and_nothing_else_is() -> None:
    variables = Variables({"A": "1", "B": "2"})
    variables.expand("$$ no $A and $GONE")

    assert {"env:A": "1", "env:GONE": ""} == variables.closure()
    assert ("A", "GONE") == asked(["file:x", "env:GONE", "env:A"])
    assert {"env:A": "9"} == seen(["file:x", "env:A"], {"A": "9", "B": "2"})
