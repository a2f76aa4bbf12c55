"""What applications keep on their namespace."""

from __future__ import annotations

from typing import Any

from tests.e2e.daemon import until
from tests.e2e.world import World, config_map, text


def keeping(**labels: str) -> dict[str, Any]:
    return {
        "automated": {"selfHeal": True},
        "syncOptions": ["CreateNamespace=true"],
        "managedNamespaceMetadata": {"labels": labels},
    }


async def test_labels_that_two_applications_keep_on_one_namespace_are_healed(shop: World) -> None:
    repo = shop.repo(files={f"{name}/x.yaml": text(config_map(name, v="1")) for name in ("a", "b")})
    path = f"/api/v1/namespaces/{shop.namespace}"

    async def kept(**labels: str | None) -> None:
        async def probe() -> bool:
            live = (await shop.here.get(path)).ok()["metadata"]["labels"]
            return all(live.get(name) == value for name, value in labels.items())

        await until(f"the namespace has {labels}", probe)

    await shop.declare(*(shop.application(name, repo, name, policy=keeping(**{name: "1"})) for name in ("a", "b")))
    await kept(a="1", b="1")
    for name in ("a", "b"):
        await shop.daemon.until_synced(shop.name(name))

    edit = {"metadata": {"labels": {"a": "edited", "b": None, "theirs": "1"}}}
    (await shop.here.patch(path, edit, fieldManager="kubectl-edit")).ok()

    await kept(a="1", b="1", theirs="1")
    await shop.declare(shop.application("a", repo, "a", policy=keeping(c="2")))
    await kept(a=None, b="1", c="2", theirs="1")
    for name in ("a", "b"):
        seen = await shop.daemon.until_synced(shop.name(name))
        assert not seen["status"].get("conditions")
