"""What the workers see that read tenants' texts: what their jobs read and write of ours, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from gitopsd.manifests.build_options import helm_command
from gitopsd.manifests.plugins import Plugin
from gitopsd.manifests.tools import NAMES
from gitopsd.runtime.isolation import Confinement, WorkerView
from gitopsd.settings import Settings


def of_renderers(
    settings: Settings, confinement: Confinement, plugins: Sequence[Plugin], work_dir: Path, environ: Mapping[str, str]
) -> WorkerView:
    """Return what workers see that render: mirrors, a place for their files, programs, and what those see.

    They have the network where a plugin has it: what a worker has not, it cannot give.
    """
    return WorkerView(
        visible=confinement.visible,
        hidden=confinement.hidden,
        reads=_named(mirrors(settings)),
        writes=_named(work_dir),
        programs=tuple(dict.fromkeys(_programs(settings, plugins, environ.get("PATH", os.defpath)))),
        nests=True,
        network=any(plugin.network for plugin in plugins),
    )


def of_unpackers(settings: Settings, confinement: Confinement) -> WorkerView:
    """Return what workers see that put into mirrors what was fetched as one file."""
    return WorkerView(hidden=confinement.hidden, writes=_named(mirrors(settings)))


def mirrors(settings: Settings) -> Path:
    """Return the directory of all mirrors."""
    return settings.data_dir / "git"


def _named(path: Path) -> tuple[str, ...]:
    """Return both paths that `path` may be asked for by."""
    return tuple(dict.fromkeys((str(path.absolute()), str(path.resolve()))))


def _programs(settings: Settings, plugins: Sequence[Plugin], path: str) -> list[str]:
    tools = settings.tools
    named = [tools.kustomize, settings.sops.program, *(version.program for version in tools.kustomize_versions)]
    options = [tools.kustomize_build_options, *(version.build_options for version in tools.kustomize_versions)]
    looked_up = [*NAMES, "sops", *(command[0] for plugin in plugins for command in plugin.commands)]
    return [
        *(str(program) for program in named if program is not None),
        *(helm for build_options in options for helm in helm_command(build_options.split())),
        *(resolved for program in looked_up if (resolved := shutil.which(program, path=path))),
    ]
