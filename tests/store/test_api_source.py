"""What people declare by the API, beside what Git declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gitopsd.model.application import API_SOURCE, source_of_parent
from gitopsd.model.ids import AppName
from gitopsd.store.store import Store

SHOP = AppName("shop")


def manifest(path: str, name: str = "shop") -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name},
        "spec": {
            "source": {"repoURL": "https://git.example/fleet.git", "path": path},
            "destination": {"name": "c1", "namespace": "shop"},
        },
    }


def declare(store: Store, source: str, *manifests: dict[str, Any], prune: bool = False) -> None:
    store.declare(source, manifests, [source] * len(manifests), complete=not prune or bool(manifests), prune=prune)


def path_of(store: Store) -> str:
    app = store.get(SHOP)
    return app.sources[0].path if app else ""


def test_git_goes_before_the_api_whoever_was_first(tmp_path: Path) -> None:
    store = Store(tmp_path, lambda: 0.0)
    declare(store, API_SOURCE, manifest("api"))
    assert ("api", True) == (path_of(store), store.all()[0].origin.of_api)  # type: ignore[index]
    declare(store, source_of_parent(AppName("parent")), manifest("parent"))
    assert "parent" == path_of(store)
    declare(store, "dir:/apps", manifest("git"))
    assert "git" == path_of(store)
    store.undeclare("dir:/apps")
    store.undeclare(source_of_parent(AppName("parent")))
    assert "api" == path_of(store)
    store.close()


def test_what_the_api_declares_lasts_and_one_touches_no_other(tmp_path: Path) -> None:
    store = Store(tmp_path, lambda: 0.0)
    declare(store, API_SOURCE, manifest("api"))
    declare(store, API_SOURCE, manifest("other", "other"))
    declare(store, API_SOURCE, manifest("again"))
    store.close()
    store = Store(tmp_path, lambda: 0.0)
    assert ("again", ["other", "shop"]) == (path_of(store), sorted(app.name for app in store.all()))
    store.delete(SHOP, cascade=False)
    assert ["other"] == [app.name for app in store.all()]
    store.close()
