"""A daemon, a certified provider of OpenID Connect beside it, and a browser without a screen."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp
import pytest
import yaml

from tests.clusters import free_ports
from tests.e2e.daemon import until
from tests.serverprocess import ServerProcess, running

HERE = Path(__file__).parent
USERINFO = "/api/v1/session/userinfo"
NODE = shutil.which("node")
MISSING = "" if NODE and (HERE / "node_modules/oidc-provider").is_dir() else "no Node.js, or no `npm ci` in tests/sso"
PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "ann": {"email": "ann@corp.example", "groups": ["payments"], "realm_access": {"roles": ["on-call"]}},
    "admin": {"preferred_username": "root", "groups": ["role:admin", "admin", "proj:retail:ci"]},
    "mal": {"email": "ann@corp.example", "email_verified": False},
    "many": {"groups": [f"group-of-a-long-name-{number:04}" for number in range(400)]},
}
POLICY = """
p, role:pay, applications, get, retail/*, allow
p, role:call, projects, get, *, allow
g, payments, role:pay
g, on-call, role:call
g, ann@corp.example, role:admin
"""
SECRET = "of/a client: with % signs"  # noqa: S105 - of a provider on loopback


@dataclass
class Provider:
    """The provider's process; the next start has another signing key."""

    port: int
    clients: str
    log: Path
    stack: ExitStack
    kid: int = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> ServerProcess:
        self.kid += 1
        command = [
            str(NODE),
            str(HERE / "provider.js"),
            str(self.port),
            self.clients,
            json.dumps(PEOPLE),
            f"k{self.kid}",
        ]
        return self.stack.enter_context(running(command, self.log))


@dataclass
class Sso:
    """Everything that a login needs."""

    url: str  # of the daemon
    provider: Provider
    process: ServerProcess  # the provider's
    http: aiohttp.ClientSession

    async def restart_provider(self) -> None:
        """End the provider and start it with another key."""
        self.process.kill()
        self.process = self.provider.start()
        await answers(self.http, self.provider.issuer + "/.well-known/openid-configuration")

    async def get(self, path: str, token: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.json()


@contextmanager
def settings_of(issuer: str, api: int, probes: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s") as folder:
        root = Path(folder)
        (root / "secrets").mkdir()
        (root / "secrets/oidc.web").write_text(SECRET + "\n")
        oidc = {
            "name": "Corp", "issuer": issuer, "clientID": "web", "clientSecret": "$oidc.web", "cliClientID": "cli",
            "requestedScopes": ["openid", "profile", "email", "groups"],
        }  # fmt: skip
        project = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": "retail"},
            "spec": {},
        }
        (root / "declarations").mkdir()
        (root / "declarations/retail.yaml").write_text(yaml.safe_dump(project))
        settings = {
            "data_dir": str(root / "data"), "run_dir": str(root / "run"), "clusters": [],
            "declarations": [{"directory": str(root / "declarations")}],
            "api": {"port": api, "probe_port": probes},
            "accounts": {
                "secrets": str(root / "secrets"), "url": f"http://127.0.0.1:{api}", "oidc.config": yaml.safe_dump(oidc),
            },
            "rbac": {"policy.csv": POLICY, "scopes": "[groups, email, realm_access.roles]"},
        }  # fmt: skip
        (root / "gitopsd.yaml").write_text(yaml.safe_dump(settings))
        yield root / "gitopsd.yaml"


@pytest.fixture
async def sso(tmp_path: Path) -> AsyncIterator[Sso]:
    if MISSING:
        pytest.skip(MISSING)
    api, probes, port = free_ports(3)
    clients = [
        {
            "client_id": "web", "client_secret": SECRET, "redirect_uris": [f"http://127.0.0.1:{api}/auth/callback"],
            "post_logout_redirect_uris": [f"http://127.0.0.1:{api}/"],
        },
        {
            "client_id": "cli", "token_endpoint_auth_method": "none", "application_type": "native",
            "redirect_uris": ["http://localhost:8085/auth/callback", "http://127.0.0.1/auth/callback"],
            "grant_types": [
                "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
            ],
        },
        {"client_id": "other", "client_secret": "s", "redirect_uris": ["http://127.0.0.1:1/x"]},
    ]  # fmt: skip
    with ExitStack() as stack:
        provider = Provider(port, json.dumps(clients), tmp_path / "provider.log", stack)
        process = provider.start()
        settings = stack.enter_context(settings_of(provider.issuer, api, probes))
        command = [sys.executable, "-m", "gitopsd", "run", "--config", str(settings)]
        stack.enter_context(running(command, tmp_path / "daemon.log"))
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            await answers(http, provider.issuer + "/.well-known/openid-configuration")
            await answers(http, f"http://127.0.0.1:{probes}/readyz", tmp_path / "daemon.log")
            yield Sso(f"http://127.0.0.1:{api}", provider, process, http)


async def answers(http: aiohttp.ClientSession, url: str, log: Path | None = None) -> None:
    async def probe() -> bool | None:
        try:
            async with http.get(url) as answer:
                return answer.status == 200 or None
        except aiohttp.ClientError:
            return None

    try:
        await until(f"{url} answers", probe)
    except AssertionError as err:
        said = await asyncio.to_thread(log.read_text) if log else ""
        raise AssertionError(f"{err}: {said[-2000:]}") from None


@dataclass
class Browser:
    """Follows redirects, keeps cookies by host, and fills in the provider's forms."""

    http: aiohttp.ClientSession
    login: str  # as whom
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)  # by port
    seen: list[str] = field(default_factory=list)  # places it was at
    flags: dict[str, str] = field(default_factory=dict)  # of cookies that were set, as they came

    async def go(self, url: str, form: Mapping[str, str] | None = None, *, until: str = "") -> tuple[int, str, str]:
        """Return status, URL and text of where it ends; or of the redirect to a place that begins with `until`."""
        for _ in range(30):
            self.seen.append(url)
            host = str(urlsplit(url).port)
            kept = "; ".join(f"{name}={value}" for name, value in self.cookies.get(host, {}).items())
            async with self.http.request(
                "GET" if form is None else "POST", url, data=form, headers={"Cookie": kept}, allow_redirects=False
            ) as answer:
                text = await answer.text()
                self._take(host, answer.headers.getall("Set-Cookie", []))
            if answer.status in (302, 303):
                url, form = urljoin(url, answer.headers["Location"]), None
                if until and url.startswith(until):
                    return answer.status, url, text
                continue
            found = re.search(r'<form[^>]*action="([^"]*)"', text)
            if not found or ("interaction" not in url and "device" not in url and "session" not in url):
                return answer.status, url, text
            hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', text))
            form = {name: unescape(value) for name, value in hidden.items()}
            if "login" in text and 'name="login"' in text:
                form |= {"login": self.login, "password": "any"}
            url = urljoin(url, unescape(found[1]))
        raise AssertionError(f"it goes on and on: {self.seen}")

    def _take(self, host: str, lines: list[str]) -> None:
        jar = self.cookies.setdefault(host, {})
        for line in lines:
            name, _, rest = line.partition("=")
            value, _, flags = rest.partition(";")
            self.flags[name] = flags
            if value.strip('"') and "01 Jan 1970" not in flags and "Max-Age=0" not in flags:
                jar[name] = value
            else:
                jar.pop(name, None)

    def token(self, sso: Sso) -> str:
        return self.cookies.get(str(urlsplit(sso.url).port), {}).get("__Host-gitopsd", "")


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def browser(sso: Sso) -> Browser:
    return Browser(sso.http, "ann")


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def user_of(sso: Sso, token: str) -> str | None:
    name: str | None = (await sso.get(USERINFO, token))[1].get("username")
    return name


async def cli_token(sso: Sso, login: str) -> str:
    """Return an ID token as a command line gets it, by the client without a secret."""
    browser, back = Browser(sso.http, login), "http://127.0.0.1/auth/callback"
    challenge = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    query = f"client_id=cli&response_type=code&scope=openid+email+groups&redirect_uri={back}&{challenge}"
    _, url, _ = await browser.go(f"{sso.provider.issuer}/auth?{query}", until=back)
    form = {
        "grant_type": "authorization_code", "code": query_of(url)["code"], "client_id": "cli", "redirect_uri": back,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }  # fmt: skip
    async with sso.http.post(f"{sso.provider.issuer}/token", data=form) as answer:
        return str((await answer.json())["id_token"])
