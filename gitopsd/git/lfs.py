"""Fetches from Git LFS servers, by the batch API with the repository's own credentials.

Source: git-lfs, docs/api/batch.md and docs/api/server-discovery.md.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from gitopsd.core.source.repo_address import RepoAddress, same_server
from gitopsd.errors import LfsObject, RepositoryTooLarge, RepositoryUnreachable, RevisionNotFound
from gitopsd.git import child
from gitopsd.git.credentials import GitAccess, access
from gitopsd.git.failures import said
from gitopsd.git.lfs_files import object_path
from gitopsd.git.pins import pinned
from gitopsd.settings import RepoCredentials
from gitopsd.trust.fetch import NOT_FOUND, OK, FetchFailed, HttpRequest, HttpSession, Why
from gitopsd.trust.http import basic, login, session
from gitopsd.trust.reach import Reach
from gitopsd.words import without_credentials

MEDIA = "application/vnd.git-lfs+json"
MAX_BATCH_BYTES = 1 << 20
SSH_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class LfsServer:
    """Where a repository's objects are asked for, and with which headers."""

    url: str
    headers: Mapping[str, str]


async def fetch_object(  # noqa: PLR0913 - where from, where to, and three bounds
    url: str,
    credentials: RepoCredentials | None,
    pointer: LfsObject,
    mirror: Path,
    *,
    run_dir: Path,
    deadline_s: float,
    max_bytes: int,
    reach: Reach,
) -> None:
    """Put an object of the repository `url` where `lfs_files` looks for it; it is there whole, or not at all.

    Raises:
        RevisionNotFound: the server has no such object, or gives another one.
        RepositoryUnreachable, TooSlow, RepositoryTooLarge: it cannot be had.
    """
    if pointer.size > max_bytes:
        raise RepositoryTooLarge(
            f"an LFS object of {without_credentials(url)} has {pointer.size} bytes",
            remedy=f"raise git.max_repo_bytes above {max_bytes}, or keep it out of the source",
        )
    server = await _server(url, credentials, run_dir, reach)
    try:
        async with session(credentials, server.url, deadline_s=deadline_s, reach=reach) as http:
            content = await _content(http, server, url, pointer)
    except FetchFailed as err:
        if err.reason is Why.TOO_LARGE:
            raise _not_there(url, pointer, "gives another content for") from None
        raise _failed(url, str(err)) from None
    _put(object_path(str(mirror), pointer.oid), content)


async def _content(http: HttpSession, server: LfsServer, url: str, pointer: LfsObject) -> bytes:
    question = {
        "operation": "download",
        "transfers": ["basic"],
        "objects": [{"oid": pointer.oid, "size": pointer.size}],
        "hash_algo": "sha256",
    }
    media = {"Accept": MEDIA, "Content-Type": MEDIA}
    at, body = f"{server.url}/objects/batch", orjson.dumps(question)
    batch = await http.fetch(HttpRequest(at, MAX_BATCH_BYTES, media, server.headers, body=body, redirects=0))
    if batch.status != OK:
        raise _failed(url, f"it answers {batch.status}")
    href, headers = _download(_parsed(batch.body), url, server)
    answer = await http.fetch(HttpRequest(href, pointer.size, login=headers, redirects=0))
    if answer.status != OK:
        raise _failed(url, f"it answers {answer.status} to the download")
    content = answer.body
    if len(content) != pointer.size or hashlib.sha256(content).hexdigest() != pointer.oid:
        raise _not_there(url, pointer, "gives another content for")
    return content


def _download(batch: Any, url: str, server: LfsServer) -> tuple[str, dict[str, str]]:
    """Return where the object is to be had, and the headers for it: ours go to the server we asked, and to no other."""
    match batch:
        case {"objects": [{"actions": {"download": {"href": str(href)} as action}} as entry]}:
            headers = {str(name): str(value) for name, value in (action.get("header") or {}).items()}
            if not headers and not entry.get("authenticated") and same_server(href, server.url):
                headers = dict(server.headers)
            return href, headers
        case {"objects": [{"oid": str(oid), "error": {"code": code}}]}:
            if code == NOT_FOUND:
                raise _not_there(url, LfsObject("", oid, 0), "does not have")
            raise _failed(url, f"it says {code} of the object")
        case _:
            raise _failed(url, "its answer is none of the batch API's")


async def _server(url: str, credentials: RepoCredentials | None, run_dir: Path, reach: Reach) -> LfsServer:
    address, pins = RepoAddress.parse(url), await pinned(url, credentials, reach)
    with access(url, credentials, run_dir, pins) as granted:
        if address is not None and address.scheme == "ssh":
            return await _server_by_ssh(url, granted)
    clean = granted.url.rstrip("/")
    return LfsServer(f"{clean if clean.endswith('.git') else f'{clean}.git'}/info/lfs", _login(credentials, url))


def _login(credentials: RepoCredentials | None, url: str) -> dict[str, str]:
    """Return how we log in: as git does, with git's usual name beside a token, or as the URL says."""
    if credentials is not None and credentials.password is not None:
        return {"Authorization": basic(credentials.username or "x-access-token", credentials.password.read())}
    netloc = urlsplit(url).netloc
    if "@" in netloc and (credentials is None or credentials.bearer_token is None):
        user, _, password = netloc.rpartition("@")[0].partition(":")
        return {"Authorization": basic(user, password)}
    return login(credentials)


async def _server_by_ssh(url: str, granted: GitAccess) -> LfsServer:
    """Ask the SSH server where its objects are; it gives a login along."""
    match = re.fullmatch(r"ssh://([^/]+)(/.*)", granted.url)
    host, path = (match[1], match[2]) if match else granted.url.split(":", 1)
    host, _, port = host.partition(":") if match else (host, "", "")
    ssh = [*shlex.split(granted.env["GIT_SSH_COMMAND"]), *(("-p", port) if port else ())]
    command = [*ssh, "--", host, f"git-lfs-authenticate {shlex.quote(path.removeprefix('/'))} download"]
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    ended = await child.run(
        command, env=env, deadline_s=SSH_DEADLINE_S, what=f"asking {without_credentials(url)} for LFS"
    )
    match _parsed(ended.stdout) if ended.code == 0 else None:
        case {"href": str(href), **rest}:
            header = rest.get("header")
            headers = header if isinstance(header, dict) else {}
            return LfsServer(href.rstrip("/"), {str(name): str(value) for name, value in headers.items()})
        case _:
            raise _failed(url, f"git-lfs-authenticate says {said(ended.stderr, granted.secrets) or 'nothing'}")


def _put(file: Path, content: bytes) -> None:
    beside = file.with_name(f"{file.name}.{secrets.token_hex(4)}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(file)
    except OSError as err:
        beside.unlink(missing_ok=True)
        raise RepositoryUnreachable(
            f"an LFS object cannot be written: {err.strerror}", remedy="make room in the data directory"
        ) from err


def _parsed(body: bytes | None) -> Any:
    try:
        return orjson.loads(body or b"")
    except orjson.JSONDecodeError:
        return None


def _failed(url: str, what: str) -> RepositoryUnreachable:
    return RepositoryUnreachable(
        f"Git LFS of {without_credentials(url)} gives no object: {what}",
        remedy="check the server, and the rights of git.credentials",
    )


def _not_there(url: str, pointer: LfsObject, what: str) -> RevisionNotFound:
    return RevisionNotFound(
        f"Git LFS of {without_credentials(url)} {what} {pointer.oid[:12]}", remedy="push it with `git lfs push --all`"
    )
