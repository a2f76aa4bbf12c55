"""What kind of writer a field manager is, by its name: there is nothing else to go by."""

from __future__ import annotations

from collections.abc import Sequence

from gitopsd.core.objects.managed_fields import MANAGER
from gitopsd.core.text.globs import matches
from gitopsd.model.comparison import Explanation, Writer
from gitopsd.model.drift import WriterClass

# The field manager is what a program says, or else how its User-Agent begins.
HUMAN = ("kubectl*", "k9s*", "*Lens*", "node-fetch", "Mozilla", "curl", "HTTPie", "oc", "headlamp*", "python-requests")
GITOPS = (
    "argocd*", "kustomize-controller", "helm-controller", "helm", "flux*", "fleet*", "kapp*", "Terraform*", "pulumi*",
    "kluctl*", "sveltos*", "tanka", MANAGER,
)  # fmt: skip


def class_of(explanation: Explanation, writers: Sequence[Writer]) -> WriterClass:
    """Return what kind of writer made a difference; `writers` are those of the live value, the latest first."""
    if explanation is Explanation.MUTATED:
        return WriterClass.ADMISSION
    if not writers:
        return WriterClass.UNKNOWN
    return kind_of(writers[0].manager)


def kind_of(manager: str) -> WriterClass:
    """Return what kind of writer a field manager is."""
    for names, writer_class in ((HUMAN, WriterClass.HUMAN), (GITOPS, WriterClass.GITOPS)):
        if any(matches(pattern, manager) for pattern in names):
            return writer_class
    return WriterClass.CONTROLLER
