"""Which credentials a URL gets: of the settings, or of declared Secrets; an App's key is exchanged for a token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.ports import Clock
from gitopsd.settings import GitSettings, Held, RepoCredentials
from gitopsd.trust.github_app import GitHubTokens
from gitopsd.trust.reach import EVERYWHERE, Reach

LOGINS = ("username", "password", "bearer_token", "github_app", "ssh_key", "client_cert", "client_key")


def credentials_for(url: str, credentials: Sequence[RepoCredentials]) -> RepoCredentials | None:
    """Return the credentials of the longest prefix that `url` lies under, or None; whole path parts count."""
    address = RepoAddress.parse(url)
    found: list[tuple[int, RepoCredentials]] = []
    for candidate in credentials:
        prefix = RepoAddress.parse(candidate.url)
        if address is not None and prefix is not None and address.under(prefix):
            found.append((len(prefix.parts), candidate))
    return max(found, key=lambda pair: pair[0])[1] if found else None


@dataclass(frozen=True, slots=True)
class DeclaredCredentials:
    """What Secrets of one directory declare."""

    repositories: tuple[RepoCredentials, ...] = ()  # each for its URL alone
    templates: tuple[RepoCredentials, ...] = ()  # each for all below its URL


@dataclass(slots=True)
class CredentialStore:
    """The credentials that there are now. Its one memory beside them is the tokens that Apps were given."""

    settings: GitSettings
    now_s: Clock
    reach: Reach = EVERYWHERE  # of whoever asks: a person who names every place himself, or the daemon for others
    _declared: dict[str, DeclaredCredentials] = field(default_factory=dict)  # by the directory that they were read in
    _tokens: GitHubTokens = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = GitHubTokens(self.now_s)

    def declare(self, source: str, declared: DeclaredCredentials) -> bool:
        """Take what `source` declares now in place of what it declared before; tell whether anything changed."""
        before = self._declared.get(source, DeclaredCredentials())
        self._declared[source] = declared
        return before != declared

    def find(self, url: str) -> RepoCredentials | None:
        """Return what `url` is given, without traffic; None where nothing was declared for it.

        A repository's own Secret goes before templates; without a login of its own it takes the template's. The
        settings come last: they are what a Secret may stand in for.
        """
        declared = self._declared.values()
        template = credentials_for(url, [each for one in declared for each in one.templates])
        template = template or credentials_for(url, self.settings.credentials)
        own = self._own(RepoAddress.parse(url))
        if own is not None and template is not None and not any(getattr(own, name) for name in LOGINS):
            unset = {each.name for each in fields(own) if getattr(own, each.name) == each.default}
            own = replace(own, **{name: getattr(template, name) for name in unset})
        return self.hosts(url, own or template)

    def as_trusted(self, url: str, other: str) -> bool:
        """Tell whether `other` is opened by the login of `url`, or without any: who may read one may read the other."""
        ours, theirs = (
            [getattr(found, name) for name in LOGINS] if found else [] for found in (self.find(url), self.find(other))
        )
        return self.project(other) in ("", self.project(url)) and (not any(theirs) or theirs == ours)

    def project(self, url: str) -> str:
        """Return the project whose applications alone may read `url`, "" where all may."""
        found = self.find(url)
        return found.project if found else ""

    async def credentials(self, url: str) -> RepoCredentials | None:
        """Return what `url` is given as servers take it: the key of a GitHub App as a token that it was exchanged for.

        Raises:
            RepositoryUnreachable: GitHub gives no token.
            InvalidSettings: the App's key cannot be read, or is none.
        """
        found = self.find(url)
        if found is None or found.github_app is None:
            return found
        token = await self._tokens.token(url, found.github_app, found, self.reach)
        return replace(found, github_app=None, username="", password=Held(text=token))

    def urls(self) -> Iterator[str]:
        """Yield what the operator named by giving credentials for it."""
        for each in (*self.settings.credentials, *self._all()):
            yield each.url
            if each.github_app is not None and each.github_app.api_url:
                yield each.github_app.api_url

    def _all(self) -> Iterator[RepoCredentials]:
        for one in self._declared.values():
            yield from (*one.repositories, *one.templates)

    def refused(self, url: str) -> None:
        """Note that `url` was not opened by what it was given: a token may have been revoked before its end."""
        self._tokens.forget(url)

    def hosts(self, url: str, found: RepoCredentials | None = None) -> RepoCredentials | None:
        """Return `found` with the authority and the host keys that hold where it names none."""
        address = RepoAddress.parse(url)
        ca_file = self.settings.ca_directory / address.host if self.settings.ca_directory and address else None
        if ca_file is not None and not ca_file.is_file():
            ca_file = None
        if ca_file is None and self.settings.known_hosts is None:
            return found
        found = found or RepoCredentials(url)
        return replace(
            found, ca_file=found.ca_file or ca_file, known_hosts=found.known_hosts or self.settings.known_hosts
        )

    def _own(self, address: RepoAddress | None) -> RepoCredentials | None:
        """Return what a repository's own Secret says; one of a registry holds for the charts below its URL, too."""
        own = {RepoAddress.parse(each.url): each for one in self._declared.values() for each in one.repositories}
        above = range(len(address.parts), 0, -1) if address is not None and address.scheme == "oci" else ()
        places = [replace(address, parts=address.parts[:count]) for count in above] if address is not None else []
        return next((own[place] for place in (address, *places) if place in own), None)
