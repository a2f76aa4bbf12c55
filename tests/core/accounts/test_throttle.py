from __future__ import annotations

import pytest

from gitopsd.core.accounts.throttle import BUCKETS, WINDOW_S, account_key, address_key, one_more, wait_s
from gitopsd.model.account import LoginFailures

SALT = b"salt"


def test_failures_are_counted_in_a_window_that_begins_with_the_first() -> None:
    first = one_more(None, 100.0)
    second = one_more(first, 100.0 + WINDOW_S - 1)

    assert LoginFailures(2, 100.0) == second
    assert LoginFailures(1, 100.0 + WINDOW_S) == one_more(second, 100.0 + WINDOW_S)


@pytest.mark.parametrize(
    ("count", "now_s", "expected"), [(9, 100.0, 0.0), (10, 100.0, WINDOW_S), (11, 101.0, WINDOW_S - 1), (11, 9e9, 0.0)]
)
def test_wait_is_until_the_window_ends(count: int, now_s: float, expected: float) -> None:
    assert expected == wait_s(LoginFailures(count, 100.0), 10, now_s)
    assert 0.0 == wait_s(None, 10, now_s)


def test_case_40_names_that_are_no_accounts_fill_a_bounded_number_of_counters() -> None:
    keys = {account_key(f"name-{number}", known=False, salt=SALT) for number in range(20 * BUCKETS)}

    assert BUCKETS >= len(keys) > BUCKETS // 2
    assert "account:ann" == account_key("ann", known=True, salt=SALT)
    assert "account:ann" not in keys


def test_case_40_an_ipv6_network_of_one_client_is_one_address() -> None:
    keys = {address_key(f"2001:db8:1:2::{number:x}", SALT) for number in range(1000)}

    assert 1 == len(keys)
    assert keys != {address_key("2001:db8:1:3::1", SALT)}
    assert address_key("192.0.2.1", SALT) != address_key("192.0.2.2", SALT)
    assert address_key("", SALT) == address_key("", SALT)
    assert 65536 >= len({address_key(f"10.{number >> 8}.{number & 255}.1", SALT) for number in range(65536)})
