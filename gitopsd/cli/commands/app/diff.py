"""`gitopsd app diff`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

import click

from gitopsd.cli import status
from gitopsd.cli.client import Client, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import as_yaml, block, line, print_data

_GREEN, _RED = "green", "red"


@verb("diff")
@click.argument("name")
@click.option("--refresh", is_flag=True, help="Compare again first.")
@click.option("--unified", is_flag=True, help="Whole objects as a unified diff, instead of the differing fields.")
@output
def command(client: Client, name: str, *, refresh: bool, unified: bool, form: str) -> int:
    """Show what a sync would change: `-` is live, `+` what the cluster would make of Git.

    Exit code 1 where there is a difference, or where an object's state is not known.
    """
    if refresh:
        client.get(application_path(name), {"refresh": "normal"})
    items = client.get(application_path(name, "managed-resources")).get("items") or []
    differing = [item for item in items if _differs(item)]
    if form != "table":
        print_data({"items": differing}, form)
    for item in differing if form == "table" else ():
        click.secho(line(f"{status.resource_kind(item)} {status.resource_name(item)}: {_verdict(item)}"), bold=True)
        for text in _unified(item) if unified else _fields(item):
            click.secho(block(text), fg={"+": _GREEN, "-": _RED}.get(text.lstrip()[:1]))
    return Exit.NO if differing else Exit.OK


def _differs(item: dict[str, Any]) -> bool:
    if item.get("status"):
        return bool(item["status"] != "Synced")
    return bool(item.get("differences")) or _state(item, "liveState") is None or _state(item, "targetState") is None


def _verdict(item: dict[str, Any]) -> str:
    if item.get("status") == "Unknown":
        return "not known" + _because(item)
    if _state(item, "liveState") is None:
        return "is not in the cluster; a sync creates it" + _because(item)
    if _state(item, "targetState") is None:
        return "is no longer in Git; a sync with prune deletes it" + _because(item)
    return "differs" + _because(item)


def _because(item: dict[str, Any]) -> str:
    reason = item.get("reason")
    return f" ({reason})" if reason else ""


def _fields(item: dict[str, Any]) -> Iterator[str]:
    for difference in item.get("differences") or ():
        yield f"  {difference.get('path')}"
        yield from _value("-", difference, "live")
        yield from _value("+", difference, "predicted")


def _value(sign: str, difference: dict[str, Any], side: str) -> Iterator[str]:
    value = difference.get(side)
    text = value if isinstance(value, str) else as_yaml(value).removesuffix("...\n").rstrip("\n")
    for part in text.split("\n"):
        yield f"    {sign} {part}"


def _unified(item: dict[str, Any]) -> Iterator[str]:
    live = _state(item, "liveState")
    predicted = _state(item, "predictedLiveState") or _state(item, "targetState")
    yield from difflib.unified_diff(_lines(live), _lines(predicted), "live", "after a sync", lineterm="", n=3)


def _lines(manifest: Any) -> list[str]:
    return as_yaml(manifest).splitlines() if manifest else []


def _state(item: dict[str, Any], name: str) -> Any:
    """Return the object that the API carries as JSON text; None for "", "null" and what is not there."""
    text = item.get(name)
    return json.loads(text) if text else None
