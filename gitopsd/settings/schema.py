"""Every setting: what it is, its unit, its default and the reason. Parsed once, frozen ever after."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from gitopsd.errors import InvalidSettings
from gitopsd.settings.objects import (
    AccountSettings,
    CompareSettings,
    CustomizationSettings,
    InheritedProject,
    RbacSettings,
    ResourceSettings,
    TrackingSettings,
)

MAX_SECRET_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is read from; never the secret itself. At most one is set."""

    file: Path | None = None  # a relative path is looked up in $CREDENTIALS_DIRECTORY first
    env: str = ""  # name of an environment variable

    def read(self) -> str:
        """Return the secret's text as it is now, without the newline that editors end a file with.

        Raises:
            InvalidSettings: there is no such file or variable, or it is empty; never tells what was read.
        """
        text = os.environ.get(self.env, "") if self.file is None else _text_of(self.file)
        text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            where = f"environment variable {self.env}" if self.file is None else f"file {self.file}"
            raise InvalidSettings(f"the secret in {where} is empty or not there", remedy="put the secret there")
        return text


def _text_of(file: Path) -> str:
    directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
    credential = Path(directory) / file
    path = credential if directory and not file.is_absolute() and credential.is_file() else file
    try:
        with path.open(encoding="utf-8") as opened:
            return opened.read(MAX_SECRET_BYTES)
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else "it is not UTF-8 text"
        raise InvalidSettings(f"the secret's file {file} cannot be read: {reason}", remedy="mend the file") from None


