"""`/api/v1/session`: log in, log out, and who one is."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer, body_of
from gitopsd.api.logins import CALLER, COOKIE, FailedLogins, presented_token
from gitopsd.api.rest.query import text_of
from gitopsd.errors import NotAuthenticated, Overloaded
from gitopsd.model.caller import Caller, SignIn
from gitopsd.usecases.accounts import AccountUseCases

SESSION, USERINFO = "/api/v1/session", "/api/v1/session/userinfo"
ISSUER = "gitopsd"  # of local accounts, as their tokens say


class SessionRoutes:
    def __init__(self, accounts: AccountUseCases, failed: FailedLogins) -> None:
        self._accounts = accounts
        self._failed = failed

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(SESSION, self.create),
            web.delete(SESSION, self.delete),
            web.get(USERINFO, self.userinfo),
        ]

    async def create(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        username, password = text_of(body, "username"), text_of(body, "password")
        try:
            token = await self._accounts.login(username, password, request.remote or "")
        except (NotAuthenticated, Overloaded):
            self._failed.refused(request)
            raise
        response = answer({"token": token})
        response.set_cookie(COOKIE, token, path="/", httponly=True, secure=True, samesite="Strict")
        return response

    async def delete(self, request: web.Request) -> web.Response:
        if caller := request.get(CALLER):
            self._accounts.logout(caller, presented_token(request))
        response = answer({})
        response.del_cookie(COOKIE, path="/", httponly=True, secure=True, samesite="Strict")
        return response

    async def userinfo(self, request: web.Request) -> web.Response:
        return answer(userinfo_json(request.get(CALLER)))


def userinfo_json(caller: Caller | None) -> dict[str, Any]:
    """Return who somebody is as Argo CD's GetUserInfoResponse."""
    if caller is None or caller.sign_in is SignIn.ANONYMOUS:
        return {"loggedIn": False}
    groups = {"groups": list(caller.groups)} if caller.groups else {}
    return {"loggedIn": True, "username": caller.account, "iss": caller.issuer or ISSUER, **groups}
