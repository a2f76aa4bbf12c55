"""How a source is rendered, as users write it."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.core.declaration.tooling import tooling_of
from gitopsd.errors import InvalidDeclaration
from gitopsd.model.application import (
    FLAT,
    DirectoryOptions,
    HelmOptions,
    HelmParameter,
    JsonnetOptions,
    JsonnetVariable,
    KustomizeOptions,
    Tooling,
)


def read(source: dict[str, Any]) -> tuple[Tooling, tuple[str, ...]]:
    warnings = Warnings()
    return tooling_of(Fields(source, ".spec.source", warnings)), warnings.all()


def test_without_blocks_the_tool_is_to_be_detected() -> None:
    assert (Tooling("", FLAT, KustomizeOptions()), ()) == read({"path": "."})


@pytest.mark.parametrize(
    ("source", "tool"),
    [
        ({"directory": {}}, "Directory"),
        ({"kustomize": {"namePrefix": "a"}}, "Kustomize"),
        ({"helm": {"values": ""}}, "Helm"),
        ({"plugin": {}}, "Plugin"),
        ({"chart": "x"}, "Helm"),
        ({"kustomize": None}, ""),
    ],
)
def test_a_block_names_the_tool(source: dict[str, Any], tool: str) -> None:
    assert tool == read(source)[0].tool


def test_every_field_of_kustomize_is_read() -> None:
    patch = {"path": "p.yaml", "target": {"kind": "Deployment"}, "options": {"allowNameChange": True}}
    block = {
        "namePrefix": "a-",
        "nameSuffix": "-b",
        "namespace": "ns",
        "images": ["x:1"],
        "replicas": [{"name": "web", "count": 3}, {"name": "api", "count": "4"}],
        "commonLabels": {"a": "1"},
        "labelWithoutSelector": True,
        "labelIncludeTemplates": True,
        "forceCommonLabels": True,
        "commonAnnotations": {"b": "2"},
        "commonAnnotationsEnvsubst": True,
        "forceCommonAnnotations": True,
        "patches": [patch, {"patch": "- op: x"}],
        "components": ["../c"],
        "ignoreMissingComponents": True,
        "version": "v5",
        "kubeVersion": "1.30",
        "apiVersions": ["v1"],
    }

    options = KustomizeOptions(
        name_prefix="a-",
        name_suffix="-b",
        namespace="ns",
        images=("x:1",),
        replicas={"web": 3, "api": 4},
        common_labels={"a": "1"},
        label_without_selector=True,
        label_include_templates=True,
        force_common_labels=True,
        common_annotations={"b": "2"},
        common_annotations_envsubst=True,
        force_common_annotations=True,
        patches=(patch, {"patch": "- op: x"}),
        components=("../c",),
        ignore_missing_components=True,
        version="v5",
        kube_version="1.30",
        api_versions=("v1",),
    )
    assert (options, ()) == (read({"kustomize": block})[0].kustomize, read({"kustomize": block})[1])


def test_every_field_of_a_directory_is_read() -> None:
    jsonnet = {
        "extVars": [{"name": "a", "value": "1", "code": True}],
        "tlas": [{"name": "b", "value": "x"}],
        "libs": ["vendor"],
    }
    block = {"recurse": True, "include": "*.yaml", "exclude": "x", "disableExtensionFilter": True, "jsonnet": jsonnet}

    variables = (JsonnetVariable("a", "1", code=True),), (JsonnetVariable("b", "x"),)
    jsonnet_options = JsonnetOptions(*variables, ("vendor",))
    expected = DirectoryOptions(
        recurse=True, include="*.yaml", exclude="x", any_extension=True, jsonnet=jsonnet_options
    )
    assert (expected, ()) == (read({"directory": block})[0].directory, read({"directory": block})[1])


def test_every_field_of_helm_is_read() -> None:
    block = {
        "valueFiles": ["a.yaml", "$values/b.yaml"],
        "ignoreMissingValueFiles": True,
        "values": "a: 1",
        "parameters": [{"name": "b", "value": "2", "forceString": True}, {"name": "c"}],
        "fileParameters": [{"name": "d", "path": "files/d.txt"}],
        "releaseName": "rel",
        "namespace": "ns",
        "skipCrds": True,
        "skipTests": True,
        "skipSchemaValidation": True,
        "passCredentials": True,
        "kubeVersion": "1.30.0",
        "apiVersions": ["batch/v2"],
        "version": "v3",
    }
    expected = HelmOptions(
        value_files=("a.yaml", "$values/b.yaml"),
        ignore_missing_value_files=True,
        values="a: 1",
        parameters=(HelmParameter("b", "2", force_string=True), HelmParameter("c", "")),
        file_parameters={"d": "files/d.txt"},
        release_name="rel",
        namespace="ns",
        skip_crds=True,
        skip_tests=True,
        skip_schema_validation=True,
        pass_credentials=True,
        kube_version="1.30.0",
        api_versions=("batch/v2",),
    )
    assert (expected, ()) == (read({"helm": block})[0].helm, read({"helm": block})[1])
    assert {"a": 2} == read({"helm": {"valuesObject": {"a": 2}}})[0].helm.values_object


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"helm": {"valuefiles": []}}, ".helm.valuefiles is unknown and has no effect"),
        ({"helm": {"parameters": [{"name": "a", "x": 1}]}}, ".parameters[0].x is unknown"),
        ({"helm": {"values": "a: 1", "valuesObject": {}}}, ".helm.values has no effect where valuesObject is given"),
        ({"kustomize": {"nameprefix": "x"}}, ".kustomize.nameprefix is unknown and has no effect"),
        ({"kustomize": {"patches": [{"path": "a", "x": 1}]}}, ".patches[0].x is unknown"),
        ({"kustomize": {"patches": [{"path": "a", "target": {"x": 1}}]}}, ".patches[0].target.x is unknown"),
        ({"directory": {"jsonnet": {"x": 1}}}, ".directory.jsonnet.x is unknown"),
    ],
)
def test_a_field_without_effect_is_reported(source: dict[str, Any], says: str) -> None:
    (warning,) = read(source)[1]

    assert says in warning


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"helm": {"values": "x"}, "kustomize": {"namePrefix": "x"}}, "has blocks for Helm and Kustomize"),
        ({"helm": {"parameters": [{"value": "x"}]}}, r"parameters\[0\].name is missing"),
        ({"helm": {"parameters": [{"name": "a", "value": 1}]}}, r"parameters\[0\].value is a whole number"),
        ({"helm": {"version": "v1"}}, ".helm.version is neither v2 nor v3"),
        ({"kustomize": {"replicas": [{"count": 1}]}}, r"replicas\[0\].name is missing"),
        ({"kustomize": {"replicas": [{"name": "a", "count": -1}]}}, r"replicas\[0\].count is no count"),
        ({"kustomize": {"replicas": [{"name": "a", "count": True}]}}, r"replicas\[0\].count is no count"),
        ({"kustomize": {"replicas": [{"name": "a"}]}}, r"replicas\[0\].count is no count"),
        ({"kustomize": {"patches": [{}]}}, r"patches\[0\] has neither a path nor a patch"),
        ({"kustomize": {"patches": [{"path": "a", "patch": "b"}]}}, r"patches\[0\] has a path and a patch"),
        ({"kustomize": {"labelIncludeTemplates": True}}, "labelIncludeTemplates is given without"),
        ({"kustomize": {"commonLabels": {"a": 1}}}, r"commonLabels\[a\] is a whole number"),
        ({"directory": {"jsonnet": {"tlas": [{"value": "1"}]}}}, r"tlas\[0\].name is missing"),
    ],
)
def test_what_cannot_be_meant_is_refused(source: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidDeclaration, match=says):
        read(source)
