from __future__ import annotations

import pytest

from gitopsd.errors import InvalidDeclaration
from gitopsd.manifests.glob import glob


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.yaml", "a.yaml"),
        ("*.yaml", "deep/down/a.yaml"),  # Argo CD's "*" crosses "/"
        ("**/a.yaml", "deep/down/a.yaml"),
        ("deep/*", "deep/down/a.yaml"),
        ("{config.json,env-usw2/*}", "config.json"),
        ("{config.json,env-usw2/*}", "env-usw2/a.yaml"),
        ("{a,b{c,d}}.yaml", "bd.yaml"),
        ("?.yaml", "a.yaml"),
        ("[a-c].yaml", "b.yaml"),
        ("[!a-c].yaml", "d.yaml"),
        ("[ab-].yaml", "-.yaml"),
        ("[!ab].yaml", "c.yaml"),
        (r"\*.yaml", "*.yaml"),
        ("a,b}.yaml", "a,b}.yaml"),
        ("", ""),
        ("a.y+ml", "a.y+ml"),
        ("{a,}.yaml", ".yaml"),
    ],
)
def test_what_matches(pattern: str, path: str) -> None:
    assert glob(pattern).fullmatch(path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.yaml", "a.yml"),
        ("a.yaml", "aXyaml"),
        ("a.yaml", "deep/a.yaml"),
        ("{a,b}.yaml", "c.yaml"),
        ("[a-c].yaml", "d.yaml"),
        ("[!a-c].yaml", "b.yaml"),
        (r"\*.yaml", "a.yaml"),
        ("?.yaml", "ab.yaml"),
    ],
)
def test_what_does_not(pattern: str, path: str) -> None:
    assert not glob(pattern).fullmatch(path)


@pytest.mark.parametrize("pattern", ["{a,b", "[a", "[", "[!", "[z-a]", "a{b{c}"])
def test_a_glob_that_cannot_be_read_is_named(pattern: str) -> None:
    with pytest.raises(InvalidDeclaration, match="cannot be read") as raised:
        glob(pattern)
    assert pattern in raised.value.what
