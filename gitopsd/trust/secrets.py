"""Argo CD's repository and repo-creds Secrets, as they are written for Argo CD, read as credentials.

Source: Argo CD, docs/operator-manual/declarative-setup.md, and util/db/repository_secrets.go for the names of the keys.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.core.text.suggest import did_you_mean
from gitopsd.errors import InvalidDeclaration
from gitopsd.settings import GitHubApp, Held, RepoCredentials, unchecked
from gitopsd.settings.checks import misfits
from gitopsd.trust import clusters
from gitopsd.trust.clusters import ClusterSecret, cluster_of
from gitopsd.trust.credentials import DeclaredCredentials

LABEL = "argocd.argoproj.io/secret-type"
REPOSITORY, TEMPLATE, CLUSTER = "repository", "repo-creds", "cluster"
WITHOUT_EFFECT = {
    "repository-write": "gitopsd pushes nothing",
    "repo-write-creds": "gitopsd pushes nothing",
    "scm-creds": "gitopsd asks no code host for its repositories",
}
TRUE, FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False", "")
TEXTS = ("type", "url", "name", "project", "username", "proxy", "noProxy", "githubAppEnterpriseBaseUrl")
SECRETS = {
    "password": "password",
    "bearerToken": "bearer_token",
    "sshPrivateKey": "ssh_key",
    "tlsClientCertData": "client_cert",
    "tlsClientCertKey": "client_key",
}
FLAGS = {
    "insecure": "insecure",
    "insecureIgnoreHostKey": "insecure_host_key",
    "forceHttpBasicAuth": "force_basic_auth",
    "enableLfs": "lfs",
    "insecureOCIForceHttp": "plain_http",
}
APP = ("githubAppID", "githubAppInstallationID", "githubAppPrivateKey")
NOT_YET = (
    "gcpServiceAccountKey",
    "azureServicePrincipalClientId",
    "azureServicePrincipalClientSecret",
    "azureServicePrincipalTenantId",
    "azureActiveDirectoryEndpoint",
    "useAzureWorkloadIdentity",
)
NEEDLESS = ("depth", "webhookManifestCacheWarmDisabled")  # they tune Argo CD, and change nothing that is shown
KNOWN = frozenset((*TEXTS, *SECRETS, *FLAGS, *APP, *NOT_YET, *NEEDLESS, "enableOCI"))


@dataclass(slots=True)
class ReadSecrets:
    """What Secrets say; every line of `errors` and `warnings` begins with where its Secret stands."""

    declared: DeclaredCredentials = field(default_factory=DeclaredCredentials)
    clusters: list[ClusterSecret] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def is_credentials(document: Any) -> bool:
    """Tell whether `document` is a Secret in which Argo CD would look for credentials of any kind."""
    return kind_of(document) != ""


def kind_of(document: Any) -> str:
    """Return what the label of a Secret says it holds, "" where it has none, and for any other document."""
    if not isinstance(document, Mapping) or (document.get("apiVersion"), document.get("kind")) != ("v1", "Secret"):
        return ""
    metadata = document.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return str(labels.get(LABEL) or "") if isinstance(labels, Mapping) else ""


def read(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> ReadSecrets:
    """Return what all `documents` (where each stands, and the Secret itself) declare; one that is broken is left out.

    No message repeats a value that may be secret.
    """
    result = ReadSecrets()
    repositories: dict[RepoAddress, tuple[str, RepoCredentials]] = {}
    templates: dict[RepoAddress, tuple[str, RepoCredentials]] = {}
    for origin, document in documents:
        kind = kind_of(document)
        if kind == CLUSTER:
            _add_cluster(document, origin, result)
            continue
        if kind not in (REPOSITORY, TEMPLATE):
            remedy = WITHOUT_EFFECT.get(kind, f"write {REPOSITORY}, {TEMPLATE} or {CLUSTER}")
            result.warnings.append(f"{origin}: a Secret of type {kind[:40]!r} has no effect; {remedy}")
            continue
        try:
            credentials = _credentials(document, origin, result.warnings)
        except InvalidDeclaration as err:
            result.errors.append(f"{origin}: {err}")
            continue
        there = repositories if kind == REPOSITORY else templates
        address = RepoAddress.parse(credentials.url)
        if address is None:
            result.errors.append(f"{origin}: url is none that is fetched from; write an https:// or ssh:// URL")
        elif address in there:
            result.errors.append(f"{origin}: {credentials.url} is declared at {there[address][0]} already; remove one")
        else:
            there[address] = (origin, credentials)
    result.declared = DeclaredCredentials(
        tuple(credentials for _, credentials in repositories.values()),
        tuple(credentials for _, credentials in templates.values()),
    )
    return result


def _add_cluster(document: Mapping[str, Any], origin: str, result: ReadSecrets) -> None:
    try:
        values = _values(document)
        cluster = cluster_of(values)
    except InvalidDeclaration as err:
        result.errors.append(f"{origin}: {err}")
        return
    for name in sorted(values.keys() - clusters.KNOWN):
        result.warnings.append(f"{origin}: {name[:80]} is unknown and has no effect")
    if cluster.unchecked:
        result.warnings.append(f"{origin}: tlsClientConfig.insecure: the server is not checked; write its caData")
    if any(cluster_before.name == cluster.name for cluster_before in result.clusters):
        result.errors.append(f"{origin}: cluster {cluster.name} is declared already; remove one")
    else:
        result.clusters.append(cluster)


def _credentials(document: Mapping[str, Any], origin: str, warnings: list[str]) -> RepoCredentials:
    values = _values(document)
    for name in sorted(values.keys() - KNOWN):
        hint = did_you_mean(name, KNOWN) or "remove it"
        warnings.append(f"{origin}: {name[:80]} is unknown and has no effect; {hint}")
    if used := [name for name in NOT_YET if values.get(name)]:
        raise InvalidDeclaration(f"{used[0]} is not supported yet", remedy="give a user and password instead")
    if values.get("type", "git") not in ("git", "helm", "oci", ""):
        raise InvalidDeclaration(f"type is {values['type'][:40]!r}", remedy="write git, helm or oci")
    credentials = RepoCredentials(
        url=_url(values),
        username=values.get("username", ""),
        github_app=_app(values),
        proxy=values.get("proxy", ""),
        no_proxy=values.get("noProxy", ""),
        project=values.get("project", "").strip(),
        **{to: Held(text=values[name]) for name, to in SECRETS.items() if values.get(name)},  # type: ignore[arg-type]
        **{to: _flag(values, name) for name, to in FLAGS.items()},  # type: ignore[arg-type]
    )
    for what, remedy in misfits(credentials):
        raise InvalidDeclaration(f"the Secret {what}", remedy=remedy)
    warnings += [f"{origin}: the Secret {what}; {remedy}" for what, remedy in unchecked(credentials)]
    return credentials


def _values(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the entries of a Secret; `stringData` goes before `data`, as in Kubernetes."""
    values = {}
    for name, value in _mapping(document, "data"):
        try:
            values[name] = base64.b64decode("".join(value.split()), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidDeclaration(
                f"data.{name[:80]} is not text in base64", remedy="encode it, or write it below stringData"
            ) from None
    values |= _mapping(document, "stringData")
    return {name: value.removesuffix("\n") for name, value in values.items()}


def _mapping(document: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    values = document.get(name) or {}
    if not isinstance(values, Mapping):
        raise InvalidDeclaration(f"{name} is not a mapping", remedy="write `key: value` lines below it, indented")
    for key, value in values.items():
        if not isinstance(value, str):
            raise InvalidDeclaration(f"{name}.{str(key)[:80]} is not a string", remedy="put the value in quotes")
    return [(str(key), value) for key, value in values.items()]


def _url(values: Mapping[str, str]) -> str:
    """Return the URL; of a registry, which Argo CD wants without a scheme, as oci://."""
    url = values.get("url", "").strip()
    if not url:
        raise InvalidDeclaration("url is missing", remedy="write the repository's URL")
    registry = values.get("type") == "oci" or (values.get("type") == "helm" and _flag(values, "enableOCI"))
    if registry and not re.match(r"[a-z]+://", url):
        return f"oci://{url}"
    return url


def _app(values: Mapping[str, str]) -> GitHubApp | None:
    key = values.get("githubAppPrivateKey", "")
    if not key and not values.get("githubAppID"):
        return None
    for name in ("githubAppID", "githubAppPrivateKey"):
        if not values.get(name):
            raise InvalidDeclaration(f"{name} is missing", remedy="write githubAppID and githubAppPrivateKey")
    return GitHubApp(
        id=_number(values, "githubAppID"),
        private_key=Held(text=key),
        installation_id=_number(values, "githubAppInstallationID"),
        api_url=values.get("githubAppEnterpriseBaseUrl", "").strip(),
    )


def _number(values: Mapping[str, str], name: str) -> int:
    text = values.get(name, "").strip() or "0"
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise InvalidDeclaration(f"{name} is no number", remedy="write the number that GitHub shows, in quotes")
    return int(text)


def _flag(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "")
    if text not in (*TRUE, *FALSE):
        raise InvalidDeclaration(f"{name} is neither true nor false", remedy='write "true" or "false", in quotes')
    return text in TRUE
