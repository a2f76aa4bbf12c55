"""The parts of an application's declaration that options set, under Argo CD's names."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

_SOURCE = {"repo": "repoURL", "path": "path", "chart": "chart", "revision": "targetRevision"}
_DESTINATION = {"dest_name": "name", "dest_server": "server", "dest_namespace": "namespace"}
_OPTIONS = (
    click.option("--repo", help="URL of the repository, chart repository or registry."),
    click.option("--path", help="Directory in the repository."),
    click.option("--helm-chart", "chart", help="Name of a chart of a chart repository."),
    click.option("--revision", help="Branch, tag, commit or version."),
    click.option("--values", multiple=True, help="Value file of a chart; may be given again."),
    click.option("--helm-set", multiple=True, metavar="NAME=VALUE", help="Parameter of a chart."),
    click.option("--dest-name", help="The cluster, by name."),
    click.option("--dest-server", help="The cluster, by the URL of its API server."),
    click.option("--dest-namespace", help="The namespace of objects that name none."),
    click.option("--project"),
    click.option("--sync-policy", type=click.Choice(("automated", "none")), help="Whether it is synced by itself."),
    click.option("--auto-prune/--no-auto-prune", default=None, help="Whether that deletes what Git drops."),
    click.option("--self-heal/--no-self-heal", default=None, help="Whether that takes back what is changed live."),
    click.option("--sync-option", multiple=True, metavar="NAME=VALUE", help="Such as CreateNamespace=true."),
)


def declaring(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that set parts of a declaration, as its parameter `parts`: what was given alone."""

    @functools.wraps(function)
    def run(*arguments: Any, **parameters: Any) -> Any:
        parts = {name: parameters.pop(name) for name in _NAMES}
        return function(
            *arguments, parts={name: part for name, part in parts.items() if part not in (None, ())}, **parameters
        )

    decorated: Callable[..., Any] = run
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


_NAMES = (
    *_SOURCE, *_DESTINATION, "values", "helm_set", "project", "sync_policy", "auto_prune", "self_heal", "sync_option",
)  # fmt: skip


def with_parts(spec: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return `spec` with what `parts` say; the rest stays.

    Raises:
        UsageError: the application has several sources, so it is not said which one is meant.
    """
    changed: dict[str, Any] = {**spec}
    if source := _source(spec, parts):
        changed["source"] = source
    destination = {field: parts[name] for name, field in _DESTINATION.items() if name in parts}
    if destination:
        changed["destination"] = {**spec.get("destination", {}), **destination}
    if "project" in parts:
        changed["project"] = parts["project"]
    if policy := _policy(spec.get("syncPolicy") or {}, parts):
        changed["syncPolicy"] = policy
    return changed


def _source(spec: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    given = {field: parts[name] for name, field in _SOURCE.items() if name in parts}
    helm: dict[str, Any] = {}
    if "values" in parts:
        helm["valueFiles"] = list(parts["values"])
    if "helm_set" in parts:
        helm["parameters"] = [_pair(text) for text in parts["helm_set"]]
    if not given and not helm:
        return {}
    if spec.get("sources"):
        raise click.UsageError("the application has several sources; use `gitopsd app edit`")
    source = {**spec.get("source", {}), **given}
    if helm:
        before = source.get("helm", {})
        fresh = {each["name"] for each in helm.get("parameters", ())}
        kept = [each for each in before.get("parameters", ()) if each.get("name") not in fresh]
        parameters = [*kept, *helm.get("parameters", ())]
        source["helm"] = {**before, **helm, **({"parameters": parameters} if parameters else {})}
    return source


def _pair(text: str) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.UsageError(f"{text!r} is no parameter; write NAME=VALUE")
    return {"name": name, "value": value}


def _policy(before: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    policy: dict[str, Any] = {**before}
    if parts.get("sync_policy") == "none":
        policy.pop("automated", None)
    elif "sync_policy" in parts:
        policy.setdefault("automated", {})
    for name, field in (("auto_prune", "prune"), ("self_heal", "selfHeal")):
        if name in parts:
            if "automated" not in policy:
                raise click.UsageError(
                    f"{field} is a part of automated sync, which is off; add --sync-policy automated"
                )
            policy["automated"] = {**policy["automated"], field: parts[name]}
    if "sync_option" in parts:
        fresh = {text.partition("=")[0] for text in parts["sync_option"]}
        kept = [text for text in before.get("syncOptions", ()) if text.partition("=")[0] not in fresh]
        policy["syncOptions"] = [*kept, *parts["sync_option"]]
    return {} if policy == before else policy


def read_document(file: Path | None) -> Any:
    """Return the YAML or JSON of a file, or of standard input for "-". Raises UsageError."""
    import yaml

    try:
        text = sys.stdin.read() if file is None else file.read_text()
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise click.UsageError(f"{file or 'standard input'}: {err}; give one Application, as YAML or JSON") from err
