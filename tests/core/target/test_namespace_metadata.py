"""What applications keep on their namespace: what somebody changed is seen, and what others have is not."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.target.namespace_metadata import differences, kept_of, manager_of, warning
from gitopsd.model.cluster import NamespaceMetadata
from gitopsd.model.comparison import Absent, Reading, Unreadable
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from tests.core.lives import SHOP, found

KEY = ResourceKey("", "Namespace", "", "prod")
WANTED = {"labels": {"team": "a"}, "annotations": {"note": "x"}}
OURS = "gitopsd-namespace-shop"


def namespace(manager: str = OURS, **meta: Any) -> dict[str, Any]:
    owned: dict[str, Any] = {
        f"f:{field}": {".": {}, **{f"f:{name}": {} for name in texts}} for field, texts in WANTED.items()
    }
    entry = {"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:metadata": owned}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod", "managedFields": [entry], **meta}}


def told(manifest: Any, wanted: Any = WANTED) -> tuple[str, ...]:
    return differences(SHOP, wanted, found(KEY, kept=kept_of(manifest)))


def test_what_it_keeps_is_read_with_its_values() -> None:
    kept = kept_of(namespace(labels={"team": "b", "theirs": "1"}))

    assert (
        NamespaceMetadata(OURS, "annotations", "note", None),
        NamespaceMetadata(OURS, "labels", "team", "b"),
    ) == kept


@pytest.mark.parametrize(
    "odd", [{"managedFields": None}, {"managedFields": [5]}, {"managedFields": [{"manager": OURS}]}]
)
def test_odd_managed_fields_say_nothing(odd: Any) -> None:
    assert () == kept_of(namespace(**odd))


def test_what_is_as_it_keeps_it_does_not_differ() -> None:
    assert () == told(namespace(labels={"team": "a", "theirs": "1"}, annotations={"note": "x"}))


def test_what_somebody_changed_differs() -> None:
    live = namespace(labels={"team": "b"}, annotations={"note": "x"})

    assert ("label team is not kept at 'a'",) == told(live)
    assert 2 == len(told(namespace("another", labels=WANTED["labels"], annotations=WANTED["annotations"])))


def test_what_it_does_not_ask_for_any_more_differs() -> None:
    assert ("label team is kept, and not asked for any more",) == told(
        namespace(labels=WANTED["labels"], annotations=WANTED["annotations"]), {"annotations": WANTED["annotations"]}
    )


@pytest.mark.parametrize("reading", [Absent(), Unreadable("403"), None])
def test_what_cannot_be_read_does_not_differ(reading: Reading | None) -> None:
    assert () == differences(SHOP, WANTED, reading)


def test_manager_of_a_long_name_fits_and_is_its_own() -> None:
    names = [AppName("a" * 200 + end) for end in "bc"]

    assert 2 == len({manager_of(name) for name in names})
    assert 128 == len(manager_of(names[0]))
    assert OURS == manager_of(SHOP)


def test_condition_names_some_of_what_differs() -> None:
    (condition,) = warning("prod", ("one", "two", "three", "four"))

    assert "namespace prod: one; two; three and 1 more" == condition.message
    assert () == warning("prod", ())
