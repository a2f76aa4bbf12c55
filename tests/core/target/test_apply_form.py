"""A manifest of Git becomes what is hashed, compared and applied."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.target.target import apply_form, scopes_of
from gitopsd.core.target.tracking import TRACKING_ID
from gitopsd.errors import InvalidManifest
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import GroupKind
from tests.core.frozen import frozen

SHOP = AppName("shop")


def manifest(kind: str = "ConfigMap", **fields: Any) -> Any:
    meta = {"name": "x", **fields.pop("metadata", {})}
    return frozen({"apiVersion": fields.pop("apiVersion", "v1"), "kind": kind, "metadata": meta, **fields})


def test_namespaced_object_without_namespace_gets_the_destinations() -> None:
    form = apply_form(manifest(), SHOP, "prod", namespaced=True)

    assert "prod" == form.manifest["metadata"]["namespace"]
    assert {TRACKING_ID: "shop:/ConfigMap:prod/x"} == form.manifest["metadata"]["annotations"]


def test_object_keeps_the_namespace_it_names() -> None:
    form = apply_form(manifest(metadata={"namespace": "other"}), SHOP, "prod", namespaced=True)

    assert "other" == form.manifest["metadata"]["namespace"]


def test_kind_of_unknown_scope_is_taken_for_namespaced() -> None:
    assert "prod" == apply_form(manifest(), SHOP, "prod", namespaced=None).manifest["metadata"]["namespace"]


def test_cluster_scoped_object_loses_its_namespace_with_a_warning() -> None:
    form = apply_form(manifest("ClusterRole", metadata={"namespace": "other"}), SHOP, "prod", namespaced=False)

    assert "namespace" not in form.manifest["metadata"]
    assert 1 == len(form.warnings)


def test_namespaced_object_without_any_namespace_is_refused() -> None:
    with pytest.raises(InvalidManifest, match=r"names no namespace.*spec\.destination\.namespace"):
        apply_form(manifest(), SHOP, "", namespaced=True)


def test_string_data_is_folded_into_data_and_wins() -> None:
    secret = manifest("Secret", data={"a": "b2xk", "b": "Yg=="}, stringData={"a": "new", "c": "ü", "d": None})

    form = apply_form(secret, SHOP, "prod", namespaced=True)

    assert {"a": "bmV3", "b": "Yg==", "c": "w7w=", "d": ""} == form.manifest["data"]
    assert "stringData" not in form.manifest
    assert () == form.warnings


def test_only_a_core_secret_is_folded() -> None:
    other = manifest("Secret", apiVersion="example.org/v1", stringData={"a": "b"})

    assert {"a": "b"} == apply_form(other, SHOP, "prod", namespaced=True).manifest["stringData"]


@pytest.mark.parametrize("string_data", [{"password": 12345}, {"password": ["s3cret"]}, "s3cret", ["s3cret"]])
def test_string_data_of_wrong_type_is_refused_without_its_value(string_data: Any) -> None:
    with pytest.raises(InvalidManifest) as caught:
        apply_form(manifest("Secret", stringData=string_data), SHOP, "prod", namespaced=True)

    assert "12345" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("rules", "warns"), [([], False), ([{"verbs": ["get"]}], True)])
def test_rules_of_an_aggregated_role_are_its_controllers(rules: Any, warns: bool) -> None:  # noqa: FBT001 - a column
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "view"}}
    aggregated = {**role, "aggregationRule": {"clusterRoleSelectors": []}, "rules": rules}

    form = apply_form(aggregated, SHOP, "", namespaced=False)

    assert ("rules" in form.manifest, warns) == (False, bool(form.warnings))
    assert rules == apply_form({**role, "rules": rules}, SHOP, "", namespaced=False).manifest["rules"]


def test_the_servers_fields_are_dropped_with_a_warning_each() -> None:
    servers = {
        "managedFields": [{}],
        "resourceVersion": "7",
        "uid": "u",
        "generation": 3,
        "creationTimestamp": "2020-01-01T00:00:00Z",
        "selfLink": "/x",
    }

    form = apply_form(manifest(metadata=servers, status={"a": 1}), SHOP, "prod", namespaced=True)

    assert {"name", "namespace", "annotations"} == set(form.manifest["metadata"])
    assert "status" not in form.manifest
    assert 7 == len(form.warnings)


def test_empty_leftovers_of_generators_are_dropped_in_silence() -> None:
    form = apply_form(manifest(metadata={"creationTimestamp": None}, status={}), SHOP, "prod", namespaced=True)

    assert {"name", "namespace", "annotations"} == set(form.manifest["metadata"])
    assert "status" not in form.manifest
    assert () == form.warnings


def test_null_values_are_kept() -> None:
    assert {"a": None} == apply_form(manifest(data={"a": None}), SHOP, "prod", namespaced=True).manifest["data"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": {"port": 80}},
        {"labels": {"on": True}},
        {"annotations": ["x"]},
        {"labels": "x"},
        {"namespace": 5},
    ],
)
def test_metadata_of_wrong_type_is_refused(metadata: Any) -> None:
    with pytest.raises(InvalidManifest):
        apply_form(manifest(metadata=metadata), SHOP, "prod", namespaced=True)


def test_definitions_tell_the_scope_of_their_kinds() -> None:
    def definition(kind: str, scope: str) -> Any:
        spec = {"group": "example.org", "names": {"kind": kind}, "scope": scope}
        return manifest("CustomResourceDefinition", apiVersion="apiextensions.k8s.io/v1", spec=spec)

    broken = manifest("CustomResourceDefinition", apiVersion="apiextensions.k8s.io/v1", spec={"names": "x"})

    assert {GroupKind("example.org", "Car"): True, GroupKind("example.org", "Road"): False} == scopes_of(
        [definition("Car", "Namespaced"), definition("Road", "Cluster"), broken, manifest()]
    )


def pods(kind: str, api_version: str, spec: dict[str, Any]) -> Any:
    template = {"template": {"spec": spec}}
    at: dict[str, Any] = {
        "Pod": spec,
        "Deployment": template,
        "CronJob": {"jobTemplate": {"spec": template}},
        "Widget": template,
    }
    return manifest(kind, apiVersion=api_version, spec=at[kind])


@pytest.mark.parametrize(("kind", "api_version"), [("Pod", "v1"), ("Deployment", "apps/v1"), ("CronJob", "batch/v1")])
@pytest.mark.parametrize("name", ["serviceAccountName", "serviceAccount"])
def test_account_of_pods_is_written_under_both_its_names(kind: str, api_version: str, name: str) -> None:
    form = apply_form(pods(kind, api_version, {name: "web", "containers": []}), SHOP, "prod", namespaced=True)

    both = {"serviceAccountName": "web", "serviceAccount": "web", "containers": []}
    assert pods(kind, api_version, both)["spec"] == form.manifest["spec"]


@pytest.mark.parametrize("spec", [{}, {"serviceAccountName": "a", "serviceAccount": "b"}, {"serviceAccountName": ""}])
def test_account_that_says_nothing_or_two_things_is_left_as_it_is(spec: Any) -> None:
    form = apply_form(pods("Deployment", "apps/v1", spec), SHOP, "prod", namespaced=True)

    assert pods("Deployment", "apps/v1", spec)["spec"] == form.manifest["spec"]


@pytest.mark.parametrize("spec", [None, [], {"template": None}, {"template": {"spec": 5}}])
def test_pods_of_a_wrong_shape_are_left_to_the_server(spec: Any) -> None:
    made = manifest("Deployment", apiVersion="apps/v1", spec=spec)

    assert spec == apply_form(made, SHOP, "prod", namespaced=True).manifest["spec"]


def test_field_of_a_custom_kind_has_one_name() -> None:
    made = pods("Widget", "example.com/v1", {"serviceAccountName": "web"})

    assert made["spec"] == apply_form(made, SHOP, "prod", namespaced=True).manifest["spec"]
