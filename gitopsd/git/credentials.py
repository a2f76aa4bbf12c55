"""What git is given to reach one repository: never on a command line, never in a file that stays."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.errors import InvalidSettings
from gitopsd.git.pins import NO_PINS, Pins
from gitopsd.settings import RepoCredentials
from gitopsd.trust.http import basic, in_memory

TOKEN_USER = "x-access-token"  # noqa: S105 - a user name, the one that GitHub, GitLab and Gitea take with a token
FD = "GITOPSD_CREDENTIALS_FD"
QUOTED = str.maketrans({"\\": r"\\", '"': r"\""})  # in git's configuration

# A credential helper in the configuration, so that no file has to be executable: /run often is mounted noexec. It asks
# a descriptor, which neither arguments nor environment show; opened by its path, it is read from the beginning each
# time. Redirects are not followed, so the server that git asks for is the one of the URL.
HELPER = (
    f'!f() {{ test "$1" = get && {{ IFS= read -r user; IFS= read -r secret; }} < /proc/self/fd/${FD} && '
    'printf \'username=%s\\npassword=%s\\n\' "$user" "$secret"; }; f'
)


@dataclass(frozen=True, slots=True)
class GitAccess:
    """One repository as git's child may see it."""

    url: str  # without user and password where they are handed over apart
    env: dict[str, str] = field(default_factory=dict)
    config: tuple[str, ...] = ()  # `name=value` for `git -c`
    fds: tuple[int, ...] = ()
    secrets: tuple[str, ...] = ()  # what no message may repeat


@contextmanager
def access(url: str, credentials: RepoCredentials | None, run_dir: Path, pins: Pins = NO_PINS) -> Iterator[GitAccess]:
    """Hand out what git needs for `url`; secrets are read now, and what was written for them is gone after.

    Raises:
        InvalidSettings: a secret or file of the credentials cannot be read, or cannot be used.
    """
    address = RepoAddress.parse(url)
    with ExitStack() as stack:
        match address.scheme if address else "":
            case "https" | "http":
                yield _http(url, credentials or RepoCredentials(url), stack, pins)
            case "ssh":
                yield _ssh(url, credentials or RepoCredentials(url), run_dir, stack, pins)
            case _:
                yield GitAccess(url)


def _http(url: str, credentials: RepoCredentials, stack: ExitStack, pins: Pins) -> GitAccess:
    clean, user, password = _split(url)
    if credentials.password is not None:
        user, password = credentials.username or TOKEN_USER, credentials.password.read()
    config, fds = [*pins.config, *_certificates(credentials)], list[int]()
    env = dict.fromkeys(("no_proxy", "NO_PROXY"), credentials.no_proxy) if credentials.proxy else {}
    secret = _included(credentials, user, password)
    hidden = [credentials.bearer_token.read()] if credentials.bearer_token is not None else []
    if password:
        fds.append(_in_memory(f"{_one_line(user, clean)}\n{_one_line(password, clean)}\n", stack))
        env[FD] = str(fds[-1])
        hidden += [password, basic(user, password)]
        config.append(f"credential.helper={HELPER}")
    if secret:
        fds.append(_in_memory(secret, stack))
        config.append(f"include.path=/proc/self/fd/{fds[-1]}")
    if credentials.client_cert is not None and credentials.client_key is not None:
        for name, client_secret in (("http.sslCert", credentials.client_cert), ("http.sslKey", credentials.client_key)):
            fds.append(_in_memory(client_secret.read(), stack))
            config.append(f"{name}=/proc/self/fd/{fds[-1]}")
    return GitAccess(clean, env, tuple(config), tuple(fds), tuple(hidden))


