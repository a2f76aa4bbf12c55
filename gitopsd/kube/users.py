"""Who we are by a kubeconfig's user, as kubectl reads it: token, password, plugin or provider, and whom it acts as."""

from __future__ import annotations

import asyncio
import base64
import importlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from gitopsd.errors import InvalidSettings
from gitopsd.kube.exec_plugin import ExecPlugin

FILE_HOLDS_S = 60.0  # a token in a file is read again after this: the kubelet replaces it well before it ends
EARLY_S = 30.0  # a token with an end is fetched anew so long before it
SHORTEST_S = 10.0  # however soon a plugin says its token ends, it is not run more often than this
HEADER_KEY = "!#$&'*+-.^_`|~"  # beside letters and digits, what the name of a header may have


@dataclass(frozen=True, slots=True)
class UserLogin:
    """What shows a server who we are."""

    authorization: str = field(default="", repr=False)  # value of the header; "": none
    certificate: bytes | None = None  # of a plugin, in place of the kubeconfig's
    key: bytes | None = field(default=None, repr=False)
    holds_s: float = math.inf  # seconds after which it is to be asked for anew


async def log_in(
    user: Mapping[str, Any], cluster: Mapping[str, Any], folder: Path, allowed: Collection[str], now_s: float
) -> UserLogin:
    """Return the login of a kubeconfig's user.

    Args:
        user: of the kubeconfig.
        cluster: what its exec plugin is told of the cluster.
        folder: the kubeconfig's; relative paths begin there.
        allowed: exec plugins that may be run.
        now_s: Unix time.

    Raises:
        InvalidSettings: the kubeconfig does not say what is needed.
        ClusterUnreachable: a plugin failed.
    """
    token = _token(user, folder)
    password = "username" in user and "password" in user
    _agree(user, token=bool(token), password=password)
    if token:  # goes before a plugin, as kubectl has it
        return UserLogin(f"Bearer {token}", holds_s=FILE_HOLDS_S if user.get("tokenFile") else math.inf)
    if password:
        pair = f"{user['username']}:{user['password']}".encode()
        return UserLogin(f"Basic {base64.b64encode(pair).decode()}")
    if user.get("exec"):
        return await _of_plugin(ExecPlugin.parse(user["exec"], folder), cluster, allowed, now_s)
    if user.get("auth-provider"):
        return await _of_provider(user["auth-provider"], folder)
    return UserLogin()


def acting_as(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the headers that have the server take our requests as somebody else's; none where nobody is named.

    Raises:
        InvalidSettings: groups, an id or extra are named, and no user.
    """
    name, uid = user.get("as") or "", user.get("as-uid") or ""
    groups, extra = user.get("as-groups") or [], user.get("as-user-extra") or {}
    if not name:
        if uid or groups or extra:
            raise InvalidSettings(
                "its user has as-uid, as-groups or as-user-extra, and no as", remedy="write as whom with `as`"
            )
        return ()
    pairs = [("Impersonate-User", str(name))]
    pairs += [("Impersonate-Uid", str(uid))] if uid else []
    pairs += [("Impersonate-Group", str(group)) for group in _listed(groups, "as-groups")]
    for key in sorted(extra):
        header = f"Impersonate-Extra-{quote(str(key), safe=HEADER_KEY)}"
        pairs += [(header, str(value)) for value in _listed(extra[key], f"as-user-extra.{key}")]
    return tuple(pairs)


def _token(user: Mapping[str, Any], folder: Path) -> str:
    """Return the token; that in a file goes first, and where it cannot be read the one beside it is taken."""
    token = str(user.get("token") or "").strip()
    if not user.get("tokenFile"):
        return token
    path = folder / str(user["tokenFile"])
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as err:
        if token:
            return token
        reason = err.strerror if isinstance(err, OSError) else "it is no text"
        raise InvalidSettings(
            f"its tokenFile {path} cannot be read: {reason}", remedy="mend the path, its rights"
        ) from err
    if not text and not token:
        raise InvalidSettings(f"its tokenFile {path} is empty", remedy="put the token there")
    return text or token


def _agree(user: Mapping[str, Any], *, token: bool, password: bool) -> None:
    if token and password:
        raise InvalidSettings("its user has both a token and a password", remedy="leave out one")
    if user.get("exec") and user.get("auth-provider"):
        raise InvalidSettings("its user has both exec and auth-provider", remedy="leave out one")


async def _of_plugin(
    plugin: ExecPlugin, cluster: Mapping[str, Any], allowed: Collection[str], now_s: float
) -> UserLogin:
    answer = await plugin.run(plugin.program(allowed), cluster)
    return UserLogin(
        f"Bearer {answer.token}" if answer.token else "",
        answer.certificate,
        answer.key,
        math.inf if answer.ends_s is None else max(SHORTEST_S, answer.ends_s - now_s - EARLY_S),
    )


async def _of_provider(provider: Mapping[str, Any], folder: Path) -> UserLogin:
    """Ask an identity provider by OpenID Connect; kubectl knows no other provider any more."""
    if provider.get("name") != "oidc":
        raise InvalidSettings(
            f"its auth-provider {provider.get('name')!r} is none that kubectl knows", remedy="write an exec plugin"
        )
    # Its package brings every model of the API: 40 MB and 0.3 s, for those alone who sign in so.
    library = await asyncio.to_thread(importlib.import_module, "kubernetes_asyncio.config.kube_config")
    loader = library.KubeConfigLoader(
        {
            "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": {"server": "https://nobody.invalid"}}],
            "users": [{"name": "it", "user": {"auth-provider": provider}}],
        },
        config_base_path=str(folder),
    )
    login = SimpleNamespace(api_key={}, cert_file=None, key_file=None, tls_server_name=None, proxy=None)
    await loader.load_and_set(login)
    return UserLogin(login.api_key.get("BearerToken", "").strip(), holds_s=FILE_HOLDS_S)


def _listed(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidSettings(f"its {name} is no list", remedy="write a list")
    return value