@dataclass(frozen=True, slots=True)
class Held(Secret):
    """A secret that somebody else keeps, and that is in memory: of a Secret manifest, or a token that was asked for."""

    text: str = field(default="", repr=False)

    def read(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class GitHubApp:
    """A GitHub App: its installation gives out tokens of an hour."""

    id: int
    private_key: Secret  # PEM, as GitHub gives it out
    installation_id: int = 0  # 0: GitHub is asked for the repository's own
    api_url: str = ""  # of GitHub Enterprise, such as https://ghe.example/api/v3; "": https://api.github.com


@dataclass(frozen=True, slots=True)
class RepoCredentials:
    """For every repository whose URL starts with `url`; the longest prefix wins."""

    url: str
    username: str = ""  # "" with a token: git's usual "x-access-token"
    password: Secret | None = None  # password or token
    bearer_token: Secret | None = None  # sent as `Authorization: Bearer`, as Bitbucket's HTTP access tokens are
    github_app: GitHubApp | None = None
    ssh_key: Secret | None = None  # private key, OpenSSH format
    known_hosts: Path | None = None  # host keys accepted, plain or hashed; none: ssh's system-wide file
    ca_file: Path | None = None  # PEM bundle instead of the system's
    client_cert: Secret | None = None  # TLS client certificate, PEM, and …
    client_key: Secret | None = None  # … its key
    proxy: str = ""  # http://, https:// or socks5://; "": the daemon's environment says
    no_proxy: str = ""  # hosts and domains that are reached without it, separated by commas
    insecure: bool = False  # do not check TLS certificates or host keys
    insecure_host_key: bool = False  # do not check host keys; certificates are checked
    force_basic_auth: bool = False  # send user and password before the server asks for them
    lfs: bool = False  # resolve files that are kept in Git LFS
    pass_credentials: bool = False  # an index may send the login to other hosts, where the application asks for it
    plain_http: bool = False  # of a registry: it speaks HTTP without TLS
    project: str = ""  # only applications of this project may read what it opens; "": all whom sourceRepos permits


@dataclass(frozen=True, slots=True)
class GitSettings:
    poll_s: float = 120.0  # between two fetches of one repository; a webhook is faster, this one cannot be lost
    poll_jitter: float = 0.1  # share of poll_s by which polls are spread
    fetch_deadline_s: float = 300.0  # a whole fetch; then git and all it started are killed
    low_speed_bytes: int = 1000  # slower than this many bytes a second …
    low_speed_s: float = 30.0  # … for so long ends an HTTP fetch
    max_repo_bytes: int = 4 << 30  # a mirror larger than this is refused
    fetches_at_once: int = 8  # over all repositories
    known_hosts: Path | None = None  # host keys, for credentials that name none; none: ssh's system-wide file
    ca_directory: Path | None = None  # a PEM file for each host, named by it: Argo CD's argocd-tls-certs-cm, mounted
    local_repositories: tuple[Path, ...] = ()  # directories below which file:// repositories may be
    submodules: bool = True  # fetched where a render looks into them
    gpg_keys: Path | None = None  # public keys that may be trusted: a file, or a directory of them
    allowed_signers: Path | None = None  # SSH keys that may be trusted, in OpenSSH's form
    credentials: tuple[RepoCredentials, ...] = ()


@dataclass(frozen=True, slots=True)
class OciSettings:
    """Artifacts of registries: sources whose repoURL begins with oci://."""

    deadline_s: float = 300.0  # of all requests for one fetch
    max_layer_bytes: int = 100 << 20  # of a layer as it is pushed
    max_unpacked_bytes: int = 1 << 30  # of a layer as a tar, as Argo CD has it
    max_files: int = 50_000  # of one layer
    layer_media_types: tuple[str, ...] = ()  # read beside those of OCI images and Helm charts


@dataclass(frozen=True, slots=True)
class ChartSettings:
    """Chart repositories, and charts that others depend on; the limits of an archive are those of oci."""

    max_index_bytes: int = 64 << 20  # of an index.yaml; those of the largest public repositories have 30 MB
    dependencies: tuple[str, ...] = ("*",)  # URLs below which charts may take others from; "*": any
    value_files: tuple[str, ...] = ()  # URLs below which value files may be; "*": any


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What is fetched for applications beside public addresses, and what other settings and Secrets name by URL."""

    private: tuple[str, ...] = ()  # hosts (globs), addresses or networks that are private, link-local or loopback


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """One cluster: by kubeconfig, by this pod's service account, or by server with a token or certificate."""

    name: str
    kubeconfig: Path | None = None
    context: str = ""  # of the kubeconfig; "": its current one
    in_cluster: bool = False
    server: str = ""
    token: Secret | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    requests_at_once: int = 32  # in flight, fewer after a 429; the server's own fairness does the rest: no QPS limit
    request_deadline_s: float = 30.0
    list_page: int = 500  # objects a page; more costs memory, fewer costs round trips
    watch_timeout_s: float = 290.0  # asked of the server, so that a dead connection is noticed
    relist_s: float = 3600.0  # metadata lists of kinds that are not watched
    namespaces: tuple[str, ...] = ()  # the only ones that are read and written; none: all, and what is in none
    cluster_resources: bool = False  # beside `namespaces`: also what is in none
    project: str = ""  # whose applications may go there without naming it; "": it is of none


@dataclass(frozen=True, slots=True)
class RedisSettings:
    url: str = "embedded"  # redis://…, rediss://…, unix://…, or `embedded`: a private server that dies with the daemon
    password: Secret | None = None
    deadline_s: float = 1.0  # of one command; then the daemon renders itself
    ttl_s: float = 7 * 86400.0  # of an entry that nobody reads
    key: Secret | None = None  # 32 bytes, base64: seals entries, and Secrets in the store; none: entries by cache.key


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    count: int = 2  # worker processes; one a core
    deadline_s: float = 60.0  # of one job
    data_bytes: int = 512 << 20  # RLIMIT_DATA of a worker
    output_bytes: int = 64 << 20  # of one answer
    file_bytes: int = 256 << 20  # RLIMIT_FSIZE


@dataclass(frozen=True, slots=True)
class RenderSettings:
    max_bytes: int = 10 << 20  # of all files of one source, as Argo CD has it
    max_documents: int = 20_000  # of one source
    max_depth: int = 100  # nesting of one document
    max_growth: int = 50  # how many times its text a document may be once aliases are expanded


@dataclass(frozen=True, slots=True)
class KustomizeVersion:
    """A program for applications that ask for it by spec.source.kustomize.version."""

    name: str
    program: Path  # kustomize, or a kubectl whose `kubectl kustomize` is used
    build_options: str = ""  # instead of tools.kustomize_build_options


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """The programs that render what is not plain YAML."""

    kustomize: Path | None = None  # none: kubectl or kustomize beside gitopsd's own Python, else from the PATH
    kustomize_versions: tuple[KustomizeVersion, ...] = ()
    kustomize_build_options: str = ""  # as `kustomize build` takes them; what a repository may ask for is off without
    kustomize_remote_bases: tuple[str, ...] = ()  # URLs below which kustomizations may take bases of other repositories
    deadline_s: float = 50.0  # of one run; less than workers.deadline_s, so that the program is blamed
    output_bytes: int = 32 << 20  # of one run
    cpu_s: float = 100.0  # of the processor, of each process of a run
    processes: int = 256  # and threads, of one run
    visible: tuple[Path, ...] = ()  # what programs see besides the system's own libraries
    unconfined: bool = False  # run them as root, and plugins and the like without a sandbox


@dataclass(frozen=True, slots=True)
class SopsKeys:
    """What decrypts the files of repositories whose URL starts with `url`; the longest prefix wins."""

    url: str = ""  # "": any repository
    age: Secret | None = None  # identities, one a line, as age-keygen writes them
    pgp: Secret | None = None  # armoured secret keys without a passphrase


@dataclass(frozen=True, slots=True)
class SopsSettings:
    """SOPS files of applications that ask for it (annotation gitopsd.io/decrypt)."""

    program: Path | None = None  # none: of gitopsd[sops], else from the PATH
    keys: tuple[SopsKeys, ...] = ()


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """Argo CD's config management plugins: files of kind ConfigManagementPlugin, read at the start."""

    directory: Path | None = None  # its *.yaml and *.yml
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncSettings:
    workers: int = 16  # passes at once; each waits for the network most of its time
    heal_wait_s: float = 5.0  # from the end of one sync to the next of the same content
    heal_max_s: float = 300.0  # self-heal backs off to this
    argocd_quiet_s: float = 3600.0  # an application whose objects Argo CD wrote since is not synced unless adopted
    takeover: tuple[str, ...] = ("kubectl-client-side-apply", "argocd-controller")  # at the first apply (D6)
    refresh_s: float = 600.0  # a pass over every application at least so often, whatever was heard
    operation_deadline_s: float = 3600.0  # a sync that is not over by then fails
    gate_deadline_s: float = 1800.0  # a health gate between waves that does not open by then fails the sync
    lease_namespace: str = "kube-system"  # of the Lease by which one daemon of an instance writes to a cluster
    lease_s: float = 60.0  # after that another daemon may take a lease that is not renewed
    log_lines: int = 10  # of a failing container, in the sync's result; 0: no log is read


@dataclass(frozen=True, slots=True)
class FreshnessSettings:
    """What is older than this is not shown as Synced or Healthy."""

    epoch_s: float = 600.0  # since a repository was fetched; at least three times git.poll_s, whatever stands here
    watch_s: float = 600.0  # since a kind of a cluster was heard of; servers send bookmarks each minute


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """What is written down of drift, and when self-heal gives in."""

    max_entries: int = 100_000  # of the ledger; one is about 1 KB on the disk
    max_age_s: float = 90 * 86400.0  # of an entry that is over
    fight_turns: int = 5  # heals of one field in a row, after which it is left to the other writer
    fight_window_s: float = 3600.0  # between two of them, at most; well above sync.heal_max_s, which heals back off to


@dataclass(frozen=True, slots=True)
class HealthCustomization:
    """A health check in Lua for kinds that have none, or a wrong one."""

    group_kind: str  # group/Kind or group_Kind, globs; a Kind alone is of the core group
    lua: str  # Argo CD's form: `obj` in, `hs` with status and message out
    use_open_libs: bool = False  # string, math, bit, coroutine and the clock of os; nothing else is ever open


@dataclass(frozen=True, slots=True)
class HealthSettings:
    customizations: tuple[HealthCustomization, ...] = ()  # go before those of the directory
    directory: Path | None = None  # GROUP/KIND/health.lua, as Argo CD's resource_customizations; "_" is any text


@dataclass(frozen=True, slots=True)
class ScriptSettings:
    """Users' own code, Lua and jq: in worker processes of its own, so that it delays nothing but itself."""

    workers: int = 2  # processes
    deadline_s: float = 1.0  # of one script on one object, as in Argo CD; then its worker is killed
    memory_bytes: int = 64 << 20  # of one script


@dataclass(frozen=True, slots=True)
class DeclarationSource:
    """Where Application and AppProject manifests are: a directory, or a path of a Git repository."""

    directory: Path | None = None
    repo_url: str = ""
    target_revision: str = "HEAD"
    path: str = "."
    recurse: bool = True
    verify: str = "none"  # which commits must be signed: none, head or strict, as in sourceIntegrity of an AppProject
    keys: tuple[str, ...] = ()  # by whom: ids of GPG keys …
    principals: tuple[str, ...] = ()  # … and SSH keys' principals
    prune: bool = False  # whether a declaration that is gone removes the application (its objects stay)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Secrets of webhooks beside GitHub's, which is `api.webhook_secret`; a provider without one is off."""

    gitlab: Secret | None = None  # its secret token
    gitea: Secret | None = None  # of Forgejo and Gogs too
    bitbucket: Secret | None = None  # of Bitbucket Cloud
    bitbucket_server: Secret | None = None  # of Bitbucket Data Center too
    azure_devops: Secret | None = None  # user and password of its basic login, with a colon between them
    harbor: Secret | None = None  # its auth header
    generic: Secret | None = None  # of programs of your own, which sign as GitHub does


@dataclass(frozen=True, slots=True)
class ApiSettings:
    host: str = "127.0.0.1"
    port: int = 8080
    probe_host: str = "127.0.0.1"
    probe_port: int = 8081
    token: Secret | None = None  # static bearer token; none: one is written to the data directory
    webhook_secret: Secret | None = None  # of GitHub webhooks; none: they get 404
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    max_webhook_bytes: int = 25 << 20  # GitHub's own limit
    declares: bool = True  # applications may be created and changed by the API; what Git declares goes before
    cert_file: Path | None = None  # with key_file: TLS; both are read again when they change
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    application_labels: tuple[str, ...] = ()  # told by argocd_app_labels


@dataclass(frozen=True, slots=True)
class LogSettings:
    format: str = "json"  # json | console
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Settings:
    mode: str = "enforce"  # enforce | observe
    instance: str = "gitopsd"  # daemons of one name never write to one cluster at once
    data_dir: Path = Path("/var/lib/gitopsd")  # store, Git mirrors, generated secrets
    run_dir: Path = Path("/run/gitopsd")  # sockets
    clusters: tuple[ClusterSettings, ...] = ()
    exec_plugins: tuple[str, ...] = ()  # programs that logins to clusters may run: names on the PATH, absolute paths
    declarations: tuple[DeclarationSource, ...] = ()
    global_projects: tuple[InheritedProject, ...] = ()  # what projects have by their labels, beside their own
    argocd_namespace: str = "argocd"  # Argo CD's own: what applications declare there needs no sourceNamespaces
    network: NetworkSettings = field(default_factory=NetworkSettings)
    git: GitSettings = field(default_factory=GitSettings)
    oci: OciSettings = field(default_factory=OciSettings)
    charts: ChartSettings = field(default_factory=ChartSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    workers: WorkerSettings = field(default_factory=WorkerSettings)
    render: RenderSettings = field(default_factory=RenderSettings)
    tools: ToolSettings = field(default_factory=ToolSettings)
    plugins: PluginSettings = field(default_factory=PluginSettings)
    sops: SopsSettings = field(default_factory=SopsSettings)
    resource: ResourceSettings = field(default_factory=ResourceSettings)
    compare: CompareSettings = field(default_factory=CompareSettings)
    freshness: FreshnessSettings = field(default_factory=FreshnessSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    scripts: ScriptSettings = field(default_factory=ScriptSettings)
    sync: SyncSettings = field(default_factory=SyncSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    rbac: RbacSettings = field(default_factory=RbacSettings)
    accounts: AccountSettings = field(default_factory=AccountSettings)
    customizations: CustomizationSettings = field(default_factory=CustomizationSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    log: LogSettings = field(default_factory=LogSettings)
    grace_s: float = 20.0  # for workers to finish their step on SIGTERM; below systemd's TimeoutStopSec
