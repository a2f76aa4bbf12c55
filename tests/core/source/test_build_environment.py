from __future__ import annotations

import pytest

from gitopsd.core.source.build_environment import build_environment
from gitopsd.model.application import Application, Destination, Source
from gitopsd.model.ids import AppName, ProjectName, RepoUrl, Revision

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("chart", "revision", "expected"),
    [
        ("", COMMIT, (COMMIT, COMMIT[:7], COMMIT[:8])),
        ("web", f"1.2.3@{DIGEST}", ("1.2.3", "1.2.3", "1.2.3")),
        ("web", DIGEST, (DIGEST, DIGEST[:7], DIGEST[:8])),
    ],
)
def test_revision_of_a_chart_is_its_version(chart: str, revision: str, expected: tuple[str, str, str]) -> None:
    source = Source(RepoUrl("https://charts.example"), chart=chart)
    app = Application(AppName("shop"), ProjectName("default"), (source,), Destination(name="here"))

    found = build_environment(app, source, Revision(revision))

    names = ("ARGOCD_APP_REVISION", "ARGOCD_APP_REVISION_SHORT", "ARGOCD_APP_REVISION_SHORT_8")
    assert expected == tuple(found[name] for name in names)
