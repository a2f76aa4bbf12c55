"""The sample fleet repository: an Application for each sample application, and its objects."""

from __future__ import annotations

import asyncio
import itertools
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitopsd.errors import Terminal

NAMES = ("shop", "cart", "search", "mail", "stock", "billing", "login", "media", "news", "chat")
BRANCH = "main"


class GitFailed(Terminal):
    """A git command of the demo failed."""


@dataclass(frozen=True, slots=True)
class SampleApp:
    name: str  # of the application, its namespace, its Deployment and its Service
    cluster: str


def sample_apps(count: int, clusters: Sequence[str]) -> tuple[SampleApp, ...]:
    """Return `count` sample applications, spread evenly over `clusters`."""
    names = (f"{name}-{round_}" if round_ else name for round_ in itertools.count() for name in NAMES)
    return tuple(SampleApp(name, clusters[i % len(clusters)]) for i, name in enumerate(itertools.islice(names, count)))


def files(app: SampleApp, repo_url: str) -> dict[str, str]:
    """Return the repository's files for `app`: path → content."""
    name, below = app.name, f"fleet/{app.name}"
    return {
        f"apps/{name}.yaml": _APPLICATION.format(name=name, repo_url=repo_url, path=below, cluster=app.cluster),
        f"{below}/deployment.yaml": _DEPLOYMENT.format(name=name),
        f"{below}/service.yaml": _SERVICE.format(name=name),
        f"{below}/settings.yaml": _SETTINGS.format(name=name),
    }


async def create(repository: Path, apps: Sequence[SampleApp], repo_url: str) -> None:
    """Make a bare repository that takes pushes, with one commit that holds the files of all `apps`."""
    await git("init", "--quiet", "--bare", f"--initial-branch={BRANCH}", str(repository))
    await git("-C", str(repository), "config", "http.receivepack", "true")
    await git(
        "-C", str(repository), "fast-import", "--quiet", "--date-format=now", stdin=b"".join(_import(apps, repo_url))
    )


async def git(*arguments: str, stdin: bytes | None = None) -> str:
    """Run git without the user's configuration and return what it prints.

    Raises:
        GitFailed: it did not succeed, or is not installed.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            "git", *arguments, stdin=PIPE if stdin is not None else DEVNULL, stdout=PIPE, stderr=PIPE, env=_ENVIRONMENT
        )
    except FileNotFoundError as err:
        raise GitFailed("git is not installed", remedy="install git") from err
    try:
        out, complaint = await process.communicate(stdin)
    finally:
        if process.returncode is None:  # cancelled
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise GitFailed(
            f"git {' '.join(arguments)} failed: {complaint.decode(errors='replace').strip()}", remedy="see git's words"
        )
    return out.decode(errors="replace").strip()


def _import(apps: Sequence[SampleApp], repo_url: str) -> Iterator[bytes]:
    """Yield the stream that `git fast-import` reads: thousands of files cost one process."""
    message = b"Begin the fleet"
    yield f"commit refs/heads/{BRANCH}\ncommitter gitopsd demo <demo@localhost> now\n".encode()
    yield b"data %d\n%s\n" % (len(message), message)
    for app in apps:
        for path, text in files(app, repo_url).items():
            content = text.encode()
            yield b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content)


_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "gitopsd demo",
    "GIT_AUTHOR_EMAIL": "demo@localhost",
    "GIT_COMMITTER_NAME": "gitopsd demo",
    "GIT_COMMITTER_EMAIL": "demo@localhost",
    "LC_ALL": "C.UTF-8",
}

_APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
spec:
  project: default
  source:
    repoURL: {repo_url}
    targetRevision: main
    path: {path}
  destination:
    name: {cluster}
    namespace: {name}
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
"""

_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      containers:
        - name: {name}
          image: registry.example/{name}:1.0.0
          ports:
            - name: http
              containerPort: 8080
          envFrom:
            - configMapRef:
                name: settings
"""

_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
    - name: http
      port: 80
      targetPort: http
"""

_SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  GREETING: hello
"""
