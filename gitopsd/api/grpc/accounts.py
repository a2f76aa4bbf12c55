"""`session.SessionService` and `account.AccountService`: log in and out, who one is, passwords, tokens."""

from __future__ import annotations

from typing import Any

from gitopsd.api.grpc.call import Call
from gitopsd.api.grpc.methods import Json, Methods, MethodTable, Verb, token_of
from gitopsd.api.rest.accounts import account_json
from gitopsd.api.rest.sessions import userinfo_json
from gitopsd.errors import NotAuthenticated, Overloaded
from gitopsd.model.caller import Caller
from gitopsd.usecases.accounts import AccountUseCases


def session_methods(accounts: AccountUseCases, table: MethodTable) -> Methods:
    """Return what may be asked by somebody who is nobody yet, or no more."""

    async def create(call: Call, request: Any) -> Json:
        try:
            return {"token": await accounts.login(request.username, request.password, call.address)}
        except (NotAuthenticated, Overloaded):
            table.failed.count(call.address, credential=True)
            raise

    async def delete(call: Call, _: Any) -> Json:
        if caller := table.caller(call):
            accounts.logout(caller, token_of(call))
        return {}

    async def user_info(call: Call, _: Any) -> Json:
        return userinfo_json(table.caller(call))

    verbs = {"Create": create, "Delete": delete, "GetUserInfo": user_info}
    return table.open("session.SessionService", verbs)


def account_methods(accounts: AccountUseCases, table: MethodTable) -> Methods:
    async def can_i(caller: Caller, request: Any) -> Json:
        allowed = accounts.can_i(caller, request.resource, request.action, request.subresource)
        return {"value": "yes" if allowed else "no"}

    async def update_password(caller: Caller, request: Any) -> Json:
        await accounts.update_password(caller, request.name, request.currentPassword, request.newPassword)
        return {}

    async def all_accounts(caller: Caller, _: Any) -> Json:
        return {"items": [account_json(view) for view in accounts.list(caller)]}

    async def get(caller: Caller, request: Any) -> Json:
        return account_json(accounts.get(caller, request.name))

    async def create_token(caller: Caller, request: Any) -> Json:
        return {"token": accounts.create_token(caller, request.name, request.id, request.expiresIn)}

    async def delete_token(caller: Caller, request: Any) -> Json:
        accounts.delete_token(caller, request.name, request.id)
        return {}

    verbs: dict[str, Verb] = {
        "CanI": can_i,
        "UpdatePassword": update_password,
        "ListAccounts": all_accounts,
        "GetAccount": get,
        "CreateToken": create_token,
        "DeleteToken": delete_token,
    }
    return table.known("account.AccountService", verbs)
