"""An Application as its declaration says it, in Argo CD's terms."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsd.model.chart import CHARTS, chart_reference, chart_repository
from gitopsd.model.ids import AppName, ProjectName, RepoUrl
from gitopsd.model.manifest import Manifest


class Mode(enum.Enum):
    """Whether gitopsd may write: the stricter of daemon, project and application counts."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class ExtraFields(enum.Enum):
    """What is done about fields that people and tools have set on live objects, and Git has not."""

    IGNORE = "ignore"  # they are not looked for
    SHOW = "show"  # they are counted and shown
    HEAL = "heal"  # they put an object out of sync, and a sync takes them away


@dataclass(frozen=True, slots=True)
class JsonnetVariable:
    name: str
    value: str
    code: bool = False  # whether the value is Jsonnet, not a string


@dataclass(frozen=True, slots=True)
class JsonnetOptions:
    ext_vars: tuple[JsonnetVariable, ...] = ()
    tlas: tuple[JsonnetVariable, ...] = ()  # top-level arguments
    libs: tuple[str, ...] = ()  # directories from the repository's root; of two that fit, the later one's file is taken


@dataclass(frozen=True, slots=True)
class DirectoryOptions:
    recurse: bool = False
    include: str = ""  # a glob with {a,b}; "" is every manifest file
    exclude: str = ""
    any_extension: bool = False  # disableExtensionFilter: whatever files are named, those that are manifests count
    jsonnet: JsonnetOptions = JsonnetOptions()


FLAT = DirectoryOptions()


@dataclass(frozen=True, slots=True)
class KustomizeOptions:
    """What an Application changes of a kustomization, as `kustomize edit` would."""

    name_prefix: str = ""
    name_suffix: str = ""
    namespace: str = ""
    images: tuple[str, ...] = ()  # as `kustomize edit set image` takes them: `name=new:tag@digest`
    replicas: Mapping[str, int] = field(default_factory=dict)  # name of a workload → count
    common_labels: Mapping[str, str] = field(default_factory=dict)
    label_without_selector: bool = False
    label_include_templates: bool = False
    force_common_labels: bool = False
    common_annotations: Mapping[str, str] = field(default_factory=dict)
    common_annotations_envsubst: bool = False
    force_common_annotations: bool = False
    patches: tuple[Mapping[str, Any], ...] = ()  # as a kustomization has them
    components: tuple[str, ...] = ()
    ignore_missing_components: bool = False
    version: str = ""  # of tools.kustomize_versions; "": the usual program
    kube_version: str = ""  # for Helm inflation alone, where settings allow it; "": the destination cluster's
    api_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HelmParameter:
    """One value by its path, as `--set` takes it."""

    name: str
    value: str
    force_string: bool = False


@dataclass(frozen=True, slots=True)
class HelmOptions:
    """What an Application gives a chart; of two values for one place the one that is further down here counts."""

    value_files: tuple[str, ...] = ()  # below the chart, from the root ("/x"), of another source ("$ref/x"), or globs
    ignore_missing_value_files: bool = False
    values: str = ""  # YAML
    values_object: Mapping[str, Any] | None = None  # where it is given, `values` has no effect
    parameters: tuple[HelmParameter, ...] = ()
    file_parameters: Mapping[str, str] = field(default_factory=dict)  # path of a value → file whose text it is
    release_name: str = ""  # "": the application's
    namespace: str = ""  # "": the destination's
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    pass_credentials: bool = False  # to other hosts that a chart repository's index names
    kube_version: str = ""  # "": the destination cluster's
    api_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PluginOptions:
    """What an Application gives a plugin."""

    name: str = ""  # of a plugin of the settings, with "-" and its version where it has one; "": the one that fits
    env: tuple[tuple[str, str], ...] = ()  # name without prefix, value; the build environment is put into values
    parameters: tuple[Mapping[str, Any], ...] = ()  # each has a name, and one of string, array and map


@dataclass(frozen=True, slots=True)
class Tooling:
    """By what a source is rendered, and how."""

    tool: str = ""  # "Directory" | "Helm" | "Kustomize" | "Plugin" where an explicit block says so; "": detect
    directory: DirectoryOptions = FLAT
    kustomize: KustomizeOptions = field(default_factory=KustomizeOptions)
    helm: HelmOptions = field(default_factory=HelmOptions)
    plugin: PluginOptions = field(default_factory=PluginOptions)


