"""What git says when a fetch fails, as one of our errors with a remedy; nothing it says may give a secret away.

Git ends with the same code whatever the cause, so its words are all there is. They are those of git 2.39 in the locale
C, which every git is started in; tests/git/test_faults.py and its neighbours break servers and mirrors for real.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gitopsd.errors import RepositoryUnreachable
from gitopsd.words import without_credentials

MOST_READ = 20_000  # characters at the end of git's words: there it says why it failed
LONGEST = 300  # characters of git's words that are passed on

# In the order they are tried: the first whose words are in the output names the remedy.
NO_ANSWER = (
    r"not resolve|failed to connect|couldn't connect|connection (refused|timed out|reset|closed)|"
    r"operation (timed out|too slow)|network is unreachable|no route to host|error: 5\d\d|early eof|hung up"
)
REMEDIES = (
    (
        r"\bssh: (command )?not found|cannot run ssh",
        "there is no ssh client on this machine",
        "install one (openssh-client), or declare the repository's https:// URL",
    ),
    (
        r"host key verification failed|known_hosts|no matching host key",
        "the host key is not the one expected",
        "put the server's host key into known_hosts of git.credentials",
    ),
    (
        r"permission denied|load key |no such identity|invalid format|error in libcrypto",
        "the server does not take the SSH key",
        "check ssh_key of git.credentials, without a passphrase, and its rights on the server",
    ),
    (
        r"authentication failed|could not read (username|password)|prompts disabled|error: 40[13]|access denied",
        "the server does not take the credentials",
        "check user name, password or token of git.credentials and their rights on the server",
    ),
    (
        r"certificate|ssl|tls|gnutls",
        "the server's certificate is not trusted",
        "name its authority in ca_file of git.credentials",
    ),
    (
        r"mismatched algorithms|unknown repository extension.*objectformat",
        "it names its objects by SHA-256, which is not read here",
        "serve a repository of git's usual format, SHA-1",
    ),
    (
        r"dubious ownership",
        "the repository belongs to another user of this machine",
        "give it to the user that runs gitopsd, or serve it over HTTPS or SSH",
    ),
    (
        r"error: 30[1278]|unable to update url base from redirection",
        "the server sends elsewhere, and redirects are not followed",
        "declare the URL that the server redirects to",
    ),
    (
        r"not found|error: 404|does not (appear to be a git repository|exist)|no such file",
        "there is no repository, or the credentials may not see it",
        "check the URL, and the rights of git.credentials",
    ),
    (
        NO_ANSWER,
        "the server does not answer",
        "check the network and the server; the fetch is tried again",
    ),
    (
        r"no space left|disk quota|read-only file system|file too large",
        "the data directory cannot be written",
        "make room in the data directory",
    ),
)
DAMAGE = re.compile(
    r"bad object|corrupt|is empty|inflate: |loose object|broken ref|garbage at end of|"
    r"unable to (read|unpack|parse) (sha1 file|object|commit|tree)|unable to find [0-9a-f]{40}|"
    r"did not send all necessary objects|does not point to a valid object|missing (blob|tree|commit)|"
    r"not a git repository|packfile .* (is not|does not|cannot)|bad (config|index|pack)",
    re.IGNORECASE,
)


def is_damage(stderr: str) -> bool:
    """Tell whether git complains about the mirror itself, so that making it anew may help."""
    lines = (line for line in stderr[-MOST_READ:].splitlines() if not line.startswith("remote:"))
    return DAMAGE.search("\n".join(lines)) is not None


def fetch_failed(url: str, stderr: str, secrets: Iterable[str]) -> RepositoryUnreachable:
    """Return the error for a fetch of `url` that ended with `stderr`."""
    words, stderr = said(stderr, secrets), stderr[-MOST_READ:]
    for pattern, what, remedy in REMEDIES:
        if re.search(pattern, stderr, re.IGNORECASE):
            return RepositoryUnreachable(
                f"{without_credentials(url)} cannot be fetched: {what} ({words})", remedy=remedy
            )
    return RepositoryUnreachable(
        f"{without_credentials(url)} cannot be fetched: {words}", remedy="see what git says; the fetch is tried again"
    )


def said(stderr: str, secrets: Iterable[str]) -> str:
    """Return the end of what git said: one line, short, without secrets and without control characters."""
    text = without_credentials(stderr[-MOST_READ:])
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    lines = [line.strip() for line in text.splitlines() if line.strip() and "please make sure" not in line.lower()]
    line = "; ".join(line for line in lines[-4:] if line != "and the repository exists.")
    printable = "".join(char if char.isprintable() else " " for char in line)
    return printable if len(printable) <= LONGEST else f"…{printable[-LONGEST:]}"
