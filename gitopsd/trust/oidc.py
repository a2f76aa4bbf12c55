"""A provider of OpenID Connect: what it says of itself, its keys, and what its tokens are worth.

Source: OpenID Connect Core 1.0, section 3.1.3.7; OpenID Connect Discovery 1.0; RFC 7636 (PKCE); RFC 9700.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import structlog
from cachetools import LRUCache

from gitopsd.core.accounts.single_sign_on import identity_of
from gitopsd.errors import InvalidSettings, NotAuthenticated, ProviderUnreachable
from gitopsd.model.account import Identity, LoginProof, OidcRules
from gitopsd.trust.fetch import FetchFailed, HttpRequest, HttpSession
from gitopsd.trust.reach import PinnedResolver, Reach

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
DISCOVERY = "/.well-known/openid-configuration"
MOST_BYTES = 1 << 20  # of an answer
LONGEST = 1 << 14  # characters of a token that is looked at
DEADLINE_S = 10.0  # of one request
SKEW_S = 60.0  # by which clocks may differ
FRESH_S = 300.0  # for which keys are kept before they are read again
REST_S = 10.0  # between two looks for a key that is not known, and after one that failed
MOST_KEPT = 4096  # tokens whose identity is known

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What a provider says of itself, and the keys by which its tokens are signed."""

    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str
    basic: bool  # whether it takes the client's secret as HTTP's basic authentication
    keys: Any  # joserfc's KeySet


