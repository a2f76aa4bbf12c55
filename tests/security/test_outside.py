"""What is outside of a source stays unread: cases 1 to 8, 15, 16, 19 and 20 of docs/security.md."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gitopsd.core.declaration import application_from
from gitopsd.errors import (
    GitopsError,
    InvalidDeclaration,
    InvalidManifest,
    PathNotFound,
)
from gitopsd.git.tree import GitTree, open_tree
from gitopsd.manifests.workspace import lay_out
from gitopsd.model.application import HelmOptions, KustomizeOptions
from gitopsd.model.ids import AppName
from gitopsd.model.operation import SyncRequest
from gitopsd.oci.archive import files
from gitopsd.usecases.backend import SourceDetails
from tests.api.serving import NOW_S, serving
from tests.core.declaring import HERE
from tests.core.declaring import manifest as declared
from tests.fakes.backend import REPO, FakeBackend, app_view
from tests.git.artifacts import Place
from tests.gitserver import Repo
from tests.manifests.charting import Harbour, chart_yaml, config_map, tgz
from tests.manifests.directory import load
from tests.manifests.directory import manifest as json_manifest
from tests.manifests.kustomizing import Kitchen
from tests.oci.archive import LIMITS, entry
from tests.registry import tar

SHOW = {
    "app/Chart.yaml": chart_yaml(),
    "app/values.yaml": "from: chart\n",
    "app/templates/show.yaml": config_map(values=".Values"),
}
VALUES = "from: outside\n"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Put a file beside the repository, where a path with too many `..` would find it."""
    found = tmp_path / "secret.yaml"
    found.write_text(VALUES)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.yaml",
        "../../../secret.yaml",
        "/../secret.yaml",
        "../*/../../secret.yaml",
        "{ABSOLUTE}",
        "file://{ABSOLUTE}",
    ],
)
def test_case_1_value_files_are_those_of_the_repository(harbour: Harbour, outside: Path, name: str) -> None:
    wanted = name.replace("{ABSOLUTE}", str(outside))  # an absolute path begins at the repository's root, as in Argo CD
    for options in (HelmOptions((wanted,)), HelmOptions(file_parameters={"text": wanted})):
        with pytest.raises((PathNotFound, InvalidManifest, InvalidDeclaration)) as refused:
            harbour.build(SHOW, options)
        assert "outside" not in str(refused.value).replace("outside of the repository", "")


def test_case_2_an_archive_of_a_chart_brings_no_file_by_a_link(harbour: Harbour, outside: Path) -> None:
    links = [entry(f"sub/{name}", b"2", str(outside)) for name in ("values.yaml", "templates/leak.yaml")]
    links += [entry("sub/crds/hard.yaml", b"1", str(outside)), entry("sub/crds", b"2", str(outside.parent))]
    sub = {"sub/Chart.yaml": chart_yaml("sub"), "sub/templates/sub.yaml": config_map("sub", values=".Values")}

    built = harbour.build({**SHOW, "app/charts/sub.tgz": tar(sub, links)})

    assert ["ConfigMap/sub", "ConfigMap/shop"] == built.names
    assert "outside" not in str(built.manifests)


@pytest.mark.parametrize("target", ["../../secret.yaml", "{ABSOLUTE}", "/etc/passwd", "loop.yaml"])
def test_case_3_a_file_of_a_directory_is_no_link_out_of_the_repository(repo: Repo, outside: Path, target: str) -> None:
    with pytest.raises(PathNotFound, match="not inside the repository"):
        load(repo, {}, links={"app/loop.yaml": target.replace("{ABSOLUTE}", str(outside))})


@pytest.mark.parametrize(
    "links", [{"app/v.yaml": "../../secret.yaml"}, {"app/d": "../..", "app/v.yaml": "d/secret.yaml"}]
)
def test_case_4_a_value_file_is_no_link_out_of_the_repository(
    harbour: Harbour, outside: Path, links: Mapping[str, str]
) -> None:
    assert outside.exists()
    elsewhere = {f"values/{name.rpartition('/')[2]}": f"../{target}" for name, target in links.items()}
    with pytest.raises(PathNotFound, match="is not inside the repository"):
        harbour.build({**SHOW, "app/.helmignore": "v.yaml\nd/\n"}, HelmOptions(("v.yaml",)), links=links)
    with pytest.raises(PathNotFound, match="is not inside the repository"):
        harbour.build(SHOW, HelmOptions(("../values/*.yaml",)), links=elsewhere)


