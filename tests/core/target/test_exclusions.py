"""Which kinds the settings leave out."""

from __future__ import annotations

import pytest

from gitopsd.core.target.exclusions import Exclusions, KindRule, included
from gitopsd.model.manifest import GroupKind

HERE = ("prod-eu", "https://10.0.0.1:6443")
POD, ENDPOINTS, BOAT = GroupKind("", "Pod"), GroupKind("", "Endpoints"), GroupKind("sea.example.com", "Boat")


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [
        (KindRule(groups=("",), kinds=("Endpoints",)), {ENDPOINTS}),
        (KindRule(kinds=("*",)), {POD, ENDPOINTS, BOAT}),
        (KindRule(groups=("*.example.com",)), {BOAT}),
        (KindRule(groups=("*",), kinds=("P*", "Boat")), {POD, BOAT}),
        (KindRule(clusters=("prod-*",)), {POD, ENDPOINTS, BOAT}),
        (KindRule(groups=("",), clusters=("https://10.0.0.1:*",)), {POD, ENDPOINTS}),
        (KindRule(clusters=("test-*", "https://10.0.0.2:6443")), set()),
    ],
)
def test_a_rule_is_about_kinds_of_clusters_by_globs(rule: KindRule, kinds: set[GroupKind]) -> None:
    excluding, including = Exclusions((rule,)), Exclusions(inclusions=(rule,))

    assert kinds == {kind for kind in (POD, ENDPOINTS, BOAT) if excluding.excludes(kind, HERE)}
    assert kinds == {kind for kind in (POD, ENDPOINTS, BOAT) if not including.excludes(kind, HERE)}


def test_nothing_is_left_out_without_rules_and_an_exclusion_goes_before_an_inclusion() -> None:
    assert not Exclusions().excludes(POD, HERE)
    assert Exclusions((KindRule(kinds=("Pod",)),), (KindRule(groups=("",)),)).excludes(POD, HERE)


def test_what_is_left_out_is_told_once_for_each_kind() -> None:
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}} for name in "ab"]
    boat = {"apiVersion": "sea.example.com/v1", "kind": "Boat", "metadata": {"name": "c"}}

    kept, told = included([*pods, boat], lambda kind: kind == POD)

    assert [boat] == kept
    assert ["v1/Pod: 2 objects are left out: the settings exclude the kind"] == [each.message for each in told]
