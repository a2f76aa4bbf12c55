"""A chart's schema of its values refers to nothing but itself: docs/security.md, "Programs and libraries"."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitopsd.errors import InvalidManifest
from gitopsd.model.application import HelmOptions
from tests.manifests.charting import Harbour, chart_yaml, config_map, tgz

CHART = {"app/Chart.yaml": chart_yaml(), "app/templates/a.yaml": config_map(), "app/values.yaml": "{a: 1, b: 2}\n"}
OUTSIDE = {
    "a file of the machine": {"$ref": "file:///nowhere/schema.json"},
    "an absolute path": {"$ref": "/nowhere/schema.json"},
    "a path out of the chart": {"properties": {"a": {"$ref": "../../schema.json#/x"}}},
    "a file beside it": {"allOf": [{"$ref": "other.schema.json"}]},
    "a URL": {"$defs": {"x": {"$ref": "https://elsewhere.invalid/schema.json"}}},
    "a URL of this very host": {"items": [{"anyOf": [{"$ref": "http://localhost:1/x"}]}]},
    "by an anchor": {"$dynamicRef": "other.json#x"},
    "by recursion": {"$recursiveRef": "other.json"},
    "in what is not read as a schema": {"default": {"$ref": "other.json"}},
    "a draft of one's own": {"$schema": "https://elsewhere.invalid/draft"},
    "to what it calls itself": {"$id": "https://elsewhere.invalid/x", "$ref": "https://elsewhere.invalid/x"},
}


def chart(place: str, schema: Any) -> dict[str, str | bytes]:
    return {**CHART, f"app/{place}values.schema.json": json.dumps(schema)}


@pytest.mark.parametrize("case", OUTSIDE)
def test_a_schema_that_refers_to_something_else_is_refused(harbour: Harbour, case: str) -> None:
    with pytest.raises(InvalidManifest, match=r"app/values\.schema\.json refers to '.*', which is not in that file"):
        harbour.build(chart("", OUTSIDE[case]))


def test_so_is_a_sub_charts_in_a_directory_and_in_an_archive(harbour: Harbour) -> None:
    schema = {"$ref": "other.json"}
    inside = {"Chart.yaml": chart_yaml("sub"), "values.schema.json": json.dumps(schema)}
    directory = {**chart("charts/sub/", schema), "app/charts/sub/Chart.yaml": chart_yaml("sub")}

    with pytest.raises(InvalidManifest, match=r"app/charts/sub/values\.schema\.json refers to"):
        harbour.build(directory)
    with pytest.raises(InvalidManifest, match=r"app/charts/sub-1/values\.schema\.json refers to"):
        harbour.build({**CHART, "app/charts/sub-1.tgz": tgz(inside)})


def test_one_that_says_no_json_is_refused(harbour: Harbour) -> None:
    with pytest.raises(InvalidManifest, match=r"app/values\.schema\.json is no JSON"):
        harbour.build({**CHART, "app/values.schema.json": "{"})


def test_one_that_refers_to_itself_holds(harbour: Harbour) -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://example.com/x",
        "definitions": {"small": {"type": "integer", "maximum": 5}},
        "properties": {"a": {"$ref": "#/definitions/small"}, "$ref": {"type": "string"}},
    }

    assert ["ConfigMap/shop"] == harbour.build(chart("", schema)).names
    with pytest.raises(InvalidManifest, match="Helm refuses it"):
        harbour.build({**chart("", schema), "app/values.yaml": "{a: 6}\n"})


def test_one_that_is_not_asked_may_refer_to_anything(harbour: Harbour) -> None:
    options = HelmOptions(skip_schema_validation=True)

    assert ["ConfigMap/shop"] == harbour.build(chart("", {"$ref": "other.json"}), options).names


QUOTED = {
    "pattern": ({"type": "string", "pattern": "^[0-9]+$"}, "hunter2'x\"y"),
    "format": ({"format": "date-time"}, "hunter2-hunter2"),
    "maximum": ({"maximum": 5}, 123456.5),
    "multipleOf": ({"multipleOf": 7}, 12345678),
    "enum": ({"enum": ["a", "b"]}, "hunter2"),
    "const": ({"const": 5}, "hunter2"),
    "minLength": ({"minLength": 30}, "hunter2"),
}


@pytest.mark.parametrize("case", QUOTED)
def test_case_52_what_a_schema_refuses_is_said_without_the_value(harbour: Harbour, case: str) -> None:
    schema, value = QUOTED[case]
    options = HelmOptions(values=json.dumps({"login": value}))
    with pytest.raises(InvalidManifest) as refused:
        harbour.build(chart("", {"properties": {"login": schema, "never": False}, "required": ["never"]}), options)

    said = str(refused.value)
    assert "schema" in said
    assert not [form for form in ("hunter2", "123,456", "1.2345678", "12345678") if form in said]
    assert "'never'" in said


@pytest.mark.parametrize("call", ['mustToDate "2006" .Values.p', "include .Values.p .", 'mustRegexMatch .Values.p "x"'])
def test_what_a_template_stumbles_on_is_said_without_the_value(harbour: Harbour, call: str) -> None:
    files = {**CHART, "app/templates/a.yaml": f"a: {{{{ {call} }}}}"}
    with pytest.raises(InvalidManifest) as refused:
        harbour.build(files, HelmOptions(values=json.dumps({"p": "hunter2(("})))

    assert "hunter2" not in str(refused.value)
    assert "templates/a.yaml:1" in str(refused.value)
