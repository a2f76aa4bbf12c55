"""A bad commit is told with its remedy on its application alone; what is live stays, and the rest goes on."""

from __future__ import annotations

import pytest

from tests.e2e.daemon import Json, resource, sync_status, until
from tests.e2e.world import World, config_map, text

KEEP = text(config_map("keep", v="1"))
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = "a: " + "[" * 5000 + "]" * 5000
# What is in the bad file, and what the condition must say beside its name.
UNREADABLE: dict[str, tuple[str | bytes, str]] = {
    "broken": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [\n", "bad.yaml:"),
    "bomb": (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: bomb}}\ndata:\n  {BOMB.replace(chr(10), chr(10) + '  ')}",
        "",
    ),
    "deep": (f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: deep}}\n{DEEP}\n", ""),
    "without kind": ("apiVersion: v1\nmetadata: {name: x}\n", "kind"),
    "without name": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", "name"),
    "a name of the wrong type": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [1]}\n", "name"),
    "metadata of the wrong type": ("apiVersion: v1\nkind: ConfigMap\nmetadata: 7\n", "metadata"),
    "no text": (b"\xff\xfe\x00binary", "bad.yaml"),
    "a bad wave": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, annotations: {argocd.argoproj.io/sync-wave: soon}}\n",
        "sync-wave",
    ),
}


async def test_what_cannot_be_read_changes_nothing_and_is_told_on_its_application_alone(shop: World) -> None:
    names = {bad: f"bad{place}" for place, bad in enumerate(UNREADABLE)}
    repo = shop.repo(files={f"{name}/keep.yaml": text(config_map(name, v="1")) for name in (*names.values(), "good")})
    await shop.declare(*(shop.application(name, repo, name) for name in (*names.values(), "good")))
    for name in (*names.values(), "good"):
        await shop.daemon.until_synced(shop.name(name))
    before = {name: await shop.live(name) for name in names.values()}

    removed = dict.fromkeys(f"{name}/keep.yaml" for name in names.values())
    bad = {f"{name}/bad.yaml": UNREADABLE[case][0] for case, name in names.items()}
    await shop.push(repo, {**removed, **bad})
    told = {
        case: await shop.daemon.until_condition(shop.name(name), UNREADABLE[case][1]) for case, name in names.items()
    }
    good = await shop.push(repo, {"good/keep.yaml": text(config_map("good", v="2"))})

    await shop.daemon.until_synced(shop.name("good"), good)
    await shop.until_live("good", {"v": "2"})
    assert [] == [case for case, text in told.items() if "; " not in text], "without a remedy"
    assert before == {name: await shop.live(name) for name in names.values()}
    states = {case: sync_status(await shop.daemon.app(shop.name(name)) or {}) for case, name in names.items()}
    assert dict.fromkeys(names, "Unknown") == states

    kept = {f"{name}/keep.yaml": text(config_map(name, v="1")) for name in names.values()}
    mended = await shop.push(repo, {**dict.fromkeys(bad), **kept})
    for name in names.values():
        await shop.daemon.until_synced(shop.name(name), mended)
    assert before == {name: await shop.live(name) for name in names.values()}


async def test_object_written_twice_is_told_and_the_last_one_holds(shop: World) -> None:
    twice = text(config_map("twice", v="1"), config_map("twice", v="2"))
    repo = shop.repo(files={"keep.yaml": KEEP, "twice.yaml": twice})
    await shop.declare(shop.application("web", repo))

    await shop.until_live("twice", {"v": "2"})
    told = await shop.daemon.until_condition(shop.name("web"), "RepeatedResourceWarning", "twice")
    assert "; " in told
    await shop.daemon.until_synced(shop.name("web"))


async def test_list_is_taken_for_its_items(shop: World) -> None:
    both = {"apiVersion": "v1", "kind": "List", "items": [config_map("a", v="1"), config_map("b", v="1")]}
    repo = shop.repo(files={"all.yaml": text(both)})
    await shop.declare(shop.application("web", repo))

    await shop.daemon.until_synced(shop.name("web"))

    assert await shop.live("a") is not None
    assert await shop.live("b") is not None


WRONG: dict[str, Json] = {
    "wrong type": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bad-type"}, "data": {"a": 1}},
    "unknown field": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bad-field"}, "dota": {"a": "1"}},
    "invalid value": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "bad"},
        "spec": {"ports": [{"port": 0}]},
    },
    "invalid name": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Bad_Name"}},
    "base64 that is none": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bad"}, "data": {"a": "%%%"}},
}


