"""What ApplicationSets generate, what they are refused for, and that a fault is always told."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.declaration import generated
from gitopsd.core.declaration.changes import DeclarationKey, Documents, read_source
from gitopsd.core.declaration.generated import FINALIZER, Generated, generate, is_generated
from tests.core import declaring
from tests.core.declaring import Document, manifest

ORIGIN = "/apps/set.yaml:1"


def application_set(*elements: Any, name: Any = "{{env}}", template: Document | None = None, **spec: Any) -> Document:
    body = template or {
        "metadata": {"name": name},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example/fleet.git", "path": "apps/{{ env }}"},
            "destination": {"name": "{{values.cluster}}", "namespace": "shop"},
        },
    }
    return declaring.application_set(body, *elements, **spec)


def element(env: str, **more: Any) -> Document:
    return {"env": env, "values": {"cluster": f"c-{env}"}, **more}


def made(*documents: Document) -> Generated:
    return generate(documents, [ORIGIN] * len(documents))


def names(result: Generated) -> list[str]:
    return [each["metadata"]["name"] for each in result.manifests]


def test_each_element_makes_an_application() -> None:
    result = made(application_set(element("dev"), element("prod")))

    dev, prod = result.manifests
    assert ((), (ORIGIN, ORIGIN)) == (result.faults, result.origins)
    owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": "shops"}
    metadata = {"name": "dev", "namespace": "argocd", "finalizers": [FINALIZER], "ownerReferences": [owner]}
    assert metadata == dev["metadata"]
    assert is_generated(dev)
    assert not is_generated(manifest())
    assert ("apps/prod", "c-prod") == (prod["spec"]["source"]["path"], prod["spec"]["destination"]["name"])


def test_documents_that_are_no_sets_are_left_as_they_are() -> None:
    documents = (manifest(), {"kind": "ConfigMap"}, "text", None)

    assert Generated(documents, (ORIGIN,) * 4, ()) == generate(documents, [ORIGIN] * 4)


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("{{env}}-{{ env }}", "dev-dev"),
        ("{{none}}", "{{none}}"),
        ("{{}}{{env}}", "{{}}dev"),
        ("{{ }}", "{{ }}"),
        ("{{values.cluster}}", "c-dev"),
        ("{{values}}", "{{values}}"),
        ("{{ {{env}} }}", "{{ {{env}} }}"),
        ("{{{env}}}", "{{{env}}}"),
        ("a {{ b", "a {{ b"),
        ("{{\nenv }}", "{{\nenv }}"),
        ("{{env}} {{\nenv\n}}", "dev dev"),
        ("}} {{env}} }}", "}} dev }}"),
        ("{{\u2003env\xa0}}", "dev"),
        ("{{\x1cenv}}", "{{\x1cenv}}"),
    ],
)
def test_strings_are_rendered_as_fasttemplate_renders_them(text: str, rendered: str) -> None:
    template = {"metadata": {"name": "a", "labels": {text: text}}, "spec": {"info": [text, 5, True], "nothing": None}}

    (app,) = made(application_set(element("dev"), template=template)).manifests

    assert {rendered: rendered} == app["metadata"]["labels"]
    assert {"info": [rendered, 5, True]} == app["spec"]


def test_finalizer_is_the_template_s_own_or_none_where_resources_are_preserved() -> None:
    policy = {"preserveResourcesOnDeletion": True}
    template = {"metadata": {"name": "{{env}}", "finalizers": ["mine/own"]}, "spec": {}}

    (preserved,) = made(application_set(element("dev"), syncPolicy=policy)).manifests
    (own,) = made(application_set(element("dev"), template=template)).manifests

    assert ("finalizers" in preserved["metadata"], ["mine/own"]) == (False, own["metadata"]["finalizers"])


@pytest.mark.parametrize(
    "bad",
    [{"env": 5}, {"env": None}, {5: "x"}, {"env": "x", "values": "y"}, {"env": "x", "values": {"cluster": 1}}],
    ids=str,
)
def test_element_that_cannot_be_rendered_is_told_and_harms_no_other(bad: Document) -> None:
    result = made(application_set(element("dev"), bad, element("prod")))

    assert (["dev", "prod"], 1) == (names(result), len(result.faults))
    assert result.faults[0].startswith(f"{ORIGIN}: .spec.generators[0].list.elements[1]")


@pytest.mark.parametrize(
    "spec",
    [
        {"goTemplate": True},
        {"templatePatch": "{}"},
        {"preservedFields": {"labels": ["a"]}},
        {"strategy": {"type": "RollingSync"}},
        {"ignoreApplicationDifferences": [{"jsonPointers": ["/a"]}]},
        {"syncPolicy": {"applicationsSync": "create-only"}},
        {"generators": [{"pullRequest": {}}]},
        {"generators": [{"git": {"repoURL": "x"}}]},
        {"generators": [{"list": {"elements": [], "elementsYaml": "- env: dev"}}]},
        {"generators": [{"list": {"elements": [element("dev")]}, "selector": {"matchLabels": {"env": "x"}}}]},
        {"generators": [{"list": {"elements": [element("dev")]}}, {"plugin": {}}]},
        {"generators": [{}]},
        {"generators": []},
        {"template": None},
        {"template": {"metadata": {"name": "{{env}} {{"}}},
    ],
    ids=str,
)
def test_set_that_is_not_understood_whole_generates_nothing_and_says_so(spec: Document) -> None:
    result = made({**application_set(), "spec": {**application_set(element("dev"))["spec"], **spec}})

    assert ((), 1) == (result.manifests, len((*result.faults, *result.unsupported)))


def test_name_that_two_want_is_nobody_s_and_both_say_so() -> None:
    result = made(application_set(element("shop"), element("dev"), element("dev"), element("prod")), manifest())

    assert (["prod"], 4) == (names(result), len(result.faults))


def test_what_is_generated_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "MOST_CHARACTERS", 400)

    result = made(application_set(*(element(str(index)) for index in range(50))))

    assert len(result.manifests) < 50
    assert any("characters" in fault for fault in result.faults)


def read(*documents: Document, before: Any = None) -> Any:
    return read_source(Documents("dir:/apps", documents, [ORIGIN] * len(documents), True, True), before or {})  # noqa: FBT003


def test_removed_element_goes_and_a_broken_set_lets_nothing_go() -> None:
    before = read(application_set(element("dev"), element("prod"))).declared

    removed = read(application_set(element("dev")), before=before)
    broken = read(application_set(element("dev"), {"env": 5}, element("new")), before=before)
    refused = read(application_set(element("dev"), goTemplate=True), manifest(), before=before)

    assert {DeclarationKey("Application", "prod")} == removed.gone
    assert not removed.changed
    assert (frozenset(), {DeclarationKey("Application", "new")}) == (broken.gone, broken.changed)
    assert (frozenset(), {DeclarationKey("Application", "shop")}) == (refused.gone, refused.changed)
