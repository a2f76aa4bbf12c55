"""What tests of hooks and their neighbours share."""

from __future__ import annotations

from gitopsd.model.manifest import Manifest, ResourceKey
from tests.reconcile.shell import Shell

JOB = ResourceKey("batch", "Job", "prod", "migrate")


def job(image: str = "migrate:1", hook: str = "PreSync", **annotations: str) -> Manifest:
    marks = {"argocd.argoproj.io/hook": hook, **annotations}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate", "annotations": marks},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}},
    }


def ends(shell: Shell, how: str = "Complete") -> None:
    condition = {"type": how, "status": "True", "message": "so it is"}
    shell.world.edit(JOB, "status", value={"conditions": [condition]})