async def test_what_the_server_refuses_is_told_in_its_words(shop: World) -> None:
    names = {wrong: f"wrong{place}" for place, wrong in enumerate(WRONG)}
    repo = shop.repo(files={f"{name}/keep.yaml": text(config_map(name, v="1")) for name in (*names.values(), "good")})
    await shop.declare(*(shop.application(name, repo, name) for name in (*names.values(), "good")))
    for name in (*names.values(), "good"):
        await shop.daemon.until_synced(shop.name(name))

    bad = {f"{name}/bad.yaml": text(WRONG[case]) for case, name in names.items()}
    await shop.push(repo, {**bad, "good/keep.yaml": text(config_map("good", v="2"))})

    await shop.until_live("good", {"v": "2"})
    for case, name in names.items():
        seen = await shop.daemon.until_app(shop.name(name), _failed, what=f"{case} is refused")
        assert WRONG[case]["metadata"]["name"] in seen["status"]["operationState"]["message"], case
        assert "Synced" == resource(seen, "ConfigMap", name)["status"]
        assert {"v": "1"} == (await shop.live(name) or {})["data"]
    mended = await shop.push(repo, dict.fromkeys(bad))
    for name in names.values():
        await shop.daemon.until_synced(shop.name(name), mended)


def _failed(app: Json) -> bool:
    return bool(app["status"].get("operationState", {}).get("phase") == "Failed")


@pytest.mark.parametrize(("field", "value"), [("targetRevision", "nowhere"), ("path", "nowhere")])
async def test_missing_revision_or_path_changes_nothing(shop: World, field: str, value: str) -> None:
    repo = shop.repo(files={"web/keep.yaml": KEEP})
    app = shop.application("web", repo, "web")
    await shop.declare(app)
    await shop.daemon.until_synced(shop.name("web"))

    app["spec"]["source"][field] = value
    await shop.declare(app)

    told = await shop.daemon.until_condition(shop.name("web"), "ComparisonError", value)
    assert "; " in told
    assert {"v": "1"} == (await shop.live("keep") or {})["data"]


async def test_path_that_leaves_the_repository_is_no_declaration(shop: World) -> None:
    repo = shop.repo(files={"web/keep.yaml": KEEP})
    app = shop.application("web", repo, "web")
    await shop.declare(app)
    await shop.daemon.until_synced(shop.name("web"))

    app["spec"]["source"]["path"] = "../.."
    await shop.declare(app)

    async def told() -> bool:
        problems = [event["problem"] for event in shop.daemon.process.events("declarations.problem")]
        return any(shop.name("web") in problem and "path" in problem for problem in problems)

    await until("it is told", told)
    assert "Synced" == sync_status(await shop.daemon.refreshed(shop.name("web")))


async def test_symlink_that_leaves_the_repository_is_not_followed(shop: World) -> None:
    repo = shop.repo(files={"web/keep.yaml": KEEP})
    await shop.declare(shop.application("web", repo, "web"))
    await shop.daemon.until_synced(shop.name("web"))

    repo.commit({}, links={"web/leak.yaml": "/etc/passwd", "web/up.yaml": "../../../../etc/passwd"})
    await shop.tell(repo)

    told = await shop.daemon.until_condition(shop.name("web"), "web/")
    assert "root:" not in told + shop.daemon.process.log
    assert await shop.live("keep") is not None


async def test_unknown_cluster_is_told_and_remembers_what_it_was(shop: World) -> None:
    repo = shop.repo(files={"web/keep.yaml": KEEP})
    app = shop.application("web", repo, "web", cluster="hear")
    await shop.declare(app)

    told = await shop.daemon.until_condition(shop.name("web"), "hear")
    assert "here" in told  # did you mean

    app["spec"]["destination"]["name"] = "here"
    await shop.declare(app)
    await shop.daemon.until_synced(shop.name("web"))


async def test_object_without_a_name_costs_itself_alone(shop: World) -> None:
    repo = shop.repo(files={"a.yaml": text(config_map("a", v="1")), "b.yaml": text(config_map("b", v="1"))})
    await shop.declare(shop.application("web", repo))
    await shop.daemon.until_synced(shop.name("web"))
    before = await shop.live("a")

    nameless = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}, "data": {"v": "2"}}
    await shop.push(repo, {"a.yaml": text(nameless), "b.yaml": text(config_map("b", v="2"))})
    await shop.until_live("b", {"v": "2"})
    told = await shop.daemon.until_condition(shop.name("web"), "ComparisonError", "a.yaml")

    assert "generateName" in told
    assert before == await shop.live("a")
    assert "Unknown" == sync_status(await shop.daemon.app(shop.name("web")) or {})
    mended = await shop.push(repo, {"a.yaml": text(config_map("a", v="2"))})
    await shop.daemon.until_synced(shop.name("web"), mended)
    await shop.until_live("a", {"v": "2"})
