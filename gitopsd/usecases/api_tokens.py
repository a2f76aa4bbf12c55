"""Tokens that are made for accounts and for roles of projects; each counts until it is deleted or its time is over."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from gitopsd.core.rights.project_roles import role_subject
from gitopsd.core.rights.resources import PolicyResource
from gitopsd.errors import BadRequest, Conflict, NotFound
from gitopsd.model.account import ApiToken
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.trust.session_tokens import SessionClaims
from gitopsd.usecases.auditing import done_by
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.rights import Rights
from gitopsd.usecases.sessions import AccountBase

MOST_TOKENS = 100  # of one account or role
TOKEN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LONGEST_S = 100 * 365 * 86400.0  # that a token may last


def new_token(base: AccountBase, subject: str, claimed: str, token_id: str, expires_in_s: float) -> tuple[str, str]:
    """Store a new token of `subject`; return its id and itself, in which the subject reads `claimed`.

    Raises:
        BadRequest, Conflict: its id or time is out of bounds, there is one of that id, or there are many.
    """
    token_id = token_id or str(uuid.uuid4())
    if not TOKEN_ID.fullmatch(token_id) or not 0 <= expires_in_s <= LONGEST_S:
        raise BadRequest("the token's id or its time is out of bounds", remedy="leave them out")
    if base.store.token(token_id) is not None or len(base.store.tokens(subject)) >= MOST_TOKENS:
        remedy = "take another id, or delete tokens that are not used"
        raise Conflict(f"there is a token {token_id}, or {subject} has {MOST_TOKENS}", remedy=remedy)
    now_s = base.now_s()
    token = ApiToken(token_id, subject, now_s, now_s + expires_in_s if expires_in_s else None)
    base.store.put_token(token)
    return token_id, base.tokens.sign(SessionClaims(token.id, claimed, token.issued_s, token.expires_s))


def delete_token(base: AccountBase, subject: str, token_id: str) -> None:
    """Have a token of `subject` count no more. Raises NotFound."""
    token = base.store.token(token_id)
    if token is None or token.subject != subject:
        raise NotFound(f"{subject} has no token {token_id}", remedy="see `gitopsd account get`")
    base.store.delete_token(token_id)


@dataclass(frozen=True, slots=True)
class RoleTokenUseCases:
    base: AccountBase
    rights: Rights
    backend: Backend

    def create(self, caller: Caller, project: str, role: str, token_id: str, expires_in_s: float) -> str:
        """Return a new token of a role; it never expires where `expires_in_s` is 0.

        Raises:
            NotPermitted: before it looks whether there is such a project or role.
            NotFound, BadRequest, Conflict: there is none, or as `new_token`.
        """
        right = self.rights.require(caller, PolicyResource.PROJECTS, "update", project)
        if not self.base.has_role(project, role):
            raise NotFound(f"project {project} has no role {role}", remedy="declare it in spec.roles of the project")
        subject = role_subject(project, role)
        made_id, token = new_token(self.base, subject, subject, token_id, expires_in_s)
        self.backend.record(done_by(caller, "create-token", AppName(""), f"{subject} {made_id}", right=right))
        return token

    def delete(self, caller: Caller, project: str, role: str, token_id: str) -> None:
        """Have a token of a role count no more, by its id or by the Unix time at which it was made, as Argo CD has it.

        Raises NotPermitted, NotFound.
        """
        right = self.rights.require(caller, PolicyResource.PROJECTS, "update", project)
        subject = role_subject(project, role)
        by_time = (token.id for token in self.base.store.tokens(subject) if str(int(token.issued_s)) == token_id)
        delete_token(self.base, subject, next(by_time, token_id))
        self.backend.record(done_by(caller, "delete-token", AppName(""), f"{subject} {token_id}", right=right))
