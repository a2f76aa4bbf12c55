"""Every field of `spec.source.kustomize`, beside the kustomization that somebody would write for it by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.core.declaration.tooling import tooling_of
from gitopsd.errors import GitopsError, InvalidDeclaration, InvalidManifest, NotSupported, PathNotFound
from gitopsd.manifests.tools import Programs
from gitopsd.model.application import KustomizeOptions
from tests.manifests.kustomizing import Kitchen, deployment, directly

HERE: dict[str, Any] = {
    "resources": ["../base"],
    "namePrefix": "own-",
    "namespace": "own",
    "images": [{"name": "nginx", "newTag": "1.26"}],
    "replicas": [{"name": "web", "count": 2}],
    "commonAnnotations": {"own": "yes"},
    "labels": [{"pairs": {"own": "label"}}],
    "patches": [
        {"patch": '[{"op": "add", "path": "/metadata/labels/first", "value": "1"}]', "target": {"name": "web"}}
    ],
}
FILES = {
    "base/kustomization.yaml": "resources: [web.yaml, settings.yaml]\n",
    "base/web.yaml": deployment("web", tier="front"),
    "base/settings.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: b}}\n",
    "app/patch.yaml": "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {paused: true}}\n",
    "part/kustomization.yaml": (
        "{apiVersion: kustomize.config.k8s.io/v1alpha1, kind: Component, commonAnnotations: {part: here}}\n"
    ),
}
ADD_LABEL = '[{"op": "add", "path": "/metadata/labels/second", "value": "2"}]'
RENAME = '[{"op": "replace", "path": "/metadata/name", "value": "shop"}]'


@dataclass(frozen=True)
class Case:
    block: dict[str, Any]  # of the Application
    by_hand: dict[str, Any]  # fields of the kustomization that differ then
    variables: dict[str, str] = field(default_factory=dict)


CASES = {
    "namePrefix": Case({"namePrefix": "theirs-"}, {"namePrefix": "theirs-"}),
    "nameSuffix": Case({"nameSuffix": "-theirs"}, {"nameSuffix": "-theirs"}),
    "namespace": Case({"namespace": "theirs"}, {"namespace": "theirs"}),
    "images": Case(
        {"images": ["nginx=registry:5000/x/nginx@sha256:0a", "other:$ARGOCD_APP_REVISION_SHORT"]},
        {
            "images": [
                {"name": "nginx", "newName": "registry:5000/x/nginx", "digest": "sha256:0a"},
                {"name": "other", "newTag": "abc1234"},
            ]
        },
        {"ARGOCD_APP_REVISION_SHORT": "abc1234"},
    ),
    "images, a star": Case(
        {"images": ["nginx=mine/nginx:*"]}, {"images": [{"name": "nginx", "newName": "mine/nginx", "newTag": "1.26"}]}
    ),
    "replicas": Case({"replicas": [{"name": "web", "count": "5"}]}, {"replicas": [{"name": "web", "count": 5}]}),
    "commonLabels": Case(
        {"commonLabels": {"team": "${ARGOCD_APP_NAME}"}},
        {"commonLabels": {"team": "shop"}},
        {"ARGOCD_APP_NAME": "shop"},
    ),
    "labelWithoutSelector": Case(
        {"commonLabels": {"team": "a"}, "labelWithoutSelector": True},
        {"labels": [{"pairs": {"own": "label", "team": "a"}}]},
    ),
    "labelIncludeTemplates": Case(
        {"commonLabels": {"team": "a"}, "labelWithoutSelector": True, "labelIncludeTemplates": True},
        {"labels": [{"pairs": {"own": "label"}}, {"pairs": {"team": "a"}, "includeTemplates": True}]},
    ),
    "forceCommonLabels": Case(
        {"commonLabels": {"own": "forced"}, "labelWithoutSelector": True, "forceCommonLabels": True},
        {"labels": [{"pairs": {"own": "forced"}}]},
    ),
    "commonAnnotations": Case(
        {"commonAnnotations": {"by": "$ARGOCD_APP_NAME"}},
        {"commonAnnotations": {"own": "yes", "by": "$ARGOCD_APP_NAME"}},
    ),
    "commonAnnotationsEnvsubst": Case(
        {"commonAnnotations": {"by": "$ARGOCD_APP_NAME in $NOWHERE."}, "commonAnnotationsEnvsubst": True},
        {"commonAnnotations": {"own": "yes", "by": "shop in ."}},
        {"ARGOCD_APP_NAME": "shop"},
    ),
    "forceCommonAnnotations": Case(
        {"commonAnnotations": {"own": "forced"}, "forceCommonAnnotations": True},
        {"commonAnnotations": {"own": "forced"}},
    ),
    "patches, in a file": Case(
        {"patches": [{"path": "patch.yaml"}]}, {"patches": [*HERE["patches"], {"path": "patch.yaml"}]}
    ),
    "patches, with target and options": Case(
        {
            "patches": [
                {"patch": ADD_LABEL, "target": {"kind": "Deployment", "labelSelector": "tier=front"}},
                {"patch": RENAME, "target": {"name": "settings"}, "options": {"allowNameChange": True}},
            ]
        },
        {
            "patches": [
                *HERE["patches"],
                {"patch": ADD_LABEL, "target": {"kind": "Deployment", "labelSelector": "tier=front"}},
                {"patch": RENAME, "target": {"name": "settings"}, "options": {"allowNameChange": True}},
            ]
        },
    ),
    "components": Case({"components": ["../part"]}, {"components": ["../part"]}),
    "ignoreMissingComponents": Case(
        {"components": ["../gone", "../part"], "ignoreMissingComponents": True}, {"components": ["../part"]}
    ),
    "kubeVersion and apiVersions": Case({"kubeVersion": "1.33.1", "apiVersions": ["a.example/v1"]}, {}),
}
# Beside those: `version`, which is a program.
ELSEWHERE = {"version"}


def options(block: dict[str, Any]) -> KustomizeOptions:
    warnings = Warnings()
    found = tooling_of(Fields({"kustomize": block}, ".spec.source", warnings)).kustomize
    assert () == warnings.all()
    return found


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Kitchen:
    return Kitchen(tmp_path_factory.mktemp("kitchen"))


@pytest.mark.parametrize("case", CASES)
def test_a_field_does_what_the_kustomization_by_hand_does(kitchen: Kitchen, case: str) -> None:
    given = CASES[case]
    here = {**FILES, "app/kustomization.yaml": yaml.safe_dump(HERE)}
    by_hand = {**FILES, "app/kustomization.yaml": yaml.safe_dump(HERE | given.by_hand)}

    built = kitchen.build(here, options=options(given.block), variables=given.variables)

    assert directly(kitchen.checkout(by_hand)) == built.manifests
    assert built.manifests


def test_every_field_is_shown() -> None:
    shown = {name for case in CASES.values() for name in case.block} | ELSEWHERE
    known = Warnings()
    block = Fields(dict.fromkeys(shown), "", known)
    tooling_of(Fields({"kustomize": block.value()}, "", known))

    assert () == known.all()
    assert 18 == len(shown)


REFUSED: dict[str, tuple[dict[str, Any], type[GitopsError], str]] = {
    "a label that is there": (
        {"commonLabels": {"own": "x"}, "labelWithoutSelector": True},
        InvalidManifest,
        "has the label own already",
    ),
    "an annotation that is there": (
        {"commonAnnotations": {"own": "x"}},
        InvalidManifest,
        "has the annotation own already",
    ),
    "templates with selectors": (
        {"commonLabels": {"a": "x"}, "labelIncludeTemplates": True},
        InvalidDeclaration,
        "without labelWithoutSelector",
    ),
    "a component that is missing": ({"components": ["../gone"]}, InvalidManifest, "gone"),
    "a component outside": ({"components": ["../../gone"]}, GitopsError, "above the repository's root"),
    "a patch that is missing": ({"patches": [{"path": "gone.yaml"}]}, InvalidManifest, "gone.yaml"),
    "a patch of both kinds": ({"patches": [{"path": "a", "patch": "b"}]}, InvalidDeclaration, "a path and a patch"),
    "a patch that fits nothing": (
        {"patches": [{"patch": "{apiVersion: v1, kind: ConfigMap, metadata: {name: gone}}"}]},
        InvalidManifest,
        "no matches for Id ConfigMap.v1.*gone",
    ),
    "a count below 0": ({"replicas": [{"name": "web", "count": -1}]}, InvalidDeclaration, "is no count"),
    "an image that says nothing": ({"images": ["nginx"]}, InvalidManifest, "says nothing to change"),
    "no such version": ({"version": "v1"}, InvalidDeclaration, "which the settings do not name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_field_that_cannot_be_followed_is_refused(kitchen: Kitchen, case: str) -> None:
    block, kind, words = REFUSED[case]

    with pytest.raises(kind, match=words):
        kitchen.build({**FILES, "app/kustomization.yaml": yaml.safe_dump(HERE)}, options=options(block))


def test_a_base_that_is_missing_is_named_however_deep(kitchen: Kitchen) -> None:
    files = {f"b{n}/kustomization.yaml": f"resources: [../b{n + 1}]\n" for n in range(60)}

    with pytest.raises(InvalidManifest, match=r"b60.* no such file") as refused:
        kitchen.build(files, "b0")

    assert str(kitchen.place) not in str(refused.value)
    assert "render-" not in str(refused.value)


NOTE = "{apiVersion: v1, kind: ConfigMap, metadata: {name: note}, data: {a: b}}\n"
BESIDE = {"app/kustomization.yaml": "resources: [../shared/note.yaml]\n", "shared/note.yaml": NOTE}


def test_files_beside_the_root_are_read_where_the_operator_allows_it(kitchen: Kitchen) -> None:
    loose = kitchen.programs(build_options={"": "--load-restrictor LoadRestrictionsNone", "v5": ""})

    assert ["ConfigMap/note"] == kitchen.build(BESIDE, programs=loose).names
    with pytest.raises(InvalidManifest, match="is not in or below"):
        kitchen.build(BESIDE)
    with pytest.raises(PathNotFound, match="above the repository's root"):
        kitchen.build({"app/kustomization.yaml": "resources: [../../../etc/hostname]\n"}, programs=loose)


def test_a_version_has_options_of_its_own(kitchen: Kitchen) -> None:
    options = {"": "", "loose": "--load-restrictor=LoadRestrictionsNone"}
    programs = kitchen.programs(versions={"loose": kitchen.programs().kustomize}, build_options=options)

    assert ["ConfigMap/note"] == kitchen.build(
        BESIDE, "app", KustomizeOptions(version="loose"), programs=programs
    ).names
    with pytest.raises(InvalidManifest, match="is not in or below"):
        kitchen.build(BESIDE, programs=programs)


HELM = """\
#!/bin/sh
case "$1" in
version) echo 'v3.19.0' ;;
template)
    printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: inflated}\\ndata:\\n'
    printf '  arguments: "%s"\\n' "$*"
    for file in "$@"; do test -f "$file" && printf '  values: "%s"\\n' "$(cat "$file")"; done
    true ;;
