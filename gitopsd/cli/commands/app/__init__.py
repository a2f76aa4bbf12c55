"""`gitopsd app`: what a running daemon knows of applications, and what it is asked to do with them."""

from __future__ import annotations

import click

from gitopsd.cli.exits import HELP
from gitopsd.cli.lazy import LazyCommand, LazyGroup

_HERE = "gitopsd.cli.commands.app"

VERBS = {
    "list": LazyCommand(f"{_HERE}.list", "List applications."),
    "get": LazyCommand(f"{_HERE}.get", "Show one application: what, where, its status and why."),
    "resources": LazyCommand(f"{_HERE}.resources", "List what Git declares, and how each object does."),
    "tree": LazyCommand(f"{_HERE}.tree", "Show its live objects, and what controllers made of them."),
    "diff": LazyCommand(f"{_HERE}.diff", "Show what a sync would change; exit 1 where there is something."),
    "manifests": LazyCommand(f"{_HERE}.manifests", "Print the desired manifests."),
    "refresh": LazyCommand(f"{_HERE}.refresh", "Compare again, without writing."),
    "sync": LazyCommand(f"{_HERE}.sync", "Make live equal target."),
    "wait": LazyCommand(f"{_HERE}.wait", "Wait until an application is in sync, healthy and at rest."),
    "history": LazyCommand(f"{_HERE}.history", "List past syncs."),
    "windows": LazyCommand(f"{_HERE}.windows", "List the sync windows that concern it."),
    "rollback": LazyCommand(f"{_HERE}.rollback", "Sync to what a past sync made live."),
    "terminate-op": LazyCommand(f"{_HERE}.terminate_op", "End the sync that is under way."),
    "confirm-deletion": LazyCommand(f"{_HERE}.confirm_deletion", "Approve deletions that wait for it."),
    "create": LazyCommand(f"{_HERE}.create", "Declare an application by the API."),
    "set": LazyCommand(f"{_HERE}.set", "Change parts of one that is declared by the API."),
    "edit": LazyCommand(f"{_HERE}.edit", "Change its spec in an editor."),
    "patch": LazyCommand(f"{_HERE}.patch", "Change it by a JSON patch or a merge patch."),
    "logs": LazyCommand(f"{_HERE}.logs", "Print logs of its Pods."),
    "get-resource": LazyCommand(f"{_HERE}.get_resource", "Print a live object."),
    "actions": LazyCommand(f"{_HERE}.actions", "Restart, scale, suspend …: what can be done to live objects."),
    "patch-resource": LazyCommand(f"{_HERE}.patch_resource", "Change fields of a live object."),
    "delete-resource": LazyCommand(f"{_HERE}.delete_resource", "Delete a live object."),
    "delete": LazyCommand(f"{_HERE}.delete", "Delete an application, with or without its objects."),
}


@click.group("app", cls=LazyGroup, verbs=VERBS, epilog=HELP)
def command() -> None:
    """Ask a running daemon about applications, or order a sync."""
