"""Repositories that are not there, empty, rewritten, huge or endless keep their own applications from news, no more."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

from gitopsd.git.mirror import mirror_path
from gitopsd.model.ids import RepoUrl
from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import sync_status, until
from tests.e2e.world import World, config_map, text
from tests.gitserver import Repo, http_server, trickling_server

KEEP = text(config_map("keep", v="1"))


async def test_unreachable_repository_keeps_what_is_live_and_drift_is_still_healed(shop: World) -> None:
    repo = shop.repo(files={"keep.yaml": KEEP})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    away = repo.path.with_suffix(".away")

    shutil.move(repo.path, away)
    await shop.tell(repo)

    async def told() -> bool:
        answer = await shop.daemon.ok("GET", "/api/v1/repositories")
        mine = next(item for item in answer["items"] if item["repo"] == shop.host.url(repo))
        return bool(mine["connectionState"]["status"] == "Failed")

    await until("the repository is shown as failed", told)
    await shop.edit("keep", {"v": "2"})
    await shop.until_live("keep", {"v": "1"})

    shutil.move(away, repo.path)
    commit = await shop.push(repo, {"keep.yaml": text(config_map("keep", v="3"))})
    await shop.daemon.until_synced(shop.name("web"), commit)


async def test_repository_that_never_was_is_told(shop: World) -> None:
    await shop.declare(shop.application("web", f"{shop.host.server.url}/nothing-{shop.id}.git"))

    told = await shop.daemon.until_condition(shop.name("web"), "ComparisonError", "nothing")
    assert "; " in told


async def test_empty_repository_is_told_and_its_first_commit_is_taken(shop: World) -> None:
    repo = shop.repo()
    await shop.declare(shop.application("web", repo))

    await shop.daemon.until_condition(shop.name("web"), "main")
    commit = await shop.push(repo, {"keep.yaml": KEEP})

    await shop.daemon.until_synced(shop.name("web"), commit)


async def test_rewritten_branch_is_followed(shop: World) -> None:
    repo = shop.repo(files={"keep.yaml": KEEP, "old.yaml": text(config_map("old", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    before = (await shop.live("keep") or {})["metadata"]["uid"]

    commit = repo.rewrite({"keep.yaml": text(config_map("keep", v="2"))})
    await shop.tell(repo)

    await shop.daemon.until_synced(shop.name("web"), commit)
    await shop.until_gone("old")
    assert before == (await shop.until_live("keep", {"v": "2"}))["metadata"]["uid"]


async def test_branch_that_is_gone_changes_nothing(shop: World) -> None:
    repo = shop.repo(files={"keep.yaml": KEEP})
    repo.set_ref("refs/heads/other", str(repo.git.references["refs/heads/main"].target))
    app = shop.application("web", repo)
    app["spec"]["source"]["targetRevision"] = "other"
    await shop.declare(app)
    await shop.daemon.until_synced(shop.name("web"))

    repo.set_ref("refs/heads/other", None)
    await shop.tell(repo)

    await shop.daemon.until_condition(shop.name("web"), "other")
    assert await shop.live("keep") is not None


@ONCE
async def test_mirror_that_a_disk_damaged_is_made_anew_and_told(shop: World) -> None:
    repo = shop.repo(files={"keep.yaml": KEEP, "more.yaml": text(config_map("more", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    mirror = mirror_path(Path(shop.daemon.process.settings["data_dir"]), RepoUrl(shop.host.url(repo)))
    lost = [file for file in mirror.glob("objects/*/*") if file.is_file()]
    assert lost
    for file in lost:
        file.chmod(0o644)
        file.write_bytes(b"")

    commit = await shop.push(repo, {"keep.yaml": text(config_map("keep", v="2"))})

    await shop.until_live("keep", {"v": "2"})
    seen = await shop.daemon.until_synced(shop.name("web"), commit)
    assert {"keep", "more"} == {each["name"] for each in seen["status"]["resources"]}
    assert mirror.name in [each["mirror"] for each in shop.daemon.process.events("git.mirror_rebuilt")]


@ONCE
async def test_trickling_and_huge_repositories_are_cut_off_and_the_rest_goes_on(own: Own) -> None:
    limits = {"fetch_deadline_s": 3.0, "low_speed_s": 1.0, "max_repo_bytes": 200_000}
    async with trickling_server() as slow, own(changes={"git": limits}) as shop:
        good = shop.repo("good", files={"keep.yaml": KEEP})
        random = Random(7)  # noqa: S311 - bytes that do not compress
        large = shop.repo("large", files={"keep.yaml": KEEP, "large.bin": random.randbytes(1_000_000)})
        await shop.declare(
            shop.application("slow", slow), shop.application("large", large), shop.application("good", good)
        )

        await shop.daemon.until_synced(shop.name("good"))
        await shop.daemon.until_condition(shop.name("slow"), "x.git cannot be fetched")
        assert "too slow" in shop.daemon.process.log  # where the operator reads it
        await shop.daemon.until_condition(shop.name("large"), "max_repo_bytes")
        commit = await shop.push(good, {"keep.yaml": text(config_map("keep", v="2"))})
        await shop.daemon.until_synced(shop.name("good"), commit)
        assert "Unknown" == sync_status(await shop.daemon.app(shop.name("slow")) or {})


@ONCE
async def test_git_with_a_password_that_is_never_shown(own: Own, tmp_path: Path) -> None:
    root = tmp_path / "guarded"
    root.mkdir()
    Repo(root / "config.git").commit({"keep.yaml": KEEP})
    async with http_server(root, users={"ann": "s3cret-of-ann"}) as server:
        given = {"url": server.url, "username": "ann", "password": {"env": "E2E_GIT"}}
        async with own(changes={"git": {"credentials": [given]}}, environ={"E2E_GIT": "s3cret-of-ann"}) as shop:
            await shop.declare(shop.application("web", f"{server.url}/config.git"))
            seen = await shop.daemon.until_synced(shop.name("web"))

            assert "s3cret" not in str(seen) + shop.daemon.process.log


async def test_forged_webhooks_are_refused_and_change_nothing(shop: World) -> None:
    repo = shop.repo(files={"keep.yaml": KEEP})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    fetches = shop.host.fetches(repo)
    repo.commit({"keep.yaml": text(config_map("keep", v="2"))})
    body = f'{{"ref":"refs/heads/main","repository":{{"clone_url":"{shop.host.url(repo)}"}}}}'.encode()

    answers = [
        await shop.daemon.hook(body, None),
        await shop.daemon.hook(body, "sha256=" + "0" * 64),
        await shop.daemon.hook(body, "sha1=0"),
        await shop.daemon.hook(body, "sha256=é"),
        await shop.daemon.hook(b"", "sha256="),
    ]

    assert all(400 <= status < 500 for status in answers), answers
    assert fetches == shop.host.fetches(repo)
    assert {"v": "1"} == (await shop.live("keep") or {})["data"]
    for _ in range(5):  # repeats are harmless
        await shop.tell(repo)
    await shop.until_live("keep", {"v": "2"})
