"""What reads texts of tenants, repositories, registries and senders of webhooks: the targets, as data."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from gitopsd.core.declaration import declared
from gitopsd.core.source.remote_base import remote_base
from gitopsd.core.source.repo_address import repository_key, same_server
from gitopsd.core.source.repo_url import has_credentials, url_fault
from gitopsd.core.source.semver import newest, range_of
from gitopsd.core.source.webhook import PROVIDERS, WebhookProvider, verify
from gitopsd.core.text import globs
from gitopsd.core.text.cron import next_fire_s, parse_cron
from gitopsd.core.text.duration import go_duration_s
from gitopsd.errors import BadRequest
from gitopsd.git.chart_index import entries_of, found_in
from gitopsd.git.epoch import fingerprint, read_refs
from gitopsd.git.failures import fetch_failed, is_damage
from gitopsd.git.modules import absolute, submodules
from gitopsd.kube import credentials
from gitopsd.kube.discovery import served
from gitopsd.manifests import kustomization
from gitopsd.manifests.chart_files import archived, unpacked
from gitopsd.manifests.chart_schema import check_schemas
from gitopsd.manifests.directory import parsed
from gitopsd.manifests.helmignore import ignored
from gitopsd.manifests.strvals import NotSettable, set_into
from gitopsd.model.application import Origin
from gitopsd.oci.archive import files
from gitopsd.settings import ClusterSettings, OciSettings, RenderSettings
from gitopsd.settings.loading import problems
from gitopsd.trust import secrets
from gitopsd.usecases.selector import selector
from tests.fuzz import frames, policies
from tests.fuzz.documents import (
    APPLICATION,
    CHART_INDEX,
    CREDENTIALS,
    DIRECTORY,
    KUBECONFIGS,
    KUSTOMIZATION,
    KUSTOMIZED,
    MANIFEST,
    PROJECT,
    RESOURCES,
    SCHEMA,
)
from tests.fuzz.drawn import archives, as_bytes, as_json, gone_wrong, texts
from tests.fuzz.runner import WORKER_S, Target
from tests.webhooks import DELIVERIES

HERE = Origin("dir:/apps", "/apps/shop.yaml", 1)
LIMITS = RenderSettings()
EVENTS = sorted({delivery.event for delivery in DELIVERIES.values()})
PUSHES = [delivery.payload for delivery in DELIVERIES.values()]
BODIES = as_json(gone_wrong(*PUSHES)) | as_bytes(texts("payload=", "%7b", '{"ref":', "[", "+"))
OCI = OciSettings(max_unpacked_bytes=64 << 20)
NO_NAME = re.compile(r"[\0- \x7f~^:?*\[\\]")
NOW_S = 1_700_000_000.0
URL_WORDS = ("https://", "ssh://git@", "git@", "oci://", "file://", "git.example", ":443", "/org", ".git", "user:pw@")
URLS = texts(*URL_WORDS, "%2f", "..", "?ref=v1", "_git/", "helm+", "[::1]", "127.0.0.1", "git::", "//")
VERSIONS = texts("1.2.3", "v1", ">=", "^", "~1.2", "||", " - ", "x", "-rc.1", "+build", ", ", "99999999999999999999")
# Names as git takes them: no space, no control character of ASCII, and anything else.
REF_NAMES = texts("main", "release/1", "v1.2.3", "\u0085", "\u2028").map(lambda text: NO_NAME.sub("", text))
REFS = st.lists(st.tuples(REF_NAMES, st.sampled_from([f"{'0' * 40} commit  ", f"{'1' * 40} tag {'2' * 40} commit"])))
STDERR = texts("fatal: ", "error: ", "remote: ", "Permission denied (publickey)", "repository not found", *URL_WORDS)
YAML = texts(
    "apiVersion: v1\n",
    "kind: ConfigMap\n",
    "metadata:\n  name: a\n",
    "---\n",
    "a: &x [*x]\n",
    "&y ",
    "*y ",
    "<<: ",
    "? ",
    "- ",
    "|+\n ",
    ">-\n ",
    "!!binary ",
    "!!int ",
    "{a: ",
    '"\\ud800"',
    '"\\x00',
    "0o7",
    "1_0:30",
    "2001-12-14t21:59:43.10-05:00",
    "1e999",
    ".inf",
    "%YAML 1.1\n",
)
MODULES = texts('[submodule "a"]\n', "path = a\n", "url = ../b\n", 'path = "a\\', "[core]\n", most=20)
GLOBS = texts("*", "**", "?", "[a-z]", "[!a]", "{a,b}", "\\", "team-", "!", "[", "{{", "}")
PATTERNS = GLOBS.map(lambda text: text[:300])  # those of projects are an operator's
STRVALS = texts("a", "=", ",", ".", "[0]", "[65536]", "{1,b}", "\\", "a.b[1].c=1,", "null", "[")
IGNORED = texts("*.yaml\n", "!a\n", "/b/\n", "**\n", "[a-z", "#", "\\", "a/")


def _cron(text: str) -> None:
    found = parse_cron(text)
    if found is not None:
        next_fire_s(found, ZoneInfo("UTC"), NOW_S)


def _url(text: str) -> None:
    repository_key(text)
    same_server(text, text)
    has_credentials(text)
    url_fault(text)
    remote_base(text)
    absolute("https://git.example/org/a.git", text)


def _newest(text: str, tags: list[str]) -> None:
    allowed = range_of(text)
    if allowed is not None:
        newest(allowed, tags)


def _refs(drawn: list[tuple[str, str]]) -> None:
    listing = "".join(f"refs/heads/{name} {what}\n" for name, what in drawn)
    found = read_refs(listing.encode(errors="replace"), lambda _: None)
    fingerprint(found)
    assert len({name for name, _ in drawn}) == len(found)


GLOB_DIALECTS = {"a directory": globs.DIRECTORY, "files": globs.DOUBLESTAR, "attributes": globs.WILDMATCH}


def _glob_of(dialect: globs.Dialect) -> Callable[[tuple[str, str]], bool]:
    return lambda drawn: globs.compiled(drawn[0], dialect).matches(drawn[1])


def _said_by_git(stderr: str) -> None:
    str(fetch_failed("https://git.example/a", stderr, ("hunter2",)))
    is_damage(stderr)


def _pushed(drawn: tuple[WebhookProvider, str, bytes]) -> None:
    provider, event, body = drawn
    verify(b"secret", body, f"sha256={'a' * 64}")
    provider.parse(event, body)


def _index(data: bytes) -> None:
    found = entries_of(data, "https://charts.example", {"web"})
    found_in(found.get("web"), "https://charts.example", "web", "1.x")


def _kustomization(document: Any) -> None:
    found = kustomization.canonical(document)
    kustomization.names(found)
    kustomization.charts(found)
    list(kustomization.config_names(document))


def _chart(data: bytes) -> None:
    inside = archived(data, "charts/web-1.2.3.tgz")
    check_schemas("chart", unpacked(inside, "chart"))


@contextlib.contextmanager
def _kubeconfig(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gitopsd-fuzz-") as folder:
        path = Path(folder, "kubeconfig")
        path.write_bytes(content)
        yield path


def _logged_in(content: bytes) -> None:
    with _kubeconfig(content) as path:
        asyncio.run(credentials.load(ClusterSettings("prod", kubeconfig=path), lambda: NOW_S))


def _settings(content: bytes) -> None:
    with _kubeconfig(content) as path:
        problems(path, {"GITOPSD_API__PORT": content[:40].decode(errors="replace")})


def _named_by_kubeconfig(content: bytes) -> None:
    with _kubeconfig(content) as path:
        credentials.server_of(ClusterSettings("prod", kubeconfig=path))
        credentials.files_named_by(path)


KUBECONFIG = as_json(gone_wrong(*KUBECONFIGS)) | as_bytes(YAML)
SECRETS_AND_CLUSTERS = gone_wrong(*CREDENTIALS)
CONTENTS = as_bytes(YAML) | as_json(gone_wrong(SCHEMA))
NAMES = ("chart/Chart.yaml", "chart/values.schema.json", "chart/charts/a.tgz", "../a", "/a")

TARGETS = (
    # In the event loop.
    Target("selector", texts("team=", "tier in (a,b)", "!", ",", "notin", "(", ")", "=="), selector, (BadRequest,)),
    Target("duration", texts("1h", "30m", "1.5s", "ns", "µs", "90", "."), go_duration_s),
    Target("cron", texts("* ", "*/5 ", "0 22 * * 1-5", "@daily", "mon", "29 2 ", ",", "-"), _cron),
    Target(
        "glob of a project",
        st.tuples(PATTERNS, GLOBS),
        lambda drawn: globs.matches(drawn[0], drawn[1], globs.REPOSITORY),
    ),
    Target("URL", URLS, _url),
    Target("version", st.tuples(VERSIONS, st.lists(VERSIONS, max_size=5)), lambda drawn: _newest(*drawn)),
    Target("git's refs", REFS, _refs),
    Target("git's errors", STDERR, _said_by_git),
    Target("policy of rights", policies.LINES, policies.decide, cpu_s=WORKER_S),  # the operator's; at the start
    Target("gRPC's frames", frames.CONNECTIONS, frames.read),
    Target("webhook", st.tuples(st.sampled_from(PROVIDERS), st.sampled_from(EVENTS), BODIES), _pushed),
    Target("declaration", gone_wrong(APPLICATION, DIRECTORY, KUSTOMIZED, PROJECT), lambda found: declared(found, HERE)),
    Target("Argo CD's Secrets", SECRETS_AND_CLUSTERS, lambda found: secrets.read([("a.yaml:1", found)])),
    Target("cluster's kinds", gone_wrong(RESOURCES), lambda found: list(served("apps", "v1", found, preferred=True))),
    Target("kubeconfig", KUBECONFIG, _logged_in),
    # In workers, which are ended where they take too long.
    Target("YAML", as_bytes(YAML), lambda data: parsed("a.yaml", data, LIMITS), cpu_s=WORKER_S),
    Target("JSON", as_json(gone_wrong(MANIFEST)), lambda data: parsed("a.json", data, LIMITS), cpu_s=WORKER_S),
    Target("strvals", STRVALS, lambda text: set_into({}, text), (NotSettable,), cpu_s=WORKER_S),
    Target("chart's archive", archives(NAMES, CONTENTS), _chart, cpu_s=WORKER_S),
    Target("layer's archive", archives(NAMES, CONTENTS), lambda data: list(files(data, OCI)), cpu_s=WORKER_S),
    Target("schema", CONTENTS, lambda data: check_schemas("a", {"values.schema.json": data}), cpu_s=WORKER_S),
    Target("chart's index", as_json(gone_wrong(CHART_INDEX)) | as_bytes(YAML), _index, cpu_s=WORKER_S),
    Target("kustomization", gone_wrong(KUSTOMIZATION), _kustomization, cpu_s=WORKER_S),
    Target("files of a kubeconfig", KUBECONFIG, _named_by_kubeconfig, cpu_s=WORKER_S),  # the operator's; at the start
    Target("settings", as_bytes(YAML), _settings, cpu_s=WORKER_S),  # the operator's; at the start
    Target("submodules", MODULES, submodules, cpu_s=WORKER_S),
    *(
        Target(f"glob of {name}", st.tuples(GLOBS, GLOBS), _glob_of(dialect), cpu_s=WORKER_S)
        for name, dialect in GLOB_DIALECTS.items()
    ),
    Target(".helmignore", IGNORED, lambda text: "a/b.yaml" in ignored(".helmignore", text), cpu_s=WORKER_S),
)
