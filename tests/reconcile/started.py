"""A shell that has synced, and projects for it."""

from __future__ import annotations

from typing import Any

from gitopsd.errors import InvalidManifest
from gitopsd.model.manifest import Manifest
from gitopsd.model.operation import SyncRequest
from tests.reconcile.shell import Shell, config_key

BROKEN = InvalidManifest("line 3 is no YAML", remedy="mend it")
X = config_key("x")
REQUEST = SyncRequest(initiated_by="admin")


async def started(*apps: Manifest, files: Any) -> Shell:
    shell = Shell()
    shell.declare(*apps)
    shell.git.push(files)
    await shell.settle()
    return shell


def tracking(shell: Shell, name: str) -> str:
    found: str = shell.world.objects[config_key(name)]["metadata"]["annotations"]["gitopsd.io/tracking-id"]
    return found.partition(":")[0]


def project(name: str, **spec: Any) -> Manifest:
    defaults = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name},
        "spec": {**defaults, **spec},
    }
