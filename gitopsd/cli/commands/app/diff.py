"""`gitopsd app diff`."""

from __future__ import annotations

import difflib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from gitopsd.cli import completing, status
from gitopsd.cli.client import DaemonClient, application_path
from gitopsd.cli.exits import Exit
from gitopsd.cli.options import output, verb
from gitopsd.cli.output import as_yaml, block, line, print_data, warn_of_stale
from gitopsd.cli.status import ago

_GREEN, _RED = "green", "red"
_WHY = {
    "Drift": "drift",
    "NotApplied": "not applied yet",
    "TakenOver": "to adopt: it goes as the object is taken over, for Git does not set it",
    "Removed": "ours, and no longer in Git",
    "Defaulted": "filled in by the API server",
    "Added": "added, and not in Git",
    "Mutated": "changed on its way in, by a webhook or a policy",
}


@verb("diff")
@completing.application
@click.option("--refresh", is_flag=True, help="Compare again first.")
@click.option("--unified", is_flag=True, help="Whole objects as a unified diff, instead of the differing fields.")
@click.option("--extra", is_flag=True, help="Also what was added to objects that are in sync.")
@output
def command(client: DaemonClient, name: str, *, refresh: bool, unified: bool, extra: bool, form: str) -> int:
    """Show what a sync would change: `-` is live, `+` what the cluster would make of Git.

    Beside each field is why it differs, and who wrote what is live. Exit code 1 where there is a difference, or where
    an object's state is not known.
    """
    if refresh:
        client.get(application_path(name), {"refresh": "normal"})
    answer = client.get(application_path(name, "managed-resources"))
    items = answer.get("items") or []
    warn_of_stale(answer)
    differing = [item for item in items if _differs(item)]
    more = [item for item in items if extra and item.get("extra") and not _differs(item)]
    if form != "table":
        print_data({"items": [*differing, *more]}, form)
    for item in differing if form == "table" else ():
        click.secho(line(f"{status.resource_kind(item)} {status.resource_name(item)}: {_verdict(item)}"), bold=True)
        for text in _unified(item) if unified else _fields(item.get("differences") or ()):
            click.secho(block(text), fg={"+": _GREEN, "-": _RED}.get(text.lstrip()[:1]))
    for item in more if form == "table" else ():
        click.secho(line(f"{status.resource_kind(item)} {status.resource_name(item)}: has more than Git"), bold=True)
        for text in _fields(item["extra"]):
            click.secho(block(text), fg={"-": _RED}.get(text.lstrip()[:1]))
    return Exit.NO if differing else Exit.OK


def _differs(item: dict[str, Any]) -> bool:
    if item.get("status"):
        return bool(item["status"] != "Synced")
    return bool(item.get("differences")) or _state(item, "liveState") is None or _state(item, "targetState") is None


def _verdict(item: dict[str, Any]) -> str:
    if item.get("status") == "Unknown":
        return "not known" + _because(item)
    if _state(item, "liveState") is None:
        gone = "somebody deleted it" if item.get("why") == "Drift" else "is not in the cluster"
        return f"{gone}; a sync creates it" + _because(item)
    if _state(item, "targetState") is None:
        return "is no longer in Git; a sync with prune deletes it" + _because(item)
    return "differs" + _because(item)


def _because(item: dict[str, Any]) -> str:
    reason = item.get("reason")
    return f" ({reason})" if reason else ""


def _fields(differences: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for difference in differences:
        causes = ", ".join(filter(None, (_WHY.get(str(difference.get("why"))), *_writers(difference))))
        yield f"  {difference.get('path')}" + (f": {causes}" if causes else "")
        yield from _value("-", difference.get("live"))
        yield from _value("+", difference.get("predicted"))
        if difference.get("why") == "Mutated" and difference.get("target") != difference.get("predicted"):
            yield from _value("Git:", difference.get("target"))


def _writers(difference: Mapping[str, Any]) -> Iterator[str]:
    """Yield who else than gitopsd wrote the live value."""
    for writer in difference.get("writers") or ():
        if writer.get("manager") == "gitopsd" and writer.get("operation") == "Apply":
            continue
        how = [writer.get("operation"), writer.get("subresource"), ago(writer.get("time"), time.time())]
        name = f"{writer.get('manager')} ({', '.join(str(part) for part in how if part)})"
        yield f"by {name}" if writer.get("certain") else f"perhaps removed by {name}"


def _value(sign: str, value: Any) -> Iterator[str]:
    text = value if isinstance(value, str) else as_yaml(value).removesuffix("...\n").rstrip("\n")
    for part in text.split("\n"):
        yield f"    {sign} {part}"


def _unified(item: dict[str, Any]) -> Iterator[str]:
    live = _state(item, "normalizedLiveState") or _state(item, "liveState")
    predicted = _state(item, "predictedLiveState") or _state(item, "targetState")
    yield from difflib.unified_diff(_lines(live), _lines(predicted), "live", "after a sync", lineterm="", n=3)


def _lines(manifest: Any) -> list[str]:
    return as_yaml(manifest).splitlines() if manifest else []


def _state(item: dict[str, Any], name: str) -> Any:
    """Return the object that the API carries as JSON text; None for "", "null" and what is not there."""
    text = item.get(name)
    return json.loads(text) if text else None
