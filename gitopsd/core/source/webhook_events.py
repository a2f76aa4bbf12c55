"""What webhooks say of repositories whose refs may have moved: one parser for the payloads of each provider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from gitopsd.core.source.repo_address import RepoAddress, repository_key
from gitopsd.errors import InvalidPayload
from gitopsd.model.chart import OCI

LONGEST_REF = 1024
LONGEST_ID = 64  # of a commit
MOST_URLS = 32  # spellings of one repository, or repositories of one artifact's push
MOST_REFS = 32  # of one push: they are for the log
GITHUB_URLS = ("clone_url", "ssh_url", "html_url", "git_url", "url")
GITLAB_URLS = ("git_http_url", "git_ssh_url", "http_url", "ssh_url", "web_url", "homepage", "url")
GITLAB_EVENTS = ("push", "tag_push", "repository_update")
GITEA_EVENTS = ("push", "create", "delete")  # a tag that is made or deleted is no push there
GITHUB_PACKAGES = {"package": "package", "registry_package": "registry_package"}  # event → its field
CONTAINER = "container"
HARBOR_PUSHES = ("PUSH_ARTIFACT", "harbor.artifact.pushed")  # by its own format, and by CloudEvents
AZURE_HOST = "dev.azure.com"


@dataclass(frozen=True, slots=True)
class PushEvent:
    """Refs moved, says somebody who knows our secret. A reason to fetch, and nothing else."""

    urls: tuple[str, ...]  # every spelling of the repository's URL that the payload has
    refs: tuple[str, ...] = ()  # as the payload spells them, for people
    commits: tuple[str, ...] = ()  # full ids that refs are said to be at now; zeros: of one that is gone


@dataclass(frozen=True, slots=True)
class PingEvent:
    """The webhook was set up."""


@dataclass(frozen=True, slots=True)
class IgnoredEvent:
    """An event that no repository moves by."""


WebhookEvent = PushEvent | PingEvent | IgnoredEvent


def github(event: str, body: bytes) -> WebhookEvent:
    """Return what a GitHub webhook says; `event` is its X-GitHub-Event header.

    The body is JSON, or a form with one field `payload` that holds JSON, as GitHub sends by default.

    Raises:
        InvalidPayload: the body is no JSON object, or the push in it names no repository or ref. So for all below.
    """
    if event == "ping":
        return PingEvent()
    if event in GITHUB_PACKAGES:
        return _package(_object(body).get(GITHUB_PACKAGES[event]))
    if event != "push":
        return IgnoredEvent()
    payload = _object(body)
    return _push(_fields(payload.get("repository"), GITHUB_URLS), [payload.get("ref")], [payload.get("after")])


def gitea(event: str, body: bytes) -> WebhookEvent:
    """Return what a webhook of Gitea, Forgejo or Gogs says; `event` is its X-Gitea-Event or X-Gogs-Event header."""
    if event not in GITEA_EVENTS:
        return IgnoredEvent()
    payload = _object(body)
    commits = [payload.get("after"), payload.get("sha")]  # a push's; that of what is made
    return _push(_fields(payload.get("repository"), GITHUB_URLS), [payload.get("ref")], commits)


def gitlab(_event: str, body: bytes) -> WebhookEvent:
    """Return what a GitLab webhook says, of a project, a group or the whole system."""
    payload = _object(body)
    if payload.get("object_kind", payload.get("event_name")) not in GITLAB_EVENTS:
        return IgnoredEvent()
    urls = [*_fields(payload.get("project"), GITLAB_URLS), *_fields(payload.get("repository"), GITLAB_URLS)]
    refs = payload.get("refs")  # of a `repository_update`
    return _push(urls, refs if isinstance(refs, list) else [payload.get("ref")], [payload.get("after")])


def bitbucket(event: str, body: bytes) -> WebhookEvent:
    """Return what a webhook of Bitbucket Cloud says; `event` is its X-Event-Key header."""
    if event != "repo:push":
        return IgnoredEvent()
    payload = _object(body)
    repository = payload.get("repository")
    names = _fields(repository, ("full_name",))
    urls = [_at(repository, "links", "html", "href"), *(f"https://bitbucket.org/{name}" for name in names)]
    # A branch that is made has no old state, one that is deleted no new one.
    changes = _items(payload, "push", "changes")
    refs = (_at(change, when, "name") for change in changes for when in ("new", "old"))
    return _push(urls, refs, (_at(change, "new", "target", "hash") for change in changes))


def bitbucket_server(event: str, body: bytes) -> WebhookEvent:
    """Return what a webhook of Bitbucket Server or Data Center says; `event` is its X-Event-Key header."""
    if event == "diagnostics:ping":
        return PingEvent()
    if event not in ("repo:refs_changed", "mirror:repo_synchronized"):
        return IgnoredEvent()
    payload = _object(body)
    urls = (_at(link, "href") for link in _items(payload, "repository", "links", "clone"))
    changes = _items(payload, "changes")
    return _push(urls, (_at(change, "ref", "id") for change in changes), (_at(change, "toHash") for change in changes))


def azure_devops(_event: str, body: bytes) -> WebhookEvent:
    """Return what a service hook of Azure DevOps says."""
    payload = _object(body)
    if payload.get("eventType") != "git.push":
        return IgnoredEvent()
    urls = [*_fields(_at(payload, "resource", "repository"), ("remoteUrl", "sshUrl"))]
    updates = _items(payload, "resource", "refUpdates")
    refs, commits = (_at(update, "name") for update in updates), (_at(update, "newObjectId") for update in updates)
    return _push([*urls, *(ssh for url in urls if (ssh := _azure_ssh(url)))], refs, commits)


def harbor(_event: str, body: bytes) -> WebhookEvent:
    """Return what a webhook of Harbor says, in its own format or as a CloudEvent."""
    payload = _object(body)
    if payload.get("type") not in HARBOR_PUSHES:
        return IgnoredEvent()
    resources = [*_items(payload, "event_data", "resources"), *_items(payload, "data", "resources")]
    urls = (_registry_url(_at(resource, "resource_url")) for resource in resources)
    return _push(urls, (_at(resource, "tag") for resource in resources), needs_ref=False)


def generic(_event: str, body: bytes) -> WebhookEvent:
    """Return what a program of the user's own says: `{"repository": URL}`, or `repositories` with a list, and `ref`."""
    payload = _object(body)
    return _push([payload.get("repository"), *_items(payload, "repositories")], [payload.get("ref")], needs_ref=False)


