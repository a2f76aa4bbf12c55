"""No value of a Secret lies in the store, unless it is sealed by a key that does not: docs/security.md, "Texts"."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from structlog.testing import capture_logs

from gitopsd.model.ids import AppName
from gitopsd.runtime.seal import Seal
from gitopsd.store import Store
from gitopsd.store.schema import STEPS, migrate

SHOP, BANK = AppName("shop"), AppName("bank")
VALUE = "hunter2-hunter2"
JOB: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "bye"}}
SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "login", "annotations": {"argocd.argoproj.io/hook": "PostDelete"}},
    "data": {"password": base64.b64encode(VALUE.encode()).decode()},
    "stringData": {"user": VALUE},
}
SPEC = {"source": {"repoURL": "https://git.example/x", "path": "."}, "destination": {"name": "prod"}}
KEY, OTHER = Seal(bytes(32)), Seal(b"x" * 32)


def application(name: str) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name}, "spec": SPEC}


def opened(directory: Path, seal: Seal | None) -> Store:
    store = Store(directory, lambda: 1000.0, seal)
    store.declare("dir:a", [application(SHOP), application(BANK)], ["a:1", "a:2"], complete=True, prune=True)
    return store


def hooks_after(directory: Path, before: Seal | None, after: Seal | None) -> list[Any]:
    """Return what is known of the hooks after a restart, having looked for their values on the disk."""
    store = opened(directory, before)
    store.put_delete_hooks(SHOP, [SECRET, JOB])
    assert [JOB, SECRET] == list(store.delete_hooks(SHOP))
    shown = b"".join(path.read_bytes() for path in directory.iterdir() if path.is_file())
    store.close()
    assert not [form for form in (VALUE, SECRET["data"]["password"]) if form.encode() in shown]
    again = opened(directory, after)
    found = list(again.delete_hooks(SHOP))
    again.close()
    return found


def test_without_a_key_from_elsewhere_a_secret_is_in_memory_alone(tmp_path: Path) -> None:
    with capture_logs() as logs:
        assert [JOB] == hooks_after(tmp_path, None, None)

    assert ["shop"] == [line["app"] for line in logs if line["event"] == "store.hooks_in_memory"]


def test_a_secret_is_sealed_under_a_key_that_is_not_in_the_store(tmp_path: Path) -> None:
    assert [JOB, SECRET] == hooks_after(tmp_path, KEY, KEY)


def test_without_its_key_it_is_not_there_and_the_next_pass_brings_it_again(tmp_path: Path) -> None:
    with capture_logs() as logs:
        assert [JOB] == hooks_after(tmp_path, KEY, OTHER)
    store = opened(tmp_path, OTHER)
    store.put_delete_hooks(SHOP, [SECRET, JOB])
    store.close()
    again = opened(tmp_path, OTHER)

    assert [JOB, SECRET] == list(again.delete_hooks(SHOP))
    assert "store.hooks_sealed" in [line["event"] for line in logs]
    again.close()


def test_what_is_sealed_opens_for_its_application_alone(tmp_path: Path) -> None:
    store = opened(tmp_path, KEY)
    store.put_delete_hooks(SHOP, [SECRET])
    store.close()
    with closing(sqlite3.connect(tmp_path / "gitopsd.db")) as database:
        database.execute("UPDATE delete_hooks SET app = 'bank'")
        database.commit()
    again = opened(tmp_path, KEY)

    assert [] == list(again.delete_hooks(BANK))
    again.close()


def test_what_an_older_one_wrote_in_the_clear_goes(tmp_path: Path) -> None:
    path = tmp_path / "gitopsd.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        migrate(database, path, STEPS[:5])
        database.execute("INSERT INTO delete_hooks VALUES ('shop', ?)", (orjson.dumps([SECRET, JOB]),))
        migrate(database, path, STEPS[:6])

        assert [(orjson.dumps([JOB]), None)] == database.execute("SELECT body, sealed FROM delete_hooks").fetchall()
