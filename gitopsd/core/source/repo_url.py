"""What a repository's URL may be, and how it is shown."""

from __future__ import annotations

import re
from urllib.parse import unquote

from gitopsd.model.chart import CHARTS, FILES

# What stands between a scheme and a host: a password or a token, with or without a user. Every text that is shown goes
# through it, and tenants write texts, so it takes time in proportion to their length.
USERINFO = re.compile(r"(?<=://)(?P<userinfo>[^/?#\s]*)@")
TOKEN = 20  # characters from which on a user without a password is none, but a token
SSH = "ssh://"  # `git@` is a name there, and no secret

# A rule or a credential for what is below /org would hold for /org/../other, which a client asks for as /other.
ABOVE = re.compile(r"(?:^|[/\\:])\.\.(?:[/\\?#]|$)")
NAMED = re.compile(f"(?:{re.escape(CHARTS)}|{re.escape(FILES)})http")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def without_credentials(text: str) -> str:
    """Return `text` with the credentials of every URL in it masked, as it may be logged, stored or shown."""
    return USERINFO.sub(lambda found: "***@" if _is_secret(found) else found[0], NAMED.sub("http", text))


def has_credentials(url: str) -> bool:
    """Tell whether a password or a token stands in `url`; a short user alone, as Azure DevOps has it, is not."""
    return any(":" in found["userinfo"] or len(found["userinfo"]) >= TOKEN for found in USERINFO.finditer(url))


def _is_secret(found: re.Match[str]) -> bool:
    plain = ":" not in found["userinfo"] and "@" not in found["userinfo"]
    begin = found.start()
    return not (plain and found.string[max(0, begin - len(SSH)) : begin].lower() == SSH)


def url_fault(url: str) -> str:
    """Return why `url` cannot name a repository, "" where it can.

    What git would take for an option or for a transport helper (`ext::sh -c …`) runs commands, so it stops here.
    """
    if url.startswith("-"):
        return "starts with '-', which git takes for an option"
    if re.match(r"[A-Za-z0-9+.-]{1,100}::", url):
        return "names a transport helper of git, which could run commands"
    if CONTROL.search(url):
        return "holds a control character"
    if ABOVE.search(unquote(url)):
        return "holds '..', so what is below it is elsewhere than it says"
    return ""
