from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gitopsd.errors import LfsObject, PartNotFetched
from gitopsd.manifests.missing_parts import MissingPartsRenderer
from gitopsd.model.ids import AppName, RepoUrl
from gitopsd.ports import RenderedSource

DONE = RenderedSource((), "Directory")


class World:
    """A renderer that misses some parts, and who fetches them, or says so."""

    def __init__(self, *parts: str, heals: bool = True) -> None:
        self.missing = [LfsObject("mirror", part, 1) for part in parts]
        self.fetched: list[str] = []
        self.heals = heals

    async def render(self, *_: Any, **__: Any) -> RenderedSource:
        if self.missing:
            raise PartNotFetched("a part", remedy="", details=self.missing[0])
        return DONE

    async def fetch(self, err: PartNotFetched, _permits: Callable[[RepoUrl], bool]) -> None:
        assert isinstance(err.details, LfsObject)
        self.fetched.append(err.details.oid)
        if self.heals:
            self.missing.remove(err.details)


async def test_what_is_missing_is_fetched_and_rendered_again() -> None:
    world = World("a", "b")

    assert DONE == await MissingPartsRenderer(world, world).render(AppName("app"), "source", "revision")
    assert ["a", "b"] == world.fetched


async def test_part_that_is_missing_still_is_an_error_and_no_circle() -> None:
    world = World("a", heals=False)

    with pytest.raises(PartNotFetched):
        await MissingPartsRenderer(world, world).render(AppName("app"), "source", "revision")
    assert ["a"] == world.fetched
