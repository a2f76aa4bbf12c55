"""What charts see of a cluster, what of it is in their closures, and templates that are not reproducible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import InvalidDeclaration, InvalidManifest
from gitopsd.model.application import HelmOptions
from tests.manifests.charting import Harbour, chart_yaml, config_map, tgz

APIS = "v1,monitoring.example/v1,monitoring.example/v1/Rule"
CLUSTER: Any = {"KUBE_VERSION": "v1.31.2-gke.100", "KUBE_API_VERSIONS": APIS}


@pytest.fixture
def harbour(tmp_path: Path) -> Harbour:
    return Harbour(tmp_path)


def chart(template: str, **about: str) -> dict[str, str | bytes]:
    return {"app/Chart.yaml": chart_yaml(**about), "app/templates/a.yaml": template}


@pytest.mark.parametrize(
    ("expression", "expected", "asked"),
    [
        (".Release.Name", "shop", set()),
        (".Capabilities.HelmVersion.Version | len | lt 0", True, set()),
        (".Capabilities.KubeVersion.Version", "v1.31.2", {"KUBE_VERSION"}),
        ('.Capabilities.APIVersions.Has "monitoring.example/v1"', True, {"KUBE_API_VERSIONS/monitoring.example/v1"}),
        ('.Capabilities.APIVersions.Has "gone.example/v1"', False, {"KUBE_API_VERSIONS/gone.example/v1"}),
        ('.Capabilities.APIVersions.Has (print "monitoring.example/v1" "/Rule")', True, {"KUBE_API_VERSIONS"}),
        ('(index . "Capabilities").KubeVersion.Minor', "31", {"KUBE_VERSION", "KUBE_API_VERSIONS"}),
    ],
)
def test_a_chart_asks_for_what_it_sees_of_the_cluster(
    harbour: Harbour, expression: str, expected: object, asked: set[str]
) -> None:
    built = harbour.build(chart(config_map(v=expression)), **CLUSTER)

    assert {"v": expected} == harbour.data(chart(config_map(v=expression)), **CLUSTER)
    names = {key.removeprefix("env:") for key in built.variables.closure()}
    assert asked == names - {"ARGOCD_APP_NAME", "ARGOCD_APP_NAMESPACE"}


def test_sub_charts_and_values_that_are_templates_see_it_too(harbour: Harbour) -> None:
    sub = {"Chart.yaml": chart_yaml("sub"), "templates/a.yaml": config_map(v=".Capabilities.KubeVersion.Major")}
    files = {**chart(config_map("b", v="tpl .Values.text .")), "app/charts/sub.tgz": tgz(sub)}

    built = harbour.build(files, HelmOptions(values='text: "{{ .Capabilities.APIVersions.Has `v1` }}"'), **CLUSTER)
    assert {"env:KUBE_VERSION", "env:KUBE_API_VERSIONS/v1"} <= built.variables.closure().keys()


def test_an_application_says_what_its_charts_see(harbour: Harbour) -> None:
    files = chart(config_map(v=".Capabilities.KubeVersion.Version", a='.Capabilities.APIVersions.Has "x/v1"'))
    options = HelmOptions(kube_version="1.29.0", api_versions=("x/v1",))

    assert {"v": "v1.29.0", "a": True} == harbour.data(files, options, **CLUSTER)


@pytest.mark.parametrize(
    ("written", "seen"), [("1.29.0", "v1.29.0"), ("v1.29", "v1.29"), ("v1.29.3-gke.100", "v1.29.3")]
)
def test_the_numbers_of_a_declared_version_count(harbour: Harbour, written: str, seen: str) -> None:
    files = chart(config_map(v=".Capabilities.KubeVersion.Version"))

    assert {"v": seen} == harbour.data(files, HelmOptions(kube_version=written))


@pytest.mark.parametrize("written", ["bogus", "1", "x1.29", "1.029", "1.29.x"])
def test_a_declared_version_that_is_none_is_refused(harbour: Harbour, written: str) -> None:
    with pytest.raises(InvalidDeclaration, match="no version of Kubernetes"):
        harbour.build(chart(config_map(v="1")), HelmOptions(kube_version=written))


def test_a_chart_for_other_versions_is_refused(harbour: Harbour) -> None:
    for wanted in (">=1.31.0", ">= 1.30.0-0 < 1.32.0-0", "1.31.2", "1.31"):
        assert harbour.build(chart(config_map(v="1"), kubeVersion=wanted), **CLUSTER).manifests
    with pytest.raises(InvalidManifest, match=r"app is for Kubernetes <1\.31\.0, and the cluster is 1\.31\.2"):
        harbour.build(chart(config_map(v="1"), kubeVersion="<1.31.0"), **CLUSTER)
    assert harbour.build(chart(config_map(v="1"), kubeVersion="<1.31.0")).manifests  # of a cluster that nobody knows


@pytest.mark.parametrize(
    "expression", ["randAlphaNum 20", "uuidv4", "now", 'now | date "2006"', '(genCA "x" 1).Cert', "randBytes 9"]
)
def test_a_template_that_changes_by_itself_is_told(harbour: Harbour, expression: str) -> None:
    files = {**chart(config_map("fixed", v="1")), "app/templates/b.yaml": config_map(v=expression)}

    (warning,) = harbour.build(files).warnings
    assert warning.startswith("not reproducible: app/templates/b.yaml renders")


@pytest.mark.parametrize(
    "expression",
    ['"right now"', ".Values.now", 'if false }}{{ now }}{{ end }}{{ "x"', 'toDate "2006" "2001" | date "2006"'],
)
def test_a_template_that_only_could_is_not(harbour: Harbour, expression: str) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  v: '{{{{ {expression} }}}}'\n"

    assert [] == harbour.build({**chart(text), "app/values.yaml": "now: 1"}).warnings
