"""A repository of many applications, and their declarations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.plain import config_map
from tests.gitserver import Repo

NAMESPACE = "bench"
EACH_FILE = 100  # declarations in one file

Objects = Callable[[str, str], Sequence[Mapping[str, Any]]]  # name of the application, value → its objects


def one_map(app: str, value: str) -> Sequence[Mapping[str, Any]]:
    """One ConfigMap of the application's name."""
    return [config_map(NAMESPACE, app, value)]


def ten_objects(app: str, value: str) -> Sequence[Mapping[str, Any]]:
    """A small service: two Deployments with a Service each, settings and secrets."""
    maps = [config_map(NAMESPACE, f"{app}-{place}", value) for place in range(4)]
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{app}-{place}", "namespace": NAMESPACE},
            "stringData": {"password": value},
        }
        for place in range(2)
    ]
    return [*maps, *secrets, *_workload(f"{app}-web"), *_workload(f"{app}-api")]


def _workload(name: str) -> list[dict[str, Any]]:
    labels = {"app.kubernetes.io/name": name}
    container = {
        "name": "main",
        "image": "registry.example/team/service:1.2.3",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": f"SETTING_{place}", "value": f"value {place}"} for place in range(4)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    meta = {"name": name, "namespace": NAMESPACE, "labels": labels}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
    ]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Applications `app-00000` … in one repository, spread over the clusters in turn."""

    repo: Repo
    url: str  # over HTTP
    apps: int
    objects: Objects
    clusters: Sequence[str]
    heals: bool = True

    def names(self) -> Iterator[str]:
        return (f"app-{place:05}" for place in range(self.apps))

    def write(self) -> str:
        """Commit every application; return the revision."""
        return self.repo.commit({_file(name): self._text(name, "first") for name in self.names()})

    def touch(self, name: str, value: str) -> str:
        """Commit other content of one application; return the revision."""
        return self.repo.commit({_file(name): self._text(name, value)})

    def declare(self, directory: Path) -> None:
        """Write the applications' declarations to files of `directory`, a whole file at a time."""
        directory.mkdir(exist_ok=True)
        declared = [self._application(name, place) for place, name in enumerate(self.names())]
        for start in range(0, self.apps, EACH_FILE):
            text = "\n---\n".join(json.dumps(one) for one in declared[start : start + EACH_FILE])
            (directory / f"{start:05}.yaml").write_text(text)

    def _text(self, name: str, value: str) -> str:
        return "\n---\n".join(json.dumps(manifest, indent=2) for manifest in self.objects(name, value)) + "\n"

    def _application(self, name: str, place: int) -> dict[str, Any]:
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name},
            "spec": {
                "project": "default",
                "source": {"repoURL": self.url, "targetRevision": self.repo.branch, "path": f"apps/{name}"},
                "destination": {"name": self.clusters[place % len(self.clusters)], "namespace": NAMESPACE},
                "syncPolicy": {"automated": {"prune": True, "selfHeal": self.heals}},
            },
        }


def _file(name: str) -> str:
    return f"apps/{name}/objects.yaml"
