"""How to reach one cluster and be known there: server, trust, identity, and how long they hold."""

from __future__ import annotations

import asyncio
import math
import os
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gitopsd.errors import ClusterUnreachable, GitopsError, InvalidSettings
from gitopsd.kube.exec_plugin import cluster_info, decoded
from gitopsd.kube.users import FILE_HOLDS_S, acting_as, log_in
from gitopsd.runtime.deadline import within
from gitopsd.settings import ClusterSettings

IN_CLUSTER_SERVER = "https://kubernetes.default.svc"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LOGIN_DEADLINE_S = 60.0  # an exec plugin, or a token's refresh; people's plugins call clouds


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request needs to reach a cluster and be known there."""

    server: str  # https://HOST:PORT, without a slash at the end; a path where the server is behind one
    tls: ssl.SSLContext | None  # None: plain HTTP
    authorization: str = field(default="", repr=False)  # value of the header; "": none
    server_hostname: str | None = None  # the name in the server's certificate, where it is not the host
    proxy: str | None = None
    acting_as: tuple[tuple[str, str], ...] = ()  # headers: in whose name all requests are sent
    holds_s: float = math.inf  # seconds from loading after which they are to be loaded anew


def server_of(settings: ClusterSettings) -> str:
    """Return the URL of the API server that `settings` name, without logging in; "" where it cannot be told."""
    if settings.server or settings.kubeconfig is None:
        return settings.server or (IN_CLUSTER_SERVER if settings.in_cluster else "")
    try:
        document = _parsed(_absolute(settings.kubeconfig))
        context = settings.context or document["current-context"]
        names = _named(document, "contexts", context)["context"]
        return str(_named(document, "clusters", names["cluster"])["cluster"]["server"])
    except (InvalidSettings, KeyError, TypeError):
        return ""


async def load(
    settings: ClusterSettings, now_s: Callable[[], float], exec_plugins: Collection[str] = ()
) -> Credentials:
    """Return the credentials that `settings` name, read afresh.

    Args:
        settings: of the cluster.
        now_s: gives Unix time.
        exec_plugins: programs that kubeconfigs may have run.

    Raises:
        InvalidSettings: a file is missing or does not say what is needed.
        ClusterUnreachable: an exec plugin or an identity provider refused, or failed.
        TooSlow: it took too long.
    """
    if settings.kubeconfig is not None:
        return await within(
            LOGIN_DEADLINE_S,
            f"the login to cluster {settings.name}",
            _from_kubeconfig(settings, _absolute(settings.kubeconfig), now_s, exec_plugins),
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


async def _from_kubeconfig(
    settings: ClusterSettings, path: Path, now_s: Callable[[], float], exec_plugins: Collection[str]
) -> Credentials:
    document = await asyncio.to_thread(_parsed, path)
    with _login_errors(settings.name, path):
        context = settings.context or document["current-context"]
        names = _named(document, "contexts", context)["context"]
        cluster = _named(document, "clusters", names["cluster"])["cluster"]
        if not isinstance(cluster.get("server"), str):
            raise InvalidSettings("its cluster has no server", remedy="write the server's URL")
        user = _named(document, "users", names["user"])["user"] if names.get("user") else {}
        server, trust = cluster["server"].rstrip("/"), _trust(cluster, user, path.parent)
        login = await log_in(user, cluster_info(cluster, trust.ca), path.parent, exec_plugins, now_s())
        if login.certificate is not None:
            trust = TlsTrust(trust.ca, login.certificate, login.key, check=trust.check)
        return Credentials(
            server=server,
            tls=_tls(settings.name, server, trust),
            authorization=login.authorization,
            server_hostname=cluster.get("tls-server-name") or None,
            proxy=_proxy(cluster),
            acting_as=acting_as(user),
            holds_s=login.holds_s,
        )


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _proxy(cluster: Mapping[str, Any]) -> str | None:
    proxy = str(cluster.get("proxy-url") or "")
    if proxy and not proxy.startswith(("http://", "https://")):
        scheme = proxy.partition(":")[0] if "://" in proxy else "none"
        raise InvalidSettings(
            f"its proxy-url has the scheme {scheme}; gitopsd speaks through http and https proxies",
            remedy="write the URL of an HTTP proxy; one such as privoxy passes on to a SOCKS server",
        )
    return proxy or None


def files_named_by(kubeconfig: Path) -> list[Path]:
    """Return the files with keys, certificates and tokens that a kubeconfig refers to; none of one that is broken."""
    path = kubeconfig.expanduser().absolute()
    try:
        document = _parsed(path)
    except InvalidSettings:
        return []  # whoever logs in by it says so
    inside = [
        entry.get(section.rstrip("s"))
        for section in ("users", "clusters")
        for entry in _mappings(document.get(section))
    ]
    named = (mapping.get(field) for mapping in _mappings(inside) for field in FILE_FIELDS)
    return [path.parent / file for file in named if isinstance(file, str) and file]


FILE_FIELDS = ("client-certificate", "client-key", "tokenFile", "certificate-authority")


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _parsed(path: Path) -> Mapping[str, Any]:
    content = _read(path)
    try:
        document = yaml.load(content, Loader=yaml.CSafeLoader)
    except Exception as err:  # beside its own errors the library lets out whatever making a value raises
        raise InvalidSettings(f"kubeconfig {path} is not YAML", remedy="mend the file") from err
    if not isinstance(document, dict):
        raise InvalidSettings(f"kubeconfig {path} holds no configuration", remedy="mend the file")
    return document


def _named(document: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any]:
    for item in document.get(section) or ():
        if item["name"] == name:
            entry: Mapping[str, Any] = item
            return entry
    raise InvalidSettings(f"there is no {name!r} among its {section}", remedy=f"name one of its {section}")


@contextmanager
def _login_errors(cluster: str, path: Path) -> Iterator[None]:
    """Turn what the library raises into ours. Its texts may hold tokens, so only the type is told."""
    try:
        yield
    except InvalidSettings as err:
        raise InvalidSettings(f"cluster {cluster}, kubeconfig {path}: {err.what}", remedy=err.remedy) from err
    except ClusterUnreachable as err:
        raise ClusterUnreachable(f"cluster {cluster}, kubeconfig {path}: {err.what}", remedy=err.remedy) from err
    except GitopsError:
        raise
    except (KeyError, TypeError, AttributeError) as err:
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
    ca, check = _pem(cluster, "certificate-authority", folder), not cluster.get("insecure-skip-tls-verify")
    if ca is not None and not check:
        raise InvalidSettings(
            "its cluster has both certificate-authority and insecure-skip-tls-verify",
            remedy="leave out insecure-skip-tls-verify",
        )
    return TlsTrust(ca, _pem(user, "client-certificate", folder), _pem(user, "client-key", folder), check)


def _pem(section: Mapping[str, Any], name: str, folder: Path) -> bytes | None:
    if data := section.get(f"{name}-data"):
        return decoded(data, f"{name}-data")
    return _read(folder / section[name]) if section.get(name) else None


def _tls(cluster: str, server: str, trust: TlsTrust) -> ssl.SSLContext | None:
    if not server.startswith("https:"):
        return None
    try:
        context = ssl.create_default_context() if trust.ca is None else _trusting(trust.ca)
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


def _trusting(ca: bytes) -> ssl.SSLContext:
    """Return a context that trusts `ca` alone; where that is no certificate it is an error, not the system's trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca.decode())
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
