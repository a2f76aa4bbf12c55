"""Declarations of applications: what is read, what is refused, what is warned of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsd.core.declaration import application_from, declared, only_declarations
from gitopsd.errors import InvalidDeclaration, NotSupported
from gitopsd.model.application import Destination, ExtraFields, Mode, Retry
from gitopsd.model.chart import type_of
from gitopsd.words import without_credentials
from tests.core.declaring import HERE, Document, manifest, parsed


def test_plain_application_has_no_warning() -> None:
    app = parsed()

    assert () == app.warnings
    assert ("shop", "default", "apps/shop", "HEAD") == (
        app.name,
        app.project,
        app.sources[0].path,
        app.sources[0].target_revision,
    )
    assert Destination(name="prod", namespace="shop") == app.destination
    assert not app.sync_policy.automated


@pytest.mark.parametrize(
    ("automated", "expected"),
    [(None, False), ({}, True), ({"enabled": None}, True), ({"enabled": False}, False), ({"enabled": True}, True)],
)
def test_automated_is_on_where_the_block_is_there_and_not_switched_off(automated: object, expected: object) -> None:
    assert expected is parsed(syncPolicy={"automated": automated}).sync_policy.automated


def test_sync_policy_is_read_whole() -> None:
    policy = parsed(
        syncPolicy={
            "automated": {"prune": True, "selfHeal": True, "allowEmpty": True},
            "syncOptions": ["CreateNamespace=true"],
            "retry": {"limit": 3, "refresh": True, "backoff": {"duration": "10s", "factor": 3, "maxDuration": "3m0s"}},
        }
    ).sync_policy

    assert (True, True, True, True) == (policy.automated, policy.prune, policy.self_heal, policy.allow_empty)
    assert {"CreateNamespace": "true"} == policy.options
    assert Retry(3, 10.0, 3.0, 180.0, refresh=True) == policy.retry


def test_retry_without_limit_does_not_retry_and_a_negative_limit_never_ends() -> None:
    assert Retry(limit=0) == parsed(syncPolicy={"retry": {}}).sync_policy.retry
    assert Retry(limit=-1) == parsed(syncPolicy={"retry": {"limit": -7}}).sync_policy.retry


def test_unknown_field_is_reported_with_the_name_that_was_meant() -> None:
    warnings = parsed(syncPolcy={"automated": {}}).warnings

    assert (".spec.syncPolcy is unknown and has no effect; did you mean syncPolicy?",) == warnings


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("CreateNamespaces=true", ["did you mean CreateNamespace?", "the option is not known"]),
        ("ServerSideApply=false", ["always applies on the server"]),
        ("CreateNamespace", ["is not written Name=value"]),
        ("PruneLast=true", []),
    ],
)
def test_sync_option_without_effect_is_reported(option: str, says: list[str]) -> None:
    warnings = parsed(syncPolicy={"syncOptions": [option]}).warnings

    assert len(says) == len(warnings)
    assert all(text in warning for text, warning in zip(says, warnings, strict=True))


def test_rule_to_ignore_differences_without_effect_is_reported() -> None:
    rule = {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}

    assert () == parsed(ignoreDifferences=[rule]).warnings
    (warning,) = parsed(ignoreDifferences=[{**rule, "jsonPointers": ["spec"]}]).warnings
    assert "'spec' is not a JSON pointer" in warning


@pytest.mark.parametrize(
    ("url", "version", "repository", "reference"),
    [
        ("https://charts.example/", "4.*", "helm+https://charts.example", "web@4.*"),
        ("https://charts.example", None, "helm+https://charts.example", "web@*"),
        ("oci://registry.example/org", "1.2.3", "oci://registry.example/org/web", "1.2.3"),
        ("registry.example:5000/org", "HEAD", "oci://registry.example:5000/org/web", "*"),
    ],
)
def test_chart_is_fetched_from_its_repository_or_registry(
    url: str, version: str | None, repository: str, reference: str
) -> None:
    given = {"targetRevision": version} if version else {}
    app = parsed(source={"repoURL": url, "chart": "web", **given})
    (source,) = app.sources

    assert ((), True) == (app.warnings, source.gives_manifests)
    assert type_of(repository) == ("oci" if repository.startswith("oci") else "helm")
    assert (url, ".", repository, reference) == (source.repo_url, source.path, source.repository, source.reference)


def test_path_beside_a_chart_has_no_effect() -> None:
    app = parsed(source={"repoURL": "https://charts.example", "chart": "web", "path": "x"})

    assert "." == app.sources[0].path
    assert (".spec.source.path has no effect where a chart is named",) == app.warnings


def test_sources_win_over_source_and_keep_their_order() -> None:
    app = parsed(sources=[{"repoURL": "https://a", "path": "a"}, {"repoURL": "https://b", "path": "b"}])

    assert ["a", "b"] == [source.path for source in app.sources]
    assert (".spec.source has no effect where .spec.sources is given",) == app.warnings


def test_source_that_only_lends_files_has_no_path() -> None:
    app = parsed(sources=[{"repoURL": "https://a", "ref": "values"}])

    assert ("", "values") == (app.sources[0].path, app.sources[0].ref)


def test_source_that_lends_files_may_give_manifests_too() -> None:
    app = parsed(sources=[{"repoURL": "https://a", "ref": "values"}, {"repoURL": "https://a", "ref": "b", "path": "."}])

    assert [False, True] == [source.gives_manifests for source in app.sources]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"sources": [{"repoURL": "https://a", "ref": "a/b"}]}, ".spec.sources[0].ref is 'a/b'"),
        ({"sources": [{"repoURL": "https://a", "ref": "a"}] * 2}, ".spec.sources[1].ref a is given twice"),
        ({"sources": [{"repoURL": "https://a", "ref": "a", "chart": "x"}]}, ".spec.sources[0].ref is given to a chart"),
        ({"source": {"repoURL": "ssh://git@a/b", "chart": "x"}}, ".spec.source.repoURL has no charts"),
        ({"source": {"repoURL": "helm+https://a", "path": "x"}}, ".spec.source.repoURL begins with what"),
        ({"source": {"repoURL": "https://a", "chart": "-x"}}, ".spec.source.chart is '-x'"),
        ({"source": None}, ".spec.source is missing"),
        ({"source": {"path": "."}}, ".spec.source.repoURL is missing"),
        ({"source": {"repoURL": "--upload-pack=x", "path": "."}}, ".spec.source.repoURL starts with '-'"),
        ({"source": {"repoURL": "ext::sh -c id", "path": "."}}, ".spec.source.repoURL names a transport helper"),
        ({"source": {"repoURL": "https://a", "path": "../b"}}, ".spec.source.path is '../b', outside"),
        ({"source": {"repoURL": "https://a", "path": "/etc"}}, ".spec.source.path is '/etc', outside"),
        ({"source": {"repoURL": "https://a"}}, ".spec.source.path is missing"),
        ({"source": {"repoURL": "https://a", "path": ".", "targetRevision": 1.0}}, ".spec.source.targetRevision is"),
        ({"source": {"repoURL": "https://a", "path": ".", "helm": {}, "kustomize": {}}}, ".spec.source has blocks"),
        ({"destination": None}, ".spec.destination is missing"),
        ({"destination": {}}, ".spec.destination has neither server nor name"),
        ({"destination": {"name": "a", "server": "https://b"}}, ".spec.destination has both"),
        ({"destination": {"name": "a", "namespace": "a/b"}}, ".spec.destination.namespace is 'a/b'"),
        ({"syncPolicy": []}, ".spec.syncPolicy is a list, not a mapping"),
        ({"syncPolicy": {"automated": {"prune": "true"}}}, ".spec.syncPolicy.automated.prune is a string"),
        ({"syncPolicy": {"retry": {"backoff": {"duration": "soon"}}}}, ".spec.syncPolicy.retry.backoff.duration is"),
        ({"syncPolicy": {"retry": {"limit": True}}}, ".spec.syncPolicy.retry.limit is true or false, not a whole"),
        ({"revisionHistoryLimit": -1}, ".spec.revisionHistoryLimit is -1"),
    ],
)
def test_refusal_names_the_field_and_a_remedy(spec: Document, path: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        parsed(**spec)

    assert refused.value.what.startswith(path)
    assert refused.value.remedy


@pytest.mark.parametrize("name", [None, "", "Shop", "a:b", "x" * 254, "-a", 7])
def test_name_that_kubernetes_would_not_take_is_refused(name: object) -> None:
    document = manifest()
    document["metadata"]["name"] = name

    with pytest.raises(InvalidDeclaration, match=r"\.metadata\.name"):
        application_from(document, HERE)


def test_annotations_of_ours_are_read() -> None:
    document = manifest()
    document["metadata"]["annotations"] = {
        "gitopsd.io/mode": "observe",
        "gitopsd.io/adopt": "true",
        "argocd.argoproj.io/skip-reconcile": "true",
    }

    app = application_from(document, HERE)

    assert (Mode.OBSERVE, True, True, ()) == (app.mode, app.adopted, app.skip_reconcile, app.warnings)


@pytest.mark.parametrize("wish", list(ExtraFields))
def test_what_is_asked_of_extra_fields_is_read(wish: ExtraFields) -> None:
    document = manifest()
    assert ExtraFields.IGNORE is application_from(document, HERE).extra_fields

    document["metadata"]["annotations"] = {"gitopsd.io/extra-fields": wish.value}

    assert (wish, ()) == ((app := application_from(document, HERE)).extra_fields, app.warnings)


def test_word_that_is_nothing_to_do_about_extra_fields_is_refused() -> None:
    document = manifest()
    document["metadata"]["annotations"] = {"gitopsd.io/extra-fields": "remove"}

    with pytest.raises(InvalidDeclaration, match=r"gitopsd\.io/extra-fields"):
        application_from(document, HERE)


def test_comparison_options_are_read_and_those_without_effect_are_told() -> None:
    document = manifest()
    options = "ServerSideDiff=true,IncludeMutationWebhook=true,IgnoreExtraneous"
    document["metadata"]["annotations"] = {"argocd.argoproj.io/compare-options": options}

    app = application_from(document, HERE)

    assert app.include_mutations
    assert ["IgnoreExtraneous=true has no effect"] == [warning.partition("options ")[2] for warning in app.warnings]


def test_mode_that_is_no_mode_is_refused_and_not_taken_for_enforce() -> None:
    document = manifest()
    document["metadata"]["annotations"] = {"gitopsd.io/mode": "Observe"}

    with pytest.raises(InvalidDeclaration, match="enforce or observe"):
        application_from(document, HERE)


@pytest.mark.parametrize("suffix", ["", "/foreground", "/background"])
def test_resources_finalizer_means_cascade(suffix: str) -> None:
    document = manifest()
    document["metadata"]["finalizers"] = [f"resources-finalizer.argocd.argoproj.io{suffix}"]

    assert application_from(document, HERE).cascade


def test_password_in_a_repository_url_is_reported_without_the_password() -> None:
    (warning,) = parsed(source={"repoURL": "https://u:hunter2@git.example/x", "path": "."}).warnings

    assert "hunter2" not in warning
    assert "https://***@git.example/x" == without_credentials("https://u:hunter2@git.example/x")
    assert "ssh://git@git.example/x" == without_credentials("ssh://git@git.example/x")


def test_wrong_value_is_never_shown() -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        parsed(source={"repoURL": {"hunter2": "hunter2"}, "path": "."})

    assert "hunter2" not in str(refused.value)


def test_application_set_is_not_supported_and_anything_else_no_declaration() -> None:
    with pytest.raises(NotSupported):
        declared({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": {"name": "x"}}, HERE)
    with pytest.raises(InvalidDeclaration, match="is ConfigMap of v1, not a declaration"):
        declared({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}, HERE)


def test_only_declarations_tells_an_app_of_apps_from_a_mixed_source() -> None:
    assert only_declarations([manifest()])
    assert not only_declarations([manifest(), {"apiVersion": "v1", "kind": "ConfigMap"}])


words = st.text(max_size=8) | st.sampled_from(["5s", "in-cluster", "https://a", ".", "gitopsd", "a=b", "true"])
fields = st.sampled_from(
    [
        "apiVersion",
        "kind",
        "metadata",
        "name",
        "annotations",
        "labels",
        "finalizers",
        "spec",
        "source",
        "sources",
        "repoURL",
        "path",
        "targetRevision",
        "helm",
        "directory",
        "recurse",
        "destination",
        "server",
        "namespace",
        "syncPolicy",
        "automated",
        "prune",
        "syncOptions",
        "retry",
        "backoff",
        "duration",
        "factor",
        "limit",
        "ignoreDifferences",
        "revisionHistoryLimit",
        "clusterResourceWhitelist",
        "destinations",
        "group",
        "gitopsd.io/mode",
        "argocd.argoproj.io/skip-reconcile",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields | words, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(anything, st.sampled_from(["Application", "AppProject", "ApplicationSet", "Pod", 5]))
def test_no_document_raises_anything_but_our_errors(value: Any, kind: object) -> None:
    document = {**value, "apiVersion": "argoproj.io/v1alpha1", "kind": kind} if isinstance(value, dict) else value
    try:
        declared(document, HERE)
    except (InvalidDeclaration, NotSupported) as refused:
        assert refused.remedy  # noqa: PT017 - either outcome is right


@settings(max_examples=300, deadline=None)
@given(fields, anything, st.sampled_from(["spec", "source", "destination", "syncPolicy", "retry", "metadata"]))
def test_any_value_in_any_field_raises_nothing_but_our_errors(field: str, value: Any, where: str) -> None:
    document = manifest(syncPolicy={"automated": {}, "retry": {"backoff": {}}})
    spec = document["spec"]
    places = {"spec": spec, "metadata": document["metadata"], "retry": spec["syncPolicy"]["retry"]}
    places.get(where, spec.get(where, spec))[field] = value
    try:
        declared(document, HERE)
    except (InvalidDeclaration, NotSupported) as refused:
        assert refused.remedy  # noqa: PT017 - either outcome is right
