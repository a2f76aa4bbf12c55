"""A client of registries: `resolve` says which digest a reference has, `fetch` gives what a digest names.

Everything that comes is checked against its digest, and has a bound.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from gitopsd.core.source.repo_address import same_server
from gitopsd.errors import (
    InvalidManifest,
    RepositoryTooLarge,
    RepositoryUnreachable,
    RevisionNotFound,
)
from gitopsd.oci.login import Login
from gitopsd.oci.reference import LATEST, TAG, OciRepository, fits, is_digest, is_range, tag_of
from gitopsd.settings import OciSettings, RepoCredentials
from gitopsd.trust.fetch import (
    FORBIDDEN,
    NOT_FOUND,
    OK,
    UNAUTHORIZED,
    FetchFailed,
    HttpAnswer,
    HttpRequest,
    HttpSession,
    Why,
)
from gitopsd.trust.http import session
from gitopsd.trust.reach import Reach

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPT = f"{MANIFEST}, {INDEX}, {DOCKER}"
PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar"
IMAGE_LAYER = f"{PLAIN_LAYER}+gzip"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
EXACT = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*")  # a version in full
MAX_MANIFEST_BYTES = 4 << 20
MAX_TAGS = 100_000
MAX_TAGS_BYTES = 4 << 20  # of one page


@dataclass(frozen=True, slots=True)
class Layer:
    media_type: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a digest names."""

    digest: str
    layers: tuple[Layer, ...]
    config: Layer | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    def content(self, media_types: Sequence[str]) -> Layer:
        """Return the one layer that is of one of `media_types`.

        Raises:
            InvalidManifest: there is none, or there are several.
        """
        matching = [layer for layer in self.layers if layer.media_type in media_types]
        if len(matching) != 1:
            has = ", ".join(sorted({layer.media_type for layer in self.layers})) or "nothing"
            raise InvalidManifest(
                f"artifact {self.digest[:19]} has {len(matching) or 'no'} layers to read, of {len(self.layers)}: {has}"[
                    :500
                ],
                remedy=f"push it with a single layer of {' or '.join(media_types)}",
            )
        return matching[0]


