"""Applications come from Git, from directories and from other applications; what is broken touches no other."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.core.declaring import application_set
from tests.e2e.conftest import ONCE, Own
from tests.e2e.daemon import Json, sync_status, until
from tests.e2e.declarations import write
from tests.e2e.world import World, config_map, text
from tests.gitserver import Repo

MAPS = {f"{name}/{name}.yaml": text(config_map(name, v="1")) for name in "abc"}
FINALIZER = "resources-finalizer.argocd.argoproj.io"


def parent(shop: World, repo: Repo, *, prune: bool = True) -> Json:
    app = shop.application("parent", repo, "apps", cluster="gitopsd", namespace="argocd")
    app["spec"]["syncPolicy"] = {"automated": {"prune": prune, "selfHeal": True}}
    return app


async def test_app_of_apps_declares_and_takes_back(shop: World) -> None:
    repo = shop.repo(files=MAPS)
    a, b = shop.application("a", repo, "a"), shop.application("b", repo, "b")
    b["metadata"]["finalizers"] = [FINALIZER]
    repo.commit({"apps/a.yaml": yaml.safe_dump(a), "apps/b.yaml": yaml.safe_dump(b), "apps/c.yaml": _third(shop, repo)})
    await shop.declare(parent(shop, repo))
    await shop.daemon.until_synced(shop.name("parent"))
    await shop.daemon.until_synced(shop.name("a"))
    await shop.daemon.until_synced(shop.name("b"))

    await shop.push(repo, {"apps/a.yaml": None})
    await shop.daemon.until_gone(shop.name("a"))
    await shop.push(repo, {"apps/b.yaml": None})
    await shop.daemon.until_gone(shop.name("b"))

    assert await shop.live("a") is not None  # no finalizer: its objects stay
    assert await shop.live("b") is None


def _third(shop: World, repo: Repo) -> str:
    """Return a declaration that stays, so that the folder of declarations is never empty."""
    return yaml.safe_dump(shop.application("c", repo, "c", policy={}))


async def test_child_stays_where_its_parent_does_not_prune(shop: World) -> None:
    repo = shop.repo(files=MAPS)
    a = shop.application("a", repo, "a")
    repo.commit({"apps/a.yaml": yaml.safe_dump(a), "apps/c.yaml": _third(shop, repo)})
    await shop.declare(parent(shop, repo, prune=False))
    await shop.daemon.until_synced(shop.name("a"))

    commit = await shop.push(repo, {"apps/a.yaml": None})

    await shop.daemon.until_app(
        shop.name("parent"), lambda app: app["status"]["sync"].get("revision") == commit, what="it has been read"
    )
    assert await shop.daemon.app(shop.name("a")) is not None


async def test_parent_that_cannot_be_read_takes_nothing_back(shop: World) -> None:
    repo = shop.repo(files=MAPS)
    a = shop.application("a", repo, "a")
    repo.commit({"apps/a.yaml": yaml.safe_dump(a), "apps/c.yaml": _third(shop, repo)})
    await shop.declare(parent(shop, repo))
    await shop.daemon.until_synced(shop.name("a"))

    await shop.push(repo, {"apps/a.yaml": "kind: [", "apps/c.yaml": None})
    await shop.daemon.until_condition(shop.name("parent"), "ComparisonError", "a.yaml")
    await shop.push(repo, {"apps/a.yaml": None})  # the whole folder is gone
    await shop.daemon.until_condition(shop.name("parent"), "ComparisonError", "apps")

    assert await shop.daemon.app(shop.name("a")) is not None
    assert await shop.daemon.app(shop.name("c")) is not None
    assert await shop.live("a") is not None


async def test_broken_declaration_touches_no_other(shop: World) -> None:
    repo = shop.repo(files=MAPS)
    a, b = shop.application("a", repo, "a"), shop.application("b", repo, "b", policy={})
    await shop.declare(a, b)
    await shop.daemon.until_synced(shop.name("a"))
    del b["spec"]["destination"]
    c = shop.application("c", repo, "b", policy={})

    shop.fleet.commit({f"application-{shop.name('b')}.yaml": yaml.safe_dump(b)})
    await shop.declare(c)

    assert "Application" == (await shop.daemon.ok("GET", f"/api/v1/applications/{shop.name('b')}"))["kind"]
    problems = [event["problem"] for event in shop.daemon.process.events("declarations.problem")]
    told = [problem for problem in problems if f"application-{shop.name('b')}.yaml:1" in problem]
    assert any("destination" in problem for problem in told), problems
    assert "Synced" == sync_status(await shop.daemon.refreshed(shop.name("a")))


@ONCE
async def test_directory_is_watched_and_a_missing_file_removes_nothing(own: Own, tmp_path: Path) -> None:
    folder = tmp_path / "declarations"
    folder.mkdir()
    sources = [{"directory": str(folder), "recurse": True}]
    async with own(changes={"declarations": sources}) as shop:
        repo = shop.repo(files=MAPS)
        a, b = shop.application("a", repo, "a"), shop.application("b", repo, "b")
        (folder / "team").mkdir()
        write(folder / "a.yaml", a)
        write(folder / "team/b.yaml", b)
        (folder / "broken.yaml").write_text(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\n"
        )
        await shop.daemon.until_synced(shop.name("a"))
        await shop.daemon.until_synced(shop.name("b"))

        (folder / "a.yaml").unlink()
        b["spec"]["source"]["path"] = "nowhere"
        write(folder / "team/b.yaml", b)

        await shop.daemon.until_condition(shop.name("b"), "ComparisonError", "nowhere")
        assert await shop.daemon.app(shop.name("a")) is not None

        async def told() -> bool:
            lines = [event["problem"] for event in shop.daemon.process.events("declarations.problem")]
            return any("broken.yaml:1" in line for line in lines) and any(
                "no longer declared" in line for line in lines
            )

        await until("what is wrong with the directory is told", told)
        assert await shop.live("a") is not None
        assert await shop.live("b") is not None


async def test_project_limits_hold(shop: World) -> None:
    repo = shop.repo(files={"a/a.yaml": text(config_map("a", v="1")), "b/b.yaml": text(_role())})
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": shop.name("team")},
        "spec": {
            "sourceRepos": [shop.host.url(repo)],
            "destinations": [{"name": "here", "namespace": shop.namespace}],
            "namespaceResourceBlacklist": [{"group": "rbac.authorization.k8s.io", "kind": "*"}],
        },
    }
    elsewhere = shop.repo("elsewhere", files={"a.yaml": text(config_map("z", v="1"))})
    team: Json = {"project": shop.name("team")}
    await shop.declare(
        project,
        shop.application("a", repo, "a", **team),
        shop.application("kind", repo, "b", **team),
        shop.application("repo", elsewhere, **team),
        shop.application("namespace", repo, "a", namespace="default", **team),
        shop.application("cluster", repo, "a", cluster="there", **team),
    )

    await shop.daemon.until_synced(shop.name("a"))
    for name, word in {"kind": "Role", "repo": "repository", "namespace": "default", "cluster": "there"}.items():
        await shop.daemon.until_condition(shop.name(name), word, "does not permit")
    assert 404 == (await shop.there.get(shop.path("a"))).status
    assert await shop.live("web", "roles", "/apis/rbac.authorization.k8s.io/v1") is None


def _role() -> Json:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "web"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }


async def test_two_sources_that_declare_one_name_do_not_fight(shop: World) -> None:
    repo = shop.repo(files=MAPS)
    first, second = shop.application("web", repo, "a"), shop.application("web", repo, "b")
    await shop.declare(first)
    await shop.daemon.until_synced(shop.name("web"))
    await shop.push(repo, {"apps/web.yaml": yaml.safe_dump(second), "apps/c.yaml": _third(shop, repo)})

    await shop.declare(parent(shop, repo))

    seen = await shop.daemon.until_app(shop.name("parent"), lambda app: sync_status(app) == "OutOfSync")
    assert "declared" in str(seen["status"]["resources"])
    assert {"v": "1"} == (await shop.live("a") or {})["data"]
    assert await shop.live("b") is None


async def test_application_set_generates_takes_back_and_breaks_without_harm(shop: World) -> None:
    repo = shop.repo(files=MAPS)
    body = shop.application("x", repo, "{{env}}")
    template = {"metadata": {"name": shop.name("{{env}}")}, "spec": body["spec"]}

    def apps(*elements: Json) -> dict[str, str]:
        return {"apps/set.yaml": yaml.safe_dump(application_set(template, *elements))}

    repo.commit(apps(*({"env": name} for name in "abc")))
    await shop.declare(parent(shop, repo))
    for name in "abc":
        await shop.daemon.until_synced(shop.name(name))

    await shop.push(repo, apps({"env": "a"}, {"env": "b"}))
    await shop.daemon.until_gone(shop.name("c"))
    assert await shop.live("c") is None

    broken = await shop.push(repo, apps({"env": "a"}, {"env": 5}))
    await shop.daemon.until_app(
        shop.name("parent"), lambda app: app["status"]["sync"].get("revision") == broken, what="it has been read"
    )
    assert await shop.live("b") is not None
    await shop.daemon.until_synced(shop.name("b"))
