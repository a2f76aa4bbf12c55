"""Kustomize: the files that a kustomization names, laid out in a directory of their own, and built there.

What an Application changes (`spec.source.kustomize`) is written into that copy, so nothing is shared and nothing
waits.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

from gitopsd.errors import InvalidDeclaration, InvalidManifest, NotSupported, PathNotFound
from gitopsd.manifests.build_options import allowed, arguments, helm_command
from gitopsd.manifests.capabilities import CapabilityReads, api_versions, kube_version
from gitopsd.manifests.directory import Loaded
from gitopsd.manifests.inflation import ENVIRONMENT, check_texts
from gitopsd.manifests.kustomization import FILES, Kustomization, edited
from gitopsd.manifests.kustomize_inputs import follow
from gitopsd.manifests.program_output import printed
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.tools import Programs
from gitopsd.manifests.workspace import PREFIX, lay_out, workspace
from gitopsd.model.application import KustomizeOptions
from gitopsd.ports import Tree
from gitopsd.runtime.sandbox import Program, run

SHOWN = 1500  # characters of kustomize's own words
QUOTE = (
    "put it in quotes in Git; where it has them, kustomize printed it without, "
    "and only a value that does not look like a number helps, such as v12"
)
NOTHING, ANYTHING = CapabilityReads(), CapabilityReads(version=True, apis=None)


def build(tree: Tree, path: str, options: KustomizeOptions, context: RenderContext) -> Loaded:
    """Return what kustomize makes of the directory `path`, changed by `options`.

    Raises:
        InvalidManifest: kustomize refuses it, or it makes something that is no manifest.
        InvalidDeclaration: `options` asks for a version that the settings do not name.
        NotSupported: it asks for Helm inflation or remote bases that are not allowed, or there is no program.
        BaseNotLent: it asks for bases in other repositories, which are not among `given.refs`.
        PathNotFound: there is no kustomization, or a path leads out of the repository.
        NotConfined: what the operator's options allow is for the sandbox alone, and there is none.
        WorkerFailed, WorkspaceUnusable: the program did not end well, or its files could not be laid out.
    """
    limits, programs = context.limits, context.programs
    program = _program(options.version, programs)
    build_options = programs.build_options.get(options.version, "")
    directory = tree.real(path)
    top = {posixpath.join(directory, name) for name in FILES}

    def edit(file: str, value: Kustomization) -> Kustomization:
        if file not in top:
            return value
        return edited(value, options, context.variables, _components(tree, directory, options))

    allows = allowed(build_options, programs.remote_bases)
    own, *others = follow(tree, path, edit, limits, allows=allows, lent=context.refs)
    if top.isdisjoint(own.kustomizations):
        raise PathNotFound(f"{path} holds no kustomization", remedy=f"add {FILES[0]}, or mend spec.source.path")
    with workspace(programs.work_dir) as laid_out:
        home = laid_out / "home"
        home.mkdir()
        for walked in (own, *others):
            lay_out(laid_out / walked.layout, walked.tree, instead=walked.instead, max_bytes=limits.max_bytes)
        reads = ANYTHING if any(walked.inflates for walked in (own, *others)) else NOTHING
        version = kube_version(options, reads, context.variables)
        apis = api_versions(options, reads, context.variables)
        check_texts(path, "kubeVersion", [version])
        check_texts(path, "apiVersions", apis)
        command = [program, *arguments(build_options, version, apis)]
        output = _built(laid_out / own.layout, path, command, programs, home, steered=allows.steered)
    return printed(f"what kustomize makes of {path}", path, output, limits, QUOTE)


def _program(version: str, programs: Programs) -> str:
    if version and version not in programs.versions:
        versions = ", ".join(sorted(programs.versions)) or "none"
        raise InvalidDeclaration(
            f"spec.source.kustomize.version is {version!r}, which the settings do not name",
            remedy=f"add it to tools.kustomize_versions, or leave it out; known: {versions}",
        )
    program = programs.versions[version] if version else programs.kustomize
    if not program:
        raise NotSupported(
            "there is no program that builds kustomizations",
            remedy="install gitopsd[kustomize], or name kustomize or kubectl in tools.kustomize",
        )
    return program


def _components(tree: Tree, directory: str, options: KustomizeOptions) -> list[str]:
    if not options.ignore_missing_components:
        return list(options.components)
    return [
        component for component in options.components if tree.list(posixpath.join(directory, component)) is not None
    ]


def _built(  # noqa: PLR0913 - a build is all of this
    root: Path, path: str, command: Sequence[str], programs: Programs, home: Path, *, steered: bool
) -> bytes:
    program, *more = command
    kubectl = Path(program).name.startswith("kubectl")
    ended = run(
        Program(
            [program, "kustomize" if kubectl else "build", *more, str(root / path)],
            cwd=root,
            env={"LANG": "C.UTF-8", **ENVIRONMENT},
            what=f"kustomize of {path}",
            deadline_s=programs.deadline_s,
            output_bytes=programs.output_bytes,
            starts=helm_command(more),
            source=home.parent,  # with the copies of other repositories
            home=home,
            steered=steered,
        )
    )
    if ended.code != 0:
        raise InvalidManifest(f"{path}: kustomize refuses it: {_words(ended.stderr, root)}", remedy="mend it in Git")
    return ended.stdout


def _words(stderr: str, root: Path) -> str:
    """Return kustomize's own words: by the repository's paths, and without the contents that it likes to quote."""
    lines = [line for line in stderr.splitlines() if not line.startswith("# Warning:")]
    text = "\n".join(lines).removeprefix("error: ").removeprefix("Error: ").strip()
    for quoted in QUOTED:
        text = quoted.sub("…", text)
    words = " ".join(OURS.sub("", text.replace(f"{root}/", "").replace(str(root), ".")).split())
    # Where one file includes the next, each adds its words in front: how it ends says what is wrong.
    return (words if len(words) <= SHOWN else f"{words[: SHOWN // 3]} … {words[-SHOWN:]}") or "it says nothing"


OURS = re.compile(
    rf"(?<![^\s'\"])[^\s'\"]*/?{re.escape(PREFIX)}[a-z0-9_]+/(?:source|bases/[0-9]+)/?"
)  # cut off in front, where there was too much
# A generator's configuration and a patch may hold a Secret's values.
QUOTED = (re.compile(r"(?<=with config: )`\n.*\n`", re.DOTALL), re.compile(r"(?<=patch from )\[.*\]", re.DOTALL))