@dataclass(slots=True)
class Registry:
    """One repository of a registry, for as long as its session is open."""

    repository: OciRepository
    limits: OciSettings
    _http: HttpSession
    _login: Login

    async def resolve(self, reference: str) -> str | None:
        """Return the digest that `reference` is: a digest, a tag, a range of versions, or "" for the tag `latest`.

        None where the repository has nothing of that name.

        Raises:
            RepositoryUnreachable, TooSlow: the registry does not answer, or does not let us in.
        """
        reference = LATEST if reference in ("", "HEAD") else reference
        plain = reference.replace("+", "_")
        if not is_range(reference) or EXACT.fullmatch(reference):  # that need not list the tags
            manifest = await self._manifest(plain) if is_digest(plain) or TAG.fullmatch(plain) else None
            if manifest is not None or not is_range(reference):
                return manifest[0] if manifest else None
        tag = tag_of(reference, await self.tags())
        manifest = await self._manifest(tag) if tag is not None and TAG.fullmatch(tag) else None
        return manifest[0] if manifest else None

    async def tags(self) -> Sequence[str]:
        """Return all tags; none where there is no such repository."""
        collected: list[str] = []
        path = f"/v2/{self.repository.name}/tags/list?n=1000"
        while path and len(collected) < MAX_TAGS:
            answer = await self._ask(path, MAX_TAGS_BYTES, "its tags")
            if answer.status == NOT_FOUND:
                break
            path = _next(answer.headers.get("Link", ""), path)
            match _parsed(answer.body):
                case {"tags": [*tags]}:
                    collected.extend(str(tag) for tag in tags)
                case _:
                    break
        return collected

    async def fetch(self, digest: str) -> Artifact:
        """Return what `digest` names; of an index with one manifest, that one.

        Raises:
            RevisionNotFound: the registry has it no more.
            InvalidManifest: it is no artifact that can be read.
            RepositoryUnreachable, TooSlow: as in `resolve`.
        """
        answer = await self._manifest(digest)
        if answer is None:
            raise RevisionNotFound(f"{self.repository} has no {digest[:19]}", remedy="push it, or name another one")
        match _parsed(answer[1]):
            case {"manifests": [{"digest": str(one)}]} if is_digest(one) and one != digest:
                inner = await self._manifest(one)
                manifest = _parsed(inner[1]) if inner is not None else None
            case manifest:
                pass
        artifact = _artifact(digest, manifest)
        if artifact is None:
            raise InvalidManifest(
                f"{digest[:19]} of {self.repository} is no artifact that can be read",
                remedy="push it as an OCI image manifest, for no platform in particular",
            )
        return artifact

    async def blob(self, layer: Layer) -> bytes:
        """Return the bytes of a layer. Raises as `fetch`, and RepositoryTooLarge."""
        if layer.size > self.limits.max_layer_bytes:
            raise RepositoryTooLarge(
                f"a layer of {self.repository} has {layer.size} bytes",
                remedy=f"raise oci.max_layer_bytes above {self.limits.max_layer_bytes}, or push less",
            )
        path, what = f"/v2/{self.repository.name}/blobs/{layer.digest}", f"the layer {layer.digest[:19]}"
        answer = await self._ask(path, layer.size, what)
        if answer.status == NOT_FOUND:
            raise RevisionNotFound(f"{self.repository} has no {layer.digest[:19]}", remedy="push it again")
        if len(answer.body) != layer.size or not fits(layer.digest, answer.body):
            raise self._lies(layer.digest)
        return answer.body

    async def _manifest(self, reference: str) -> tuple[str, bytes] | None:
        """Return the digest and the bytes of a manifest; None where there is none."""
        path, what = f"/v2/{self.repository.name}/manifests/{reference}", f"the manifest {reference[:80]}"
        answer = await self._ask(path, MAX_MANIFEST_BYTES, what)
        if answer.status == NOT_FOUND:
            return None
        body, header = answer.body, answer.headers.get("Docker-Content-Digest", "")
        digest = reference if is_digest(reference) else header if is_digest(header) else _sha256(body)
        if not fits(digest, body):
            raise self._lies(digest)
        return digest, body

    async def _ask(self, path: str, most_bytes: int, what: str) -> HttpAnswer:
        """Ask, and log in where that is wanted: our login the registry alone sees, not where it stores its blobs."""
        scheme = "http" if self._login.plain else "https"
        url = f"{scheme}://{self.repository.host}{path}"
        answer = await self._fetched(url, most_bytes, what)
        challenge = answer.headers.get("WWW-Authenticate", "") if same_server(answer.url, url) else ""
        if answer.status == UNAUTHORIZED and challenge and await self._login.answer(self._http, challenge):
            answer = await self._fetched(url, most_bytes, what)
        self._refuse(answer.status)
        return answer

    async def _fetched(self, url: str, most_bytes: int, what: str) -> HttpAnswer:
        request = HttpRequest(url, most_bytes, {"Accept": ACCEPT}, self._login.headers())
        try:
            return await self._http.fetch(request)
        except FetchFailed as err:
            if err.reason is Why.TOO_LARGE:
                raise RepositoryTooLarge(
                    f"{what} of {self.repository} has more than {most_bytes} bytes", remedy="push a smaller one"
                ) from None
            raise self._unreachable(f"does not answer with {what}: {err}") from None

    def _refuse(self, status: int) -> None:
        if status in (UNAUTHORIZED, FORBIDDEN):
            raise RepositoryUnreachable(
                f"{self.repository} does not let us in ({status})",
                remedy="check user name and password of git.credentials, and their rights",
            )
        if status not in (OK, NOT_FOUND):
            raise self._unreachable(f"answers {status}")

    def _unreachable(self, what: str) -> RepositoryUnreachable:
        return RepositoryUnreachable(
            f"{self.repository} {what}", remedy="check the network, the proxy and the registry"
        )

    def _lies(self, digest: str) -> RepositoryUnreachable:
        return RepositoryUnreachable(
            f"what {self.repository} gives for {digest[:19]} is something else",
            remedy="check the registry, and what stands between",
        )


@asynccontextmanager
async def registry(
    url: str, credentials: RepoCredentials | None, limits: OciSettings, reach: Reach
) -> AsyncIterator[Registry]:
    """Open the repository `url` of a registry with the credentials `credentials`.

    Raises:
        InvalidDeclaration: `url` names no repository.
        InvalidSettings: a certificate or secret of `credentials` cannot be used.
    """
    repository = OciRepository.parse(url)
    plain = credentials is not None and credentials.plain_http
    scheme = "http" if plain else "https"
    login = Login(credentials, repository.host, f"repository:{repository.name}:pull", plain)
    async with session(credentials, f"{scheme}://{repository.host}", deadline_s=limits.deadline_s, reach=reach) as http:
        yield Registry(repository, limits, http, login)


def _artifact(digest: str, manifest: Any) -> Artifact | None:
    match manifest:
        case {"layers": [*layers]}:
            read = [_layer(layer) for layer in layers]
        case _:
            return None
    annotations = manifest.get("annotations")
    return Artifact(
        digest=digest,
        layers=tuple(layer for layer in read if layer is not None),
        config=_layer(manifest.get("config")),
        annotations={str(k): str(v) for k, v in annotations.items()} if isinstance(annotations, dict) else {},
    )


def _layer(document: Any) -> Layer | None:
    match document:
        case {"mediaType": str(media_type), "digest": str(digest), "size": int(size)} if (
            is_digest(digest) and size >= 0
        ):
            return Layer(media_type, digest, size)
        case _:
            return None


def _next(link: str, path: str) -> str:
    match = re.search(r'<([^<>]+)>\s*;\s*rel="?next"?', link)
    try:
        onward = urlsplit(urljoin(path, match[1])) if match else None
    except ValueError:
        return ""
    # Its host is left out: the pages of a registry are its own.
    return f"{onward.path}?{onward.query}" if onward is not None else ""


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
