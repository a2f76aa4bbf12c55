"""What the documents show works: settings are accepted, links lead somewhere."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from gitopsd.settings import problems

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_settings_of_the_readme_have_no_problem(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    file = tmp_path / "gitopsd.yaml"
    file.write_text(textwrap.dedent(example))
    for name in ("east-ca.pem", "east.token", "git-token", "api-token", "webhook-secret"):
        (tmp_path / name).write_text("x")

    assert [] == problems(file, {})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())

    assert [] == [link for link in links if not (document.parent / link).exists()]


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/decisions"
    listed = (folder / "README.md").read_text()

    assert [] == [file.name for file in sorted(folder.glob("0*.md")) if f"({file.name})" not in listed]
