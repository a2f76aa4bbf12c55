from __future__ import annotations

import pytest

from gitopsd.sim.quantity import canonical


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("0.25", "250m"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1.5Gi", "1536Mi"),
        ("512", "512"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("1e9", "1e9"),
        ("1E3", "1e3"),
        ("-1000m", "-1"),
        ("0", "0"),
        ("0.0000000001", "1n"),
        ("100Ki", "100Ki"),
        ("", None),
        ("x", None),
        ("1 Gi", None),
        ("1Gib", None),
    ],
)
def test_canonical_form(text: str, expected: str | None) -> None:
    assert expected == canonical(text)