def _push(
    urls: Iterable[Any], refs: Iterable[Any], commits: Iterable[Any] = (), *, needs_ref: bool = True
) -> PushEvent:
    usable = (url for url in islice(urls, MOST_URLS) if isinstance(url, str) and repository_key(url) is not None)
    names = (ref for ref in islice(refs, MOST_REFS) if isinstance(ref, str) and 0 < len(ref) <= LONGEST_REF)
    ids = (commit for commit in islice(commits, MOST_REFS) if isinstance(commit, str) and len(commit) <= LONGEST_ID)
    event = PushEvent(tuple(dict.fromkeys(usable)), tuple(dict.fromkeys(names)), tuple(dict.fromkeys(ids)))
    if not event.urls or (needs_ref and not event.refs):
        raise InvalidPayload(
            "a push names no repository URL or no ref", remedy="send the provider's push event, as it sends it itself"
        )
    return event


def _package(package: Any) -> WebhookEvent:
    """Return what GitHub says of a package: artifacts of ghcr.io are repositories here, others are not."""
    kind = next(_fields(package, ("package_type", "ecosystem")), "")
    if kind.lower() != CONTAINER:
        return IgnoredEvent()
    owner, name = (next(_fields(package, (field,)), "") for field in ("namespace", "name"))
    urls = [_registry_url(_at(package, "package_version", "package_url")), f"{OCI}ghcr.io/{owner}/{name}"]
    tag = _at(package, "package_version", "container_metadata", "tag", "name")
    return _push(urls, [tag], needs_ref=False)


def _registry_url(text: Any) -> str | None:
    """Return the repository of an image's or artifact's name: without its digest and its tag."""
    if not isinstance(text, str) or not text:
        return None
    host, slash, path = text.partition("@")[0].removeprefix(OCI).partition("/")
    return f"{OCI}{host}{slash}{path.partition(':')[0]}"


def _azure_ssh(url: str) -> str | None:
    """Return the URL by which a repository of Azure DevOps is had by SSH, which has other parts than its HTTPS URL."""
    address = RepoAddress.parse(url)
    match (address.host, address.parts) if address is not None else ("", ()):
        case (host, (organization, project, "_git", name)) if host == AZURE_HOST:
            return f"git@ssh.{AZURE_HOST}:v3/{organization}/{project}/{name}"
        case (host, (organization, "_git", name)) if host == AZURE_HOST:  # of a project that is named alike
            return f"git@ssh.{AZURE_HOST}:v3/{organization}/{name}/{name}"
        case _:
            return None


def _at(value: Any, *path: str) -> Any:
    """Return what is at `path` of anything that JSON can hold; None where the way there is another one."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _items(value: Any, *path: str) -> list[Any]:
    items = _at(value, *path)
    return items if isinstance(items, list) else []


def _fields(value: Any, names: Iterable[str]) -> Iterator[str]:
    yield from (text for name in names if isinstance(text := _at(value, name), str))


def _object(body: bytes) -> Mapping[str, Any]:
    text = unquote_to_bytes(body[len(b"payload=") :].replace(b"+", b" ")) if body.startswith(b"payload=") else body
    try:
        payload = orjson.loads(text)
    except orjson.JSONDecodeError as err:
        raise InvalidPayload("the body is not JSON", remedy="set the webhook's content type to JSON") from err
    if not isinstance(payload, dict):
        raise InvalidPayload("the body is not a JSON object", remedy="send the provider's push event")
    return payload
