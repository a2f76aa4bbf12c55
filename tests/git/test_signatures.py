"""Which commits count: real signatures by gpg and ssh-keygen, checked by them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gitopsd.errors import NotTrusted, RepositoryUnreachable
from gitopsd.git.repositories import Repositories
from gitopsd.git.signatures import KNOWN, CommitSignatures
from gitopsd.git.signers import Signers
from gitopsd.model.ids import RepoUrl
from gitopsd.model.project import IntegrityPolicy, Verify
from gitopsd.settings import GitSettings
from tests.git.conftest import World
from tests.gitserver import Repo
from tests.signing import GPG, SSH_KEYGEN, Home, Key, home

pytestmark = pytest.mark.skipif(GPG is None or SSH_KEYGEN is None, reason="gpg and ssh-keygen are not both here")


@dataclass(frozen=True)
class Keys:
    home: Home
    ann: Key
    eve: Key  # known, and trusted by no project
    gone: Key  # not even known
    expired: Key
    sue: Key  # SSH
    sam: Key  # SSH, known and not trusted


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    with home() as made:
        ann, eve, gone, old = (made.gpg_key(name) for name in ("ann", "eve", "gone", "old"))
        yield Keys(made, ann, eve, gone, old, made.ssh_key("sue"), made.ssh_key("sam"))


@dataclass
class Place:
    """A repository, its mirror, and the check."""

    keys: Keys
    repo: Repo
    repositories: Repositories
    settings: GitSettings
    run_dir: Path
    verify: Verify = Verify.HEAD
    signatures: CommitSignatures = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        signers = Signers(self.settings, self.run_dir)
        self.signatures = CommitSignatures(self.repositories.mirror, self.repositories.epoch, signers)

    def commit(self, by: Key | None, message: str = "change") -> str:
        number = len(list(self.repo.git.odb))
        return self.keys.home.commit(self.repo, {"a": str(number)}, by, message)

    def known(self) -> list[str]:
        return Path(self.repositories.mirror(RepoUrl(self.repo.url)), KNOWN).read_text().splitlines()

    async def checked(self, ref: str = "main", *, principals: tuple[str, ...] = ("sue@example.org",)) -> str:
        """Return why `ref` is not trusted, "" where it is."""
        url = RepoUrl(self.repo.url)
        await self.repositories.fetch(url)
        policy = IntegrityPolicy(("*",), self.verify, (self.keys.ann.id[-16:], self.keys.expired.id), principals)
        try:
            await self.signatures.verify(url, ref, self.repositories.resolve(url, ref).revision, policy)
        except NotTrusted as err:
            return err.what
        return ""


@pytest.fixture
def place(world: World, keys: Keys) -> Place:
    ring, signers = world.folder / "ring", world.folder / "signers"
    ring.mkdir()
    for name in ("ann", "eve", "expired"):
        (ring / name).write_text(getattr(keys, name).public)
    (ring / "..data").mkdir()
    signers.write_text(keys.sue.public + keys.sam.public)
    settings = GitSettings(gpg_keys=ring, allowed_signers=signers)
    return Place(keys, world.repo(), world.repositories(), settings, world.folder / "run/git")


async def test_only_a_trusted_key_s_signature_of_this_content_counts(place: Place) -> None:
    keys = place.keys
    place.commit(None)
    assert "it is not signed" in await place.checked()
    good = place.commit(keys.ann)
    assert "" == await place.checked()
    place.commit(keys.eve)
    assert f"the project does not trust the GPG key {keys.eve.id[-16:]}" in await place.checked()
    place.commit(keys.gone)
    assert f"the key {keys.gone.id[-16:]} that signed it is not among those of git.gpg_keys" in await place.checked()

    forged = place.repo.git.read(place.repo.git[good].id)[1].replace(b"a@b", b"x@y")
    oid = place.repo.git.odb.write(1, forged)
    place.repo.set_ref("refs/heads/main", str(oid))
    assert "its signature is not of its content" in await place.checked()
    twice = place.repo.git.read(place.repo.git[good].id)[1]
    header = twice[twice.index(b"gpgsig") : twice.index(b"\n\n")]
    place.repo.set_ref(
        "refs/heads/main", str(place.repo.git.odb.write(1, twice.replace(header, header + b"\n" + header)))
    )
    assert "it is not signed" in await place.checked()


async def test_signature_of_an_annotated_tag_stands_for_its_commit(place: Place) -> None:
    place.commit(None)
    place.keys.home.tag(place.repo, "v1.0.0", place.keys.ann)
    place.repo.tag("v2.0.0", annotated=True)
    place.repo.tag("v3.0.0")

    assert "" == await place.checked("v1.0.0")
    assert "" == await place.checked("v1.*")
    assert "" == await place.checked("refs/tags/v1.0.0")
    assert "tag v2.0.0 may not be used: it is not signed" == await place.checked("v2.0.0")
    assert "commit" in await place.checked("v3.0.0")
    assert "commit" in await place.checked("main")
    place.verify = Verify.STRICT
    assert "commit" in await place.checked("v1.0.0")


async def test_strict_asks_for_every_commit_back_to_a_trusted_seal(place: Place) -> None:
    ann, eve, place.verify = place.keys.ann, place.keys.eve, Verify.STRICT
    place.commit(ann)
    place.commit(ann)
    assert "" == await place.checked()
    unsigned = place.commit(None)
    place.commit(ann)
    assert unsigned[:12] in await place.checked()
    place.commit(eve, "sealed\n\nArgocd-gpg-seal: by somebody else")
    assert "does not trust" in await place.checked()
    place.commit(ann, "sealed\n\nArgocd-gpg-seal: reviewed")
    assert "" == await place.checked()
    place.commit(ann)
    assert "" == await place.checked()


async def test_history_that_was_trusted_is_not_checked_again(place: Place) -> None:
    place.verify = Verify.STRICT
    for _ in range(3):
        place.commit(place.keys.ann)
    assert "" == await place.checked()
    place.restart()
    latest = place.commit(place.keys.ann)
    assert "" == await place.checked()

    assert latest in place.known()[1]
    assert 2 == len(place.known())


async def test_ssh_signature_counts_by_the_allowed_signers_file(place: Place) -> None:
    place.commit(place.keys.sue)
    assert "" == await place.checked()
    place.commit(place.keys.sam)
    assert "the project does not trust sam@example.org" in await place.checked()
    assert "" == await place.checked(principals=("sam@example.org",))
    assert place.settings.allowed_signers is not None
    place.settings.allowed_signers.write_text(place.keys.sam.public.replace(" ", ' valid-before="20010101" ', 1))
    assert "allowed_signers" in await place.checked(principals=("sam@example.org",))


def append(file: Path) -> None:
    file.write_text(file.read_text() + "\n")


async def test_key_that_is_taken_away_or_has_expired_counts_no_more(place: Place) -> None:
    keys, ring = place.keys, place.settings.gpg_keys
    assert ring is not None
    place.commit(keys.ann)
    assert "" == await place.checked()
    ann = (ring / "ann").read_text()
    (ring / "ann").unlink()
    assert "not among those of git.gpg_keys" in await place.checked()
    (ring / "ann").write_text(ann)
    place.restart()
    assert "" == await place.checked()

    place.commit(keys.expired)
    assert "" == await place.checked()
    keys.home.run("gpg", "--batch", "--quick-set-expire", keys.expired.id, "seconds=1")  # the least that gpg takes
    (ring / "expired").write_text(keys.home.run("gpg", "--batch", "--armor", "--export", keys.expired.id))

    async def over() -> None:
        while "has expired" not in await place.checked():
            append(ring / "expired")  # what was found trusted is asked for anew with other keys

    async with asyncio.timeout(30):
        await over()


async def test_what_is_needed_to_check_and_not_there_is_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = place.settings
    place.commit(place.keys.ann)
    place.settings = replace(settings, gpg_keys=None)
    place.restart()
    assert "no keys are there" in await place.checked()
    place.settings = replace(settings, allowed_signers=None)
    place.commit(place.keys.sue)
    place.restart()
    assert "no keys are there" in await place.checked()
    place.commit(place.keys.ann)
    await place.repositories.fetch(RepoUrl(place.repo.url))
    monkeypatch.setattr("gitopsd.git.signers.shutil.which", lambda _: None)
    url = RepoUrl(place.repo.url)
    with pytest.raises(NotTrusted, match="gpg is not there"):
        await place.signatures.verify(
            url, "main", place.repositories.resolve(url, "main").revision, IntegrityPolicy(("*",), Verify.HEAD)
        )


def lose(mirror: str, name: str) -> None:
    Path(mirror, "objects", name[:2], name[2:]).unlink()


async def test_commit_that_the_mirror_lost_is_not_taken_for_trusted(place: Place) -> None:
    commit = place.commit(place.keys.ann)
    await place.repositories.fetch(RepoUrl(place.repo.url))
    url = RepoUrl(place.repo.url)
    revision = place.repositories.resolve(url, "main").revision
    lose(place.repositories.mirror(url), commit)
    with pytest.raises(RepositoryUnreachable):
        await place.signatures.verify(url, "main", revision, IntegrityPolicy(("*",), Verify.HEAD, (place.keys.ann.id,)))
    assert "" == await place.checked()
