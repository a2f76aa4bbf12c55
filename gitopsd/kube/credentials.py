"""How to reach one cluster and be known there: server, trust, identity, and how long they hold."""

from __future__ import annotations

import asyncio
import base64
import binascii
import math
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from gitopsd.errors import ClusterUnreachable, GitopsError, InvalidSettings
from gitopsd.kube.kubeconfig import kube_config
from gitopsd.runtime.deadline import within
from gitopsd.settings import ClusterSettings

IN_CLUSTER_SERVER = "https://kubernetes.default.svc"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
FILE_HOLDS_S = 60.0  # a token in a file is read again after this: the kubelet replaces it well before it ends
EARLY_S = 30.0  # a token with an end is fetched anew so long before it
SHORTEST_S = 10.0  # however soon a plugin says its token ends, it is not run more often than this
LOGIN_DEADLINE_S = 60.0  # an exec plugin, or a token's refresh; people's plugins call clouds


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request needs to reach a cluster and be known there."""

    server: str  # https://HOST:PORT, without a slash at the end; a path where the server is behind one
    tls: ssl.SSLContext | None  # None: plain HTTP
    authorization: str = field(default="", repr=False)  # value of the header; "": none
    server_hostname: str | None = None  # the name in the server's certificate, where it is not the host
    proxy: str | None = None
    holds_s: float = math.inf  # seconds from loading after which they are to be loaded anew


def server_of(settings: ClusterSettings) -> str:
    """Return the URL of the API server that `settings` name, without logging in; "" where it cannot be told."""
    if settings.server or settings.kubeconfig is None:
        return settings.server or (IN_CLUSTER_SERVER if settings.in_cluster else "")
    try:
        document = _parsed(settings.kubeconfig.expanduser().absolute())
        context = settings.context or document["current-context"]
        names = _named(document, "contexts", context)["context"]
        return str(_named(document, "clusters", names["cluster"])["cluster"]["server"])
    except (InvalidSettings, KeyError, TypeError):
        return ""


async def load(settings: ClusterSettings, now_s: Callable[[], float]) -> Credentials:
    """Return the credentials that `settings` name, read afresh; `now_s` gives Unix time.

    Raises:
        InvalidSettings: a file is missing or does not say what is needed.
        ClusterUnreachable: an exec plugin or an identity provider refused, or failed.
        TooSlow: it took too long.
    """
    if settings.kubeconfig is not None:
        return await within(
            LOGIN_DEADLINE_S, f"the login to cluster {settings.name}", _from_kubeconfig(settings, now_s)
        )
    if settings.in_cluster:
        return await asyncio.to_thread(_from_service_account, settings.name)
    return await asyncio.to_thread(_from_settings, settings)


def _from_settings(settings: ClusterSettings) -> Credentials:
    if not settings.server:
        raise InvalidSettings(
            f"cluster {settings.name} has neither kubeconfig, in_cluster nor server",
            remedy="give it one of the three",
        )
    token = settings.token.read() if settings.token else ""
    trust = TlsTrust(
        ca=_read(settings.ca_file) if settings.ca_file else None,
        certificate=_read(settings.cert_file) if settings.cert_file else None,
        key=_read(settings.key_file) if settings.key_file else None,
    )
    return Credentials(
        server=settings.server.rstrip("/"),
        tls=_tls(settings.name, settings.server, trust),
        authorization=f"Bearer {token}" if token else "",
        holds_s=FILE_HOLDS_S if settings.token and settings.token.file else math.inf,
    )


def _from_service_account(cluster: str) -> Credentials:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise InvalidSettings(
            f"cluster {cluster}: in_cluster is set, but this process is in no Pod",
            remedy="give the cluster a kubeconfig, or run gitopsd in the cluster",
        )
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    token = _read(SERVICE_ACCOUNT / "token").decode().strip()
    tls = _tls(cluster, server, TlsTrust(ca=_read(SERVICE_ACCOUNT / "ca.crt")))
    return Credentials(server, tls, f"Bearer {token}", holds_s=FILE_HOLDS_S)


async def _from_kubeconfig(settings: ClusterSettings, now_s: Callable[[], float]) -> Credentials:
    assert settings.kubeconfig is not None  # noqa: S101 - the caller's condition
    path = settings.kubeconfig.expanduser().absolute()
    document = await asyncio.to_thread(_parsed, path)
    with _login_errors(settings.name, path):
        context = settings.context or document["current-context"]
        names = _named(document, "contexts", context)["context"]
        cluster = _named(document, "clusters", names["cluster"])["cluster"]
        if not isinstance(cluster.get("server"), str):
            raise InvalidSettings("its cluster has no server", remedy="write the server's URL")
        user = _named(document, "users", names["user"])["user"] if names.get("user") else {}
        trust = _trust(cluster, user, path.parent)
        loader = kube_config().KubeConfigLoader(
            {
                "current-context": context,
                "contexts": [{"name": context, "context": {"cluster": "it", "user": "it"}}],
                "clusters": [{"name": "it", "cluster": _without_files(cluster)}],
                "users": [{"name": "it", "user": _without_files(user)}],
            },
            config_base_path=str(path.parent),
        )
        login = SimpleNamespace(api_key={}, cert_file=None, key_file=None, tls_server_name=None, proxy=None)
        await loader.load_and_set(login)
        if login.cert_file and login.key_file:  # of an exec plugin, which takes the place of the user's
            trust = TlsTrust(trust.ca, _read(Path(login.cert_file)), _read(Path(login.key_file)), check=trust.check)
        return Credentials(
            server=str(login.host),
            tls=_tls(settings.name, str(login.host), trust),
            authorization=login.api_key.get("BearerToken", "").strip(),
            server_hostname=login.tls_server_name,
            proxy=login.proxy,
            holds_s=_holds_s(user, loader, now_s()),
        )


def _holds_s(user: Mapping[str, Any], loader: Any, now_s: float) -> float:
    ends = getattr(loader, "exec_plugin_expiry", None)
    if ends is not None:
        return max(SHORTEST_S, float(ends.timestamp()) - now_s - EARLY_S)
    return FILE_HOLDS_S if "auth-provider" in user or "tokenFile" in user else math.inf


def files_named_by(kubeconfig: Path) -> list[Path]:
    """Return the files with keys, certificates and tokens that a kubeconfig refers to; none of one that is broken."""
    path = kubeconfig.expanduser().absolute()
    try:
        document = _parsed(path)
    except InvalidSettings:
        return []  # whoever logs in by it says so
    inside = [
        each.get(section.rstrip("s")) for section in ("users", "clusters") for each in _mappings(document.get(section))
    ]
    named = (each.get(field) for each in _mappings(inside) for field in FILE_FIELDS)
    return [path.parent / each for each in named if isinstance(each, str) and each]


FILE_FIELDS = ("client-certificate", "client-key", "tokenFile", "certificate-authority")


def _mappings(found: Any) -> list[Mapping[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.load(_read(path), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as err:
        raise InvalidSettings(f"kubeconfig {path} is not YAML", remedy="mend the file") from err
    if not isinstance(document, dict):
        raise InvalidSettings(f"kubeconfig {path} holds no configuration", remedy="mend the file")
    return document


def _named(document: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any]:
    for item in document.get(section) or ():
        if item["name"] == name:
            found: Mapping[str, Any] = item
            return found
    raise InvalidSettings(f"there is no {name!r} among its {section}", remedy=f"name one of its {section}")


@contextmanager
def _login_errors(cluster: str, path: Path) -> Iterator[None]:
    """Turn what the library raises into ours. Its texts may hold tokens, so only the type is told."""
    try:
        yield
    except InvalidSettings as err:
        raise InvalidSettings(f"cluster {cluster}, kubeconfig {path}: {err.what}", remedy=err.remedy) from err
    except GitopsError:
        raise
    except (KeyError, TypeError, AttributeError, binascii.Error) as err:
        raise InvalidSettings(
            f"cluster {cluster}, kubeconfig {path}: not a kubeconfig ({type(err).__name__})", remedy="mend the file"
        ) from err
    except Exception as err:  # the library names neither its own errors nor those of what it calls
        raise ClusterUnreachable(
            f"cluster {cluster}: the login of kubeconfig {path} failed ({type(err).__name__})",
            remedy="run its exec plugin or `kubectl --kubeconfig` by hand to see why",
        ) from err


@dataclass(frozen=True, slots=True)
class TlsTrust:
    """PEM texts: whom to trust, and who we are."""

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    check: bool = True


def _trust(cluster: Mapping[str, Any], user: Mapping[str, Any], folder: Path) -> TlsTrust:
    return TlsTrust(
        ca=_pem(cluster, "certificate-authority", folder),
        certificate=_pem(user, "client-certificate", folder),
        key=_pem(user, "client-key", folder),
        check=not cluster.get("insecure-skip-tls-verify"),
    )


def _pem(section: Mapping[str, Any], name: str, folder: Path) -> bytes | None:
    if data := section.get(f"{name}-data"):
        return base64.b64decode(data)
    return _read(folder / section[name]) if section.get(name) else None


def _without_files(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return `section` without the certificates we read ourselves: the library would leave copies of them on disk."""
    ours = {"certificate-authority", "client-certificate", "client-key"}
    return {name: value for name, value in section.items() if name.removesuffix("-data") not in ours}


def _tls(cluster: str, server: str, trust: TlsTrust) -> ssl.SSLContext | None:
    if not server.startswith("https:"):
        return None
    try:
        context = ssl.create_default_context(cadata=trust.ca.decode() if trust.ca else None)
        # Since Python 3.13 certificates without a key identifier are refused; kubectl takes them, and people have them.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not trust.check:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if trust.certificate is not None:
            _load_identity(context, trust.certificate, trust.key or trust.certificate)
    except (ssl.SSLError, ValueError) as err:
        raise InvalidSettings(
            f"cluster {cluster}: its certificates cannot be used ({getattr(err, 'reason', None) or 'not PEM'})",
            remedy="give PEM files, and a key that fits the certificate",
        ) from err
    return context


def _load_identity(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a client certificate from memory; OpenSSL's interface takes files only, and a key is not for the disk."""
    memory = os.memfd_create("identity", os.MFD_CLOEXEC)
    try:
        os.write(memory, certificate + b"\n" + key)
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise InvalidSettings(f"{path} cannot be read: {err.strerror}", remedy="mend the path or its rights") from err
