"""`/auth/login`, `/auth/callback`, `/auth/logout`: single sign-on in a browser, at Argo CD's paths."""

from __future__ import annotations

import structlog
from aiohttp import web

from gitopsd.api.logins import CALLER, COOKIE, FailedLogins, presented_token
from gitopsd.errors import NotAuthenticated, NotFound, ProviderUnreachable
from gitopsd.usecases.accounts import AccountUseCases
from gitopsd.usecases.sso import PENDING_S, SsoUseCases

LOGIN, CALLBACK, LOGOUT = "/auth/login", "/auth/callback", "/auth/logout"
PENDING_COOKIE = "__Host-gitopsd-login"
LONGEST = 4096  # characters of what a provider sends back

log = structlog.get_logger()


class SsoRoutes:
    def __init__(self, sso: SsoUseCases, accounts: AccountUseCases, failed: FailedLogins) -> None:
        self._sso = sso
        self._accounts = accounts
        self._failed = failed

    def routes(self) -> list[web.RouteDef]:
        return [web.get(LOGIN, self.login), web.get(CALLBACK, self.callback), web.get(LOGOUT, self.logout)]

    async def login(self, request: web.Request) -> web.Response:
        """Send the browser to the provider."""
        url, pending = await self._sso.begin(request.query.get("return_url", ""))
        response = _sent_on(url)
        response.set_cookie(
            PENDING_COOKIE, pending, path="/", max_age=int(PENDING_S), httponly=True, secure=True, samesite="Lax"
        )
        return response

    async def callback(self, request: web.Request) -> web.Response:
        """Let in whom the provider vouches for; what went wrong is told by the page of logging in."""
        query = {name: request.query.get(name, "")[:LONGEST] for name in ("code", "state", "error")}
        try:
            brought, address = request.cookies.get(PENDING_COOKIE, ""), request.remote or ""
            token, place = await self._sso.finish(query["code"], query["state"], brought, address)
        except (NotAuthenticated, ProviderUnreachable) as err:
            log.warning("sso.failed", error=err.what, provider_said=query["error"][:200])
            if isinstance(err, NotAuthenticated):
                self._failed.count(request.remote or "", credential=True)
            why = "refused" if isinstance(err, NotAuthenticated) else "unreachable"
            response = _sent_on(f"{self._sso.base.rules().url}/?sso={why}")
        else:
            response = _sent_on(place)
            response.set_cookie(COOKIE, token, path="/", httponly=True, secure=True, samesite="Strict")
        response.del_cookie(PENDING_COOKIE, path="/", httponly=True, secure=True, samesite="Lax")
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """End the session here, then at the provider."""
        caller = request.get(CALLER)
        if caller is not None:
            self._accounts.logout(caller, presented_token(request))
        try:
            url = await self._sso.logout_url()
        except (NotFound, ProviderUnreachable):
            url = ""
        response = _sent_on(url or self._sso.base.rules().url + "/")
        if caller is not None:  # a link on somebody else's page comes without the cookie, and ends nothing
            response.del_cookie(COOKIE, path="/", httponly=True, secure=True, samesite="Strict")
        return response


def _sent_on(url: str) -> web.Response:
    return web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})
