"""`/api/v1/account`: the local accounts, their passwords and tokens, and what the caller may do."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer, body_of
from gitopsd.api.logins import caller_of
from gitopsd.api.rest.query import number_of, text_of
from gitopsd.model.account import ApiToken
from gitopsd.usecases.accounts import AccountUseCases, AccountView


class AccountRoutes:
    def __init__(self, accounts: AccountUseCases) -> None:
        self._accounts = accounts

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/account", self.list),
            web.put("/api/v1/account/password", self.update_password),
            web.get("/api/v1/account/can-i/{resource}/{action}/{name:.*}", self.can_i),
            web.get("/api/v1/account/{name}", self.get),
            web.post("/api/v1/account/{name}/token", self.create_token),
            web.delete("/api/v1/account/{name}/token/{id}", self.delete_token),
        ]

    async def list(self, request: web.Request) -> web.Response:
        return answer({"items": [account_json(view) for view in self._accounts.list(caller_of(request))]})

    async def get(self, request: web.Request) -> web.Response:
        return answer(account_json(self._accounts.get(caller_of(request), request.match_info["name"])))

    async def can_i(self, request: web.Request) -> web.Response:
        match = request.match_info
        allowed = self._accounts.can_i(caller_of(request), match["resource"], match["action"], match["name"])
        return answer({"value": "yes" if allowed else "no"})

    async def update_password(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        await self._accounts.update_password(
            caller_of(request), text_of(body, "name"), text_of(body, "currentPassword"), text_of(body, "newPassword")
        )
        return answer({})

    async def create_token(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        token = self._accounts.create_token(
            caller_of(request), request.match_info["name"], text_of(body, "id"), number_of(body, "expiresIn")
        )
        return answer({"token": token})

    async def delete_token(self, request: web.Request) -> web.Response:
        self._accounts.delete_token(caller_of(request), request.match_info["name"], request.match_info["id"])
        return answer({})


def account_json(view: AccountView) -> dict[str, Any]:
    """Return an account as Argo CD's Account; `lastUsedAt` of a token is ours."""
    account = view.account
    return {
        "name": account.name,
        "enabled": account.enabled,
        "capabilities": sorted(capability.value for capability in account.capabilities),
        **({"tokens": [_token(token) for token in view.tokens]} if view.tokens else {}),
    }


def _token(token: ApiToken) -> dict[str, Any]:
    times = {"expiresAt": token.expires_s, "lastUsedAt": token.used_s}
    told = {name: int(time_s) for name, time_s in times.items() if time_s is not None}
    return {"id": token.id, "issuedAt": int(token.issued_s), **told}
