"""Declarations as a person writes them, and how they are read."""

from __future__ import annotations

from typing import Any

from gitopsd.core.declaration import application_from, declared
from gitopsd.model.application import Application, Origin
from gitopsd.model.project import AppProject

HERE = Origin("dir:/apps", "/apps/shop.yaml", 1)
Document = dict[str, Any]


def manifest(**spec: Any) -> Document:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop"},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example/fleet.git", "path": "apps/shop"},
            "destination": {"name": "prod", "namespace": "shop"},
            **spec,
        },
    }


def parsed(**spec: Any) -> Application:
    return application_from(manifest(**spec), HERE)


def project(**spec: Any) -> AppProject:
    found = declared(
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "team"}, "spec": spec}, HERE
    )
    assert isinstance(found, AppProject)
    return found


def application_set(template: Document, *elements: Any, **spec: Any) -> Document:
    """Return an ApplicationSet with one list generator."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "shops", "namespace": "argocd"},
        "spec": {"generators": [{"list": {"elements": list(elements)}}], "template": template, **spec},
    }
