"""Changes of a kustomization as values: as `kustomize edit` makes them."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.kustomization import canonical, config_names, edited, is_remote, is_url, names
from gitopsd.manifests.variables import Variables
from gitopsd.model.application import KustomizeOptions

DIGEST = "sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3"


def edit(value: dict[str, Any], **options: Any) -> dict[str, Any]:
    changed = KustomizeOptions(**options)
    return dict(edited(value, changed, Variables({"X": "x"}), changed.components))


OLD = [{"name": "a", "newName": "old/a", "newTag": "1"}, {"name": "z", "digest": DIGEST}]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("a=my/a:2", {"name": "a", "newName": "my/a", "newTag": "2"}),
        ("a:2", {"name": "a", "newTag": "2"}),  # the old newName is gone
        (f"a@{DIGEST}", {"name": "a", "digest": DIGEST}),
        (f"a=my/a:2@{DIGEST}", {"name": "a", "newName": "my/a", "newTag": "2", "digest": DIGEST}),
        ("a=host:5000/my/a", {"name": "a", "newName": "host:5000/my/a"}),
        ("a=host:5000/my/a:2", {"name": "a", "newName": "host:5000/my/a", "newTag": "2"}),
        ("a=*:2", {"name": "a", "newName": "old/a", "newTag": "2"}),
        ("a=my/a:*", {"name": "a", "newName": "my/a", "newTag": "1"}),
        ("a=my/a:$X", {"name": "a", "newName": "my/a", "newTag": "x"}),
    ],
)
def test_an_image_replaces_the_entry_of_its_name(image: str, expected: dict[str, str]) -> None:
    changed = edit({"images": OLD}, images=(image,))

    assert [expected, OLD[1]] == changed["images"]


def test_of_several_of_one_name_the_first_there_counts_and_the_last_asked_for() -> None:
    old = [{"name": "a", "newName": "first/a"}, {"name": "b", "newTag": "1"}, {"name": "a"}, {"name": "b"}]

    changed = edit({"images": old}, images=("a=my/a:2", "a=*:3"))

    assert [{"name": "a", "newName": "first/a", "newTag": "3"}, {"name": "b", "newTag": "1"}] == changed["images"]


def test_a_star_keeps_nothing_where_there_was_nothing() -> None:
    assert [{"name": "n", "newTag": "1"}] == edit({}, images=("n=*:1",))["images"]


def test_images_of_the_old_field_are_taken_along() -> None:
    changed = edit({"imageTags": [{"name": "b", "newTag": "1"}]}, images=("a:2",))

    assert {"images": [{"name": "a", "newTag": "2"}, {"name": "b", "newTag": "1"}]} == changed


@pytest.mark.parametrize("image", ["nginx", "host:5000/nginx", ""])
def test_an_image_that_changes_nothing_is_refused(image: str) -> None:
    with pytest.raises(InvalidManifest, match="says nothing to change"):
        edit({}, images=(image,))


def test_replicas_replace_those_of_their_name() -> None:
    old = {"replicas": [{"name": "b", "count": 1}, {"name": "a", "count": 1}]}

    assert {"replicas": [{"name": "a", "count": 1}, {"name": "b", "count": 3}]} == edit(old, replicas={"b": 3})


def test_a_label_that_is_there_is_replaced_by_force_alone() -> None:
    old = {"commonLabels": {"a": "1", "b": "1"}}

    with pytest.raises(InvalidManifest, match="has the label a already") as refused:
        edit(old, common_labels={"a": "2"})
    assert "forceCommonLabels" in refused.value.remedy
    forced = edit(old, common_labels={"a": "$X"}, force_common_labels=True)
    assert {"commonLabels": {"a": "x", "b": "1"}} == forced


def test_labels_without_selector_go_to_the_entry_with_the_same_switches() -> None:
    old = {"labels": [{"pairs": {"a": "1"}, "includeSelectors": True}, {"pairs": {"b": "1"}}]}

    plain = edit(old, common_labels={"c": "2"}, label_without_selector=True)
    assert [old["labels"][0], {"pairs": {"b": "1", "c": "2"}}] == plain["labels"]

    switched = edit(old, common_labels={"c": "2"}, label_without_selector=True, label_include_templates=True)
    new = {"pairs": {"c": "2"}, "includeSelectors": False, "includeTemplates": True}
    assert [*old["labels"], new] == switched["labels"]


def test_an_annotation_that_is_there_is_replaced_by_force_alone() -> None:
    old = {"commonAnnotations": {"a": "1"}}

    with pytest.raises(InvalidManifest, match="has the annotation a already"):
        edit(old, common_annotations={"a": "2"})
    forced = edit(old, common_annotations={"a": "$X"}, force_common_annotations=True)
    assert {"commonAnnotations": {"a": "$X"}} == forced
    assert {"a": "x"} == edit({}, common_annotations={"a": "$X"}, common_annotations_envsubst=True)["commonAnnotations"]


def test_patches_and_components_are_added_to_those_that_are_there() -> None:
    old = {"patches": [{"path": "p"}], "components": ["c"]}

    changed = edit(old, patches=({"patch": "x"},), components=("c", "d"))

    assert {"patches": [{"path": "p"}, {"patch": "x"}], "components": ["c", "d"]} == changed


def test_without_options_nothing_changes() -> None:
    assert {"namePrefix": "a", "images": OLD} == edit({"namePrefix": "a", "images": OLD})


@pytest.mark.parametrize("field", ["images", "replicas", "labels", "patches", "components", "commonLabels"])
def test_a_field_of_another_type_is_refused(field: str) -> None:
    options: dict[str, Any] = {
        "images": ("a:1",),
        "replicas": {"a": 1},
        "common_labels": {"a": "b"},
        "label_without_selector": field == "labels",
        "patches": ({"patch": "x"},),
        "components": ("c",),
    }
    with pytest.raises(InvalidManifest, match=f"{field} of the kustomization is not a"):
        edit({field: "text"}, **options)


@pytest.mark.parametrize(
    "value", [None, [], "x", {"resources": "x", "patches": [1, {"path": 2}], "openapi": [], "CRDS": {}}]
)
def test_what_is_not_of_its_type_names_nothing(value: Any) -> None:
    named = names(canonical(value))

    assert ((), (), (), (), ()) == (
        named.files,
        named.files_or_directories,
        named.directories,
        named.configs,
        named.unknown,
    )
    assert [] == list(config_names(value))


def test_what_is_a_patch_itself_is_not_taken_for_a_file() -> None:
    patches = ["{a: ../../../x?ref=}", "p.yaml", "a: ../b\nc: d"]

    assert ("p.yaml",) == names({"patchesStrategicMerge": patches}).files


def test_fields_are_known_in_any_case_and_others_are_told() -> None:
    named = names(canonical({"RESOURCES": ["a"], "HelmCharts": [{}], "future": 1}))

    assert (("a",), True, ("future",)) == (named.files_or_directories, named.helm, named.unknown)


@pytest.mark.parametrize(
    ("text", "url", "remote"),
    [
        ("../base", False, False),
        ("a@b.yaml", False, False),
        ("github.com", False, False),
        ("https://x/y", True, True),
        ("Http:x/y", True, True),
        ("ssh://git@x/y", True, True),
        ("git::https://x/y", False, True),
        ("git@x.com:o/r", False, True),
        ("ann@x.com/o/r", False, True),
        ("GitHub.com/o/r", False, True),
        ("github.com:o/r", False, True),
        ("o/r?ref=main", False, True),
    ],
)
def test_what_kustomize_would_fetch_is_known(text: str, *, url: bool, remote: bool) -> None:
    assert (url, remote) == (is_url(text), is_remote(text))
