"""Settings that fit one by one, and do not fit together or with this machine."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gitopsd.core.project.inheritance import LabelOperator
from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.core.source.repo_url import has_credentials, url_fault
from gitopsd.core.text.suggest import did_you_mean
from gitopsd.errors import InvalidSettings
from gitopsd.settings.accounts import check_accounts
from gitopsd.settings.customizations import check_customizations
from gitopsd.settings.limits import KUSTOMIZE_OPTIONS
from gitopsd.settings.objects import TrackingSettings
from gitopsd.settings.problem import Problems
from gitopsd.settings.rbac import check_rbac
from gitopsd.settings.schema import (
    ClusterSettings,
    NetworkSettings,
    RepoCredentials,
    Secret,
    Settings,
)

RESERVED = "gitopsd"  # the destination by which an application declares applications
NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
MAX_INSTALLATION = 253
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
KEY_BYTES = 32
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
NO_FILE_NEEDED = frozenset(
    {"data_dir", "run_dir", "directory", "ca_directory", "gpg_keys", "local_repositories"}
)  # made, waited for, or looked at by whoever reads it


def check(settings: Settings, environ: Mapping[str, str], problems: Problems) -> None:
    """Note everything about `settings` that would make the daemon fail at once or do something unmeant."""
    for index, cluster in enumerate(settings.clusters):
        _cluster(f"clusters[{index}]", cluster, problems)
    _unique("clusters", "name", [cluster.name for cluster in settings.clusters], problems)
    for index, plugin in enumerate(settings.exec_plugins):
        if "/" in plugin and not plugin.startswith("/"):
            remedy = "write a name to be found on the PATH, or an absolute path"
            problems.at(f"exec_plugins[{index}]", f"is {plugin[:80]!r}", remedy)
    _declarations(settings, problems)
    _inherited(settings, problems)
    _credentials(settings, problems)
    _sops(settings, problems)
    _network(settings.network, problems)
    _files(settings, environ, problems)
    _redis(settings, problems)
    _api(settings, problems)
    check_rbac(settings.rbac, problems)
    check_accounts(settings.accounts, problems)
    check_customizations(settings.customizations, problems)
    _sync(settings, problems)
    _rules(settings, problems)
    _tracking(settings.tracking, problems)
    _build_options("tools.kustomize_build_options", settings.tools.kustomize_build_options, problems)
    for index, url in enumerate(settings.tools.kustomize_remote_bases):
        _url(f"tools.kustomize_remote_bases[{index}]", url, problems)
    for setting, urls in (("dependencies", settings.charts.dependencies), ("value_files", settings.charts.value_files)):
        for index, url in enumerate(urls):
            if url != "*" and RepoAddress.parse(url) is None:
                problems.at(
                    f"charts.{setting}[{index}]", f"is {url[:80]!r}", "write https://HOST/ or oci://HOST/, or '*'"
                )
    for index, version in enumerate(settings.tools.kustomize_versions):
        _build_options(f"tools.kustomize_versions[{index}].build_options", version.build_options, problems)


def _tracking(tracking: TrackingSettings, problems: Problems) -> None:
    prefix, _, name = tracking.label.rpartition("/")
    if not LABEL.fullmatch(name) or (prefix and not NAME.fullmatch(prefix)):
        problems.at("tracking.label", f"is {tracking.label[:80]!r}", "write a label's name, such as example.com/app")
    if len(tracking.installation_id) > MAX_INSTALLATION or not tracking.installation_id.isprintable():
        what = f"has {len(tracking.installation_id)} characters, or some that cannot be printed"
        problems.at("tracking.installation_id", what, f"write a word of at most {MAX_INSTALLATION} characters")


def _build_options(name: str, text: str, problems: Problems) -> None:
    unknown = [
        word for word in text.split() if word.startswith("-") and word.partition("=")[0] not in KUSTOMIZE_OPTIONS
    ]
    if unknown:
        problems.at(name, f"has {unknown[0][:80]}", f"leave it out; known: {', '.join(sorted(KUSTOMIZE_OPTIONS))}")


def _cluster(name: str, cluster: ClusterSettings, problems: Problems) -> None:
    if cluster.name == RESERVED:
        problems.at(f"{name}.name", f"is {RESERVED}, which stands for gitopsd itself", "give the cluster another name")
    elif not NAME.fullmatch(cluster.name):
        remedy = "write lower-case letters, digits, '.', '_' and '-'"
        problems.at(f"{name}.name", f"is {cluster.name[:80]!r}", remedy)
    ways = {"kubeconfig": cluster.kubeconfig, "in_cluster": cluster.in_cluster, "server": cluster.server}
    chosen = [way for way, value in ways.items() if value]
    if len(chosen) != 1:
        what = f"has {' and '.join(chosen)}" if chosen else "says no way of access"
        problems.at(name, what, "write exactly one of kubeconfig, in_cluster: true and server")
        return
    if cluster.cluster_resources and not cluster.namespaces:
        problems.at(f"{name}.cluster_resources", "is given without namespaces", "remove it: everything is read")
    for index, namespace in enumerate(cluster.namespaces):
        if not NAMESPACE.fullmatch(namespace):
            remedy = "write the name of a namespace; globs are not known here"
            problems.at(f"{name}.namespaces[{index}]", f"is {namespace[:80]!r}", remedy)
    if cluster.context and not cluster.kubeconfig:
        problems.at(f"{name}.context", "is given without kubeconfig", "remove it")
    if cluster.server:
        _server(name, cluster, problems)
    elif cluster.token or cluster.ca_file or cluster.cert_file or cluster.key_file:
        problems.at(name, f"has {chosen[0]} and its own token or certificate", "they go with server alone: remove them")


def _server(name: str, cluster: ClusterSettings, problems: Problems) -> None:
    if not re.match(r"https://[^/\s@]+(/|$)", cluster.server):
        problems.at(f"{name}.server", "is no https:// URL", "write https://HOST:PORT, without user or password")
    if bool(cluster.cert_file) != bool(cluster.key_file):
        problems.at(name, "has one of cert_file and key_file", "write both")
    elif not cluster.token and not cluster.cert_file:
        problems.at(name, "has a server and no credentials", "write token, or cert_file and key_file")


def _inherited(settings: Settings, problems: Problems) -> None:
    for index, project in enumerate(settings.global_projects):
        for place, label in enumerate(project.match_expressions):
            name = f"global_projects[{index}].match_expressions[{place}]"
            if label.operator not in set(LabelOperator):
                hint = did_you_mean(label.operator, LabelOperator) or f"write one of {', '.join(LabelOperator)}"
                problems.at(f"{name}.operator", f"is {label.operator[:40]!r}", hint)
            elif bool(label.values) != (label.operator in {LabelOperator.IN, LabelOperator.NOT_IN}):
                problems.at(name, "has values that its operator does not take, or none", "values go with In and NotIn")


def _declarations(settings: Settings, problems: Problems) -> None:
    for index, source in enumerate(settings.declarations):
        name = f"declarations[{index}]"
        if bool(source.directory) == bool(source.repo_url):
            problems.at(name, "must have a directory or a repo_url", "write exactly one of the two")
        elif source.repo_url:
            _url(f"{name}.repo_url", source.repo_url, problems)
        if source.verify not in ("none", "head", "strict"):
            problems.at(f"{name}.verify", f"is {source.verify[:40]!r}", "write none, head or strict")
        elif source.verify == "none" and (source.keys or source.principals):
            problems.at(name, "names keys, and verifies nothing", "set verify to head or strict")
        elif source.verify != "none" and (source.directory or not (source.keys or source.principals)):
            problems.at(name, "has nobody whose signature would do", "write keys or principals, beside a repo_url")
        for key in source.keys:
            if not re.fullmatch(r"[0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64}", key):
                remedy = "write 16 hexadecimal digits in capitals, or all of them, in quotes"
                problems.at(f"{name}.keys", f"holds {key[:80]!r}, no key id", remedy)
    keys = [
        str(source.directory or (source.repo_url, source.target_revision, source.path))
        for source in settings.declarations
    ]
    _unique("declarations", "", keys, problems)


def _credentials(settings: Settings, problems: Problems) -> None:
    for index, credentials in enumerate(settings.git.credentials):
        name = f"git.credentials[{index}]"
        _url(f"{name}.url", credentials.url, problems)
        for what, remedy in misfits(credentials):
            problems.at(name, what, remedy)
    for field in ("ca_directory", "gpg_keys"):
        path: Path | None = getattr(settings.git, field)
        if path is not None and not path.exists():
            problems.at(f"git.{field}", f"is {path}, which is not there", "name what gitopsd may read")
    _unique("git.credentials", "url", [credentials.url for credentials in settings.git.credentials], problems)


def misfits(credentials: RepoCredentials) -> Iterator[tuple[str, str]]:
    """Yield what does not fit together in `credentials`, and the remedy."""
    ways = ("password", "bearer_token", "github_app", "ssh_key")
    chosen = [way for way in ways if getattr(credentials, way)]
    if len(chosen) > 1:
        yield f"has {' and '.join(chosen)}", "write the one that fits the URL"
    if credentials.username and not credentials.password and not credentials.ssh_key:
        yield "has a username alone", "add password, or remove it"
    if bool(credentials.client_cert) != bool(credentials.client_key):
        yield "has one of client_cert and client_key", "write both, or none"
    if credentials.no_proxy and not credentials.proxy:
        yield "has no_proxy without proxy", "add proxy, or set NO_PROXY in the daemon's environment"
    if credentials.proxy and not re.fullmatch(r"(?:https?|socks5h?)://\S+", credentials.proxy):
        yield "has a proxy that is no URL", "write http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT"
    if credentials.proxy and re.match(r"ssh://|[^/:@]+@[^/:]+:", credentials.url):
        yield "has a proxy, and SSH is reached without", "remove it, or use the repository's https:// URL"
    if credentials.github_app and not re.fullmatch(r"(?:https?://[^\s@?#]+)?", credentials.github_app.api_url):
        yield "has a github_app.api_url that is no URL", "write https://HOST/api/v3, without user or password"


def _network(network: NetworkSettings, problems: Problems) -> None:
    for index, entry in enumerate(network.private):
        if not re.fullmatch(r"[A-Za-z0-9.:*?_/-]+", entry):
            remedy = "write a host, an address or a network, such as git.corp.example or 10.1.0.0/16"
            problems.at(f"network.private[{index}]", f"is {entry[:80]!r}", remedy)


def _sops(settings: Settings, problems: Problems) -> None:
    for index, keys in enumerate(settings.sops.keys):
        if keys.url:
            _url(f"sops.keys[{index}].url", keys.url, problems)
        if not keys.age and not keys.pgp:
            problems.at(f"sops.keys[{index}]", "has neither age nor pgp", "write one of them")
    _unique("sops.keys", "url", [keys.url for keys in settings.sops.keys], problems)


def _url(name: str, url: str, problems: Problems) -> None:
    fault = url_fault(url) if url else "is empty"
    if fault:
        problems.at(name, fault, "write an https://, ssh:// or file:// URL")
    if has_credentials(url):
        problems.at(name, "holds a password", "move it to a file and name that in git.credentials")


def _unique(name: str, field: str, values: list[str], problems: Problems) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            path = f"{name}[{index}]" + (f".{field}" if field else "")
            problems.at(path, "is given twice", f"it was first at {name}[{values.index(value)}]: change or remove one")


def _files(settings: Settings, environ: Mapping[str, str], problems: Problems) -> None:
    for name, value in _walk(settings, ""):
        if isinstance(value, Secret):
            _secret(name, value, environ, problems)
        elif isinstance(value, Path) and name.rpartition(".")[2].partition("[")[0] not in NO_FILE_NEEDED:
            _file(name, value, problems)


def _secret(name: str, secret: Secret, environ: Mapping[str, str], problems: Problems) -> None:
    if bool(secret.file) == bool(secret.env):
        problems.at(name, "must have a file or an env", "write exactly one of the two; the secret itself stays outside")
    elif secret.file:
        _file(f"{name}.file", secret.file, problems)
    elif not environ.get(secret.env):
        problems.at(f"{name}.env", f"is {secret.env[:80]}, which is not set", "set it, or name another")


def _file(name: str, path: Path, problems: Problems) -> None:
    mounted = ("accounts.file", "accounts.secrets", "customizations.file")  # by a pod, a ConfigMap or a Secret
    if name in mounted and path.is_dir():
        return
    try:
        with path.open("rb"):
            return
    except OSError as err:
        problems.at(name, f"is {path}: {(err.strerror or str(err)).lower()}", "name a file that gitopsd may read")


def _redis(settings: Settings, problems: Problems) -> None:
    url = settings.redis.url
    if url != "embedded" and not url.startswith(REDIS_SCHEMES):
        problems.at("redis.url", "is no URL of a Redis", f"write embedded, or begin with {', '.join(REDIS_SCHEMES)}")
    if re.match(r"\w+://[^/@]*:[^/@]+@", url):
        problems.at("redis.url", "holds a password", "move it to a file and name that in redis.password")
    if settings.redis.key and not any(True for _ in problems):
        _redis_key(settings.redis.key, problems)


def _redis_key(secret: Secret, problems: Problems) -> None:
    try:
        fits = len(base64.b64decode(secret.read(), validate=True)) == KEY_BYTES
    except (InvalidSettings, binascii.Error, ValueError):
        fits = False
    if not fits:
        problems.at("redis.key", f"is not {KEY_BYTES} bytes in base64", "make one with `openssl rand -base64 32`")


def _api(settings: Settings, problems: Problems) -> None:
    api = settings.api
    if bool(api.cert_file) != bool(api.key_file):
        problems.at("api", "has one of cert_file and key_file", "write both, or none")
    if api.port and api.port == api.probe_port and api.host == api.probe_host:
        problems.at("api.probe_port", f"is {api.probe_port}, as api.port is", "probes have a listener of their own")


def _sync(settings: Settings, problems: Problems) -> None:
    sync = settings.sync
    if sync.heal_max_s < sync.heal_wait_s:
        problems.at("sync.heal_max_s", "is less than sync.heal_wait_s", "make it the greater one")
    if sync.gate_deadline_s > sync.operation_deadline_s:
        problems.at("sync.gate_deadline_s", "is more than sync.operation_deadline_s", "make it the lesser one")


def _rules(settings: Settings, problems: Problems) -> None:
    for index, rule in enumerate(settings.compare.ignore_differences):
        name = f"compare.ignore_differences[{index}]"
        if not (rule.json_pointers or rule.jq_path_expressions or rule.managed_fields_managers):
            remedy = "write json_pointers, jq_path_expressions or managed_fields_managers"
            problems.at(name, "ignores nothing", remedy)
        for position, pointer in enumerate(rule.json_pointers):
            if not pointer.startswith("/"):
                remedy = "write it as '/spec/replicas'"
                problems.at(f"{name}.json_pointers[{position}]", f"is {pointer[:80]!r}, no JSON pointer", remedy)
    for index, check in enumerate(settings.health.customizations):
        for field in ("group_kind", "lua"):
            if not getattr(check, field).strip():
                problems.at(f"health.customizations[{index}].{field}", "is empty", "write it")


def _walk(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every setting below `value` with its dotted name; a Secret as a whole."""
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _walk(item, f"{name}[{index}]")
    elif dataclasses.is_dataclass(value) and not isinstance(value, Secret | type):
        for field in dataclasses.fields(value):
            yield from _walk(getattr(value, field.name), f"{name}.{field.name}".lstrip("."))
    else:
        yield name, value
