"""Accounts with a store of their own, on a clock that the test moves."""

from __future__ import annotations

import base64
import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gitopsd.model.account import Account, AccountRules, Capability, StoredPassword
from gitopsd.store.accounts import AccountsPart
from gitopsd.store.database import Database
from gitopsd.trust.passwords import PasswordHashes
from gitopsd.trust.session_tokens import SessionTokens
from gitopsd.usecases.sessions import AccountBase

KEY = base64.b64encode(b"k" * 32).decode()
BOTH = frozenset(Capability)
PASSWORD = "correct horse"  # noqa: S105 - guards nothing


@dataclass
class AccountWorld:
    """The rules and the clock that `base` goes by; a test changes them."""

    store: AccountsPart
    rules: AccountRules = field(
        default_factory=lambda: AccountRules({name: Account(name, capabilities=BOTH) for name in ("admin", "ann")})
    )
    now_s: float = 1_800_000_000.0
    roles: set[tuple[str, str]] = field(default_factory=set)  # project and role

    @property
    def base(self) -> AccountBase:
        return AccountBase(
            lambda: self.rules,
            self.store,
            PasswordHashes(),
            SessionTokens(KEY),
            lambda: self.now_s,
            b"salt",
            lambda project, role: (project, role) in self.roles,
        )

    async def put_password(self, *names: str) -> None:
        """Have each of `names` log in by PASSWORD."""
        hashed = await PasswordHashes().hash(PASSWORD)
        for name in names:
            self.store.put_password(name, StoredPassword(hashed, self.now_s))


@contextlib.contextmanager
def account_world(directory: Path | None = None) -> Iterator[AccountWorld]:
    """Give accounts whose store is in `directory`, or in one that goes with the block."""
    with contextlib.ExitStack() as stack:
        where = directory or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = Database(where)
        stack.callback(database.close)
        part = AccountsPart(database)
        part.load()
        yield AccountWorld(part)
