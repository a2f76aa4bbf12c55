"""`/api/v1/settings`: what clients need to know before they log in, as Argo CD tells it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gitopsd.api.answers import answer
from gitopsd.api.logins import presented_token
from gitopsd.model.account import AccountRules, Capability
from gitopsd.usecases.accounts import AccountUseCases
from gitopsd.usecases.authentication import Authenticator

SETTINGS = "/api/v1/settings"
TRACKING = "annotation"  # how objects are settings to be an application's


class SettingsRoutes:
    def __init__(self, authenticator: Authenticator, accounts: AccountUseCases) -> None:
        self._authenticator = authenticator
        self._accounts = accounts

    def routes(self) -> list[web.RouteDef]:
        return [web.get(SETTINGS, self.get)]

    async def get(self, request: web.Request) -> web.Response:
        caller = self._authenticator.caller(presented_token(request), request.remote or "")
        return answer(settings_json(self._accounts.rules(), known=caller is not None))


def settings_json(rules: AccountRules, *, known: bool) -> dict[str, Any]:
    """Return what is told of `rules`: to whom is not `known` yet, how to log in alone. No secret is in it."""
    settings: dict[str, Any] = {"url": rules.url, "trackingMethod": TRACKING}
    if not any(account.may(Capability.LOGIN) for account in rules.accounts.values()):
        settings["userLoginsDisabled"] = True
    if (oidc := rules.oidc) is not None:
        settings["oidcConfig"] = {
            "name": oidc.name,
            "issuer": oidc.issuer,
            "clientID": oidc.client_id,
            "cliClientID": oidc.cli_client_id,
            "scopes": list(oidc.scopes),
            "enablePKCEAuthentication": oidc.pkce,
        }
    return {**settings, "passwordPattern": rules.password_pattern} if known else settings
