"""Charts in Git, rendered by Helm's own library: what counts, in which order, and what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import GitopsError, InvalidDeclaration, InvalidManifest, PathNotFound
from gitopsd.model.application import HelmOptions, HelmParameter
from gitopsd.settings import RenderSettings
from tests.manifests.charting import Harbour, chart_yaml, config_map, tgz

# Shows its values.
SHOW = {
    "app/Chart.yaml": chart_yaml(),
    "app/values.yaml": "from: chart\nkept: 1\nmap: {a: 1, b: 2}\nlist: [1, 2]\n",
    "app/templates/show.yaml": config_map(values=".Values"),
}
OWN: dict[str, Any] = {"from": "chart", "kept": 1, "map": {"a": 1, "b": 2}, "list": [1, 2]}


@pytest.fixture
def harbour(tmp_path: Path) -> Harbour:
    return Harbour(tmp_path)


def set_to(name: str, value: str, *, force_string: bool = False) -> HelmOptions:
    return HelmOptions(parameters=(HelmParameter(name, value, force_string),))


def test_a_chart_is_rendered_as_a_release_of_the_application(harbour: Harbour) -> None:
    expressions = {
        "release": 'pick .Release "Name" "Namespace" "IsInstall" "Revision" "Service"',
        "chart": ".Chart.Version",
        "file": '.Files.Get "files/a.txt"',
        "looked": 'lookup "v1" "Secret" "" ""',
        "caps": "typeOf .Capabilities",
    }
    files = {**SHOW, "app/templates/show.yaml": config_map(**expressions), "app/files/a.txt": "text"}

    release = {"Name": "shop", "Namespace": "front", "IsInstall": True, "Revision": 1, "Service": "Helm"}
    shown = harbour.data(files)
    assert release == shown["release"]
    assert ("1.2.3", "text", {}) == (shown["chart"], shown["file"], shown["looked"])
    named = harbour.data(files, HelmOptions(release_name="other", namespace="back"))["release"]
    assert ("other", "back") == (named["Name"], named["Namespace"])


def test_later_values_go_before_earlier_ones(harbour: Harbour) -> None:
    files = {
        **SHOW,
        "app/one.yaml": "from: one\nmap: {b: 3, c: 4}\none: 1\n",
        "shared/two.yaml": "from: two\ntwo: 2\nlist: [3]\n---\nthree: 3\n",
    }
    expected = {**OWN, "from": "one", "map": {"a": 1, "b": 3, "c": 4}, "one": 1}
    assert expected == harbour.data(files, HelmOptions(value_files=("one.yaml",)))["values"]

    both = ("one.yaml", "../shared/two.yaml")
    expected |= {"from": "two", "two": 2, "three": 3, "list": [3]}
    assert expected == harbour.data(files, HelmOptions(value_files=both))["values"]
    assert expected == harbour.data(files, HelmOptions(value_files=("one.yaml", "/shared/two.yaml")))["values"]

    inline = HelmOptions(value_files=both, values="from: values\ntwo: null\n")
    assert {**expected, "from": "values", "two": None} == harbour.data(files, inline)["values"]
    removed = HelmOptions(values="kept: null\n")
    assert "kept" not in harbour.data(files, removed)["values"]

    whole = HelmOptions(value_files=both, values="two: 9", values_object={"from": "object"})
    assert {**expected, "from": "object"} == harbour.data(files, whole)["values"]

    parameters = (HelmParameter("from", "parameter"), HelmParameter("map.a", "7"), HelmParameter("list[1]", "x"))
    highest = HelmOptions(both, values_object={"from": "object"}, parameters=parameters)
    expected |= {"from": "parameter", "map": {"a": 7, "b": 3, "c": 4}, "list": [3, "x"]}
    assert expected == harbour.data(files, highest)["values"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (set_to("x", "true"), True),
        (set_to("x", "true", force_string=True), "true"),
        (set_to("x", "a,b"), "a,b"),
        (set_to("x", r"a\,b"), "a,b"),
        (set_to("x", "{a,b}"), ["a", "b"]),
        (set_to("x", "$ARGOCD_APP_NAME-$$x"), "shop-$x"),
        (HelmOptions(values="x: $ARGOCD_APP_NAME"), "$ARGOCD_APP_NAME"),  # values are taken as they are
        (HelmOptions(file_parameters={"x": "files/x.txt"}), "{a,b}=\\,\n"),
        (HelmOptions(value_files=("env-$ARGOCD_APP_NAME.yaml",)), "of shop"),
    ],
)
def test_a_value_is_read_as_argo_cd_reads_it(harbour: Harbour, options: HelmOptions, expected: Any) -> None:
    files = {**SHOW, "app/files/x.txt": "{a,b}=\\,\n", "app/env-shop.yaml": "x: of shop"}
    assert expected == harbour.data(files, options)["values"]["x"]


def test_a_missing_value_file_is_an_error_unless_it_may_be_missing(harbour: Harbour) -> None:
    options = HelmOptions(("values-prod.yaml", "env/*.yaml"))
    with pytest.raises(InvalidManifest, match=r"value file 'values-prod.yaml' is not there"):
        harbour.build(SHOW, options)

    may_be = HelmOptions(options.value_files, ignore_missing_value_files=True)
    built = harbour.build(SHOW, may_be)
    assert {"file:app/values-prod.yaml": "", "list:app/env": ""}.items() <= built.tree.closure().items()


def test_globs_give_files_in_order_and_named_files_where_they_are_named(harbour: Harbour) -> None:
    order = {f"app/env/{name}.yaml": f"from: {name}\n{name}: 1" for name in ("a", "b", "c")}
    files = {**SHOW, **order, "app/env/deep/d.yaml": "from: d\nd: 1", "app/env/x.txt": "no: yaml"}

    def origin(*value_files: str) -> str:
        return str(harbour.data(files, HelmOptions(value_files))["values"]["from"])

    assert "c" == origin("env/*.yaml")
    assert "b" == origin("env/{b,a}.yaml")
    assert "d" == origin("env/*.yaml", "env/**/*.yaml")
    assert "b" == origin("env/c.yaml", "env/*.yaml")
    assert "a" == origin("env/*.yaml", "env/a.yaml")
    assert "d" == origin("**/d.yaml")


def test_value_files_come_from_other_sources(harbour: Harbour) -> None:
    options = HelmOptions(("$values/env/$ARGOCD_APP_NAME.yaml",), file_parameters={"text": "$values/a.txt"})
    refs = {"values": {"env/shop.yaml": "from: elsewhere", "a.txt": "t"}}

    assert {**OWN, "from": "elsewhere", "text": "t"} == harbour.data(SHOW, options, refs=refs)["values"]
    assert "elsewhere" == harbour.data(SHOW, HelmOptions(("$values/env/*.yaml",)), refs=refs)["values"]["from"]
    with pytest.raises(InvalidDeclaration, match="the ref 'values', which no Git source has"):
        harbour.build(SHOW, options)


SUB = {
    "Chart.yaml": chart_yaml("sub", "0.1.0"),
    "values.yaml": "a: sub\nexports: {up: 1}\n",
    "templates/sub.yaml": config_map("{{ .Chart.Name }}", values=".Values"),
    "crds/crd.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: s.x.io}\n",
}
LIBRARY = {
    "Chart.yaml": chart_yaml("lib", "0.1.0", type="library"),
    "templates/_names.tpl": '{{ define "lib.name" }}by-lib{{ end }}',
}


def test_sub_charts_have_conditions_aliases_and_libraries(harbour: Harbour) -> None:
    dependencies = [
        {"name": "sub", "version": "0.1.0", "condition": "sub.enabled"},
        {"name": "sub", "version": "0.1.0", "alias": "second", "tags": ["extra"]},
        {"name": "lib", "version": "0.1.0"},
    ]
    files: dict[str, str | bytes] = {
        **SHOW,
        "app/Chart.yaml": chart_yaml(dependencies=dependencies),
        "app/templates/show.yaml": config_map('{{ include "lib.name" . }}', v=".Values.from"),
        "app/charts/sub-0.1.0.tgz": tgz(SUB),
        **{f"app/charts/lib/{name}": text for name, text in LIBRARY.items()},
    }
    crd = "CustomResourceDefinition/s.x.io"

    assert {crd, "ConfigMap/by-lib", "ConfigMap/sub", "ConfigMap/second"} == set(harbour.build(files).names)
    off = set_to("sub.enabled", "false")
    assert {crd, "ConfigMap/by-lib", "ConfigMap/second"} == set(harbour.build(files, off).names)
    none = HelmOptions(values="sub: {enabled: false}\ntags: {extra: false}\n")
    assert ["ConfigMap/by-lib"] == harbour.build(files, none).names
    given = harbour.build(files, HelmOptions(values="second: {a: mine}\n", skip_crds=True)).manifests
    assert '"a\\":\\"mine' in str(given[2]["data"]) or 'a":"mine' in str(given)
    with pytest.raises(InvalidManifest, match="app is a library chart"):
        harbour.build({f"app/{name}": text for name, text in LIBRARY.items()})


def test_a_dependency_is_taken_from_the_repository_or_is_missing(harbour: Harbour) -> None:
    local = {"name": "sub", "version": "0.1.0", "repository": "file://../sub", "condition": "sub.enabled"}
    files = {
        **SHOW,
        "app/Chart.yaml": chart_yaml(dependencies=[local]),
        **{f"sub/{at}": text for at, text in SUB.items()},
    }

    built = harbour.build(files)
    assert {"ConfigMap/shop", "ConfigMap/sub", "CustomResourceDefinition/s.x.io"} == set(built.names)
    assert "sub/templates/sub.yaml" in built.read
    assert ["ConfigMap/shop"] == harbour.build(files, set_to("sub.enabled", "false")).names
    for repository in ("s3://charts.example", "file://../gone"):
        gone = chart_yaml(dependencies=[{**local, "repository": repository}])
        with pytest.raises(InvalidManifest, match=f"app depends on the chart sub of {repository}, which is not in"):
            harbour.build({**files, "app/Chart.yaml": gone})
    with pytest.raises(InvalidManifest, match="app depends on the chart sub,"):
        harbour.build({**SHOW, "app/requirements.yaml": "dependencies: [{name: sub, version: 1}]"})
    with pytest.raises(PathNotFound, match="the dependency sub is outside of the repository"):
        harbour.build({**SHOW, "app/Chart.yaml": chart_yaml(dependencies=[{**local, "repository": "file://../../x"}])})


def test_what_is_no_utf_8_where_nobody_reads_it_is_no_error(harbour: Harbour) -> None:
    files: dict[str, str | bytes] = {
        **SHOW,
        "app/templates/x.yaml": b"{{- /* caf\xe9 */ -}}\n",
        "app/templates/NOTES.txt": b"caf\xe9",
        "app/files/x.bin": b"\xff",
    }

    assert ["ConfigMap/shop"] == harbour.build(files).names


def test_a_schema_is_checked_unless_it_is_not_to_be(harbour: Harbour) -> None:
    schema = '{"properties": {"kept": {"type": "string"}}}'
    sub = {**SUB, "values.schema.json": '{"required": ["gone"]}'}
    for files in ({"app/values.schema.json": schema}, {"app/charts/sub-0.1.0.tgz": tgz(sub)}):
        with pytest.raises(InvalidManifest, match=r"(?i)schema"):
            harbour.build({**SHOW, **files})
        assert harbour.build({**SHOW, **files}, HelmOptions(skip_schema_validation=True)).manifests


def test_what_helmignore_names_is_neither_in_the_chart_nor_in_the_closure(harbour: Harbour) -> None:
    files = {
        **SHOW,
        "app/.helmignore": "ci/\n*.md\n",
        "app/README.md": "# x",
        "app/ci/values.yaml": "a: 1",
        "app/templates/show.yaml": config_map(count='len (.Files.Glob "**")'),
    }

    built = harbour.build(files)
    assert {"count": "1"} == built.manifests[0]["data"]  # itself
    assert {"app/.helmignore", "app/Chart.yaml", "app/values.yaml", "app/templates/show.yaml"} == built.read


def test_links_inside_of_the_repository_are_followed_and_no_others(harbour: Harbour) -> None:
    files = {"app/Chart.yaml": chart_yaml(), "shared/show.yaml": config_map(v=".Values"), "shared/v.yaml": "a: 1"}
    links = {"app/templates": "../shared", "app/values.yaml": "../shared/v.yaml"}

    with pytest.raises(InvalidManifest, match=r"v\.yaml"):  # the directory holds values, which are no manifest
        harbour.build(files, links=links)
    assert {"v": {"a": 1}} == harbour.data({**files, "app/.helmignore": "templates/v.yaml"}, links=links)
    with pytest.raises(PathNotFound, match="is not inside the repository"):
        harbour.build(SHOW, links={"app/x.yaml": "../../etc/passwd"})
    with pytest.raises(InvalidManifest, match="is a link to a directory that it is in"):
        harbour.build(SHOW, links={"app/loop": "../app"})
    with pytest.raises(InvalidManifest, match="is a link to nothing"):
        harbour.build(SHOW, links={"app/gone": "nowhere"})


def test_values_that_the_chart_cannot_take_are_told_without_what_they_are(harbour: Harbour) -> None:
    built = harbour.build(SHOW, HelmOptions(values="from: {a: s3cret}"))
    assert ["app: skipped value for web.from: Not a table."] == built.warnings


BAD: dict[str, tuple[dict[str, str | bytes | None], HelmOptions, type[GitopsError], str]] = {
    "no Chart.yaml": ({"app/Chart.yaml": None}, HelmOptions(), PathNotFound, "app holds no Chart.yaml"),
    "Chart.yaml is no mapping": ({"app/Chart.yaml": "[]"}, HelmOptions(), InvalidManifest, "Chart.yaml is no mapping"),
    "no version": ({"app/Chart.yaml": "name: x"}, HelmOptions(), InvalidManifest, "Helm refuses it"),
    "a template fails": (
        {"app/templates/x.yaml": '{{ fail "say a name" }}'},
        HelmOptions(),
        InvalidManifest,
        "app: Helm refuses it: .*templates/x.yaml.*say a name",
    ),
    "no template": (
        {"app/templates/x.yaml": "{{ nope }}"},
        HelmOptions(),
        InvalidManifest,
        'function "nope" not defined',
    ),
    "no YAML": (
        {"app/templates/x.yaml": "a: [\n"},
        HelmOptions(),
        InvalidManifest,
        "what app/templates/x.yaml renders to",
    ),
    "of another apiVersion": ({"app/Chart.yaml": chart_yaml(apiVersion="v7")}, HelmOptions(), InvalidManifest, "'v7'"),
    "of a number": ({"app/Chart.yaml": chart_yaml(apiVersion=2)}, HelmOptions(), InvalidManifest, "apiVersion '2'"),
    "a template is no UTF-8": (
        {"app/templates/x.yaml": b"# caf\xe9\n"},
        HelmOptions(),
        InvalidManifest,
        "app/templates/x.yaml: not UTF-8",
    ),
    "no manifest": ({"app/templates/x.yaml": "a: 1\n"}, HelmOptions(), InvalidManifest, "kind is missing"),
    "values are no YAML": ({}, HelmOptions(values="a: [\n"), InvalidManifest, r"spec\.source\.helm\.values:"),
    "values are a list": ({}, HelmOptions(values="- a\n"), InvalidManifest, "values are no mapping"),
    "a value file is no YAML": ({"app/b.yaml": "a: b: c"}, HelmOptions(("b.yaml",)), InvalidManifest, "app/b.yaml:1"),
    "a value file is at a URL with a query": (
        {},
        HelmOptions(("https://h/v.yaml?t=s",)),
        InvalidDeclaration,
        "https://h/v.yaml' is at no URL",
    ),
    "a glob is broken": ({}, HelmOptions(("{a.yaml",)), InvalidManifest, "glob '{a.yaml' cannot be read"),
    "a glob finds nothing": ({}, HelmOptions(("env/*.yaml",)), InvalidManifest, "'env/\\*.yaml' is not there"),
    "a file is missing": ({}, HelmOptions(file_parameters={"a": "gone"}), InvalidManifest, "'gone' is not there"),
    "a parameter is none": ({}, set_to("a[", "x"), InvalidDeclaration, r"the parameter 'a\[' cannot be set"),
    "a parameter is in the way": (
        {},
        HelmOptions(values="from: x", parameters=(HelmParameter("from.a", "x"),)),
        InvalidDeclaration,
        "'from' is no mapping",
    ),
    "a release's name": ({}, HelmOptions(release_name="A_b"), InvalidDeclaration, "'A_b' is no name of a Helm release"),
    "a broken archive": ({"app/charts/x.tgz": b"no"}, HelmOptions(), InvalidManifest, "Helm refuses it|no archive"),
    "helmignore": ({"app/.helmignore": "**/x"}, HelmOptions(), InvalidManifest, r"\.helmignore:1"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_with_a_chart_is_said(harbour: Harbour, case: str) -> None:
    changed, options, error, words = BAD[case]
    files = {name: text for name, text in {**SHOW, **changed}.items() if text is not None}

    with pytest.raises(error, match=words):
        harbour.build(files, options)


def test_large_files_are_refused_before_they_are_read(harbour: Harbour) -> None:
    limits = RenderSettings(max_bytes=1000)
    for options in (HelmOptions(("big.yaml",)), HelmOptions()):
        with pytest.raises(InvalidManifest, match=r"app/big.yaml has \d+ bytes"):
            harbour.build({**SHOW, "app/big.yaml": "a: 1\n" * 1000}, options, limits=limits)
