"""`gitopsd proj get`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient
from gitopsd.cli.commands.proj.list import destination
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import print_data, print_facts

LISTS = {
    "Cluster kinds": "clusterResourceWhitelist",
    "But not cluster kinds": "clusterResourceBlacklist",
    "Kinds": "namespaceResourceWhitelist",
    "But not kinds": "namespaceResourceBlacklist",
}


@verb("get")
@completing.project
@output
def command(client: DaemonClient, name: str, *, form: str) -> None:
    """Show one project: from where, to where and what its applications may bring, and who may do what to them."""
    project = client.get(f"/api/v1/projects/{quote(name, safe='')}")
    if form != "table":
        print_data(project, form)
        return
    spec = project.get("spec") or {}
    print_facts(
        (
            ("Name", status.name(project)),
            ("Description", spec.get("description")),
            *(("Source", source) for source in spec.get("sourceRepos") or ()),
            *(("Destination", destination(each)) for each in spec.get("destinations") or ()),
            *((name, _kinds(spec.get(field) or ())) for name, field in LISTS.items()),
            *(("Role", _role(role)) for role in spec.get("roles") or ()),
            *(("Window", _window(window)) for window in spec.get("syncWindows") or ()),
        )
    )


def _kinds(kinds: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{each.get('kind')}.{each['group']}" if each.get("group") else str(each.get("kind")) for each in kinds
    )


def _role(role: Mapping[str, Any]) -> str:
    groups = ", ".join(role.get("groups") or ())
    return f"{role.get('name')} ({len(role.get('policies') or ())} policies{'; ' + groups if groups else ''})"


def _window(window: Mapping[str, Any]) -> str:
    zone = f" {window['timeZone']}" if window.get("timeZone") else ""
    return f"{window.get('kind')} {window.get('schedule')} for {window.get('duration')}{zone}"
