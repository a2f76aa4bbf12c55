"""`gitopsd render`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitopsd.cli.exits import Exit
from gitopsd.cli.output import as_yaml, block, line, print_data
from gitopsd.errors import GitopsError, InvalidDeclaration, InvalidSettings, NotFound, Retryable, RevisionNotFound

if TYPE_CHECKING:
    from gitopsd.offline.render import RenderedPart, RenderReport


@click.command("render")
@click.argument("targets", nargs=-1, metavar="[APP|FILE|DIR]...")
@click.option(
    "--repo",
    "repos",
    multiple=True,
    metavar="[REPOURL=]DIR|URL",
    help="Read sources in a directory as it is, or fetch them from a URL; may be given once for each repository.",
)
@click.option("--revision", default="", help="At this branch, tag or commit, instead of the files as they are.")
@click.option("--path", default="", help="This directory of the repository, instead of spec.source.path.")
@click.option(
    "--declarations",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where applications are looked up by name; default: those of --config, else here.",
)
@click.option("--kube-version", default="", help="The cluster's version, as templates see it.")
@click.option("--api-versions", multiple=True, help="An API version that the cluster serves; may be given often.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The settings file whose tools, limits and credentials are used.",
)
@click.option("--check", is_flag=True, help="Print no manifests, but a line for each application.")
@click.option("--explain", is_flag=True, help="Tell on stderr what was read, the tool, the cache key and the seconds.")
@click.option("-o", "--output", "form", type=click.Choice(("yaml", "json")), default="yaml", show_default=True)
def command(*, check: bool, explain: bool, form: str, api_versions: tuple[str, ...], **options: object) -> int:
    """Render applications from files, without a daemon and without a cluster.

    An application is named by the FILE of its declaration, by a DIRectory that holds declarations, or by its name;
    without one, --path is rendered as it is. Manifests go to stdout in the order in which a sync applies them.

    A source is read in the working copy that the declaration lies in, as it is there, if that is a copy of its
    repository; else --repo says where it is. Nothing is fetched unless --repo names a URL.

    Exit code 1 where one cannot be rendered, 2 where a declaration is wrong, 3 where a URL cannot be fetched, 4 where
    an application, a repository or a revision is not there.
    """
    from gitopsd.offline.render import RenderQuery, rendered

    names = tuple(name for api in api_versions for name in api.split(",") if name)
    query = RenderQuery(**options, api_versions=names)  # type: ignore[arg-type]  # click's names and types are its own
    if not query.targets and not query.path:
        raise click.UsageError("name an application, or a directory of a repository by --path")
    reports = rendered(query)
    for one in reports:
        for warning in one.warnings:
            click.echo(f"warning: {line(warning)}", err=True)
        for text in _explained(one) if explain else ():
            click.echo(line(text), err=True)
        if one.error is not None:
            click.echo(f"gitopsd: {one.name + ': ' if one.name else ''}{line(one.error)}", err=True)
        if check and one.error is None:
            click.echo(line(f"{one.name}: {len(one.manifests)} objects"))
    if not check:
        _print([manifest for one in reports for manifest in one.manifests], form)
    return next((_exit(one.error) for one in reports if one.error is not None), Exit.OK)


def _print(manifests: list[object], form: str) -> None:
    if form == "json":
        print_data(manifests, form)
    for manifest in manifests if form == "yaml" else ():
        click.echo(block("---\n" + as_yaml(manifest)), nl=False)


def _explained(one: RenderReport) -> Iterator[str]:
    for part in one.parts:
        yield from _part(one.name, part)


def _part(name: str, part: RenderedPart) -> Iterator[str]:
    yield f"{name}: {part.source.chart or part.source.path} of {part.where}"
    yield f"  tool: {part.tool}"
    yield f"  cache key: {part.key}"
    yield f"  seconds: {part.took_s:.3f}"
    yield "  read:"
    for look in part.looks:
        yield f"    {WORDS.get(look.kind, look.kind)} {look.path or '.'}{_seen(look.kind, look.seen)}"


WORDS = {"list": "directory", "env": "variable"}


def _seen(kind: str, state: str) -> str:
    if kind == "env":
        return f"={state}"
    return "" if state else " (not there)"


def _exit(error: GitopsError) -> Exit:
    match error:
        case InvalidDeclaration() | InvalidSettings():
            return Exit.USAGE
        case Retryable():
            return Exit.UNREACHABLE
        case NotFound() | RevisionNotFound():
            return Exit.NOT_FOUND
        case _:
            return Exit.NO
