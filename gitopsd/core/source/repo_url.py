"""What a repository's URL may be, and how it is shown."""

from __future__ import annotations

import re
from urllib.parse import unquote

from gitopsd.model.chart import CHARTS, FILES

# user:password@ between the scheme and the host; a user alone (`git@`) is no secret.
CREDENTIALS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^/?#\s:@]*):[^/?#\s]*@")

# A rule or a credential for what is below /org would hold for /org/../other, which a client asks for as /other.
ABOVE = re.compile(r"(?:^|[/\\:])\.\.(?:[/\\?#]|$)")
NAMED = re.compile(f"(?:{re.escape(CHARTS)}|{re.escape(FILES)})http")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def without_credentials(text: str) -> str:
    """Return `text` with the credentials of every URL in it masked, as it may be logged, stored or shown."""
    return CREDENTIALS.sub(r"\g<scheme>***@", NAMED.sub("http", text))


def has_credentials(url: str) -> bool:
    """Tell whether a password or token stands in `url` itself."""
    return CREDENTIALS.search(url) is not None


def url_fault(url: str) -> str:
    """Return why `url` cannot name a repository, "" where it can.

    What git would take for an option or for a transport helper (`ext::sh -c …`) runs commands, so it stops here.
    """
    if url.startswith("-"):
        return "starts with '-', which git takes for an option"
    if re.match(r"[A-Za-z0-9+.-]+::", url):
        return "names a transport helper of git, which could run commands"
    if CONTROL.search(url):
        return "holds a control character"
    if ABOVE.search(unquote(url)):
        return "holds '..', so what is below it is elsewhere than it says"
    return ""
