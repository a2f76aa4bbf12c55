"""What the settings say of objects, which are read, how they are compared, whose they are; and of people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KindsOfClusters:
    """Some kinds of some clusters, by globs; what is left empty is any."""

    api_groups: tuple[str, ...] = ()  # "" is the core group
    kinds: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()  # names or server URLs


@dataclass(frozen=True, slots=True)
class ResourceSettings:
    """Kinds that are neither read nor written, as Argo CD's resource.exclusions and resource.inclusions have it."""

    exclusions: tuple[KindsOfClusters, ...] = ()
    inclusions: tuple[KindsOfClusters, ...] = ()  # where there are some, all other kinds are left out


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """What is ignored of some kinds in every application, as an item of spec.ignoreDifferences ignores it in one."""

    kind: str  # a glob
    group: str = ""  # a glob; "": the core group
    json_pointers: tuple[str, ...] = ()
    jq_path_expressions: tuple[str, ...] = ()
    managed_fields_managers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompareSettings:
    ignore_differences: tuple[IgnoreRule, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    method: str = "annotation"  # annotation | annotation+label | label
    label: str = "app.kubernetes.io/instance"  # of the other two methods; its value is the application's name
    installation_id: str = ""  # tells several gitopsd that write to one cluster apart


@dataclass(frozen=True, slots=True)
class LabelExpression:
    """What one label has to be, as in `matchExpressions` of Kubernetes."""

    key: str
    operator: str  # In | NotIn | Exists | DoesNotExist
    values: tuple[str, ...] = ()  # of In and NotIn


@dataclass(frozen=True, slots=True)
class InheritedProject:
    """A project whose limits other projects have beside their own, as Argo CD's globalProjects has it."""

    project_name: str
    match_expressions: tuple[LabelExpression, ...] = ()  # of those projects' labels; none: all projects


@dataclass(frozen=True, slots=True)
class RbacSettings:
    """Who may do what; the keys are those of Argo CD's ConfigMap argocd-rbac-cm."""

    file: Path | None = None  # that ConfigMap as a manifest, or CSV alone; read again on SIGHUP
    data: Mapping[str, str] = field(default_factory=dict, metadata={"rest": True})  # goes over the file's


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Which accounts there are; the keys are those of Argo CD's ConfigMap argocd-cm."""

    file: Path | None = None  # that ConfigMap as a manifest, or the directory of its keys; read again on SIGHUP
    secrets: Path | None = None  # directory where Argo CD's argocd-secret is mounted: what `$KEY` in the ConfigMap is
    data: Mapping[str, str] = field(default_factory=dict, metadata={"rest": True})  # goes over the file's


@dataclass(frozen=True, slots=True)
class CustomizationSettings:
    """What can be done with objects; the keys are those of Argo CD's ConfigMap argocd-cm."""

    file: Path | None = None  # that ConfigMap as a manifest, or the directory of its keys; read again on SIGHUP
    directory: Path | None = None  # GROUP/KIND/actions/discovery.lua and NAME/action.lua, instead of built-in ones
    data: Mapping[str, str] = field(default_factory=dict, metadata={"rest": True})  # goes over the file's
