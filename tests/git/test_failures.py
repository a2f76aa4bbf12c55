from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.git.failures import fetch_failed, is_damage
from gitopsd.words import without_credentials


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://user:secret@h/x", "https://***@h/x"),
        ("https://secret@h/x", "https://***@h/x"),
        ("https://user:se@cret@h/x", "https://***@h/x"),
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("ssh://git:secret@h/x", "ssh://***@h/x"),
        ("git@h:x", "git@h:x"),
        ("https://h/x@y", "https://h/x@y"),
    ],
)
def test_url_is_shown_without_what_it_hides(url: str, seen: str) -> None:
    assert seen == without_credentials(url)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("fatal: unable to access 'https://h/x/': Could not resolve host: h", "check the network"),
        ("fatal: unable to access 'https://h/x/': Failed to connect to h port 443", "check the network"),
        ("fatal: unable to access 'https://h/x/': The requested URL returned error: 503", "check the network"),
        ("fatal: unable to access 'https://h/x/': server certificate verification failed.", "ca_file"),
        ("fatal: Authentication failed for 'https://h/x/'", "token of git.credentials"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "token of git.credentials"),
        ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", "check the URL"),
        ("git@h: Permission denied (publickey).\r\nfatal: Could not read from remote repository.", "ssh_key"),
        ("Host key verification failed.\r\nfatal: Could not read from remote repository.", "known_hosts"),
        ("fatal: mismatched algorithms: client sha1; server sha256", "usual format"),
        ("fatal: detected dubious ownership in repository at '/x'", "user that runs gitopsd"),
        ("fatal: write error: No space left on device", "make room"),
        ("ssh -F /dev/null: 1: ssh: not found\nfatal: Could not read from remote repository.", "openssh-client"),
        ("error: cannot run ssh: No such file or directory\nfatal: unable to fork", "openssh-client"),
        ("fatal: something new", "see what git says"),
    ],
)
def test_failure_names_its_remedy(said: str, remedy: str) -> None:
    assert remedy in fetch_failed("https://h/x", said, ()).remedy


@given(st.text(alphabet="ab\n\r\x1b[0m:/@ fatal", max_size=400), st.sampled_from(["s3cret", "p@ss/w", "tok:en"]))
def test_no_words_of_git_give_a_secret_away_or_span_lines(noise: str, secret: str) -> None:
    said = f"{noise}\nremote: hello {secret}\nfatal: unable to access 'https://u:{secret}@h/x': {noise}"
    text = str(fetch_failed(f"https://u:{secret}@h/x", said, (secret,)))

    assert secret not in text
    assert text.isprintable()
    assert 700 > len(text)


def test_what_the_server_says_is_no_damage_of_ours() -> None:
    assert is_damage("error: object file objects/ab/cd is empty\nfatal: bad object HEAD")
    assert not is_damage("remote: error: object file objects/ab/cd is empty\nfatal: early EOF")
    assert not is_damage("fatal: Could not resolve host: h")