async def test_case_5_no_request_says_where_manifests_are_read() -> None:
    """Where they are is declared, and a declaration that leaves its repository is none."""
    path = {"repoURL": "https://git.example/x", "path": "../../etc"}
    backend = FakeBackend(app_view("shop"))
    async with serving(backend) as api:
        url = "/api/v1/applications/shop"
        for body in ({"source": path}, {"sources": [path]}, {"spec": {"source": path}}, {"path": "../../etc"}):
            status, app = await api.status("POST", f"{url}/sync", json=body)
            assert (200, "shop") == (status, app["spec"]["source"]["path"])
            asked = backend.apps[AppName("shop")].request or SyncRequest()
            assert SyncRequest(initiated_by="admin", asked_s=NOW_S) == dataclasses.replace(asked)
        backend.details = [SourceDetails(REPO, "Directory")]
        details = f"/api/v1/repositories/{quote(REPO, safe='')}/appdetails"
        answer = await api.status("POST", details, json={"appName": "shop", "source": {**path, "repoURL": REPO}})
        assert (200, {"type": "Directory"}) == answer  # of the declared path
        outside = declared(source=path)
        status, refused = await api.status("POST", "/api/v1/applications", json=outside)
        assert (400, True) == (status, "outside" in refused["message"])
        patch = {"name": "shop", "patch": json.dumps({"spec": outside["spec"]}), "patchType": "merge"}
        for method, place, body in (
            ("PUT", url, outside),
            ("PATCH", url, patch),
            ("PUT", f"{url}/spec", outside["spec"]),
        ):
            assert 400 == (await api.status(method, place, json=body))[0]
        assert "shop" == backend.apps[AppName("shop")].application.sources[0].path

    with pytest.raises(InvalidDeclaration, match=r"\.spec\.source\.path is '\.\./\.\./etc', outside"):
        application_from(declared(source=path), HERE)


