from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.source.semver import Version, newest, parse_constraint


def allows(constraint: str, version: str) -> bool:
    parsed, candidate = parse_constraint(constraint), Version.parse(version)
    assert parsed is not None
    assert candidate is not None
    return parsed.allows(candidate)


@pytest.mark.parametrize(
    ("constraint", "inside", "outside"),
    [
        ("1.2.*", ["1.2.0", "v1.2.9"], ["1.3.0", "1.1.9", "1.2.1-rc.1"]),
        ("1.x", ["1.0.0", "1.99.0"], ["2.0.0", "0.9.0"]),
        ("*", ["0.0.0", "9.9.9"], ["1.0.0-alpha"]),
        ("*-0", ["0.1.0", "1.0.0-alpha"], []),
        ("^1", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.9", "1.5.0-beta"]),
        ("^1-0", ["1.0.0", "1.5.0-beta"], ["2.0.0"]),
        ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2", "1.0.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4", "0.1.0"]),
        ("^0.0", ["0.0.0", "0.0.9"], ["0.1.0"]),
        ("^0", ["0.0.0", "0.9.0"], ["1.0.0"]),
        ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
        ("~1.2", ["1.2.0", "1.2.9"], ["1.3.0", "1.1.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0"]),
        ("~>1.2.3", ["1.2.4"], ["1.3.0"]),
        (">=1 <2", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.9"]),
        (">=1, <2", ["1.0.0"], ["2.0.0"]),
        (">= 1.2 , < 3.0 || >= 4.2.3", ["1.2.0", "4.2.3", "2.9.9"], ["3.0.0", "4.2.2"]),
        ("1.2 - 1.4.5", ["1.2.0", "1.4.5"], ["1.4.6", "1.1.9"]),
        (">11", ["12.0.0"], ["11.1.0", "11.0.0"]),
        (">11.1", ["11.2.0", "12.0.0"], ["11.1.1"]),
        (">1.2.3", ["1.2.4"], ["1.2.3"]),
        ("<=11", ["11.9.9", "10.0.0"], ["12.0.0"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        ("<1.2", ["1.1.9"], ["1.2.0"]),
        ("!=1", ["2.0.0"], ["1.5.0"]),
        ("!=1.2", ["1.3.0"], ["1.2.5"]),
        ("!=1.2.3", ["1.2.4"], ["1.2.3"]),
        ("=1.2", ["1.2.7"], ["1.3.0"]),
        (">=1.0-0 <2", ["1.5.0-rc.1", "1.5.0"], ["2.0.0"]),
    ],
)
def test_constraint_allows_what_masterminds_allows(constraint: str, inside: list[str], outside: list[str]) -> None:
    assert (inside, []) == (
        [version for version in inside if allows(constraint, version)],
        [version for version in outside if allows(constraint, version)],
    )


@pytest.mark.parametrize(
    "text",
    ["", "main", "1.2.3", "v1.2", "1", "release-1.x", "1.x-", ">", ">=1<2", "1.x ||", "12x", "x" * 300, ">=01.2-01"],
)
def test_what_is_no_constraint_is_a_ref_or_a_pin(text: str) -> None:
    assert parse_constraint(text) is None


def test_newest_allowed_tag_wins_whatever_the_order_of_tags() -> None:
    constraint = parse_constraint("1.2.*")
    assert constraint is not None

    assert "v1.2.10" == newest(constraint, ["v1.2.10", "v1.2.9", "main-1.2.11", "1.3.0", "v1.2.11-rc.1"])
    assert newest(constraint, ["2.0.0", "nightly"]) is None


def test_versions_order_by_number_then_prerelease() -> None:
    texts = ["1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0", "1.0.1", "1.10.0"]
    versions = [version for text in texts if (version := Version.parse(text)) is not None]

    assert texts == [
        text for _, text in sorted(zip([v.order for v in reversed(versions)], reversed(texts), strict=True))
    ]


@given(st.text(alphabet="0123456789.xX*v-+<>=!~^|, rcé\u0663", max_size=60))
def test_any_text_is_a_constraint_or_not_but_never_an_error(text: str) -> None:
    constraint, version = parse_constraint(text), Version.parse(text)

    assert constraint is None or version is None
    if constraint is not None:
        assert constraint.allows(Version(1, 2, 3)) in (True, False)
