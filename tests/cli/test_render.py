"""`gitopsd render`: what applications render to, without a daemon and a cluster."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitopsd.cli.main import main
from tests.cli.render import application, git

FLEET: dict[str, dict[str, Any]] = {
    "apps/web.yaml": {
        "repoURL": "git@git.example:fleet.git",
        "path": "overlay",
        "targetRevision": "main",
        "kustomize": {"commonAnnotations": {"by": "$ARGOCD_APP_NAME"}, "commonAnnotationsEnvsubst": True},
    },
    "apps/db.yaml": {"repoURL": "https://git.example/fleet", "path": "db"},
    "apps/away.yaml": {"repoURL": "https://git.example/elsewhere", "path": "."},
}


def thing(kind: str, name: str, **marks: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "annotations": marks}})


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working copy of https://git.example/fleet."""
    place = tmp_path_factory.mktemp("fleet")
    hook = {"argocd.argoproj.io/hook": "PreSync"}
    files = {
        **{name: application(Path(name).stem, source) for name, source in FLEET.items()},
        "apps/other.yaml": "kind: none\n",
        "charts/x/templates/app.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\n{{ .name }}: [\n",
        "overlay/kustomization.yaml": "resources: [../web]\n",
        "web/kustomization.yaml": "resources: [a.yaml]\n",
        "web/a.yaml": "\n---\n".join((thing("Service", "web"), thing("ConfigMap", "web"))),
        "db/a.yaml": "\n---\n".join(
            (
                thing("ConfigMap", "late", **{"argocd.argoproj.io/sync-wave": "1"}),
                thing("ConfigMap", "early"),
                thing("Namespace", "shop"),
                thing("Pod", "before", **hook),
                thing("ConfigMap", "early", twice="yes"),
            )
        ),
    }
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "remote", "add", "origin", "https://git.example/fleet.git")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "fleet")
    return place


@pytest.fixture
def fleet(committed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The working copy, entered; what a test changes is put back."""
    monkeypatch.chdir(committed)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield committed
    git(committed, "checkout", "--quiet", ".")


def names(text: str) -> list[str]:
    return [f"{each['kind']}/{each['metadata']['name']}" for each in yaml.safe_load_all(text)]


def test_an_application_is_rendered_from_the_working_copy_around_its_file(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet / "web" / "a.yaml").write_text(thing("Service", "changed"))

    assert 0 == main(("render", "apps/web.yaml", "--explain"))

    told = capsys.readouterr()
    (found,) = yaml.safe_load_all(told.out)
    assert ("changed", {"by": "web"}) == (found["metadata"]["name"], found["metadata"]["annotations"])
    lines = [line.strip() for line in told.err.splitlines()]
    assert f"web: overlay of {fleet / 'apps'} with its changes" == lines[0]
    assert "tool: Kustomize" == lines[1]
    assert {"file web/a.yaml", "file overlay/kustomization.yml (not there)", "variable ARGOCD_APP_NAME=web"} < {*lines}
    assert 1 == sum(line.startswith("cache key: ") for line in lines)


def test_manifests_come_in_the_order_in_which_they_are_applied(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.is_dir()
    assert 0 == main(("render", "db", "-o", "json"))

    told = capsys.readouterr()
    found = json.loads(told.out)
    assert ["before", "shop", "early", "late"] == [each["metadata"]["name"] for each in found]
    assert {"twice": "yes"} == found[2]["metadata"]["annotations"]
    assert "early is rendered more than once; the last one counts" in told.err


def test_every_application_of_a_directory_is_tried_and_the_first_error_counts(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet / "web" / "a.yaml").write_text("[")

    assert 4 == main(("render", ".", "--check"))

    told = capsys.readouterr()
    assert "db: 4 objects\n" == told.out
    assert "gitopsd: away: https://git.example/elsewhere is not here; " in told.err
    assert "gitopsd: web: overlay: kustomize refuses it: " in told.err

    assert 1 == main(("render", "apps/web.yaml"))
    assert "a.yaml" in capsys.readouterr().err


def test_a_path_is_rendered_at_a_revision_without_a_declaration(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet / "web" / "a.yaml").write_text("[")

    assert 0 == main(("render", "--path", "web", "--revision", "main"))
    assert ["ConfigMap/web", "Service/web"] == names(capsys.readouterr().out)


def test_a_repository_is_fetched_where_its_url_is_named(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fleet / "web" / "a.yaml").write_text("[")

    assert 0 == main(("render", "web", "--repo", f"file://{fleet}"))
    assert ["ConfigMap/web", "Service/web"] == names(capsys.readouterr().out)

    assert 3 == main(("render", "web", "--repo", f"file://{fleet}-none"))
    told = capsys.readouterr()
    assert ("", True) == (told.out, "cannot be fetched" in told.err)


def test_each_of_several_repositories_may_be_read_where_it_is(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.yaml").write_text(thing("Secret", "other"))
    urls = ["https://git.example/fleet", "https://git.example/elsewhere"]
    spec = {"sources": [{"repoURL": url, "path": path} for url, path in zip(urls, ("db", "."), strict=True)]}
    document = json.loads(application("both", {}))
    document["spec"] = {"destination": {"name": "prod"}, **spec}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(document).encode())))
    places = ("--repo", f"{urls[1]}={tmp_path / 'elsewhere'}", "--repo", str(fleet))

    assert 0 == main(("render", "-", "-o", "json", *places))

    found = json.loads(capsys.readouterr().out)
    assert ["before", "shop", "other", "early", "late"] == [each["metadata"]["name"] for each in found]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nobody",), 4, "no Application below . is named nobody"),
        (("overlay/nothing.yaml",), 4, "there is no overlay/nothing.yaml"),
        (("charts/",), 4, "no file below charts/ declares an Application"),
        (("overlay/kustomization.yaml",), 2, "declares no Application"),
        (("web", "--revision", "none"), 4, "has no 'none'"),
        ((), 2, "name an application"),
    ],
)
def test_what_is_not_there_is_told(
    fleet: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    assert fleet.is_dir()
    assert code == main(("render", *arguments))

    assert words in capsys.readouterr().err