def http_login(url: str, credentials: RepoCredentials | None) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return `url` without a login, the headers that go with every request, and those for a server that asks for one.

    Raises:
        InvalidSettings: a secret cannot be read, or cannot be used.
    """
    credentials = credentials or RepoCredentials(url)
    clean, user, password = _split(url)
    if credentials.password is not None:
        user, password = credentials.username or TOKEN_USER, credentials.password.read()
    asked = {}
    if password:
        asked = {"Authorization": basic(_one_line(user, clean), _one_line(password, clean))}
    if credentials.bearer_token is not None:
        token = _one_line(credentials.bearer_token.read(), clean)
        return clean, {"Authorization": f"Bearer {token}"}, asked
    return clean, asked if credentials.force_basic_auth else {}, asked


def _certificates(credentials: RepoCredentials) -> Iterator[str]:
    if credentials.insecure:
        yield "http.sslVerify=false"
    elif credentials.ca_file is not None:
        yield f"http.sslCAInfo={_existing(credentials.ca_file, credentials.url, 'ca_file')}"


def _included(credentials: RepoCredentials, user: str, password: str) -> str:
    """Return the part of the configuration that holds secrets, as a file that git includes; "" where none does."""
    lines = []
    if credentials.bearer_token is not None:
        lines.append(
            ("extraHeader", f"Authorization: Bearer {_one_line(credentials.bearer_token.read(), credentials.url)}")
        )
    elif credentials.force_basic_auth and password:
        lines.append(("extraHeader", f"Authorization: {basic(user, password)}"))
    if credentials.proxy:
        lines.append(("proxy", credentials.proxy))
    quoted = (f'\t{name} = "{value.translate(QUOTED)}"\n' for name, value in lines)
    return "[http]\n" + "".join(quoted) if lines else ""


def _ssh(url: str, credentials: RepoCredentials, run_dir: Path, stack: ExitStack, pins: Pins) -> GitAccess:
    options = {
        "BatchMode": "yes",
        "ClearAllForwardings": "yes",
        "ConnectTimeout": "15",
        "ControlPath": "none",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PermitLocalCommand": "no",
        "ServerAliveInterval": "15",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": os.devnull,
    }
    if credentials.insecure or credentials.insecure_host_key:
        options |= {"StrictHostKeyChecking": "no", "GlobalKnownHostsFile": os.devnull, "LogLevel": "ERROR"}
    elif credentials.known_hosts is not None:
        known_hosts = _existing(credentials.known_hosts, credentials.url, "known_hosts")
        options |= {"UserKnownHostsFile": f'"{known_hosts}"', "GlobalKnownHostsFile": os.devnull}
    if credentials.username and not (RepoAddress.parse(url) or RepoAddress("", "", "", "", ())).user:
        options["User"] = credentials.username
    # -F: neither the configuration of the user that runs the daemon nor the machine's has a say.
    command = ["ssh", "-F", os.devnull, *(f"-o{name}={value}" for name, value in options.items())]
    command += [f"-o{option}" for option in pins.ssh]
    hidden: tuple[str, ...] = ()
    if credentials.ssh_key is None:
        command.append("-oIdentityFile=none")  # else those of the account that runs the daemon are offered
    else:
        key = credentials.ssh_key.read()
        command += ["-i", str(_key_file(key, run_dir, stack))]
        hidden = tuple(line for line in key.splitlines() if line and "-----" not in line)
    return GitAccess(
        _without_password(url), {"GIT_SSH_COMMAND": shlex.join(command), "GIT_SSH_VARIANT": "ssh"}, secrets=hidden
    )


def _without_password(url: str) -> str:
    """Return an SSH URL without its password, which ssh would not use: it takes keys only."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}{at}{host}"))


def _split(url: str) -> tuple[str, str, str]:
    """Return `url` without user and password, and both: git's URL is seen by all who may list processes."""
    parts = urlsplit(url)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    if user and not password:
        user, password = TOKEN_USER, user
    address = RepoAddress.parse(url)
    # The host as rules read it: by another spelling git would not find what its name was resolved to.
    host = address.authority if address is not None else parts.netloc.rpartition("@")[2]
    clean = urlunsplit(parts._replace(netloc=host))
    return clean, unquote(user), unquote(password)


def _one_line(secret: str, url: str) -> str:
    if "\n" in secret:
        raise InvalidSettings(
            f"the user name, password or token for {url} has several lines", remedy="write one line into the secret"
        )
    return secret


def _in_memory(text: str, stack: ExitStack) -> int:
    return int(stack.enter_context(in_memory(text)).name)


def _key_file(key: str, run_dir: Path, stack: ExitStack) -> Path:
    # A file, since ssh closes all descriptors it inherits; ssh refuses a key that others can read.
    run_dir.mkdir(parents=True, exist_ok=True)
    file = run_dir / f"key-{secrets.token_hex(8)}"
    stack.callback(file.unlink, missing_ok=True)
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as stream:
        stream.write(key.strip() + "\n")
    return file


def remove_keys(run_dir: Path) -> None:
    """Remove the keys that a killed daemon left; for the start, before any fetch."""
    for leftover in run_dir.glob("key-*"):
        leftover.unlink(missing_ok=True)


def _existing(path: Path, url: str, name: str) -> Path:
    if not path.is_file():
        raise InvalidSettings(
            f"git.credentials for {url}: {name} {path} is not there", remedy="name a file that exists"
        )
    return path
