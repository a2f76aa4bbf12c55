"""What tests of yaml and their neighbours share."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.directory import NO_MANIFEST, parsed
from gitopsd.settings import RenderSettings
from tests.manifests.kustomizing import PROGRAM

KUBECTL = PROGRAM if Path(PROGRAM).name == "kubectl" else shutil.which("kubectl")


LIMITS = RenderSettings()


INT64 = range(-(1 << 63), 1 << 63)


def manifests(text: str | bytes) -> list[Any] | None:
    """Return the manifests of `text`, None where it is refused, or left out as something else."""
    data = text.encode() if isinstance(text, str) else text
    try:
        found = parsed("f.yaml", data, LIMITS)
    except InvalidManifest:
        return None
    left_out = any(warning == NO_MANIFEST for _, warning in found.warnings)
    return None if left_out else [json.loads(manifest) for _, manifest in found.manifests]


def as_read(value: Any) -> Any:
    """Return what the API server's JSON reader makes of a number that kubectl prints."""
    if isinstance(value, dict):
        return {key: as_read(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_read(one) for one in value]
    return float(value) if type(value) is int and value not in INT64 else value


def same_bytes(value: Any) -> str:
    return json.dumps(as_read(value), sort_keys=True)  # tells 1 from 1.0 and from true


def kubectl(text: str | bytes) -> list[Any] | None:
    """Return what kubectl reads in `text`, None where it refuses."""
    assert KUBECTL is not None
    command = [KUBECTL, "annotate", "--local", "-f", "-", "-o", "json", "gitopsd.test/x=y"]
    data = text.encode() if isinstance(text, str) else text
    done = subprocess.run(command, input=data, capture_output=True, check=False)  # noqa: S603 - as found
    if done.returncode != 0:
        return [] if b"no objects passed" in done.stderr else None
    found, rest = [], done.stdout.decode().strip()
    while rest:
        value, end = json.JSONDecoder().raw_decode(rest)
        del value["metadata"]["annotations"]
        found.append(value)
        rest = rest[end:].strip()
    return found


differential = pytest.mark.skipif(KUBECTL is None, reason="no kubectl to ask")
