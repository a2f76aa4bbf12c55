"""A renderer that has what is missing beside the commit fetched, and renders again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gitopsd.errors import Details, PartNotFetched
from gitopsd.model.ids import AppName, RepoUrl
from gitopsd.ports import Parts, RenderedSource, Renderer

MOST = 500  # parts of one render, each of which is missed once


@dataclass(frozen=True, slots=True)
class MissingPartsRenderer:
    """`ports.Renderer` over another one. A part that no render reads is never fetched."""

    renderer: Renderer
    parts: Parts
    may_have: Callable[[AppName, RepoUrl], bool] = lambda _app, _repo: True  # whether it may have a submodule fetched

    async def render(self, app: AppName, *args: Any, **kwargs: Any) -> RenderedSource:
        fetched: set[Details] = set()
        while True:
            try:
                return await self.renderer.render(app, *args, **kwargs)
            except PartNotFetched as err:
                if err.details is None or err.details in fetched or len(fetched) == MOST:
                    raise
                await self.parts.fetch(err, partial(self.may_have, app))
                fetched.add(err.details)
