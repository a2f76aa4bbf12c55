"""What a repository's URL may be."""

from __future__ import annotations

import re
from urllib.parse import unquote

from gitopsd.words import USERINFO

TOKEN = 20  # characters from which on a user without a password is none, but a token

# A rule or a credential for what is below /org would hold for /org/../other, which a client asks for as /other.
ABOVE = re.compile(r"(?:^|[/\\:])\.\.(?:[/\\?#]|$)")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def has_credentials(url: str) -> bool:
    """Tell whether a password or a token stands in `url`; a short user alone, as Azure DevOps has it, is not."""
    return any(":" in match["userinfo"] or len(match["userinfo"]) >= TOKEN for match in USERINFO.finditer(url))


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
