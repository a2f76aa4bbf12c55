"""The fixtures of the end-to-end tests, for tests that do harm."""

from __future__ import annotations

from tests.e2e.conftest import host, own, pair, there

__all__ = ["host", "own", "pair", "there"]
