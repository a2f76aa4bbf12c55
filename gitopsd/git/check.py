"""What a server says to us, asked once: for people who want to know whether a repository opens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.errors import InvalidDeclaration, RevisionNotFound
from gitopsd.git import child
from gitopsd.git.chart_index import entries_of, found_in
from gitopsd.git.credentials import access
from gitopsd.git.downloads import Download, download
from gitopsd.git.epoch import FULL_SHA, HEAD, KEPT, Epoch, lines_of
from gitopsd.git.failures import fetch_failed
from gitopsd.git.mirror import CONFIG, environment
from gitopsd.model.chart import ChartReference
from gitopsd.oci.client import registry
from gitopsd.oci.reference import SCHEME
from gitopsd.settings import ChartSettings, OciSettings, RepoCredentials
from gitopsd.trust.http import login, session
from gitopsd.trust.reach import EVERYWHERE
from gitopsd.words import without_credentials


@dataclass(frozen=True, slots=True)
class Answer:
    """What a repository, chart repository or registry told."""

    seconds: float
    default: str  # the branch that HEAD names, the tag `latest`, or a chart's newest version; "" where there is none
    counts: Mapping[str, int]  # "branches", "tags", "others", "versions"
    revision: str  # what the revision that was asked for is


async def check_git(
    url: str, credentials: RepoCredentials | None, run_dir: Path, *, revision: str, deadline_s: float
) -> Answer:
    """Ask a Git server for its refs.

    Raises:
        RepositoryUnreachable, TooSlow: it does not answer, or does not let us in.
        RevisionNotFound: it has no `revision`; a commit that no ref names is not looked for.
        InvalidDeclaration, InvalidSettings: `url` or the credentials cannot be used.
    """
    if RepoAddress.parse(url) is None:
        raise InvalidDeclaration(
            f"{without_credentials(url)[:200]!r} is no URL that is fetched from", remedy="write https:// or ssh://"
        )
    began_s = time.monotonic()
    with access(url, credentials, run_dir) as granted:
        options = [word for setting in (*CONFIG, *granted.config) for word in ("-c", setting)]
        ended = await child.run(
            ["git", *options, "ls-remote", "--symref", "--", granted.url],
            env={**environment(run_dir, granted.url), **granted.env},
            deadline_s=deadline_s,
            what=f"asking {without_credentials(url)}",
            fds=granted.fds,
        )
        if ended.code:
            raise fetch_failed(url, ended.stderr or f"git ended with {ended.code}", granted.secrets)
    took_s = time.monotonic() - began_s
    default, refs = _read(ended.stdout.decode(errors="backslashreplace"))
    commit = Epoch(0, 0.0, refs | {f"{KEPT}{sha}": sha for sha in refs.values()}).named(revision)
    if revision and commit is None:
        hint = "; a commit that no branch or tag is at is not looked for" if FULL_SHA.fullmatch(revision) else ""
        raise RevisionNotFound(
            f"{without_credentials(url)} has no {revision[:200]!r}{hint}", remedy="name a branch, tag or range"
        )
    counts = {
        "branches": sum(name.startswith("refs/heads/") for name in refs),
        "tags": sum(name.startswith("refs/tags/") for name in refs),
    }
    others = len(refs) - sum(counts.values()) - (HEAD in refs)
    return Answer(took_s, default, counts | {"others": others}, (commit or "") if revision else refs.get(HEAD, ""))


async def check_registry(
    url: str, credentials: RepoCredentials | None, limits: OciSettings, *, revision: str
) -> Answer:
    """Ask a registry for the tags of a repository. Raises as `check_git`."""
    began_s = time.monotonic()
    async with registry(url, credentials, limits, EVERYWHERE) as opened:
        tags = await opened.tags()
        took_s = time.monotonic() - began_s
        digest = await opened.resolve(revision)
    if digest is None and (revision or not tags):
        what = f"no {revision[:200]!r}" if revision else "no tags"
        raise RevisionNotFound(f"{url} has {what}", remedy="name a tag, a range of versions or a digest that it has")
    default = "latest" if "latest" in tags else ""
    return Answer(took_s, default, {"tags": len(tags)}, digest or "")


async def check_charts(
    url: str, credentials: RepoCredentials | None, oci: OciSettings, charts: ChartSettings, chart: ChartReference
) -> Answer:
    """Ask a chart repository for the versions of a chart. Raises as `check_git`, and InvalidManifest for its index."""
    shown_url, began_s = without_credentials(url), time.monotonic()
    index = Download(
        urljoin(f"{url.rstrip('/')}/", "index.yaml"),
        f"the index of {shown_url}",
        charts.max_index_bytes,
        "charts.max_index_bytes",
        login(credentials),
    )
    async with session(credentials, url, deadline_s=oci.deadline_s, reach=EVERYWHERE) as http:
        downloaded = await download(http, index)
    took_s = time.monotonic() - began_s
    body = downloaded.body if downloaded is not None else b""
    entries = (await asyncio.to_thread(entries_of, body, shown_url, {chart.chart})).get(chart.chart)
    default, answered = (found_in(entries, shown_url, chart.chart, version) for version in ("*", chart.version or "*"))
    if "missing" in answered and (chart.version or not entries):
        raise RevisionNotFound(answered["missing"], remedy="name a chart, and a version or range, that its index has")
    return Answer(
        took_s,
        default.get("version", ""),
        {"versions": len(entries or ())},
        "@".join(filter(None, (answered.get("version"), answered.get("digest")))),
    )


def is_registry(url: str) -> bool:
    return url.startswith(SCHEME)


def _read(text: str) -> tuple[str, dict[str, str]]:
    """Return the default branch, and each ref with its commit: an annotated tag's is on a line of its own."""
    default, refs = "", dict[str, str]()
    for line in lines_of(text):
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            default = value.removeprefix("ref: ").removeprefix("refs/heads/") if name == "HEAD" else default
        elif name.endswith("^{}"):
            refs[name.removesuffix("^{}")] = value
        elif name:
            refs[HEAD if name == "HEAD" else name] = value
    return default, refs
