"""Whether a revision is signed as a project asks for. Implements `ports.Signatures`.

Source: Argo CD, docs/user-guide/source-integrity-git-gpg.md, for what the modes and a seal mean.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gitopsd.errors import NotTrusted
from gitopsd.git.epoch import Epoch
from gitopsd.git.signed import Signed, read_signed, tag_object
from gitopsd.git.signers import Signer, Signers
from gitopsd.model.ids import RepoUrl, Revision
from gitopsd.model.project import IntegrityPolicy, Verify

# In a mirror: a policy's hash and what was found trusted under it, a line each. What once was stays so while the keys
# of the settings are the same, also when one of them expires: else a restart would tell something else.
KNOWN = "gitopsd-trusted"
KEPT = 200  # lines of that file
BATCH = 200  # commits whose signatures are checked by one child
MOST = 50_000  # commits of one history


@dataclass(frozen=True, slots=True)
class _Verdict:
    parents: tuple[str, ...]
    seals: bool
    fault: str  # "": trusted


@dataclass(slots=True)
class CommitSignatures:
    """Checks each commit once for a policy and a set of keys; a strict check goes on where the last one ended."""

    mirror_of: Callable[[RepoUrl], str]
    epoch_of: Callable[[RepoUrl], Epoch | None]
    signers: Signers
    _known: dict[tuple[str, str], str] = field(default_factory=dict)  # policy's hash, object → its fault
    _checking: dict[str, asyncio.Lock] = field(default_factory=dict)  # by mirror: applications share its history

    async def verify(
        self, repo: RepoUrl, ref: str, revision: Revision, policy: IntegrityPolicy, tag_prefix: str = ""
    ) -> None:
        mirror = self.mirror_of(repo)
        async with self._checking.setdefault(mirror, asyncio.Lock()):
            rules = _rules(policy, await self.signers.keys())
            tag = await asyncio.to_thread(self._tag, repo, mirror, (ref, tag_prefix), revision)
            if tag is not None:
                await self._one(mirror, tag, policy, rules, f"tag {ref}")
            elif policy.verify is Verify.HEAD:
                await self._one(mirror, revision, policy, rules, f"commit {revision[:12]}")
            if policy.verify is Verify.STRICT:
                await self._history(mirror, revision, policy, rules)

    def _tag(self, repo: RepoUrl, mirror: str, ref: tuple[str, str], revision: str) -> str | None:
        epoch = self.epoch_of(repo)
        name = epoch.tag(*ref) if epoch else None
        return tag_object(mirror, name, revision) if name else None

    async def _one(self, mirror: str, name: str, policy: IntegrityPolicy, rules: str, what: str) -> None:
        rules = f"{rules}-one"  # what is before it was not looked at
        if (rules, name) not in self._known:
            if len(self._known) > MOST:
                self._known.clear()
            trusted = name in await asyncio.to_thread(_trusted, mirror, rules)
            fault = "" if trusted else (await self._verdicts(mirror, [name], policy))[name].fault
            self._known[rules, name] = fault
            if not fault and not trusted:
                await asyncio.to_thread(_trust, mirror, rules, name)
        if fault := self._known[rules, name]:
            raise _refusal(what, fault)

    async def _history(self, mirror: str, revision: str, policy: IntegrityPolicy, rules: str) -> None:
        trusted = await asyncio.to_thread(_trusted, mirror, rules)
        verdicts: dict[str, _Verdict] = {}
        while True:
            missing, fault = _walk(revision, verdicts, trusted)
            if fault:
                raise _refusal(f"commit {fault[:12]}", verdicts[fault].fault)
            if not missing:
                break
            if len(verdicts) > MOST:
                raise NotTrusted(
                    f"more than {MOST} commits would have to be checked", remedy="add a commit that seals the others"
                )
            names = await asyncio.to_thread(_beyond, mirror, missing, frozenset(verdicts) | trusted)
            verdicts |= await self._verdicts(mirror, names, policy)
        if revision not in trusted:
            await asyncio.to_thread(_trust, mirror, rules, revision)

    async def _verdicts(self, mirror: str, names: list[str], policy: IntegrityPolicy) -> Mapping[str, _Verdict]:
        objects = await asyncio.to_thread(read_signed, mirror, names)
        signers = await self.signers.signers(objects)
        return {signed.name: _verdict(signed, signers[signed.name], policy) for signed in objects}


def _verdict(signed: Signed, signer: Signer, policy: IntegrityPolicy) -> _Verdict:
    fault = signer.fault
    if not fault and signer.keys and not any(mine.endswith(key) for mine in signer.keys for key in policy.keys):
        fault = f"the project does not trust the GPG key {signer.keys[0][-16:]} that signed it"
    if not fault and signer.principals and not set(signer.principals) & set(policy.principals):
        fault = f"the project does not trust {', '.join(signer.principals)[:100]}, who signed it"
    return _Verdict(signed.parents, signed.seals, fault)


def _walk(start: str, verdicts: Mapping[str, _Verdict], trusted: frozenset[str]) -> tuple[list[str], str]:
    """Return what is still to be checked of the history of `start`, and a commit in it that is not trusted, or ""."""
    todo, visited, missing = [start], {start}, []
    while todo:
        name = todo.pop()
        verdict = verdicts.get(name)
        if name in trusted:
            continue
        if verdict is None:
            missing.append(name)
        elif verdict.fault:
            return [], name
        elif not verdict.seals:
            fresh = [parent for parent in verdict.parents if parent not in visited]
            visited.update(fresh)
            todo.extend(fresh)
    return missing, ""


def _beyond(mirror: str, missing: list[str], trusted: frozenset[str]) -> list[str]:
    """Return `missing` and what lies before them, `BATCH` at most: a child for each commit would take too long."""
    names, at = list(dict.fromkeys(missing)), 0
    visited = {*names, *trusted}
    while at < len(names) < BATCH:
        (signed,) = read_signed(mirror, [names[at]])
        fresh = [parent for parent in signed.parents if parent not in visited]
        visited.update(fresh)
        names.extend(fresh)
        at += 1
    return names[: max(BATCH, len(missing))]


def _trusted(mirror: str, rules: str) -> frozenset[str]:
    with suppress(OSError):
        lines = (line.partition(" ") for line in Path(mirror, KNOWN).read_text().splitlines())
        return frozenset(name for applied, _, name in lines if applied == rules)
    return frozenset()


def _trust(mirror: str, rules: str, revision: str) -> None:
    file = Path(mirror, KNOWN)
    with suppress(OSError):  # without it the history is checked anew
        lines = file.read_text().splitlines() if file.exists() else []
        beside = file.with_suffix(".new")
        beside.write_text("".join(f"{line}\n" for line in [*lines[-KEPT:], f"{rules} {revision}"]))
        beside.replace(file)


def _rules(policy: IntegrityPolicy, keys: str) -> str:
    text = "\n".join((keys, *sorted(policy.keys), "", *sorted(policy.principals)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _refusal(what: str, fault: str) -> NotTrusted:
    return NotTrusted(
        f"{what} may not be used: {fault}",
        remedy="have it signed by somebody whom the project's sourceIntegrity trusts; a strict history goes on from a "
        "trusted commit with the trailer Argocd-gpg-seal",
    )
