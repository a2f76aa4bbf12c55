"""What tests of render and their neighbours share."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


def application(name: str, source: dict[str, Any]) -> str:
    spec = {"project": "default", "source": source, "destination": {"name": "prod", "namespace": "shop"}}
    found = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name}, "spec": spec}
    return json.dumps(found)


def git(place: Path, *arguments: str) -> None:
    command = ("git", "-C", str(place), "-c", "user.name=Ann", "-c", "user.email=ann@example.org", *arguments)
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - git, and a test's arguments
