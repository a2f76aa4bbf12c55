"""`gitopsd app tree`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_table, warn_of_stale

Node = Mapping[str, Any]


@verb("tree")
@completing.application
@click.option("--orphaned", is_flag=True, help="Show what its namespace holds that is of no application.")
@output
def command(client: DaemonClient, name: str, *, orphaned: bool, form: str) -> None:
    """Show the live objects of an application, what controllers made of them below, and where traffic goes."""
    answer = client.get(application_path(name, "resource-tree"))
    if form != "table":
        print_data(answer, form)
        return
    warn_of_stale(answer)
    print_table(("object", "health", "about"), rows(answer.get("orphanedNodes" if orphaned else "nodes") or ()))


def rows(nodes: Sequence[Node]) -> Iterator[tuple[str, str, str]]:
    """Yield a line for each node, once, and below it what it owns; what several own is below the first of them."""
    below: dict[str, list[Node]] = {}
    uids = {str(node.get("uid")) for node in nodes}
    for node in nodes:
        owner = next((uid for uid in _owners(node) if uid in uids), "")
        below.setdefault(owner, []).append(node)
    printed: set[int] = set()
    for root in (*below.get("", ()), *nodes):  # owners in a circle are below nothing
        waiting = [(root, 0)]
        while waiting:
            node, depth = waiting.pop()
            if id(node) in printed:
                continue
            printed.add(id(node))
            yield _row(node, depth)
            own = below.get(str(node.get("uid")), ()) if node.get("uid") else ()
            waiting += [(child, depth + 1) for child in reversed(own)]


def _owners(node: Node) -> list[str]:
    return [str(parent.get("uid")) for parent in node.get("parentRefs") or ()]


def _row(node: Node, depth: int) -> tuple[str, str, str]:
    name = f"{status.resource_kind(node)} {status.resource_name(node)}"
    return "  " * depth + name, str(status.at(node, "health", "status") or ""), "; ".join(_about(node))


def _about(node: Node) -> Iterator[str]:
    if message := status.at(node, "health", "message"):
        yield str(message)
    if node.get("extra"):
        yield f"{node['extra']} fields more than Git"
    facts = {str(fact.get("name")): str(fact.get("value")) for fact in node.get("info") or ()}
    if "Containers" in facts:
        yield f"{facts['Containers']} ready"
    if "Restart Count" in facts:
        yield f"{facts['Restart Count']} restarts"
    if "Node" in facts:
        yield f"on {facts['Node']}"
    yield from map(str, node.get("images") or ())
    for to in status.at(node, "networkingInfo", "targetRefs") or ():
        yield f"→ {status.resource_kind(to)} {status.resource_name(to)}"
    for address in status.at(node, "networkingInfo", "ingress") or ():
        yield from map(str, address.values())
    yield from map(str, status.at(node, "networkingInfo", "externalURLs") or ())
