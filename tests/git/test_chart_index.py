"""Charts are found in an index by reading all of it, or only their own lines: what is found is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsd.errors import InvalidManifest
from gitopsd.git import chart_index
from gitopsd.git.chart_index import find, found_in

WRITTEN = """\
apiVersion: v1
entries:
  db:
  - description: |
      what looks like a key
        web:
      - version: 9.9.9
    name: db
    urls: [db-1.tgz]
    version: 1.0.0
  web:
  # two of them
  - digest: aa
    urls:
    - web-1.2.0.tgz
    version: 1.2.0
  - digest: {digest}
    urls:
    - web-1.10.0.tgz
    version: 1.10
  web-app:
  - urls: [app.tgz]
    version: "7"
generated: "2026-01-01T00:00:00Z"
"""
INDEXES = {
    "as Helm writes it": WRITTEN,
    "with line ends of Windows": WRITTEN.replace("\n", "\r\n"),
    "with its entries last": WRITTEN.replace('generated: "2026-01-01T00:00:00Z"\n', ""),
    "with charts indented more": WRITTEN.replace("\n  ", "\n    "),
    "with a chart's name in quotes": WRITTEN.replace("  web:", '  "web":'),
    "with an alias of another chart": WRITTEN.replace("  web-app:", "  other: &app\n  - version: 1\n  web-app:"),
    "with a key of that name elsewhere": "about:\n  web:\n  - version: 0.0.1\n" + WRITTEN,
    "in flow style": 'entries: {db: [{version: 1.0.0, urls: [db-1.tgz]}], web: [{version: "1.10", digest: DIGEST, '
    'urls: [web-1.10.0.tgz]}], web-app: [{version: "7", urls: [app.tgz]}]}\n',
}
ASKED = [("db", "*"), ("web", "1.*"), ("web", "1.10"), ("web-app", "*"), ("we", "*"), ("web", "8.*")]


@pytest.mark.parametrize("large", [0, 1 << 20])
@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_what_is_found_is_the_same_in_both_ways(
    index: str, large: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_index, "LARGE", large)
    file, digest = tmp_path / "index.yaml", "ab" * 32
    file.write_bytes(index.replace("{digest}", digest).replace("DIGEST", digest).encode())
    alone = [find(str(file), "https://c", [each])[0] for each in ASKED]

    assert alone == find(str(file), "https://c", ASKED)
    web = {"version": "1.10", "digest": f"sha256:{digest}", "url": "web-1.10.0.tgz"}
    assert [
        {"version": "1.0.0", "digest": "", "url": "db-1.tgz"},
        web,
        web,
        {"version": "7", "digest": "", "url": "app.tgz"},
        {"missing": "https://c has no chart 'we'"},
        {"missing": "https://c has no '8.*' of the chart web; its newest is 1.10"},
    ] == alone


@pytest.mark.parametrize(
    ("wanted", "version"),
    [("1.2", "v1.2.5"), ("v1.2", "v1.2.5"), ("1", "1.10.0"), ("1.2.0", "1.2.0"), ("1.2.5", "v1.2.5"), ("2.0", "2.0")],
)
def test_part_of_a_version_is_the_newest_that_begins_so(wanted: str, version: str) -> None:
    known = ("1.2.0", "v1.2.5", "1.2.6-rc.1", "1.10.0", "2.0", "2.0.1")
    entries = [{"version": each, "urls": [f"{each}.tgz"]} for each in known]

    assert {"version": version, "digest": "", "url": f"{version}.tgz"} == found_in(entries, "https://c", "web", wanted)
    assert "missing" in found_in(entries, "https://c", "web", "1.3")


@pytest.mark.parametrize("large", [0, 1 << 20])
def test_large_index_is_none_where_its_charts_are_none(
    large: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_index, "LARGE", large)
    file = tmp_path / "index.yaml"
    file.write_text("entries:\n  web:\n  - {version: [1\n")
    with pytest.raises(InvalidManifest, match="no YAML"):
        find(str(file), "https://c", [("web", "*")])


@pytest.mark.parametrize("content", ["", "---\n", "# nothing\n"])
def test_empty_index_lists_no_charts(content: str, tmp_path: Path) -> None:
    file = tmp_path / "index.yaml"
    file.write_text(content)

    with pytest.raises(InvalidManifest, match="lists no charts"):
        find(str(file), "https://c", [("web", "*")])
