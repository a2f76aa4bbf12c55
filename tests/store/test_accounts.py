"""What accounts leave behind outlasts the daemon."""

from __future__ import annotations

from pathlib import Path

from gitopsd.model.account import ApiToken, LoginFailures, StoredPassword
from tests.fakes.accounts import account_world


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with account_world(tmp_path) as world:
        store = world.store
        store.put_password("ann", StoredPassword("first", 1.0))
        store.put_password("ann", StoredPassword("second", 2.0))
        for number in (1, 2, 3):
            store.put_token(ApiToken(f"t{number}", "ann", float(number), 9.0 if number == 1 else None))
        store.used_token("t1", 5.0)
        store.delete_token("t3")
        store.revoke("s1", 10.0, 5.0)
        store.revoke("s2", 30.0, 20.0)
        store.put_failures("account:ann", LoginFailures(3, 7.0))
        store.put_failures("account:bob", LoginFailures(1, 7.0))
        store.clear_failures("account:bob")
    with account_world(tmp_path) as world:
        store = world.store
        assert StoredPassword("second", 2.0) == store.password("ann")
        assert store.password("bob") is None
        assert [ApiToken("t2", "ann", 2.0), ApiToken("t1", "ann", 1.0, 9.0, 5.0)] == store.tokens("ann")
        assert store.token("t3") is None
        assert (False, True) == (store.revoked("s1"), store.revoked("s2"))  # the first ended by itself
        assert LoginFailures(3, 7.0) == store.failures("account:ann")
        assert store.failures("account:bob") is None
