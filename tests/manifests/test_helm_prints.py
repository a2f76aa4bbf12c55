"""What a chart prints: hooks, texts, numbers, as the Helm that Argo CD pins prints them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import InvalidManifest
from gitopsd.model.application import HelmOptions, HelmParameter
from tests.manifests.charting import Harbour, chart_yaml, config_map, tgz

# Shows its values.
SHOW = {
    "app/Chart.yaml": chart_yaml(),
    "app/values.yaml": "from: chart\nkept: 1\nmap: {a: 1, b: 2}\nlist: [1, 2]\n",
    "app/templates/show.yaml": config_map(values=".Values"),
}
OWN: dict[str, Any] = {"from": "chart", "kept": 1, "map": {"a": 1, "b": 2}, "list": [1, 2]}


DEFINITION = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: s.x.io}\n"


@pytest.fixture
def harbour(tmp_path: Path) -> Harbour:
    return Harbour(tmp_path)


def set_to(name: str, value: str, *, force_string: bool = False) -> HelmOptions:
    return HelmOptions(parameters=(HelmParameter(name, value, force_string),))


def test_crds_hooks_and_tests_are_what_helm_template_prints(harbour: Harbour) -> None:
    hook = "{apiVersion: v1, kind: Pod, metadata: {name: %s, annotations: {helm.sh/hook: '%s'}}}\n"
    files = {
        **SHOW,
        "app/crds/a.yaml": DEFINITION,
        "app/templates/hooks.yaml": hook % ("migrate", "pre-install,pre-upgrade") + "---\n" + hook % ("try", "test"),
        "app/templates/NOTES.txt": "Thanks for {{ .Release.Name }}",
        "app/templates/_partial.tpl": "not: printed",
        "app/templates/empty.yaml": "{{ if false }}x{{ end }}\n---\n# nothing\n",
        "app/templates/tight.yaml": "---apiVersion: v1\nkind: Secret\nmetadata: {name: tight}\n",
    }
    crd, rest = "CustomResourceDefinition/s.x.io", ["Pod/migrate", "ConfigMap/shop", "Secret/tight"]

    assert sorted([crd, "Pod/try", *rest]) == sorted(harbour.build(files).names)
    assert sorted([crd, *rest]) == sorted(harbour.build(files, HelmOptions(skip_tests=True)).names)
    assert sorted(rest) == sorted(harbour.build(files, HelmOptions(skip_crds=True, skip_tests=True)).names)


@pytest.mark.parametrize("types", ["crd-install", "post-install,post-upgrde", "", "pre-install,", "test-failure"])
def test_a_hook_that_helm_does_not_know_is_left_out_as_helm_does(harbour: Harbour, types: str) -> None:
    old = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: s.x.io, %s}}\n"
    files = {
        **SHOW,
        "app/crds/a.yaml": DEFINITION,
        "app/templates/hook.yaml": "{{/* a */}}\n---\n" + old % f"annotations: {{helm.sh/hook: '{types}'}}",
    }

    built = harbour.build(files)

    assert ["CustomResourceDefinition/s.x.io", "ConfigMap/shop"] == built.names
    assert "annotations" not in built.manifests[0]["metadata"]
    (warning,) = built.warnings
    assert warning.startswith(
        "what app/templates/hook.yaml renders to: the object of line 3 is a Helm hook of the type "
    )


def test_texts_keep_the_line_breaks_that_helm_prints(harbour: Harbour) -> None:
    kept = "apiVersion: v1\nkind: {}\nmetadata: {{name: {}{}}}\ndata:\n  t: |+\n    text\n"
    hook = ", annotations: {helm.sh/hook: pre-install}"
    files = {
        **SHOW,
        "app/templates/a.yaml": f"{kept.format('ConfigMap', 'a', '')}---\n{kept.format('ConfigMap', 'b', '')}\n\n--- ",
        "app/templates/c.yaml": f"{kept.format('Service', 'c', '')}\n\n---\n{kept.format('ConfigMap', 'd', '')}",
        "app/templates/e.yaml": kept.format("Pod", "e", hook).strip(),
        "app/templates/show.yaml": "{{/* nothing */}}",
    }

    texts = {each["metadata"]["name"]: each["data"]["t"] for each in harbour.build(files).manifests}
    # The Service is installed last, so it ends what Helm prints before the hooks.
    assert {"a": "text\n\n", "b": "text\n\n\n\n", "c": "text\n", "d": "text\n\n", "e": "text\n"} == texts


def test_types_of_hooks_are_read_as_helm_reads_them(harbour: Harbour) -> None:
    hook = "{apiVersion: v1, kind: Pod, metadata: {name: %s, annotations: {helm.sh/hook: '%s'}}}\n---\n"
    files = {**SHOW, "app/templates/hooks.yaml": hook % ("a", "Pre-Install , post-upgrade") + hook % ("b", "TEST")}

    assert ["Pod/a", "Pod/b"] == harbour.build(files).names[:2]
    assert ["Pod/a", "ConfigMap/shop"] == harbour.build(files, HelmOptions(skip_tests=True)).names


def test_a_label_that_a_template_leaves_a_number_says_how_to_quote_it(harbour: Harbour) -> None:
    label = "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {v: {{ 12 }}}}}\n"

    with pytest.raises(InvalidManifest, match=r"metadata.labels\[v\] is the number 12") as err:
        harbour.build({**SHOW, "app/templates/a.yaml": label})
    assert "| quote" in err.value.remedy


def test_a_template_without_a_last_line_break_ends_its_text_with_one_as_helm_prints_it(harbour: Harbour) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules}\ndata:\n  rules: |\n    {}"
    files = {**SHOW, "app/templates/show.yaml": text + "{{- /* the end */ -}}\n"}

    assert {"rules": "{}\n"} == harbour.build(files).manifests[0]["data"]


WHOLE = [
    HelmParameter("uid", "1000650000"),
    HelmParameter("low", "-9223372036854775808"),
    HelmParameter("list", "{1,x,3000000}"),
    HelmParameter("pods[1].ports[0]", "8080"),
    HelmParameter("deep[0][1]", "7"),
    HelmParameter("sub.n", "5"),
    HelmParameter("second.n", "6000000"),
    HelmParameter("global.port", "443000000"),
    HelmParameter("global.a.b", "0"),
    HelmParameter("text", "12", force_string=True),
    HelmParameter('od\\.d "name"', "2"),
]


def test_whole_numbers_of_parameters_are_whole_in_templates(harbour: Harbour) -> None:
    sub = config_map(
        "{{ .Chart.Name }}", d='printf "%d" .Values.n', p='printf "%T %v" .Values.global.port .Values.global.port'
    )
    inner = config_map("inner-{{ .Release.Name }}", b='printf "%T" .Values.global.a.b')
    needs = [{"name": "sub", "version": "0.1.0"}, {"name": "sub", "version": "0.1.0", "alias": "second"}]
    show = {
        "uid": 'printf "%d" .Values.uid',
        "low": "print .Values.low",
        "list": 'printf "%T %T %v" (index .Values.list 0) (index .Values.list 1) .Values.list',
        "pods": 'printf "%v" .Values.pods',
        "deep": 'printf "%v %T" .Values.deep (index .Values.deep 0 1)',
        "sub": "add1 .Values.sub.n",
        "gt": "gt .Values.uid 5",
        "text": 'printf "%T" .Values.text',
        "file": 'printf "%T" .Values.file',
        "odd": 'printf "%T" (index .Values "od.d \\"name\\"")',
        "index": "index (list 0 1 2 3 4 5 6 7) .Values.sub.n",
    }
    files: dict[str, str | bytes] = {
        "app/Chart.yaml": chart_yaml(dependencies=needs),
        "app/values.schema.json": '{"properties": {"uid": {"type": "integer"}, "list": {"type": "array"}}}',
        "app/templates/show.yaml": config_map(**show),
        "app/charts/sub.tgz": tgz(
            {
                "Chart.yaml": chart_yaml("sub", "0.1.0"),
                "templates/a/b/c/d.yaml": sub,
                "charts/inner/Chart.yaml": chart_yaml("inner"),
                "charts/inner/templates/x.yaml": inner.replace(
                    "inner-", "{{ .Subcharts | len }}-{{ .Template.Name | adler32sum }}-"
                ),
            }
        ),
    }

    built = harbour.build(files, HelmOptions(values="file: 7\npods: [{}]\ndeep: [[1]]\n", parameters=tuple(WHOLE)))

    maps = {each["metadata"]["name"]: each["data"] for each in built.manifests}
    assert [] == built.warnings
    assert {
        "uid": "1000650000",
        "low": "-9223372036854775808",
        "list": "int64 string [1 x 3000000]",
        "pods": "[map[] map[ports:[8080]]]",
        "deep": "[[1 7]] int64",
        "sub": 6,
        "gt": True,
        "text": "string",
        "file": "float64",
        "odd": "int64",
        "index": 5,
    } == {name: json.loads(text) for name, text in maps.pop("shop").items()}
    assert {"d": '"5"', "p": '"int64 443000000"'} == maps.pop("sub")
    assert {"d": '"6000000"', "p": '"int64 443000000"'} == maps.pop("second")
    assert [{"b": '"int64"'}] * 2 == list(maps.values())
