"""Destinations of applications, by name and by server, and durations as people write them."""

from __future__ import annotations

import pytest

from gitopsd.core.declaration import DECLARE, resolve_destination
from gitopsd.core.declaration.destination import means_here
from gitopsd.core.text.duration import go_duration_s
from gitopsd.errors import UnknownCluster
from gitopsd.model.application import Destination
from gitopsd.model.ids import ClusterId

CLUSTERS = {ClusterId("prod-eu"): "https://eu.example:443/", ClusterId("prod-us"): "https://us.example"}


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        (Destination(name="prod-eu"), "prod-eu"),
        (Destination(server="https://EU.example"), "prod-eu"),
        (Destination(server="https://us.example:443/"), "prod-us"),
        (Destination(name="gitopsd"), DECLARE),
        (Destination(name="in-cluster"), DECLARE),
        (Destination(server="https://kubernetes.default.svc"), DECLARE),
    ],
)
def test_destination_is_found_by_name_or_server(destination: Destination, expected: object) -> None:
    assert expected == resolve_destination(destination, CLUSTERS)


def test_registered_in_cluster_is_a_cluster() -> None:
    clusters = {ClusterId("in-cluster"): "https://kubernetes.default.svc"}

    assert "in-cluster" == resolve_destination(Destination(name="in-cluster"), clusters)
    assert "in-cluster" == resolve_destination(Destination(server="https://kubernetes.default.svc"), clusters)


def test_unknown_cluster_comes_with_the_one_that_was_meant() -> None:
    with pytest.raises(UnknownCluster) as unknown:
        resolve_destination(Destination(name="prod-eo"), CLUSTERS)

    assert "did you mean prod-eu?" == unknown.value.remedy


def test_two_clusters_of_one_server_are_not_chosen_between() -> None:
    clusters = {ClusterId("a"): "https://x", ClusterId("b"): "https://x/"}

    with pytest.raises(UnknownCluster, match="is the server of a, b"):
        resolve_destination(Destination(server="https://x"), clusters)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5.0), ("3m0s", 180.0), ("1h30m", 5400.0), ("1.5h", 5400.0), ("500ms", 0.5), ("90", 90.0), ("0", 0.0)],
)
def test_duration_as_go_writes_it(text: str, seconds: float) -> None:
    assert seconds == go_duration_s(text)


@pytest.mark.parametrize("text", ["", "-5s", "5 s", "s", "1d", "5s!", "\u0665s", "9" * 400 + "h", "999999999999h"])
def test_what_is_no_duration(text: str) -> None:
    assert None is go_duration_s(text)


@pytest.mark.parametrize(
    "destination",
    [Destination(name="in-cluster"), Destination(server="https://kubernetes.default.svc:443/"), Destination(name="c1")],
)
@pytest.mark.parametrize("server", ["https://kubernetes.default.svc", "https://c1.example"])
@pytest.mark.parametrize("name", ["in-cluster", "c1"])
def test_an_entry_of_a_project_means_gitopsd_where_the_destination_does(
    destination: Destination, server: str, name: str
) -> None:
    clusters = {ClusterId(name): server}
    try:
        found = resolve_destination(destination, clusters) is DECLARE
    except UnknownCluster:
        found = False

    assert found == means_here(destination, clusters)
