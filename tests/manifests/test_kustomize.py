"""Kustomize on real repositories with the real tool: the same objects as on a checkout, and nothing else is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gitopsd.errors import GitopsError, InvalidDeclaration, InvalidManifest, NotSupported, PathNotFound, WorkerFailed
from gitopsd.git.tree import open_tree
from gitopsd.manifests.kustomize_inputs import follow
from gitopsd.model.application import KustomizeOptions
from gitopsd.settings import RenderSettings
from tests.manifests.kustomizing import Kitchen, deployment, directly

Files = Mapping[str, str]


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


BASE = {"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": deployment("web")}
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"

# Each names its files in another way.
ALIKE: dict[str, Files] = {
    "a base, prefixed": {**BASE, "app/kustomization.yaml": "resources: [../base]\nnamePrefix: x-\nnamespace: shop\n"},
    "bases, the old way": {**BASE, "app/kustomization.yml": "bases:\n- ../base\nnameSuffix: -y\n"},
    "by another name, fields in any case": {**BASE, "app/Kustomization": "Resources: [../base]\nNAMEPREFIX: z-\n"},
    "patches": {
        **BASE,
        "app/kustomization.yaml": (
            "resources: [../base]\n"
            "patches:\n"
            "- path: patches/replicas.yaml\n"
            "- {path: patches/ops.json, target: {kind: Deployment}}\n"
            "patchesStrategicMerge:\n"
            "- patches/old.yaml\n"
            "- |-\n  {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {inline: 'yes'}}}\n"
            "patchesJson6902:\n"
            "- {path: patches/ops6902.yaml, target: {version: v1, group: apps, kind: Deployment, name: web}}\n"
        ),
        "app/patches/replicas.yaml": (
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3}}\n"
        ),
        "app/patches/ops.json": '[{"op": "add", "path": "/metadata/labels", "value": {"tier": "front"}}]',
        "app/patches/old.yaml": "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {a: b}}}",
        "app/patches/ops6902.yaml": "- {op: replace, path: /spec/replicas, value: 5}\n",
    },
    "generators of ConfigMaps and Secrets": {
        "app/kustomization.yaml": (
            "configMapGenerator:\n"
            "- {name: one, files: [config.ini, other=files/deep.txt], literals: [k=v]}\n"
            "- {name: two, envs: [one.env]}\n"
            "- {name: three, env: two.env}\n"
            "secretGenerator:\n"
            "- {name: four, files: [files/key], type: Opaque}\n"
            "generatorOptions: {disableNameSuffixHash: true}\n"
        ),
        "app/config.ini": "[a]\nb = c\n",
        "app/files/deep.txt": "deep\n",
        "app/files/key": "secret",
        "app/one.env": "A=1\n# no\nB=2\n",
        "app/two.env": "C=3\nUNSET\n",
    },
    "components of components": {
        **BASE,
        "app/kustomization.yaml": "resources: [../base]\ncomponents: [../components/a]\n",
        "components/a/kustomization.yaml": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncomponents: [../b]\n"
            "commonAnnotations: {a: '1'}\n"
        ),
        "components/b/kustomization.yaml": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [settings.yaml]\n"
        ),
        "components/b/settings.yaml": SETTINGS,
    },
    "replacements, definitions and configurations": {
        **BASE,
        "app/kustomization.yaml": (
            "resources: [../base, settings.yaml, thing.yaml]\n"
            "replacements: [{path: replacement.yaml}]\n"
            "crds: [crd.json]\n"
            "configurations: [config.yaml]\n"
            "namePrefix: p-\n"
        ),
        "app/settings.yaml": SETTINGS,
        "app/thing.yaml": "{apiVersion: example.com/v1, kind: Thing, metadata: {name: t}, spec: {config: settings}}",
        "app/replacement.yaml": (
            "source: {kind: ConfigMap, name: settings, fieldPath: data.a}\n"
            "targets: [{select: {kind: Deployment}, fieldPaths: [metadata.labels.a], options: {create: true}}]\n"
        ),
        "app/crd.json": "{}",
        "app/config.yaml": ("nameReference: [{kind: ConfigMap, fieldSpecs: [{kind: Thing, path: spec/config}]}]\n"),
    },
    "transformers in files, inline and in a directory": {
        **BASE,
        "app/kustomization.yaml": (
            "resources: [../base]\n"
            "generators: [generator.yaml]\n"
            "transformers:\n"
            "- patch-all.yaml\n"
            "- transformers\n"
            "- |-\n"
            "  apiVersion: builtin\n  kind: AnnotationsTransformer\n  metadata: {name: notes}\n"
            "  annotations: {inline: here}\n  fieldSpecs: [{path: metadata/annotations, create: true}]\n"
        ),
        "app/generator.yaml": (
            "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made}\nfiles: [made.txt]\n"
        ),
        "app/made.txt": "made",
        "app/patch-all.yaml": (
            "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: patch}\npath: the-patch.yaml\n"
            "target: {kind: Deployment}\n"
        ),
        "app/the-patch.yaml": "- {op: add, path: /metadata/labels/patched, value: 'yes'}\n",
        "app/transformers/kustomization.yaml": "resources: [more.yaml]\n",
        "app/transformers/more.yaml": (
            "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: more}\npath: more/ops.yaml\n"
            "target: {kind: Deployment}\n"
        ),
        "app/more/ops.yaml": "- {op: add, path: /metadata/labels/more, value: 'yes'}\n",
    },
    "a diamond": {
        **BASE,
        "left/kustomization.yaml": "resources: [../base]\nnamePrefix: left-\n",
        "right/kustomization.yaml": "resources: [../base]\nnamePrefix: right-\n",
        "app/kustomization.yaml": "resources: [../left, ../right]\n",
    },
    "at the root": {"kustomization.yaml": "resources: [web.yaml]\n", "web.yaml": deployment("web")},
}


@pytest.mark.parametrize("case", ALIKE)
def test_the_objects_are_those_of_the_tool_on_a_checkout(kitchen: Kitchen, case: str) -> None:
    path = "." if "kustomization.yaml" in ALIKE[case] else "app"

    built = kitchen.build(ALIKE[case], path)

    assert directly(kitchen.checkout(ALIKE[case], path)) == built.manifests
    assert built.manifests
    assert ALIKE[case].keys() == built.read  # exactly what is named, and here all is
    assert [] == kitchen.left()


def test_links_lead_where_they_lead_in_a_checkout(kitchen: Kitchen) -> None:
    files = {
        **BASE,
        "real/deep/kustomization.yaml": "resources: [../beside, own.yaml]\nnamePrefix: x-\n",
        "real/deep/own.yaml": SETTINGS,
        "real/beside/kustomization.yaml": "resources: [linked.yaml]\n",
        "real/beside/really.yaml": deployment("beside"),
        "app/kustomization.yaml": "resources: [linked]\n",
    }
    links = {"app/linked": "../real/deep", "real/beside/linked.yaml": "really.yaml"}

    built = kitchen.build(files, links=links)

    assert directly(kitchen.checkout(files, links=links)) == built.manifests
    assert ["Deployment/x-beside", "ConfigMap/x-settings"] == sorted(built.names, reverse=True)


def test_only_what_is_named_is_read_and_what_is_missing_is_recorded(kitchen: Kitchen) -> None:
    files = {
        **BASE,
        "base/README.md": "no",
        "app/kustomization.yaml": "resources: [../base]\nconfigMapGenerator: [{name: c, files: [gone.txt]}]\n",
        "app/other.yaml": "no",
    }
    with pytest.raises(InvalidManifest, match=r"app: kustomize refuses it: .*app/gone\.txt.*no such file"):
        kitchen.build(files)

    built = kitchen.build({**files, "app/gone.txt": "here"})

    tree_closure = built.tree.closure()
    assert {"base/kustomization.yaml", "base/web.yaml", "app/kustomization.yaml", "app/gone.txt"} == built.read
    assert "" == tree_closure["file:base/kustomization.yml"] == tree_closure["file:app/Kustomization"]
    assert not any(key.startswith("list:") for key in tree_closure)


def test_of_a_kustomization_with_unknown_fields_the_whole_directory_counts(kitchen: Kitchen) -> None:
    files = {**BASE, "app/kustomization.yaml": "resources: [../base]\nfutureField: [x]\n", "app/deep/x": "1", "y": "2"}
    tree = open_tree(str(kitchen.repo.path), kitchen.repo.rewrite(files, links={"app/link": "../y"}))

    follow(tree, "app", lambda _, value: value, RenderSettings())

    seen = tree.closure()
    assert all(seen[key] for key in ("file:app/deep/x", "file:y", "file:base/web.yaml", "link:app/link"))
    assert {"list:app", "list:app/deep"} == {key for key in seen if key.startswith("list:")}
    with pytest.raises(InvalidManifest, match="futureField"):
        kitchen.build(files)


REFUSED: dict[str, tuple[Files, type[GitopsError], str]] = {
    "a remote base": (
        {"app/kustomization.yaml": "resources: ['https://github.com/org/repo//path?ref=v1']\n"},
        NotSupported,
        "names https://github.com/org/repo//path",
    ),
    "a remote base by its short form": (
        {"app/kustomization.yaml": "bases: ['github.com/org/repo']\n"},
        NotSupported,
        "outside of the repository",
    ),
    "a remote base over SSH": (
        {"app/kustomization.yaml": "components: ['git@example.com:org/repo.git']\n"},
        NotSupported,
        "outside of the repository",
    ),
    "a remote file, in capitals": (
        {"app/kustomization.yaml": "configMapGenerator: [{name: a, files: ['k=HTTPS:example.com/x']}]\n"},
        NotSupported,
        "outside of the repository",
    ),
    "a remote base with a password": (
        {"app/kustomization.yaml": "resources: ['https://ann:hunter2@example.com/x']\n"},
        NotSupported,
        r"https://\*\*\*@example.com/x",
    ),
    "a directory without a kustomization": (
        {"app/kustomization.yaml": "resources: [x]\n", "app/x/y.yaml": SETTINGS},
        InvalidManifest,
        r"app/x",
    ),
    "no kustomization": ({"app/x.yaml": SETTINGS}, PathNotFound, "app holds no kustomization"),
    "two kustomizations": (
        {"app/kustomization.yaml": "namePrefix: a\n", "app/kustomization.yml": "namePrefix: a\n"},
        InvalidManifest,
        "multiple kustomization files",
    ),
    "broken YAML": ({"app/kustomization.yaml": "resources: [\n"}, InvalidManifest, r"app/kustomization.yaml:2"),
    "what is not a kustomization": (
        {"app/kustomization.yaml": "resources: x\n"},
        InvalidManifest,
        "kustomize refuses it",
    ),
    "nothing": ({"app/kustomization.yaml": ""}, InvalidManifest, "kustomization.yaml is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_it_may_not_or_cannot_read_is_refused(kitchen: Kitchen, case: str) -> None:
    files, kind, says = REFUSED[case]

    with pytest.raises(kind, match=says) as refused:
        kitchen.build(files)

    assert str(kitchen.place) not in str(refused.value)
    assert refused.value.remedy


def test_secrets_that_kustomize_quotes_are_not_told(kitchen: Kitchen) -> None:
    quoting = {
        "app/kustomization.yaml": "secretGenerator: [{name: a, literals: [password=hunter2], files: [gone]}]\n",
        "app/other": "",
    }
    with pytest.raises(InvalidManifest) as refused:
        kitchen.build(quoting)
    assert "hunter2" not in str(refused.value)

    patching = {
        **BASE,
        "app/kustomization.yaml": "resources: [../base]\npatches: [{patch: 'password: hunter2 }'}]\n",
    }
    with pytest.raises(InvalidManifest) as refused:
        kitchen.build(patching)
    assert "hunter2" not in str(refused.value)


def test_files_over_the_limit_are_refused(kitchen: Kitchen) -> None:
    files = {
        "app/kustomization.yaml": "resources: [a.yaml, b.yaml]\n",
        "app/a.yaml": "a" * 600,
        "app/b.yaml": "b" * 600,
    }

    with pytest.raises(InvalidManifest, match="more than 1000 bytes"):
        kitchen.build(files, limits=RenderSettings(max_bytes=1000))


def test_too_much_output_and_too_many_manifests_are_refused(kitchen: Kitchen) -> None:
    files = {**BASE, "app/kustomization.yaml": "resources: [../base, settings.yaml]\n", "app/settings.yaml": SETTINGS}

    with pytest.raises(WorkerFailed, match="kustomize of app prints more than 100 bytes"):
        kitchen.build(files, programs=kitchen.programs(output_bytes=100))
    with pytest.raises(InvalidManifest, match="more than 1 manifests"):
        kitchen.build(files, limits=RenderSettings(max_documents=1))
    assert [] == kitchen.left()


def test_a_program_that_hangs_is_killed(kitchen: Kitchen) -> None:
    program = kitchen.place / "kustomize"
    program.write_text("#!/bin/sh\nsleep 100\n")
    program.chmod(0o755)

    with pytest.raises(WorkerFailed, match=r"kustomize of app took more than 0\.2 s"):
        kitchen.build(ALIKE["a diamond"], programs=kitchen.programs(kustomize=str(program), deadline_s=0.2))
    assert [] == kitchen.left()


def test_without_a_program_the_remedy_is_said(kitchen: Kitchen) -> None:
    with pytest.raises(NotSupported, match="gitopsd\\[kustomize\\]"):
        kitchen.build(BASE, "base", programs=kitchen.programs(kustomize=""))


def test_a_version_is_a_program_that_the_settings_name(kitchen: Kitchen) -> None:
    versions = kitchen.programs(kustomize="/nowhere", versions={"v5": kitchen.programs().kustomize})

    assert ["Deployment/web"] == kitchen.build(BASE, "base", KustomizeOptions(version="v5"), programs=versions).names
    with pytest.raises(InvalidDeclaration, match="known: v5"):
        kitchen.build(BASE, "base", KustomizeOptions(version="v4"), programs=versions)


def test_what_an_application_changes_reaches_its_objects_and_nobody_elses(kitchen: Kitchen) -> None:
    files = {
        **BASE,
        "base/settings.yaml": SETTINGS,
        "base/kustomization.yaml": "resources: [web.yaml, settings.yaml]\nnamePrefix: base-\n",
        "app/kustomization.yaml": "resources: [../base]\nnamePrefix: app-\n",
        "app/extra/patch.yaml": "- {op: add, path: /metadata/labels/patched, value: 'yes'}\n",
        "extra/kustomization.yaml": ("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n"),
    }
    options = KustomizeOptions(
        name_prefix="mine-",
        name_suffix="-too",
        namespace="shop",
        images=("nginx=registry:5000/nginx:${ARGOCD_APP_REVISION_SHORT}",),
        replicas={"base-web": 7},
        common_labels={"team": "a"},
        common_annotations={"app": "$ARGOCD_APP_NAME", "literally": "$$x"},
        common_annotations_envsubst=True,
        patches=({"path": "extra/patch.yaml", "target": {"kind": "Deployment"}},),
        components=("../extra", "../gone"),
        ignore_missing_components=True,
    )

    built = kitchen.build(
        files, options=options, variables={"ARGOCD_APP_NAME": "shop-eu", "ARGOCD_APP_REVISION_SHORT": "abc1234"}
    )

    settings, web = sorted(built.manifests, key=lambda each: each["kind"])
    assert "mine-base-settings-c-too" == settings["metadata"]["name"]
    assert ("mine-base-web-c-too", "shop") == (web["metadata"]["name"], web["metadata"]["namespace"])
    assert {"app": "shop-eu", "literally": "$x"} == web["metadata"]["annotations"]
    assert {"team": "a", "patched": "yes"} == web["metadata"]["labels"]
    assert {"app": "web", "team": "a"} == web["spec"]["selector"]["matchLabels"]
    assert 7 == web["spec"]["replicas"]
    assert "registry:5000/nginx:abc1234" == web["spec"]["template"]["spec"]["containers"][0]["image"]
    assert {"env:ARGOCD_APP_NAME": "shop-eu", "env:ARGOCD_APP_REVISION_SHORT": "abc1234"} == built.variables.closure()

    assert ["ConfigMap/base-settings", "Deployment/base-web"] == kitchen.build(files, "base").names
    assert ["ConfigMap/app-base-settings", "Deployment/app-base-web"] == kitchen.build(files).names


def test_without_a_variable_in_its_options_nothing_is_asked_for(kitchen: Kitchen) -> None:
    options = KustomizeOptions(name_prefix="x-", common_annotations={"cost": "$5"})

    built = kitchen.build(BASE, "base", options, variables={"ARGOCD_APP_NAME": "shop"})

    assert {} == built.variables.closure()
    assert "$5" == built.manifests[0]["metadata"]["annotations"]["cost"]


def test_a_component_that_is_missing_is_an_error_unless_it_may_be(kitchen: Kitchen) -> None:
    options = KustomizeOptions(components=("gone",), name_prefix="x-")

    with pytest.raises(InvalidManifest, match="base/gone"):
        kitchen.build(BASE, "base", options)
    built = kitchen.build(BASE, "base", replace(options, ignore_missing_components=True))
    assert ["Deployment/x-web"] == built.names
    assert "" == built.tree.closure()["list:base/gone"]
