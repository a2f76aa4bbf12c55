from __future__ import annotations

import pytest

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.helmignore import ignored


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        ("", "values.yaml", False),
        ("", "templates/.hidden.yaml", True),  # Helm's own rule
        ("# *.md\n\n *.md ", "docs/a.md", True),
        ("*.md", "a.md/", True),
        ("ci/", "ci/", True),
        ("ci/", "ci", False),
        ("/ci", "x/ci", False),
        ("/ci", "ci", True),
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/deep/a.md", False),
        ("a?c.[xy]", "abc.y", True),
        ("a?c.[^xy]", "abc.y", False),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("!keep.yaml", "keep.yaml", False),
        ("!keep.yaml", "other.yaml", True),
        ("\ufeff*.txt", "a.txt", True),
    ],
)
def test_rules_leave_out_what_helm_leaves_out(rules: str, path: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert expected is (path in ignored("web/.helmignore", rules))


@pytest.mark.parametrize("rule", ["**/x", "[a"])
def test_a_rule_that_helm_refuses_is_refused(rule: str) -> None:
    with pytest.raises(InvalidManifest):
        ignored("web/.helmignore", rule)
