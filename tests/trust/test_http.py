from __future__ import annotations

import pytest

from gitopsd.errors import InvalidSettings
from gitopsd.settings import Held, RepoCredentials
from gitopsd.trust.http import bypasses, login, proxy_of, session
from gitopsd.trust.reach import EVERYWHERE


def test_hosts_that_are_reached_without_a_proxy() -> None:
    for no_proxy, host, expected in (
        ("", "h", False),
        ("*", "h", True),
        ("h", "h", True),
        ("H, i", "h", True),
        (".corp", "a.corp", True),
        ("corp", "a.corp", True),
        ("corp", "acorp", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "h", False),
        (",", "h", False),
    ):
        assert expected == bypasses(no_proxy, f"https://{host}:8443/x"), (no_proxy, host)


def test_proxy_of_the_environment_holds_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    plain = RepoCredentials("https://h")
    assert proxy_of(plain, "https://h/x") is None
    monkeypatch.setenv("https_proxy", "http://theirs:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert "http://theirs:3128" == proxy_of(plain, "https://h/x")
    assert proxy_of(plain, "http://h/x") is None
    assert proxy_of(plain, "https://inside.example/x") is None
    assert "http://mine:1" == proxy_of(RepoCredentials("https://h", proxy="http://mine:1"), "https://inside.example/x")
    with pytest.raises(InvalidSettings, match="none of HTTP"):
        proxy_of(RepoCredentials("https://h", proxy="socks5://s3cret@p:1"), "https://h")


def test_login_is_that_of_the_credentials() -> None:
    assert {} == login(None)
    assert {} == login(RepoCredentials("https://h", ssh_key=Held(text="k")))
    assert {"Authorization": "Bearer t"} == login(RepoCredentials("https://h", bearer_token=Held(text="t")))
    assert {"Authorization": "Basic YTpi"} == login(RepoCredentials("https://h", "a", Held(text="b")))


async def test_certificate_that_is_none_is_said_without_telling_it() -> None:
    given = RepoCredentials("https://h", client_cert=Held(text="hunter2"), client_key=Held(text="hunter2"))
    with pytest.raises(InvalidSettings, match="cannot be used") as caught:
        async with session(given, "https://h", deadline_s=1.0, reach=EVERYWHERE):
            pass
    assert "hunter2" not in str(caught.value)
