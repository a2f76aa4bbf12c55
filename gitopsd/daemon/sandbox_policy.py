"""What the programs that render are kept from, and whether this machine grants it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gitopsd.api.probes import DaemonPart
from gitopsd.runtime.isolation import Confinement, Isolation
from gitopsd.runtime.memory import in_memory
from gitopsd.settings import Secret, Settings

ACCOUNT = Path("/run/secrets/kubernetes.io/serviceaccount")  # of this pod
PRIVATE = frozenset({"kubeconfig", "key_file"})  # paths that are no Secret, and hold one


def confinement(settings: Settings, work_dir: Path, environ: Mapping[str, str]) -> Confinement:
    """Return the limits of programs, and what they shall not see: our directories, and every file with a secret."""
    ours = [settings.data_dir, settings.run_dir, work_dir, ACCOUNT, *_secrets(settings, "")]
    if credentials := environ.get("CREDENTIALS_DIRECTORY"):
        ours.append(Path(credentials))
    return Confinement(
        cpu_s=settings.tools.cpu_s,
        processes=settings.tools.processes,
        scratch_bytes=settings.workers.file_bytes,
        hidden=tuple(sorted({str(place.resolve()) for place in ours})),
    )


def part(isolation: Isolation | None, work_dir: Path) -> DaemonPart:
    """Return what `/readyz` tells of the sandbox; what is not granted keeps nobody from working."""
    if isolation is None:
        return DaemonPart("sandbox", ready=False, detail="no worker has started yet", required=False)
    lacks = []
    if not isolation.network:
        lacks.append("programs that render keep the network")
    if not isolation.files:
        lacks.append("they can read what the daemon's user can")
    if isolation.reason:
        lacks.append(f"the kernel says: {isolation.reason}")
    if not in_memory(work_dir):
        lacks.append(f"their files are on a disk ({work_dir})")
    return DaemonPart("sandbox", ready=not lacks, detail="; ".join(lacks), required=False)


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
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _secrets(getattr(value, field.name), field.name)