esac
"""
CHART = {
    "app/kustomization.yaml": "helmCharts: [{name: web, valuesFile: v.txt}]\nhelmGlobals: {chartHome: ../charts}\n",
    "app/v.txt": "a=1",
    "charts/web/Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0}\n",
    "charts/web/values.yaml": "a: 0\n",
    "charts/web/templates/x.yaml": "{}\n",
}


def _with_helm(kitchen: Kitchen) -> Programs:
    helm = kitchen.place / "helm"
    helm.write_text(HELM)
    helm.chmod(0o755)
    return kitchen.programs(build_options={"": f"--enable-helm --helm-command={helm}"})


def test_charts_of_the_repository_are_inflated_where_the_operator_allows_it(kitchen: Kitchen) -> None:
    programs = _with_helm(kitchen)

    options = KustomizeOptions(api_versions=("a.example/v1",))
    built = kitchen.build(CHART, "app", options, programs=programs, variables={"KUBE_VERSION": "1.33.1"})

    assert ["ConfigMap/inflated"] == built.names
    said = built.manifests[0]["data"]["arguments"]
    assert "--kube-version 1.33.1" in said
    assert "--api-versions a.example/v1" in said
    assert CHART.keys() <= built.read
    assert {"env:KUBE_VERSION": "1.33.1"} == built.variables.closure()
    other = kitchen.build(CHART, "app", KustomizeOptions(kube_version="v1.30.0-gke.1"), programs=programs)
    assert "--kube-version 1.30.0" in other.manifests[0]["data"]["arguments"]
    with pytest.raises(InvalidDeclaration, match="no version of Kubernetes"):
        kitchen.build(CHART, "app", KustomizeOptions(kube_version="bogus"), programs=programs)
    with pytest.raises(NotSupported, match="Helm inflation, which is off"):
        kitchen.build(CHART)


GENERATED = {
    **CHART,
    "app/kustomization.yaml": "generators: [chart.yaml]\n",
    "app/chart.yaml": "{apiVersion: builtin, kind: HelmChartInflationGenerator, metadata: {name: web}, name: web}\n",
} | {name.replace("charts/", "app/charts/"): text for name, text in CHART.items() if name.startswith("charts/")}


@pytest.mark.parametrize("files", [CHART, GENERATED])
def test_an_inflated_chart_sees_what_the_cluster_offers(kitchen: Kitchen, files: Mapping[str, str]) -> None:
    offered = {"KUBE_VERSION": "v1.33.1-gke.7", "KUBE_API_VERSIONS": "v1,a.example/v1,a.example/v1/Thing"}

    built = kitchen.build(files, programs=_with_helm(kitchen), variables=offered)

    said = built.manifests[0]["data"]["arguments"]
    assert said.endswith("--kube-version 1.33.1")
    for api in ("v1", "a.example/v1", "a.example/v1/Thing"):
        assert f"--api-versions {api}" in said
    assert {f"env:{name}": value for name, value in offered.items()} == built.variables.closure()


KUSTOMIZE = """\
#!/bin/sh
for last in "$@"; do :; done
cd "$last" && cat ../secret/note.yaml && printf -- "---\\n" && sed "s/note/n$#/" ../secret/note.yaml
"""
RUNS = {
    "app/kustomization.yaml": "generators: [generator.yaml]\n",
    "app/generator.yaml": "{apiVersion: example.com/v1, kind: Note, metadata: {name: n}}\n",
    "secret/note.yaml": NOTE,
    "elsewhere/x": "",
}


def test_where_programs_of_the_repository_may_run_they_may_read_all_of_it(kitchen: Kitchen) -> None:
    program = kitchen.place / "kustomize"
    program.write_text(KUSTOMIZE)
    program.chmod(0o755)
    options = {"": "--enable-alpha-plugins --enable-exec"}

    built = kitchen.build(RUNS, programs=kitchen.programs(kustomize=str(program), build_options=options))

    assert ["ConfigMap/note", "ConfigMap/n4"] == built.names  # build, two options and the directory
    assert RUNS.keys() == built.read
    with pytest.raises(InvalidManifest, match="kustomize refuses it"):
        kitchen.build(RUNS, programs=kitchen.programs(kustomize=str(program)))


def test_a_label_that_kustomize_prints_without_quotes_says_what_can_help(kitchen: Kitchen) -> None:
    program = kitchen.place / "kustomize"
    program.write_text("#!/bin/sh\necho '{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {v: 12}}}'\n")
    program.chmod(0o755)

    with pytest.raises(InvalidManifest, match=r"metadata.labels\[v\] is the number 12") as err:
        kitchen.build(FILES | {"app/kustomization.yaml": "{}"}, programs=kitchen.programs(kustomize=str(program)))
    assert "kustomize printed it without" in err.value.remedy
