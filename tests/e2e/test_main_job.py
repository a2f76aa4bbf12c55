"""A commit in Git becomes live state in the clusters, and everybody can see that it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import ONCE, Own
from tests.e2e.world import HERE, THERE, World, config_map, text
from tests.gitserver import SSH_CLIENT, Repo, ssh_server


async def test_push_told_by_webhook_is_live_and_shown(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", color="red"))})
    app = shop.application("web", repo)
    await shop.declare(app)
    await shop.until_live("web", {"color": "red"})

    commit = await shop.push(repo, {"web.yaml": text(config_map("web", color="blue"))})

    await shop.until_live("web", {"color": "blue"})
    seen = await shop.daemon.until_synced(shop.name("web"), commit)
    assert "Healthy" == seen["status"]["health"]["status"]
    assert [commit] == [entry["revision"] for entry in seen["status"]["history"]][-1:]
    assert 2 == len(seen["status"]["history"])
    assert "Succeeded" == seen["status"]["operationState"]["phase"]


async def test_two_clusters_from_one_repository(shop: World) -> None:
    repo = shop.repo(files={"a/a.yaml": text(config_map("a", v="1")), "b/b.yaml": text(config_map("b", v="1"))})
    await shop.declare(shop.application("a", repo, "a", cluster=HERE), shop.application("b", repo, "b", cluster=THERE))

    await shop.daemon.until_synced(shop.name("a"))
    await shop.daemon.until_synced(shop.name("b"))

    assert {"v": "1"} == (await shop.here.get(shop.path("a"))).ok()["data"]
    assert {"v": "1"} == (await shop.there.get(shop.path("b"))).ok()["data"]
    assert 404 == (await shop.here.get(shop.path("b"))).status
    assert 404 == (await shop.there.get(shop.path("a"))).status


async def test_metrics_count_what_a_push_costs(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", color="red"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    url, name = shop.host.url(repo), shop.name("web")
    fetches = await shop.daemon.metric("argocd_git_request_total", repo=url)
    hooks = await shop.daemon.metric("argocd_webhook_requests_total", repo=url)

    commit = await shop.push(repo, {"web.yaml": text(config_map("web", color="blue"))})
    await shop.daemon.until_synced(name, commit)

    assert fetches + 1 == await shop.daemon.metric("argocd_git_request_total", repo=url)
    assert hooks + 1 == await shop.daemon.metric("argocd_webhook_requests_total", repo=url)
    assert 2 == await shop.daemon.metric("argocd_app_sync_total", name=name, phase="Succeeded", dry_run="false")
    assert 1 == await shop.daemon.metric("argocd_app_info", name=name, sync_status="Synced", health_status="Healthy")
    assert 0 < await shop.daemon.metric("argocd_app_reconcile_count", dest_server=shop.clusters[HERE].server)
    assert 0 < await shop.daemon.metric(
        "argocd_cluster_events_total", server=shop.clusters[HERE].server, kind="ConfigMap"
    )
    assert 0 < await shop.daemon.metric("argocd_redis_request_total", failed="false")
    assert 2 == await shop.daemon.metric("argocd_cluster_connection_status")
    assert 0 == await shop.daemon.metric("gitopsd_redis_degraded")


async def test_a_commit_that_touches_other_paths_costs_no_render_and_no_write(shop: World) -> None:
    files = {"a/a.yaml": text(config_map("a", v="1")), "b/b.yaml": text(config_map("b", v="1"))}
    repo = shop.repo(files=files)
    await shop.declare(shop.application("a", repo, "a"), shop.application("b", repo, "b"))
    await shop.daemon.until_synced(shop.name("a"))
    await shop.daemon.until_synced(shop.name("b"))
    untouched = await shop.live("b")

    commit = await shop.push(repo, {"a/a.yaml": text(config_map("a", v="2"))})
    await shop.daemon.until_synced(shop.name("a"), commit)

    seen = await shop.daemon.until_synced(shop.name("b"), commit)
    assert 1 == len(seen["status"]["history"])
    assert untouched == await shop.live("b")


async def test_tags_commits_and_version_ranges_are_followed(shop: World) -> None:
    repo = shop.repo(files={"web.yaml": text(config_map("web", v="1"))})
    repo.tag("v1.0.0")
    second = repo.commit({"web.yaml": text(config_map("web", v="2"))})
    repo.tag("v1.1.0", annotated=True)
    repo.commit({"web.yaml": text(config_map("web", v="3"))})
    app = shop.application("web", repo)

    for revision, value in {
        "v1.0.0": "1",
        "~1.1": "2",
        "main": "3",
        second: "2",
        second[:10]: "2",
        "HEAD": "3",
    }.items():
        app["spec"]["source"]["targetRevision"] = revision
        await shop.declare(app)
        await shop.until_live("web", {"v": value})

    await shop.push(repo, {"web.yaml": text(config_map("web", v="4"))})
    await shop.until_live("web", {"v": "4"})


@ONCE
@pytest.mark.skipif(SSH_CLIENT is None, reason="there is no ssh client on this machine")
async def test_git_over_ssh(own: Own, tmp_path: Path) -> None:
    root = tmp_path / "ssh"
    root.mkdir()
    repo = Repo(root / "config.git")
    repo.commit({"web.yaml": text(config_map("web", color="red"))})
    async with ssh_server(root) as ssh:
        key, hosts = tmp_path / "key", tmp_path / "known_hosts"
        key.write_text(ssh.key)
        hosts.write_text(ssh.known_hosts)
        given = {"url": ssh.url, "ssh_key": {"file": str(key)}, "known_hosts": str(hosts)}
        url = f"{ssh.url}/config.git"
        async with own(changes={"git": {"credentials": [given]}}) as shop:
            await shop.declare(shop.application("web", url))
            await shop.until_live("web", {"color": "red"})

            commit = repo.commit({"web.yaml": text(config_map("web", color="blue"))})
            assert 200 == await shop.daemon.pushed(url)

            await shop.daemon.until_synced(shop.name("web"), commit)
            await shop.until_live("web", {"color": "blue"})
            assert ssh.key.splitlines()[1] not in shop.daemon.process.log
