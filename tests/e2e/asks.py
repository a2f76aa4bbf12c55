"""What tests of asks and their neighbours share."""

from __future__ import annotations

from tests.e2e.world import config_map, text

STUCK = "stuck"  # an object that is never healthy, so the wave after it never comes


def stuck_and_next() -> str:
    """Return a Deployment that never becomes healthy, and a ConfigMap of the wave after it."""
    labels = {"app": STUCK}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "containers": [{"name": "main", "image": "none:1"}],
                "nodeSelector": {"no": "where"},
                "schedulingGates": [{"name": "example.com/never"}],
            },
        },
    }
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": STUCK}, "spec": spec}
    later = config_map("later", v="1")
    later["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": "1"}
    return text(deployment, later)
