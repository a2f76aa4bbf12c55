"""A directory of files → manifests: which files, and what may be in them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gitopsd.errors import InvalidDeclaration, InvalidManifest, PathNotFound
from gitopsd.manifests import directory
from gitopsd.manifests.directory import Loaded
from gitopsd.model.application import FLAT, DirectoryOptions
from gitopsd.settings import RenderSettings
from tests.gitserver import Repo
from tests.manifests import directory as shared
from tests.manifests.directory import LIMITS, load, manifest

repo = shared.repo  # the fixture


def names(loaded: Loaded) -> list[str]:
    return [json.loads(one)["metadata"]["name"] for one in loaded.manifests]


FILES = {
    "app/b.yaml": manifest("b"),
    "app/a.yml": manifest("a"),
    "app/c.json": manifest("c"),
    "app/README.md": "# no",
    "app/b.yaml.bak": "no",
    "app/bb/d.yaml": manifest("d"),
    "app/bb/env/e.yaml": manifest("e"),
    "elsewhere/f.yaml": manifest("f"),
}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (FLAT, ["a", "b", "c"]),
        (DirectoryOptions(recurse=True), ["a", "b", "d", "e", "c"]),
        (DirectoryOptions(recurse=True, include="bb/*"), ["d", "e"]),
        (DirectoryOptions(recurse=True, exclude="*e.yaml"), ["a", "b", "d", "c"]),
        (DirectoryOptions(include="{a.yml,c.json}"), ["a", "c"]),
        (DirectoryOptions(recurse=True, include="*.yaml", exclude="bb/**"), ["b"]),
    ],
)
def test_files_are_picked_by_name_in_order(repo: Repo, options: DirectoryOptions, expected: list[str]) -> None:
    assert expected == names(load(repo, FILES, options=options))


def test_files_of_any_name_are_read_where_asked_for_and_what_is_no_manifest_left_out(repo: Repo) -> None:
    files = {
        **FILES,
        "app/manifest": manifest("plain"),
        "app/x.yaml.tmpl": manifest("template"),
        "app/notes.txt": "just: [words\n",
        "app/more.txt": "- a\n- b\n",
        "app/values.conf": "a: 1\n",
    }

    loaded = load(repo, files, options=DirectoryOptions(any_extension=True))

    assert ["a", "b", "c", "plain", "template"] == names(loaded)
    left_out = {warning.partition(":")[0] for warning in loaded.warnings}
    assert {"app/b.yaml.bak", "app/notes.txt", "app/more.txt", "app/values.conf"} == left_out
    only = DirectoryOptions(any_extension=True, include="*.tmpl")
    assert ["template"] == names(load(repo, {}, options=only))
    with pytest.raises(InvalidManifest, match=r"app/broken:5"):
        load(
            repo,
            {"app/broken": "apiVersion: v1\nkind: X\nmetadata: {name: a}\na: [\n"},
            options=replace(only, include=""),
        )


@pytest.mark.parametrize("path", [".", "", "./"])
def test_the_whole_repository_may_be_the_source(repo: Repo, path: str) -> None:
    loaded = load(repo, {"a.yaml": manifest("a"), "b/c.yaml": manifest("c")}, path, DirectoryOptions(include="?.yaml"))

    assert (["a"], ["a.yaml:1"]) == (names(loaded), loaded.origins)


def test_a_file_that_asks_to_be_skipped_is_skipped(repo: Repo) -> None:
    loaded = load(repo, {"app/a.yaml": "# +argocd:skip-file-rendering\n{{ broken", "app/b.yaml": manifest("b")})

    assert (["b"], []) == (names(loaded), loaded.warnings)


def test_a_file_of_something_else_is_left_out_with_a_warning(repo: Repo) -> None:
    loaded = load(repo, {"app/values.yaml": "replicas: 3\n---\nimage: web\n", "app/b.yaml": manifest("b")})

    assert ["b"] == names(loaded)
    assert [
        "app/values.yaml:1: holds no manifest, so it was left out; directory.exclude says so for good"
    ] == loaded.warnings


@pytest.mark.parametrize(
    "text",
    [
        "hello\n",
        "- a\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n",
        "5\n",
        "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        "schema-version: v1\nkind: mergequeue\n",
        "apiVersion: v1\nentries: {}\ngenerated: x\n",
        "a: b\n---\n- c\n",
    ],
)
def test_yaml_that_is_no_manifest_is_left_out_with_a_warning(repo: Repo, text: str) -> None:
    loaded = load(repo, {"app/a.yaml": manifest("a"), "app/b.yaml": text})

    assert ["a"] == names(loaded)
    assert [
        "app/b.yaml:1: holds no manifest, so it was left out; directory.exclude says so for good"
    ] == loaded.warnings


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n---\n", "null\n", "---"])
def test_a_file_of_nothing_is_nothing(repo: Repo, text: str) -> None:
    assert Loaded() == load(repo, {"app/a.yaml": text})


def test_an_empty_directory_is_no_error_a_missing_one_is(repo: Repo) -> None:
    assert [] == load(repo, {"app/.keep": ""}).manifests
    for path in ("nowhere", "app/.keep", "app/.keep/x"):
        with pytest.raises(PathNotFound, match=f"{path} is no directory"):
            load(repo, {}, path)


def test_links_inside_are_read_and_links_to_nothing_left_out(repo: Repo) -> None:
    links = {"app/x.yaml": "../elsewhere/f.yaml", "app/y.yaml": "gone.yaml", "app/z.yaml": "bb", "app/d": "bb"}
    loaded = load(repo, FILES, options=DirectoryOptions(recurse=True, include="{x,y,z,d/*}*"), links=links)

    assert ["f"] == names(loaded)
    assert [f"app/{name}.yaml is a link that leads to no file, so it was left out" for name in "yz"] == loaded.warnings


def test_jsonnet_is_evaluated_unless_it_is_left_out(repo: Repo) -> None:
    files = {"app/a.yaml": manifest("a"), "app/x.jsonnet": "{} + 1"}
    with pytest.raises(InvalidManifest, match=r"app/x\.jsonnet"):
        load(repo, files)
    assert ["a"] == names(load(repo, files, options=DirectoryOptions(exclude="*.jsonnet")))


def test_a_glob_that_cannot_be_read_is_refused(repo: Repo) -> None:
    with pytest.raises(InvalidDeclaration):
        load(repo, FILES, options=DirectoryOptions(include="{a"))


def test_all_files_together_have_a_bound(repo: Repo) -> None:
    limits = RenderSettings(max_bytes=1000)
    files = {f"app/{n}.yaml": manifest(f"n{n}", data={"x": "y" * 300}) for n in range(3)}
    with pytest.raises(InvalidManifest, match="the manifest files of app have more than 1000 bytes"):
        load(repo, files, limits=limits)
    with pytest.raises(InvalidManifest, match="more than the 1000"):
        load(repo, {**dict.fromkeys(files, ""), "app/big.yaml": "#" * 1001}, limits=limits)


def test_manifests_have_a_bound(repo: Repo) -> None:
    with pytest.raises(InvalidManifest, match="app has more than 2 manifests"):
        load(repo, {"app/a.yaml": "\n---\n".join(map(manifest, "abc"))}, limits=RenderSettings(max_documents=2))


def test_a_file_read_before_gives_the_same_wherever_it_is(repo: Repo) -> None:
    text = manifest("same") + "\n---\n" + manifest("twice", x=1)
    first = load(repo, {"app/a.yaml": text})
    again = load(repo, {"app/a.yaml": text, "other/b.yml": text}, "other")

    assert first.manifests == again.manifests
    assert ["other/b.yml:1", "other/b.yml:3"] == again.origins


def test_files_are_kept_within_a_bound() -> None:
    kept = directory._Kept(10_000)  # noqa: SLF001 - the bound is not to be seen from outside
    for number in range(1000):
        kept.put(str(number), LIMITS, directory.ParsedFile(1, ((1, b"x" * 500),)))
    kept.put("large", LIMITS, directory.ParsedFile(1, ((1, b"x" * 9000),)))

    held = [number for number in range(1000) if kept.get(str(number), LIMITS)]
    assert list(range(990, 1000)) == held
    assert kept.get("large", LIMITS) is None


def refusal(repo: Repo, text: str) -> str:
    with pytest.raises(InvalidManifest) as raised:
        load(repo, {"app/a.yaml": text})
    return raised.value.what


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{manifest('a')}\n---\n- a\n", "app/a.yaml:3: not a manifest but a list"),
        (f"hello\n---\n{manifest('a')}\n", "app/a.yaml:1: not a manifest but a text"),
        ("a: [\n", "app/a.yaml:2: "),
        ("# x\n\napiVersion: v1\nmetadata: {name: a}\n", "app/a.yaml:3: kind is missing"),
        ("kind: Pod\nmetadata: {name: a}\n", "app/a.yaml:1: apiVersion is missing"),
        ("kind: Pod\nmetadata:\n", "app/a.yaml:1: apiVersion is missing"),
        ("apiVersion: 1\nkind: Pod\nmetadata: {name: a}\n", "app/a.yaml:1: apiVersion is the number 1"),
        ("apiVersion: v1\nkind: ''\nmetadata: {name: a}\n", "app/a.yaml:1: kind is empty"),
        ("apiVersion: v1\nkind: Pod\nmetadata: []\n", "app/a.yaml:1: metadata of the Pod is a list"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: 5}\n", "metadata.name of the Pod is the number 5"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: 1}\n",
            "metadata.namespace of Pod a is the number 1",
        ),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {x: yes}}\n", "metadata.labels[x] is a boolean"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: [x]}\n", "metadata.annotations is a list"),
        ("a: b\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "app/a.yaml:1: kind is missing"),
        ("apiVersion: v1\nkind: List\nitems: {}\n", "app/a.yaml:1: items of the List is a mapping"),
        ("apiVersion: v1\nkind: List\nitems: [1]\n", "app/a.yaml:1 items[0]: not a manifest but the number 1"),
    ],
)
def test_what_is_no_manifest_is_refused_with_file_and_line(repo: Repo, text: str, words: str) -> None:
    assert words in refusal(repo, text)


@pytest.mark.parametrize(
    ("metadata", "what"),
    [
        ("", "the Pod has no metadata.name"),
        ("metadata:", "the Pod has no metadata.name"),
        ("metadata: {}", "the Pod has no metadata.name"),
        ("metadata: {name: ''}", "the Pod has no metadata.name"),
        ("metadata: {name: }", "the Pod has no metadata.name"),
        ("metadata: {generateName: a-}", "the Pod has generateName and no name, and is no hook"),
    ],
)
def test_an_object_without_a_name_costs_itself_alone_and_is_told(repo: Repo, metadata: str, what: str) -> None:
    text = f"{manifest('a')}\n---\napiVersion: v1\nkind: Pod\n{metadata}\n---\n{manifest('b')}\n"

    for path in ("app", "other"):  # the second time from what is kept of the file
        name = f"{path}/a.yaml"
        loaded = load(repo, {name: text}, path)
        assert ["a", "b"] == names(loaded)
        assert [f"{name}:3: {what}"] == loaded.nameless
        assert [] == loaded.warnings


def test_an_object_without_a_name_in_a_list_costs_itself_alone(repo: Repo) -> None:
    items = [json.loads(manifest("a")), {"apiVersion": "v1", "kind": "Pod"}, json.loads(manifest("b"))]
    loaded = load(repo, {"app/a.yaml": json.dumps({"apiVersion": "v1", "kind": "List", "items": items})})

    assert ["a", "b"] == names(loaded)
    assert ["app/a.yaml:1: the Pod has no metadata.name"] == loaded.nameless


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(("block", "read"), [("|", "text\n"), ("|-", "text"), (">+", "text\n")])
def test_the_last_line_of_a_file_has_an_end(repo: Repo, block: str, read: str, encoding: str) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  t: {block}\n    text"
    loaded = load(repo, {"app/a.yaml": text.encode(encoding)})

    assert {"t": read} == json.loads(loaded.manifests[0])["data"]


def test_text_that_is_not_unicode_is_refused(repo: Repo) -> None:
    assert "not Unicode" in refusal(repo, manifest("a", x="HERE").replace("HERE", "\\ud800") + manifest("b"))


def test_lists_are_flattened_also_in_lists(repo: Repo) -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [json.loads(manifest("b"))]}
    outer = {"apiVersion": "v1", "kind": "List", "items": [json.loads(manifest("a")), inner]}
    of_kind = {"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"metadata": {"name": "c"}, "data": {"x": "y"}}]}
    loaded = load(repo, {"app/a.yaml": f"{json.dumps(outer)}\n---\n{json.dumps(of_kind)}\n"})

    assert ["a", "b", "c"] == names(loaded)
    assert ["app/a.yaml:1", "app/a.yaml:1", "app/a.yaml:3"] == loaded.origins
    assert {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"x": "y"}} == json.loads(
        loaded.manifests[2]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: AllowList\nmetadata: {name: a}\nspec: {}\nitems:\n", ["a"]),
        ("kind: AllowList\nmetadata: {name: a}\nstatus: {}\nitems: null\n", ["a"]),
        ("kind: AllowList\nmetadata: {name: a}\nspec: {}\n", ["a"]),
        ("kind: ConfigMapList\nmetadata: {}\nitems:\n", []),
        ("kind: List\nitems:\n", []),
        ("kind: List\n", []),
    ],
)
def test_an_object_whose_kind_ends_in_list_is_no_list_without_items(repo: Repo, text: str, expected: list[str]) -> None:
    assert expected == names(load(repo, {"app/a.yaml": f"apiVersion: example.com/v1\n{text}"}))


def test_a_hook_annotation_that_is_null_is_none(repo: Repo) -> None:
    annotations = "{argocd.argoproj.io/hook: , helm.sh/hook: , x: }"
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a, annotations: {annotations}}}\n"

    assert {"x": ""} == json.loads(load(repo, {"app/a.yaml": text}).manifests[0])["metadata"]["annotations"]


def test_a_null_label_is_the_empty_text(repo: Repo) -> None:
    loaded = load(
        repo, {"app/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {x: }, annotations: }\n"}
    )

    assert {"name": "a", "labels": {"x": ""}, "annotations": None} == json.loads(loaded.manifests[0])["metadata"]


def test_a_list_nested_without_end_is_refused(repo: Repo) -> None:
    text: dict[str, Any] = {"apiVersion": "v1", "kind": "List", "items": []}
    for _ in range(200):
        text = {"apiVersion": "v1", "kind": "List", "items": [text]}

    assert "nested more than 100 deep" in refusal(repo, json.dumps(text))


def test_oddities_become_warnings_with_file_and_line(repo: Repo) -> None:
    loaded = load(repo, {"app/a.yaml": "apiVersion: v1\nkind: Pod\nkind: Secret\nmetadata: {name: a}\n"})

    assert ["app/a.yaml:3: 'kind' is written twice, the last one counts"] == loaded.warnings
