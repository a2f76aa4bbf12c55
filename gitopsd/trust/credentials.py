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
    matches: list[tuple[int, RepoCredentials]] = []
    for candidate in credentials:
        prefix = RepoAddress.parse(candidate.url)
        if address is not None and prefix is not None and address.under(prefix):
            matches.append((len(prefix.parts), candidate))
    return max(matches, key=lambda pair: pair[0])[1] if matches else None


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
        template = credentials_for(url, [template for one in declared for template in one.templates])
        template = template or credentials_for(url, self.settings.credentials)
        own = self._own(RepoAddress.parse(url))
        if own is not None and template is not None and not any(getattr(own, name) for name in LOGINS):
            unset = {
                declared_field.name
                for declared_field in fields(own)
                if getattr(own, declared_field.name) == declared_field.default
            }
            own = replace(own, **{name: getattr(template, name) for name in unset})
        return self.hosts(url, own or template)

    def as_trusted(self, url: str, other: str) -> bool:
        """Tell whether `other` is opened by the login of `url`, or without any: who may read one may read the other."""
        ours, theirs = (
            [getattr(credentials, name) for name in LOGINS] if credentials else []
            for credentials in (self.find(url), self.find(other))
        )
        return self.project(other) in ("", self.project(url)) and (not any(theirs) or theirs == ours)

    def project(self, url: str) -> str:
        """Return the project whose applications alone may read `url`, "" where all may."""
        credentials = self.find(url)
        return credentials.project if credentials else ""

    def repositories_of(self, project: str) -> tuple[str, ...]:
        """Return the URLs of the repositories whose Secrets say that they are of `project`."""
        own = (credentials for declared in self._declared.values() for credentials in declared.repositories)
        return tuple(credentials.url for credentials in own if credentials.project == project)

    async def credentials(self, url: str) -> RepoCredentials | None:
        """Return what `url` is given as servers take it: the key of a GitHub App as a token that it was exchanged for.

        Raises:
            RepositoryUnreachable: GitHub gives no token.
            InvalidSettings: the App's key cannot be read, or is none.
        """
        credentials = self.find(url)
        if credentials is None or credentials.github_app is None:
            return credentials
        token = await self._tokens.token(url, credentials.github_app, credentials, self.reach)
        return replace(credentials, github_app=None, username="", password=Held(text=token))

    def urls(self) -> Iterator[str]:
        """Yield what the operator named by giving credentials for it."""
        for credentials in (*self.settings.credentials, *self._all()):
            yield credentials.url
            if credentials.github_app is not None and credentials.github_app.api_url:
                yield credentials.github_app.api_url

    def _all(self) -> Iterator[RepoCredentials]:
        for one in self._declared.values():
            yield from (*one.repositories, *one.templates)

    def refused(self, url: str) -> None:
        """Note that `url` was not opened by what it was given: a token may have been revoked before its end."""
        self._tokens.forget(url)

    def hosts(self, url: str, credentials: RepoCredentials | None = None) -> RepoCredentials | None:
        """Return `credentials` with the authority and the host keys that hold where it names none."""
        address = RepoAddress.parse(url)
        ca_file = self.settings.ca_directory / address.host if self.settings.ca_directory and address else None
        if ca_file is not None and not ca_file.is_file():
            ca_file = None
        if ca_file is None and self.settings.known_hosts is None:
            return credentials
        credentials = credentials or RepoCredentials(url)
        return replace(
            credentials,
            ca_file=credentials.ca_file or ca_file,
            known_hosts=credentials.known_hosts or self.settings.known_hosts,
        )

    def _own(self, address: RepoAddress | None) -> RepoCredentials | None:
        """Return what a repository's own Secret says; one of a registry holds for the charts below its URL, too."""
        own = {
            RepoAddress.parse(repository.url): repository
            for one in self._declared.values()
            for repository in one.repositories
        }
        above = range(len(address.parts), 0, -1) if address is not None and address.scheme == "oci" else ()
        places = [replace(address, parts=address.parts[:count]) for count in above] if address is not None else []
        return next((own[candidate] for candidate in (address, *places) if candidate in own), None)
