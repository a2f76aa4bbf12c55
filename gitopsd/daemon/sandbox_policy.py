"""What the programs that render are kept from, and whether this machine grants it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gitopsd.api.probes import DaemonPart
from gitopsd.kube.credentials import files_named_by
from gitopsd.manifests.plugins import Plugin
from gitopsd.runtime.isolation import Confinement, Isolation
from gitopsd.runtime.memory import in_memory
from gitopsd.settings import Secret, Settings, ToolSettings

ACCOUNT = Path("/run/secrets/kubernetes.io/serviceaccount")  # of this pod
PRIVATE = frozenset({"key_file"})  # paths that are no Secret, and hold one


def confinement(settings: Settings, work_dir: Path, environ: Mapping[str, str], *, strict: bool = True) -> Confinement:
    """Return the limits of programs, what they see, and what of that they shall not see: whatever is ours.

    With `strict`, none is run that the sandbox does not keep, unless the settings say so.
    """
    return Confinement(
        cpu_s=settings.tools.cpu_s,
        processes=settings.tools.processes,
        scratch_bytes=settings.workers.file_bytes,
        visible=tuple(sorted({str(path.absolute()) for path in settings.tools.visible})),
        hidden=hidden(settings, environ, work_dir),
        strict=strict and not settings.tools.unconfined,
    )


def hidden(settings: Settings, environ: Mapping[str, str], *more: Path) -> tuple[str, ...]:
    """Return what is ours and `more`: no program or worker sees it by being shown what it lies below."""
    ours = [settings.data_dir, settings.run_dir, *more, ACCOUNT, *_secrets(settings, "")]
    ours += [source.directory for source in settings.declarations if source.directory is not None]
    if credentials := environ.get("CREDENTIALS_DIRECTORY"):
        ours.append(Path(credentials))
    return tuple(sorted({str(path.resolve()) for path in ours}))


def part(
    isolation: Isolation | None, tools: ToolSettings, plugins: Sequence[Plugin], work_dir: Path, *, confined: bool
) -> DaemonPart:
    """Return what `/readyz` tells of the sandbox; what is not granted keeps nobody from working.

    `confined` says whether workers that render are in one.
    """
    if isolation is None:
        return DaemonPart("sandbox", ready=False, detail="no worker has started yet", required=False)
    network = [plugin.name for plugin in plugins if plugin.network]
    details = [_given(isolation, tools), _libraries(isolation, confined=confined, network=bool(network))]
    if isolation.bubblewrap and network:
        details.append(f"plugins with the network: {', '.join(network)}")
    if isolation.reason:
        details.append(f"the machine says: {isolation.reason}")
    memory = in_memory(work_dir)
    if not memory:
        details.append(f"their files are on a disk ({work_dir})")
    return DaemonPart(
        "sandbox", ready=isolation.full and confined and memory, detail="; ".join(details), required=False
    )


def _given(isolation: Isolation, tools: ToolSettings) -> str:
    """Return what each program gets here."""
    if isolation.root and not tools.unconfined:
        return "no program is run, because gitopsd runs as root (tools.unconfined)"
    if isolation.full:
        return "every program has a view, processes and a network of its own"
    if isolation.bubblewrap:
        return "every program has a view, processes and a network of its own, and runs as root"
    steered = "plugins and what kustomize_build_options allows"
    limits = (
        "programs are kept from nothing: they have the network, and can read and write what the daemon's user can"
        f"{', as root' if isolation.root else ''}"
    )
    return limits if tools.unconfined else f"{steered} are refused; other {limits}"


def _libraries(isolation: Isolation, *, confined: bool, network: bool) -> str:
    """Return what libraries get that read a source's texts."""
    if not isolation.bubblewrap:
        return "workers are kept from neither files nor the network"
    if not confined:
        return "Lua and jq see no files and no network; workers that render are kept from neither"
    if network:
        return "workers see no files of others; those that render have the network, for plugins"
    return "workers see no files of others and no network"


def _secrets(value: Any, name: str) -> Iterator[Path]:
    if isinstance(value, Secret):
        if value.file is not None:
            yield value.file
    elif isinstance(value, tuple):
        for item in value:
            yield from _secrets(item, name)
    elif isinstance(value, Path):
        if name in PRIVATE:
            yield value
        elif name == "kubeconfig":
            yield value
            yield from files_named_by(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _secrets(getattr(value, field.name), field.name)