TRICKS: dict[str, str] = {
    "by name": '.Files.Get "../other/secret.txt"',
    "by an absolute name": '.Files.Get "/other/secret.txt"',
    "by a glob": '.Files.Glob "../**"',
    "by lines": '.Files.Lines "../other/secret.txt"',
    "of its parent": ".Files.AsConfig",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_case_6_a_chart_reads_its_own_files_alone(harbour: Harbour, trick: str) -> None:
    sub = {"Chart.yaml": chart_yaml("sub"), "templates/sub.yaml": config_map("sub", v=TRICKS[trick])}
    found = harbour.build(
        {
            **SHOW,
            "app/templates/show.yaml": config_map(v=TRICKS[trick]),
            "app/charts/sub.tgz": tgz(sub),
            "app/charts/beside/Chart.yaml": chart_yaml("beside"),
            "app/charts/beside/other/secret.txt": "hush",
            "other/Chart.yaml": chart_yaml("other"),
            "other/secret.txt": "hush",
        }
    )

    assert {"ConfigMap/shop", "ConfigMap/sub"} == set(found.names)
    assert "hush" not in str(found.manifests)


def test_case_7_a_sibling_whose_name_begins_alike_is_outside(repo: Repo, harbour: Harbour, tmp_path: Path) -> None:
    sibling = Path(f"{repo.path}-sibling")
    sibling.mkdir()
    (sibling / "x.yaml").write_text(json_manifest("x"))
    (tmp_path / "r.git-values.yaml").write_text(VALUES)

    for path in ("../app", "/etc", "app/../../r.git", "../r.git-sibling", str(sibling)):
        with pytest.raises(PathNotFound, match="not inside the repository"):
            load(repo, {"app/a.yaml": json_manifest("a")}, path)
    with pytest.raises(PathNotFound, match="not inside the repository"):
        load(repo, {}, links={"app/x.yaml": f"../../{sibling.name}/x.yaml"})
    for options in (HelmOptions(("../../r.git-values.yaml",)), HelmOptions(("../../r.git-*.yaml",))):
        with pytest.raises(PathNotFound, match="outside of the repository"):
            harbour.build(SHOW, options)


KUSTOMIZATIONS: dict[str, str] = {
    "an absolute path": "resources: [/etc/passwd]",
    "a path above the root": "resources: [../../../etc/passwd]",
    "a base above the root": "components: [../../x]",
    "a file of a generator": "configMapGenerator: [{name: a, files: [passwd=/etc/passwd]}]",
    "a file of variables": "secretGenerator: [{name: a, envs: [../../../etc/environment]}]",
    "a patch": "patches: [{path: ../../x.yaml}]",
    "a replacement": "replacements: [{path: ../../x.yaml}]",
    "an OpenAPI schema": "openapi: {path: ../../x.json}",
}


@pytest.mark.parametrize("case", KUSTOMIZATIONS)
def test_case_8_a_kustomization_names_nothing_outside(kitchen: Kitchen, case: str) -> None:
    with pytest.raises(PathNotFound, match=r"it is absolute|leads above the repository's root") as refused:
        kitchen.build({"app/kustomization.yaml": KUSTOMIZATIONS[case]})

    assert str(kitchen.place) not in str(refused.value)


@pytest.mark.parametrize("target", ["/etc", "../../../..", "../../outside"])
def test_case_8_a_kustomization_follows_no_link_outside(kitchen: Kitchen, target: str) -> None:
    with pytest.raises(PathNotFound, match="app/linked"):
        kitchen.build({"app/kustomization.yaml": "resources: [linked/passwd]\n"}, links={"app/linked": target})
    with pytest.raises(PathNotFound, match="app/linked"):
        kitchen.build(
            {"app/kustomization.yaml": "namePrefix: a-\n"},
            options=KustomizeOptions(components=("linked",)),
            links={"app/linked": target},
        )


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a\\..\\x", ".git/config", "a/.GIT/config"])
def test_case_15_no_name_of_an_artifact_leads_out_of_it(name: str) -> None:
    for layer in (tar({name: "1"}), tar({}, [entry(name, b"5")]), tar({"a": "1"}, [entry("h", b"1", name)])):
        with pytest.raises(InvalidManifest, match=r"leads out of it|a name that Git keeps for itself"):
            list(files(layer, LIMITS))


def test_case_15_nobody_learns_which_files_the_machine_has(repo: Repo, harbour: Harbour, outside: Path) -> None:
    """What is outside is refused in the same words, be it there or not."""

    def told(name: str, tried: Callable[[str], Any]) -> str:
        with pytest.raises(GitopsError) as refused:
            tried(name)
        return str(refused.value).replace(name, "NAME")

    there, gone = str(outside), f"{outside}.not"
    tries: list[Callable[[str], Any]] = [
        lambda name: load(repo, {}, links={"app/a.yaml": name}),
        lambda name: load(repo, {}, name),
        lambda name: harbour.build(SHOW, HelmOptions((name,))),
        lambda name: harbour.build(SHOW, HelmOptions((f"../..{name}",))),
        lambda name: harbour.build(SHOW, links={"app/x.yaml": name}),
    ]
    for tried in tries:
        assert told(there, tried) == told(gone, tried)


async def test_case_16_a_link_that_leaves_an_artifact_is_not_followed(place: Place) -> None:
    links = [entry("l", b"2", "../../etc/passwd"), entry("m", b"2", "/etc"), entry("n", b"2", "m/passwd")]
    await place.registry.artifact("org/app", "1", tar({}, links))
    tree = await place.tree(place.repositories(), "1")

    for path in ("l", "m/passwd", "n"):
        with pytest.raises(PathNotFound):
            tree.read(path, max_bytes=99)


def tree_of(repo: Repo, links: Mapping[str, str]) -> GitTree:
    return open_tree(str(repo.path), repo.commit({"a/x": "1"}, links=links))


@pytest.mark.parametrize(
    ("path", "links"),
    [
        ("one", {"one": "two", "two": "one"}),
        ("self/x", {"self": "self"}),
        ("l0", {f"l{n}": f"l{n + 1}" for n in range(60)}),
        ("a/b/x", {"a/b": "c", "a/c": "../a/b"}),
    ],
)
def test_case_19_a_loop_of_links_ends(repo: Repo, kitchen: Kitchen, path: str, links: Mapping[str, str]) -> None:
    with pytest.raises(PathNotFound, match="40 links"):
        tree_of(repo, links).read(path, max_bytes=100)
    with pytest.raises(PathNotFound, match="40 links"):
        tree_of(repo, links).list(path)
    with pytest.raises(PathNotFound, match="40 links"):
        kitchen.build({"kustomization.yaml": f"resources: [{path}]\n"}, ".", links=links)


@pytest.mark.parametrize(
    ("path", "links", "named"),
    [
        ("out", {"out": "/etc/passwd"}, "link out"),
        ("a/out", {"a/out": "../../x"}, "link a/out"),
        ("a/out/x", {"a/out": "../b/../../r.gitx"}, "link a/out"),
        ("in/out/x", {"in": "a", "a/out": "../.."}, "link a/out"),
        ("in/../../../x", {"in": "a/deep"}, "root"),  # each `..` is of where the link leads
        ("nul", {"nul": "a\0b"}, "link nul"),
        ("long", {"long": "x/" * 4000}, "link long"),
    ],
)
def test_case_20_every_component_of_a_path_may_be_a_link(
    repo: Repo, path: str, links: Mapping[str, str], named: str
) -> None:
    with pytest.raises(PathNotFound, match=named):
        tree_of(repo, links).read(path, max_bytes=100)
    with pytest.raises(PathNotFound, match=named):
        tree_of(repo, links).list(path)


def test_case_20_what_is_laid_out_is_written_through_no_link(repo: Repo, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    tree = tree_of(repo, {"in": "a"})
    tree.read("in/x", max_bytes=9)
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "a").mkdir()
    (tmp_path / "into" / "a" / "x").symlink_to(target / "written")

    with pytest.raises(GitopsError, match="cannot be laid out"):
        lay_out(tmp_path / "into", tree, instead={}, max_bytes=100)
    assert [] == list(target.iterdir())
