"""Who asks something of the daemon."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class SignIn(enum.Enum):
    """How a caller showed who it is."""

    BREAK_GLASS = "static token"  # of the settings or the data directory: every right, whatever the policy says
    SESSION = "session"
    ANONYMOUS = "anonymous"
    SSO = "single sign-on"
    API_TOKEN = "API token"  # noqa: S105 - a word


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the credentials of one request say; made anew for each."""

    account: str  # what audit log and history call it; "" for nobody in particular
    groups: tuple[str, ...] = ()
    address: str = ""  # the request came from
    sign_in: SignIn = SignIn.BREAK_GLASS
    issuer: str = ""  # of the provider that vouches for it; "": we do

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the names by which a policy may speak of it; of SSO those that the provider gave, and no other."""
        if self.sign_in is SignIn.SSO:
            return self.groups
        return (self.account, *self.groups) if self.account else ()
