"""How traffic goes through objects, as a tree shows it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.tree.network import KINDS, MOST, network_of, targets
from gitopsd.core.tree.owners import TreeNode
from gitopsd.model.cluster import Labels, Network
from gitopsd.model.manifest import GVK, ResourceKey
from tests.core.lives import live_of
from tests.core.tree.network import INGRESS, told

ROUTE = ResourceKey("gateway.networking.k8s.io", "HTTPRoute", "shop", "web")
ISTIO = ResourceKey("networking.istio.io", "VirtualService", "shop", "web")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def service(name: str, namespace: str = "shop") -> ResourceKey:
    return ResourceKey("", "Service", namespace, name)


def path(name: str, at: str = "/") -> dict[str, Any]:
    return {"path": at, "backend": {"service": {"name": name}}}


def test_pod_is_chosen_by_its_labels() -> None:
    key = ResourceKey("", "Pod", "shop", "web-1")

    found = network_of(key, {"metadata": {"labels": {"b": "2", "a": "1", "odd": 3}}})

    assert Network(labels=(("a", "1"), ("b", "2"))) == found
    assert network_of(key, {"metadata": {"labels": {"b": "2", "a": "1"}}}) is found  # equal ones are one value


def test_service_selects_and_has_the_addresses_of_its_load_balancer() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example"}]}}

    found = told(service("web"), spec={"selector": {"app": "web"}}, status=status)

    assert Network(selects=(("app", "web"),), addresses=(("ip", "192.0.2.1"), ("hostname", "lb.example"))) == found


def test_service_that_is_a_name_outside_selects_nothing() -> None:
    assert (
        network_of(service("web"), {"metadata": {}, "spec": {"type": "ExternalName", "selector": {"app": "web"}}})
        is None
    )


def test_ingress_names_its_services_each_once() -> None:
    rules = [{"http": {"paths": [path("web"), path("api", "/api"), path("web", "/x")]}}]
    spec = {"defaultBackend": {"service": {"name": "fallback"}}, "rules": rules}

    assert (service("fallback"), service("web"), service("api")) == told(INGRESS, spec=spec).targets


def test_ingress_of_old_versions_names_its_services_too() -> None:
    rules = [{"http": {"paths": [{"backend": {"serviceName": "web", "servicePort": 80}}]}}]

    found = told(
        ResourceKey("extensions", "Ingress", "shop", "web"), spec={"backend": {"serviceName": "all"}, "rules": rules}
    )

    assert (service("all"), service("web")) == found.targets


@pytest.mark.parametrize(
    ("urls", "rule", "tls"),
    [
        (["http://shop.example/"], {"host": "shop.example"}, []),
        (["https://shop.example/"], {"host": "shop.example"}, [{"hosts": ["shop.example"]}]),
        (["https://shop.example/"], {"host": "shop.example"}, [{"secretName": "all"}]),
        (["http://shop.example/"], {"host": "shop.example"}, [{"hosts": ["other.example"]}]),
        (["http://192.0.2.1/"], {}, []),
        ([], {"host": "*.shop.example"}, []),
    ],
)
def test_ingress_is_reached_at_its_hosts_or_addresses(urls: list[str], rule: Any, tls: Any) -> None:
    spec = {"rules": [{**rule, "http": {"paths": [path("web")]}}], "tls": tls}
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}

    assert urls == list(told(INGRESS, spec=spec, status=status).urls)


def test_path_that_is_a_pattern_is_left_out_of_the_url() -> None:
    paths = [path("web", "/docs/*"), path("web", "/api(/|$)(.*)")]

    found = told(INGRESS, spec={"rules": [{"host": "shop.example", "http": {"paths": paths}}]})

    assert ("http://shop.example/docs/", "http://shop.example") == found.urls


def test_links_of_annotations_are_shown_beside_what_is_found_or_instead() -> None:
    link = {"link.argocd.argoproj.io/grafana": "https://grafana.example/d/1"}
    spec = {"rules": [{"host": "shop.example"}]}

    both = told(INGRESS, notes=link, spec=spec).urls
    alone = told(INGRESS, notes={**link, "argocd.argoproj.io/ignore-default-links": "true"}, spec=spec).urls
    elsewhere = told(ResourceKey("apps", "Deployment", "shop", "web"), notes=link).urls

    assert ("http://shop.example", "https://grafana.example/d/1") == both
    assert alone == elsewhere == ("https://grafana.example/d/1",)


def test_link_that_is_no_address_a_browser_would_take_is_left_out() -> None:
    notes = {"link.argocd.argoproj.io/long": "https://x.example/" + "x" * 1_000_000}

    assert network_of(service("web"), {"metadata": {"annotations": notes}}) is None


def test_routes_name_what_they_send_to() -> None:
    refs = [{"name": "web", "port": 80}, {"name": "api", "namespace": "back"}]
    hosts = [{"destination": {"host": host}} for host in ("web", "api.back.svc.cluster.local", "www.example.com")]

    assert (service("web"), service("api", "back")) == told(ROUTE, spec={"rules": [{"backendRefs": refs}]}).targets
    assert (service("web"), service("api", "back")) == told(ISTIO, spec={"http": [{"route": hosts}]}).targets


def test_what_one_object_names_is_bounded() -> None:
    rules = [{"host": f"h{at}", "http": {"paths": [path(f"s{at}")]}} for at in range(10 * MOST)]

    found = told(INGRESS, spec={"rules": rules})

    assert (MOST, MOST) == (len(found.targets), len(found.urls))


@given(kind=st.sampled_from([*KINDS, ("apps", "Deployment")]), spec=JSON, notes=JSON, labels=JSON, status=JSON)
def test_no_object_is_so_odd_that_it_raises(
    kind: tuple[str, str], spec: Any, notes: Any, labels: Any, status: Any
) -> None:
    meta = {"annotations": notes, "labels": labels}
    network_of(ResourceKey(*kind, "shop", "x"), {"metadata": meta, "spec": spec, "status": status})


@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize("odd", [7, "x", [7], [[]], {"x": 7}, [{"http": 7}], [{"backendRefs": [7]}]])
def test_field_of_another_type_is_no_network(kind: tuple[str, str], odd: Any) -> None:
    key = ResourceKey(*kind, "shop", "x")
    for field in ("rules", "tls", "http", "selector", "defaultBackend", "type"):
        network_of(key, {"metadata": {"labels": odd}, "spec": {field: odd}, "status": {"loadBalancer": odd}})


def pod(name: str, namespace: str, labels: Labels) -> TreeNode:
    key = ResourceKey("", "Pod", namespace, name)
    return TreeNode(GVK("", "v1", "Pod"), live_of(key, network=Network(labels=labels)), None)


def test_service_sends_to_the_pods_of_its_namespace_that_have_all_it_selects() -> None:
    web, front = ("app", "web"), ("tier", "front")
    sender = live_of(service("web"), network=Network(selects=(web, front)))
    pods = [
        pod("b", "shop", (web, front)),
        pod("a", "shop", (web, front, ("x", "y"))),
        pod("half", "shop", (web,)),
        pod("other", "else", (web, front)),
    ]

    found = targets([TreeNode(GVK("", "v1", "Service"), sender, None), *pods])

    assert {service("web"): (pods[1].live.key, pods[0].live.key)} == found


def test_what_selects_nothing_sends_nowhere() -> None:
    sender = live_of(service("web"), network=Network(addresses=(("ip", "192.0.2.1"),)))

    assert {} == targets([TreeNode(GVK("", "v1", "Service"), sender, None), pod("a", "shop", (("app", "web"),))])
