"""What tests of touched and their neighbours share."""

from __future__ import annotations

from collections.abc import Mapping

from gitopsd.core.source.touch_index import TouchIndex
from gitopsd.model.ids import AppName, RepoUrl

URL = RepoUrl("https://example.org/r")


APP = AppName("shop")


def index_of(seen: Mapping[str, str] | None, ref: str = "main") -> TouchIndex:
    index = TouchIndex()
    index.put(APP, {(URL, ref): seen})
    return index
