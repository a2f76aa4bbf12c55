"""Repositories for tests, and servers that give them out: smart HTTP (TLS, passwords, trickling) and SSH."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pygit2
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gitopsd.demo.githttp import git_app

AUTHOR = pygit2.Signature("Ann", "ann@example.org", 1_700_000_000, 0)
ACCEPT_TURNS = 5  # of the loop, from a connection that arrived to one that is known
SSH_CLIENT = shutil.which("ssh")

Files = Mapping[str, str | bytes | None]  # path → content; None: remove it


class Repo:
    """A bare repository that a test fills; commits are made of objects alone, without a work tree."""

    def __init__(self, path: Path, *, branch: str = "main") -> None:
        self.path = path
        self.git = pygit2.init_repository(str(path), bare=True, initial_head=branch)
        self.git.config["http.receivepack"] = "true"
        self.branch = branch

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def commit(
        self,
        files: Files,
        *,
        links: Mapping[str, str] | None = None,
        executable: Sequence[str] = (),
        branch: str = "",
        message: str = "change",
    ) -> str:
        """Commit `files` and `links` (path → target) on top of the branch; return the commit's SHA."""
        name = f"refs/heads/{branch or self.branch}"
        parents = [self.git.references[name].peel(pygit2.Commit)] if name in self.git.references else []
        index = pygit2.Index()
        if parents:
            index.read_tree(parents[0].tree)
        for path, content in files.items():
            if content is None:
                index.remove(path)
                continue
            data = content.encode() if isinstance(content, str) else content
            mode = pygit2.enums.FileMode.BLOB_EXECUTABLE if path in executable else pygit2.enums.FileMode.BLOB
            index.add(pygit2.IndexEntry(path, self.git.create_blob(data), mode))
        for path, target in (links or {}).items():
            index.add(pygit2.IndexEntry(path, self.git.create_blob(target.encode()), pygit2.enums.FileMode.LINK))
        return self._commit(name, index.write_tree(self.git), [parent.id for parent in parents], message)

    def rewrite(
        self,
        files: Files,
        *,
        links: Mapping[str, str] | None = None,
        executable: Sequence[str] = (),
        branch: str = "",
    ) -> str:
        """Force-push: put one commit with these files alone, and no parent, where the branch was."""
        name = f"refs/heads/{branch or self.branch}"
        if name in self.git.references:
            self.git.references.delete(name)
        return self.commit(files, links=links, executable=executable, branch=branch, message="rewritten")

    def collect(self) -> None:
        """Drop every object that no ref reaches."""
        subprocess.run(["git", "-C", f"{self.path}", "gc", "--quiet", "--prune=now"], check=True)  # noqa: S603, S607

    def tag(self, name: str, target: str = "", *, annotated: bool = False) -> str:
        """Tag `target`, the branch's commit where none is given; return what the tag's ref holds."""
        oid = pygit2.Oid(hex=target) if target else self.git.references[f"refs/heads/{self.branch}"].target
        assert isinstance(oid, pygit2.Oid)
        if annotated:
            return str(self.git.create_tag(name, oid, pygit2.enums.ObjectType.COMMIT, AUTHOR, name))
        return str(self.git.references.create(f"refs/tags/{name}", oid, force=True).target)

    def set_ref(self, name: str, target: str | None) -> None:
        """Point a full ref anywhere, or remove it."""
        if target is None:
            self.git.references.delete(name)
        else:
            self.git.references.create(name, pygit2.Oid(hex=target), force=True)

    def _commit(self, name: str, tree: pygit2.Oid, parents: list[pygit2.Oid], message: str) -> str:
        return str(self.git.create_commit(name, AUTHOR, AUTHOR, message, tree, parents))


@dataclass
class HttpServer:
    """A running server; `url` has no "/" at its end, and a repository `x.git` below the root is `url/x.git`."""

    url: str
    requests: list[str] = field(default_factory=list)  # method and path, in the order they came


@asynccontextmanager
async def http_server(
    root: Path,
    *,
    users: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    middleware: Sequence[Middleware] = (),
    inner: Sequence[Middleware] = (),
) -> AsyncIterator[HttpServer]:
    """Serve the repositories below `root`; `users` is name → password, `inner` is for those who are let in."""
    app = git_app(root, users=users)
    server = HttpServer("")

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        server.requests.append(f"{request.method} {request.path_qs}")
        return await handler(request)

    app.middlewares[:] = [record, *middleware, *app.middlewares, *inner]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"{'https' if tls else 'http'}://{host}:{port}"
    try:
        yield server
    finally:
        await site.stop()
        for _ in range(ACCEPT_TURNS):  # a connection that is being accepted is none that a clean-up knows
            await asyncio.sleep(0)
        await runner.cleanup()


@asynccontextmanager
async def trickling_server(*, bytes_a_second: int = 2) -> AsyncIterator[str]:
    """Answer every connection with an endless HTTP body, a few bytes at a time; yield the URL."""

    stop = asyncio.Event()
    connections: set[asyncio.Task[object]] = set()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        with contextlib.suppress(ConnectionError):
            while not stop.is_set():
                writer.write(b"1\r\n0\r\n")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1 / bytes_a_second):
                        await stop.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}/x.git"
    finally:
        server.close()
        stop.set()
        if connections:
            await asyncio.wait(connections)


@dataclass(frozen=True)
class SshServer:
    url: str  # ssh://git@host:port
    key: str  # a private key that may log in, OpenSSH format
    known_hosts: str  # one line that names the host's key


@asynccontextmanager
async def ssh_server(root: Path, *, lfs: Mapping[str, object] | None = None) -> AsyncIterator[SshServer]:
    """Serve the repositories below `root` to user `git` with a key of its own; `lfs` is what it answers for LFS."""
    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))

    async def run(process: asyncssh.SSHServerProcess[bytes]) -> None:
        command, _, path = (process.command or "").partition(" ")
        if command == "git-lfs-authenticate" and lfs is not None:
            assert path.endswith(".git download"), path
            process.stdout.write(json.dumps(lfs).encode())
            process.exit(0)
            return
        assert command in ("git-upload-pack", "git-receive-pack")
        repo = root / path.strip("'").lstrip("/")
        child = await asyncio.create_subprocess_exec(
            "git",
            command.removeprefix("git-"),
            str(repo),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
        process.exit(await child.wait())
        await process.wait_closed()

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        authorized_client_keys=asyncssh.import_authorized_keys(user_key.export_public_key().decode()),
        process_factory=run,
        encoding=None,
    )
    port = server.get_port()
    try:
        yield SshServer(
            f"ssh://git@127.0.0.1:{port}",
            user_key.export_private_key().decode(),
            f"[127.0.0.1]:{port} {host_key.export_public_key().decode().strip()}\n",
        )
    finally:
        server.close()
        await server.wait_closed()