class OidcProvider:
    """One provider, as it is configured; implements `usecases.sso.IdentityProvider`."""

    def __init__(self, rules: OidcRules, now_s: Callable[[], float]) -> None:
        self.rules = rules
        self._now_s = now_s
        self._facts: ProviderFacts | None = None
        self._read_s = self._tried_s = float("-inf")
        self._reading = asyncio.Lock()
        self._kept: LRUCache[str, Identity] = LRUCache(MOST_KEPT)
        self._wanted = asyncio.Event()  # a token came whose key is not known

    async def keep_fresh(self) -> None:
        """Read the provider's keys now, every `FRESH_S`, and when a token asks for one that is not known."""
        while True:
            self._wanted.clear()
            try:
                await self._refreshed(FRESH_S)
            except ProviderUnreachable as err:
                log.warning("sso.unreachable", issuer=self.rules.issuer, error=err.what)
                self._wanted.set()  # again as soon as may be
            await asyncio.sleep(REST_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(FRESH_S - REST_S):
                    await self._wanted.wait()
                self._read_s = float("-inf")

    async def authorization_url(self, proof: LoginProof, redirect_uri: str) -> str:
        """Return where a browser is sent. Raises ProviderUnreachable."""
        facts, rules = await self._refreshed(FRESH_S), self.rules
        challenge = base64.urlsafe_b64encode(hashlib.sha256(proof.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": rules.client_id, "redirect_uri": redirect_uri,
            "scope": " ".join(rules.scopes), "state": proof.state, "nonce": proof.nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        if rules.claims:
            query["claims"] = json.dumps({"id_token": rules.claims})
        return with_query(facts.authorization_endpoint, query)

    async def redeem(self, code: str, proof: LoginProof, redirect_uri: str) -> Identity:
        """Return whom the provider vouches for by `code`.

        Raises:
            NotAuthenticated: it does not take the code, or its token is not what it should be.
            ProviderUnreachable: it does not answer.
        """
        facts, rules = await self._refreshed(FRESH_S), self.rules
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "code_verifier": proof.verifier,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if rules.client_secret and facts.basic:
            pair = f"{quote(rules.client_id, safe='')}:{quote(rules.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = rules.client_id
            if rules.client_secret:
                form["client_secret"] = rules.client_secret
        answer = await self._asked(facts.token_endpoint, urlencode(form).encode(), headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            log.warning("sso.refused", issuer=rules.issuer, error=str(answer.get("error"))[:200])
            raise refused("the provider does not vouch for it")
        identity = self._verified(token, facts) or self._verified(token, await self._refreshed(0.0, 0.0))
        if identity is None or identity.claims.get("nonce") != proof.nonce:
            log.warning("sso.bad_token", issuer=rules.issuer)
            raise refused("the provider's token is not what it should be")
        return identity

    def known(self, token: str) -> Identity | None:
        """Return whom a token that somebody brings is about, by the keys that are at hand; None where it is no good."""
        identity = self._kept.get(token)
        if identity is None and self._facts is not None and len(token) <= LONGEST and token.count(".") == 2:  # noqa: PLR2004 - a JWS
            identity = self._verified(token, self._facts)
        if identity is None:
            return None
        if self._now_s() >= identity.expires_s + SKEW_S:
            self._kept.pop(token, None)
            return None
        self._kept[token] = identity
        return identity

    async def logout_url(self, return_url: str) -> str:
        """Return where a browser ends its session at the provider; "" where that has no such place."""
        if self.rules.logout_url:
            return self.rules.logout_url.replace("{{token}}", "").replace(
                "{{logoutRedirectURL}}", quote(return_url, safe="")
            )
        facts = await self._refreshed(FRESH_S)
        query = {"client_id": self.rules.client_id, "post_logout_redirect_uri": return_url}
        return with_query(facts.end_session_endpoint, query) if facts.end_session_endpoint else ""

    def _verified(self, token: str, facts: ProviderFacts) -> Identity | None:
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        rules, now_s = self.rules, self._now_s()
        try:
            claims: dict[str, Any] = jwt.decode(token, facts.keys, algorithms=list(ALGORITHMS)).claims
        except InvalidKeyIdError:
            self._wanted.set()
            return None
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        audience = claims.get("aud")
        named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
        ours = rules.audiences or (rules.client_id, rules.cli_client_id)
        times = [claims.get(name, now_s) for name in ("iat", "nbf")]
        identity = identity_of(claims)
        if (
            identity is None
            or identity.issuer != rules.issuer
            or not any(name in ours for name in named if isinstance(name, str) and name)
            or now_s >= identity.expires_s + SKEW_S
            or not all(isinstance(time_s, int | float) and time_s <= now_s + SKEW_S for time_s in times)
        ):
            return None
        return identity

    async def _refreshed(self, fresh_s: float, rest_s: float = REST_S) -> ProviderFacts:
        """Return what the provider says of itself, not older than `fresh_s` where it answers; asked every `rest_s`."""
        async with self._reading:
            now_s = asyncio.get_running_loop().time()
            if self._facts is not None and (now_s - self._read_s < fresh_s or now_s - self._tried_s < rest_s):
                return self._facts
            self._tried_s = now_s
            try:
                self._facts = await self._read()
            except ProviderUnreachable:
                if self._facts is None:
                    raise
                return self._facts
            self._read_s = now_s
            self._kept.clear()  # a key that is gone vouches for nobody
            return self._facts

    async def _read(self) -> ProviderFacts:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        issuer = self.rules.issuer
        found = await self._asked(issuer.rstrip("/") + DISCOVERY)
        if found.get("issuer") != issuer:
            raise ProviderUnreachable(
                f"{issuer} calls itself {str(found.get('issuer'))[:200]!r}", remedy="write the issuer as it does"
            )
        needed = {name: found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        for name, url in needed.items():
            if not isinstance(url, str) or not url.startswith("https://" if issuer.startswith("https:") else "http"):
                raise ProviderUnreachable(f"{issuer} has no {name} that can be used", remedy="see its discovery")
        try:
            keys = KeySet.import_key_set(await self._asked(str(needed["jwks_uri"])))  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError) as err:
            raise ProviderUnreachable(f"{issuer}: its keys cannot be read: {err}", remedy="see its JWKS") from None
        methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return ProviderFacts(
            str(needed["authorization_endpoint"]),
            str(needed["token_endpoint"]),
            str(found.get("end_session_endpoint") or ""),
            "client_secret_basic" in methods,
            keys,
        )

    async def _asked(
        self, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        good = frozenset({200, 400, 401, 403})
        request = HttpRequest(url, MOST_BYTES, headers=headers or {}, body=body, redirects=0, good=good)
        try:
            async with _opened(self.rules) as session:
                answer = await session.fetch(request)
            value = json.loads(answer.body)
        except FetchFailed as err:
            raise ProviderUnreachable(f"{url}: {err}", remedy="see that the provider runs") from None
        except ValueError:
            raise ProviderUnreachable(f"{url} answers without JSON", remedy="see the issuer") from None
        if not isinstance(value, dict):
            raise ProviderUnreachable(f"{url} answers with no JSON object", remedy="see the issuer")
        return value


@asynccontextmanager
async def _opened(rules: OidcRules) -> AsyncIterator[HttpSession]:
    context = await asyncio.to_thread(tls_of, rules)
    reach = Reach(everywhere=True)  # an operator has named it
    resolver = PinnedResolver(reach, None)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, resolver=resolver),
        timeout=aiohttp.ClientTimeout(total=DEADLINE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as opened:
        yield HttpSession(opened, reach, resolver)


def tls_of(rules: OidcRules) -> ssl.SSLContext:
    """Return the context by which the provider is asked. Raises InvalidSettings for a certificate that is none."""
    try:
        context = ssl.create_default_context()
        if rules.root_ca:
            context.load_verify_locations(cadata=rules.root_ca)
    except (ssl.SSLError, ValueError) as err:
        raise InvalidSettings(f"oidc.config: rootCA is no certificate: {err}", remedy="write it as PEM") from None
    return context


def with_query(url: str, query: Mapping[str, str]) -> str:
    """Return `url` with `query` behind what it has already."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def refused(why: str) -> NotAuthenticated:
    return NotAuthenticated(f"single sign-on failed: {why}", remedy="try again, or ask whoever runs the provider")
