"""What a chart renders to → documents, split and ended as `helm template` prints them.

It matters to texts that keep their last line breaks (`|+`, `>+`): a document has those it was rendered with and one
more, but of the last one that is no hook, by the order in which Helm installs kinds, one is left.

Source: Helm 4.2.4, which Argo CD pins: pkg/release/v1/util (SplitManifests, InstallOrder), pkg/action
(renderResources), pkg/cmd/template.go.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsd.core.target.sync_options import HELM_HOOK
from gitopsd.manifests.yaml import Document, parse
from gitopsd.settings import RenderSettings

NOTES = "NOTES.txt"
SEPARATOR = re.compile(r"^---[ \t]*", re.MULTILINE)  # what follows on the line is of the next document
INSTALLED = (
    *("PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy"),
    *("PodDisruptionBudget", "ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume"),
    *("PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding"),
    *("ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet", "Pod"),
    *("ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob"),
    *("IngressClass", "Ingress", "APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)
RANK = {kind: rank for rank, kind in enumerate(INSTALLED)}


@dataclass(frozen=True, slots=True)
class Printed:
    """One document of the output."""

    file: str  # the file that it is of, from the repository's root
    document: Document
    hooks: frozenset[str] = frozenset()  # the types that its annotation names, as Helm reads them

    @property
    def what(self) -> str:
        """What it is, for errors."""
        return _rendered(self.file)


def of_definitions(path: str, files: Iterable[tuple[str, str]], limits: RenderSettings) -> Iterator[Printed]:
    """Yield what is in the files of CRDs of the chart in `path`: Helm prints them whole, hooks or not."""
    for name, text in files:
        file = _place(path, name)
        for document in parse(_rendered(file), f"{text}\n".encode(), limits).documents:
            yield Printed(file, document)


def of_templates(path: str, templates: Mapping[str, str], limits: RenderSettings) -> Iterator[Printed]:
    """Yield what `templates` of the chart in `path` render to, by their names.

    Raises:
        InvalidManifest: one renders to no YAML.
    """
    parts = [part for name, text in sorted(_shown(templates)) for part in _parts(_place(path, name), text)]
    documents = [part.printed(f"{part.text}\n", limits) for part in parts]
    ordinary = [at for at, printed in enumerate(documents) if printed and not printed[0].hooks]
    if ordinary:
        last = max(ordinary, key=lambda at: (_order(documents[at]), at))
        documents[last] = parts[last].printed(f"{parts[last].text.rstrip()}\n", limits)
    for printed in documents:
        yield from printed


@dataclass(frozen=True, slots=True)
class _Part:
    """A document as text; what Helm takes for one may still hold several."""

    file: str
    line: int  # on which it begins, from 0
    text: str

    def printed(self, text: str, limits: RenderSettings) -> list[Printed]:
        numbered = "\n" * self.line + text
        documents = parse(_rendered(self.file), numbered.encode(), limits).documents
        return [Printed(self.file, document, _hooks(document.value)) for document in documents]


def _parts(file: str, text: str) -> Iterator[_Part]:
    start, line = 0, 0
    for separator in (*SEPARATOR.finditer(text), None):
        part = text[start : separator.start() if separator else len(text)]
        if part.strip():
            yield _Part(file, line, part)
        if separator:
            line, start = line + text.count("\n", start, separator.end()), separator.end()


def _order(printed: Sequence[Printed]) -> tuple[int, str]:
    """Return where Helm installs a document: kinds it knows in their order, then all others by name."""
    value = printed[0].document.value
    kind = str(value.get("kind")) if isinstance(value, dict) else ""
    return (RANK[kind], "") if kind in RANK else (len(RANK), kind)


def _shown(templates: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in templates.items():
        base = posixpath.basename(name)
        if text.strip() and not base.startswith("_") and not base.endswith(NOTES):
            yield name, text


def _place(path: str, name: str) -> str:
    return posixpath.join(path, name.partition("/")[2])


def _rendered(file: str) -> str:
    return f"what {file} renders to"


def _hooks(value: Any) -> frozenset[str]:
    """Return the types of Helm's hooks that a document names, as Helm reads them: null names one, the empty text."""
    meta = value.get("metadata") if isinstance(value, dict) else None
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    if not isinstance(annotations, dict) or HELM_HOOK not in annotations:
        return frozenset()
    return frozenset(hook.strip().lower() for hook in str(annotations[HELM_HOOK] or "").split(","))
