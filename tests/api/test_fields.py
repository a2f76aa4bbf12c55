"""`fields`: parts of an application, as Argo CD's clients name them."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.api.fields import EVERYTHING, MOST, fields_of
from gitopsd.errors import BadRequest
from tests.api.serving import serving
from tests.fakes.backend import FakeBackend, app_view

DOCUMENT = {"metadata": {"name": "a", "labels": {"x": "y"}}, "status": {"resources": [{"kind": "A", "name": "b"}]}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("items.metadata.name", {"metadata": {"name": "a"}}),
        ("items.metadata.name,items.metadata", {"metadata": DOCUMENT["metadata"]}),
        ("items.metadata,items.metadata.name", {"metadata": DOCUMENT["metadata"]}),
        ("items.status.resources.kind", {"status": {"resources": [{"kind": "A"}]}}),
        ("items.nothing", {}),
        ("-items.status,items.metadata.labels.x", {"metadata": {"name": "a", "labels": {}}}),
        ("metadata.continue", DOCUMENT),  # of the list, not of the application
        ("", DOCUMENT),
    ],
)
def test_what_is_named_is_answered(text: str, expected: dict[str, Any]) -> None:
    assert expected == fields_of(text, "items.").of(DOCUMENT)


def test_what_lies_beside_is_not_wanted() -> None:
    fields = fields_of("items.metadata.name", "items.")

    assert fields.wants("metadata")
    assert fields.wants("metadata", "name", "anything")
    assert not fields.wants("status", "history")
    assert EVERYTHING.wants("status", "history")
    assert not fields_of("-items.status.history", "items.").wants("status", "history")
    assert fields_of("-items.status.history", "items.").wants("status")


def test_many_fields_are_refused() -> None:
    with pytest.raises(BadRequest):
        fields_of(",".join(["items.a"] * (MOST + 1)), "items.")


async def test_a_list_of_fields_is_small_and_compressed() -> None:
    async with serving(FakeBackend(app_view("shop"), app_view("cart"))) as api:
        query = {"fields": "items.metadata.name,items.status.sync.status"}
        async with api.session.get(f"{api.url}/api/v1/applications", params=query) as answer:
            assert answer.headers["Content-Encoding"] in ("gzip", "deflate")
            items = (await answer.json())["items"]

    assert ["cart", "shop"] == [item["metadata"]["name"] for item in items]
    assert {"metadata", "status"} == {*items[0]}
