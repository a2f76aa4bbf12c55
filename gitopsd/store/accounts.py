"""Passwords, tokens, revoked sessions, failed logins: what accounts leave behind, and what must outlast a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gitopsd.model.account import ApiToken, LoginFailures, StoredPassword
from gitopsd.store.database import Database


class AccountsPart:
    """Implements `usecases.accounts.AccountStore`: reads are of memory, writes reach SQLite first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._passwords: dict[str, StoredPassword] = {}
        self._tokens: dict[str, ApiToken] = {}
        self._revoked: dict[str, float] = {}
        self._failures: dict[str, LoginFailures] = {}

    def load(self) -> None:
        rows = self._database.rows
        self._passwords = {
            account: StoredPassword(*rest) for account, *rest in rows("SELECT account, hash, changed_s FROM passwords")
        }
        query = "SELECT id, subject, issued_s, expires_s, used_s FROM tokens"
        self._tokens = {row[0]: ApiToken(*row) for row in rows(query)}
        self._revoked = dict(rows("SELECT session, until_s FROM revoked_sessions"))
        self._failures = {
            key: LoginFailures(*rest) for key, *rest in rows("SELECT key, count, since_s FROM login_failures")
        }

    def password(self, account: str) -> StoredPassword | None:
        return self._passwords.get(account)

    def put_password(self, account: str, password: StoredPassword) -> None:
        row = (account, password.hash, password.changed_s)
        with self._database.write(durable=True) as connection:
            connection.execute("INSERT OR REPLACE INTO passwords VALUES (?, ?, ?)", row)
        self._passwords[account] = password

    def token(self, token_id: str) -> ApiToken | None:
        return self._tokens.get(token_id)

    def tokens(self, subject: str) -> Sequence[ApiToken]:
        return sorted(
            (token for token in self._tokens.values() if token.subject == subject), key=lambda token: -token.issued_s
        )

    def put_token(self, token: ApiToken) -> None:
        row = (token.id, token.subject, token.issued_s, token.expires_s, token.used_s)
        with self._database.write(durable=True) as connection:
            connection.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?)", row)
        self._tokens[token.id] = token

    def delete_token(self, token_id: str) -> None:
        with self._database.write(durable=True) as connection:
            connection.execute("DELETE FROM tokens WHERE id = ?", (token_id,))
        self._tokens.pop(token_id, None)

    def used_token(self, token_id: str, at_s: float) -> None:
        with self._database.write(durable=False) as connection:
            connection.execute("UPDATE tokens SET used_s = ? WHERE id = ?", (at_s, token_id))
        self._tokens[token_id] = replace(self._tokens[token_id], used_s=at_s)

    def revoke(self, session: str, until_s: float, now_s: float) -> None:
        with self._database.write(durable=True) as connection:
            connection.execute("DELETE FROM revoked_sessions WHERE until_s < ?", (now_s,))
            connection.execute("INSERT OR REPLACE INTO revoked_sessions VALUES (?, ?)", (session, until_s))
        self._revoked = {each: end_s for each, end_s in self._revoked.items() if end_s >= now_s} | {session: until_s}

    def revoked(self, session: str) -> bool:
        return session in self._revoked

    def failures(self, key: str) -> LoginFailures | None:
        return self._failures.get(key)

    def put_failures(self, key: str, failures: LoginFailures) -> None:
        row = (key, failures.count, failures.since_s)
        with self._database.write(durable=False) as connection:
            connection.execute("INSERT OR REPLACE INTO login_failures VALUES (?, ?, ?)", row)
        self._failures[key] = failures

    def clear_failures(self, key: str) -> None:
        if key in self._failures:
            with self._database.write(durable=False) as connection:
                connection.execute("DELETE FROM login_failures WHERE key = ?", (key,))
            del self._failures[key]
