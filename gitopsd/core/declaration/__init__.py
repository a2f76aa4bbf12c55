"""Argo CD's Application and AppProject manifests, read as they are; what has no effect is reported, not swallowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsd.core.declaration.application import application_from
from gitopsd.core.declaration.destination import (
    ARGO_GROUP,
    DECLARE,
    Declare,
    is_declaration,
    no_cluster,
    only_declarations,
    resolve_destination,
)
from gitopsd.core.declaration.project import project_from
from gitopsd.errors import InvalidDeclaration, NotSupported
from gitopsd.model.application import Application, Origin
from gitopsd.model.project import AppProject

__all__ = [
    "DECLARE",
    "Declare",
    "application_from",
    "declared",
    "is_declaration",
    "no_cluster",
    "only_declarations",
    "project_from",
    "resolve_destination",
]

VERSION = f"{ARGO_GROUP}/v1alpha1"


def declared(document: Any, origin: Origin) -> Application | AppProject:
    """Return what one document declares.

    Raises:
        InvalidDeclaration: it is no Application or AppProject, or does not say what to do.
        NotSupported: it is an ApplicationSet.
    """
    if not isinstance(document, Mapping):
        raise InvalidDeclaration("the document is not a mapping", remedy="write an Application or AppProject manifest")
    if not is_declaration(document):
        if document.get("kind") == "Secret":
            raise InvalidDeclaration(
                "the document is a Secret, which is no declaration",
                remedy="keep Secrets with credentials in a declaration directory, labelled "
                "argocd.argoproj.io/secret-type; they are not taken from Git",
            )
        kind = str(document.get("kind") or "without kind")[:80]
        raise InvalidDeclaration(
            f"the document is {kind} of {str(document.get('apiVersion'))[:80]}, not a declaration",
            remedy=f"write an Application or AppProject of {VERSION}",
        )
    if document["apiVersion"] != VERSION:
        raise InvalidDeclaration(f".apiVersion is {document['apiVersion'][:80]}", remedy=f"write {VERSION}")
    if document["kind"] == "Application":
        return application_from(document, origin)
    if document["kind"] == "AppProject":
        return project_from(document, origin)
    raise NotSupported(
        "an ApplicationSet is read from declaration directories and from Git only",
        remedy="keep it there, or declare its applications one by one",
    )