@dataclass(frozen=True, slots=True)
class Source:
    repo_url: RepoUrl
    target_revision: str = "HEAD"  # branch, tag, SHA, HEAD, full ref or semver range
    path: str = "."
    tag_prefix: str = ""  # of the tags that a version or range is of, without it
    ref: str = ""  # the name other sources know it by
    chart: str = ""
    tool: str = ""  # "Directory" | "Helm" | "Kustomize" | "Plugin" where an explicit block says so; "": detect
    options: Mapping[str, Any] = field(default_factory=dict)  # the source as declared; how it is rendered stands here
    decrypt: str = ""  # annotation gitopsd.io/decrypt of the application: "sops", or ""

    @property
    def repository(self) -> RepoUrl:
        """What is fetched: `repo_url` itself, or what the chart is had from."""
        return chart_repository(self.repo_url, self.chart) if self.chart else self.repo_url

    @property
    def scope(self) -> RepoUrl:
        """Whose readers' prunes wait for each other: the repository, but of a chart repository the chart alone."""
        return RepoUrl(f"{self.repository}#{self.chart}") if self.repository.startswith(CHARTS) else self.repository

    @property
    def reference(self) -> str:
        """What `ports.Sources` resolves there, beside the prefix of tags."""
        if not self.chart:
            return self.target_revision
        helm = self.options.get("helm")
        passes = isinstance(helm, Mapping) and helm.get("passCredentials") is True
        return chart_reference(self.repository, self.chart, self.target_revision, pass_credentials=passes)

    @property
    def gives_manifests(self) -> bool:
        """Tell whether it is rendered; else it only lends files to other sources, by its `ref`."""
        return bool(self.path or self.chart)


@dataclass(frozen=True, slots=True)
class Destination:
    """Exactly one of `server` and `name` is set."""

    server: str = ""
    name: str = ""
    namespace: str = ""  # for namespaced objects that name none


@dataclass(frozen=True, slots=True)
class Retry:
    limit: int = 5  # -1: for ever; 0: never
    duration_s: float = 5.0
    factor: float = 2.0
    max_duration_s: float = 180.0
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    automated: bool = False
    prune: bool = False
    self_heal: bool = False
    allow_empty: bool = False
    options: Mapping[str, str] = field(default_factory=dict)  # syncOptions: name → value
    retry: Retry | None = None
    namespace_metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # managedNamespaceMetadata


BY_HAND = SyncPolicy()


@dataclass(frozen=True, slots=True)
class IgnoreDifference:
    group: str
    kind: str
    name: str = ""
    namespace: str = ""
    json_pointers: tuple[str, ...] = ()
    jq_path_expressions: tuple[str, ...] = ()
    managed_fields_managers: tuple[str, ...] = ()


PARENT = "app:"  # what begins the name of a source that is an application, as against a directory or repository


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a declaration was read: a file and line, or a repository path at a revision."""

    source: str  # which declaration source or parent application; a source replaces only its own declarations
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file or self.source}:{self.line}" if self.line else (self.file or self.source)

    @property
    def parent(self) -> AppName | None:
        """The application that declares it; None where a source of the operator's does."""
        return AppName(self.source.removeprefix(PARENT)) if self.source.startswith(PARENT) else None

    @property
    def of_api(self) -> bool:
        """Whether somebody declared it by the API, and no Git does."""
        return self.source == API_SOURCE


def source_of_parent(app: AppName) -> str:
    """Return the declaration source that the application of applications `app` is."""
    return f"{PARENT}{app}"


NOWHERE = Origin("")
API_SOURCE = "api"  # the declaration source of what people declare by the API


@dataclass(frozen=True, slots=True)
class Application:
    name: AppName
    project: ProjectName
    sources: tuple[Source, ...]  # one where spec.source was written
    destination: Destination
    sync_policy: SyncPolicy = BY_HAND
    ignore_differences: tuple[IgnoreDifference, ...] = ()
    history_limit: int = 10
    namespace: str = ""  # of the declaration itself; "": where its parent's destination says, or Argo CD's own
    mode: Mode = Mode.ENFORCE  # annotation gitopsd.io/mode
    adopted: bool = False  # annotation gitopsd.io/adopt: "true": take over what Argo CD still writes
    skip_reconcile: bool = False  # annotation argocd.argoproj.io/skip-reconcile
    include_mutations: bool = False  # what admission would make of objects counts (IncludeMutationWebhook)
    extra_fields: ExtraFields = ExtraFields.IGNORE  # annotation gitopsd.io/extra-fields
    cascade: bool = False  # the resources finalizer was seen
    propagation: str = ""  # Foreground | Background: as that finalizer names it; "": as the sync options do
    manifest: Manifest = field(default_factory=dict)  # as declared
    origin: Origin = NOWHERE
    warnings: tuple[str, ...] = ()  # fields and options that are not understood or not done yet

    @property
    def declares(self) -> bool:
        """Tell whether its manifests are declarations for gitopsd itself (app of apps)."""
        return self.destination.name == "gitopsd"
