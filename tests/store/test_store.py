"""What the contract does not say of the store: the file, its faults, and what a kill leaves."""

from __future__ import annotations

import asyncio
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitopsd.core.project.inheritance import GlobalProject, LabelOperator, LabelRequirement, ProjectInheritance
from gitopsd.errors import StoreFailed, StoreUnusable
from gitopsd.model.audit import AuditQuery, AuditResult
from gitopsd.model.caller import Caller, SignIn
from gitopsd.model.ids import AppName, ClusterId, ProjectName, Revision, TargetHash
from gitopsd.model.manifest import GroupKind, ResourceKey
from gitopsd.model.operation import Operation, OperationPhase, SyncRequest, Task, TaskVerb
from gitopsd.store import Store
from gitopsd.store.database import checkpoint
from gitopsd.store.schema import STEPS, VERSION, migrate
from gitopsd.usecases.auditing import done_by

SHOP = AppName("shop")
PROD = ClusterId("prod")
AUDITED = next(number for number, step in enumerate(STEPS) if any("audit_kept" in str(part) for part in step))


def opened(directory: Path) -> Store:
    return Store(directory, lambda: 1000.0)


def application(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name},
        "spec": {"source": {"repoURL": "https://git.example/x", "path": "."}, "destination": {"name": "prod"}},
    }


def operation(identity: str, message: str = "") -> Operation:
    task = Task(ResourceKey("", "ConfigMap", "shop", "a"), TaskVerb.APPLY)
    phase = OperationPhase.SUCCEEDED
    return Operation(identity, SHOP, PROD, TargetHash("t"), (Revision("a" * 40),), (task,), phase, message=message)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = opened(tmp_path)
    store.declare("dir:a", [application("shop")], ["a:1"], complete=True, prune=True)
    yield store
    store.close()


# the file


def test_damaged_file_is_an_error_with_a_remedy_and_is_left_as_it_is(tmp_path: Path, store: Store) -> None:
    store.close()
    file = tmp_path / "gitopsd.db"
    damaged = bytearray(file.read_bytes())
    damaged[4096:12288] = b"\x5a" * 8192
    file.write_bytes(damaged)

    with pytest.raises(StoreUnusable, match=r"is damaged.*put back a copy"):
        opened(tmp_path)

    assert damaged == file.read_bytes()


def test_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "gitopsd.db").write_bytes(b"something else entirely" * 100)

    with pytest.raises(StoreUnusable, match="is damaged"):
        opened(tmp_path)


def test_store_of_a_later_version_is_refused(tmp_path: Path, store: Store) -> None:
    store.close()
    with closing(sqlite3.connect(tmp_path / "gitopsd.db")) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")

    with pytest.raises(StoreUnusable, match=rf"is of version {VERSION + 1}, and this gitopsd knows up to {VERSION}"):
        opened(tmp_path)


def test_second_daemon_on_one_directory_is_refused(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with pytest.raises(StoreUnusable, match="another gitopsd uses"):
        opened(tmp_path)
    store.close()

    opened(tmp_path).close()


def test_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreFailed, match="cannot be used"):
        opened(tmp_path / "file" / "data")


def test_file_is_nobody_elses(tmp_path: Path, store: Store) -> None:
    assert store.get(SHOP)
    assert {0o600} == {file.stat().st_mode & 0o777 for file in tmp_path.glob("gitopsd.db*") if file.suffix != ".lock"}


def test_migration_is_made_in_one_go_and_keeps_a_copy_of_the_old_store(tmp_path: Path, store: Store) -> None:
    store.close()
    file = tmp_path / "gitopsd.db"
    steps = (*STEPS, ("ALTER TABLE audit ADD COLUMN why TEXT",))
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        migrate(database, file, steps)
        assert (VERSION + 1,) == database.execute("PRAGMA user_version").fetchone()
        assert [] == database.execute("SELECT why FROM audit").fetchall()

    with closing(sqlite3.connect(tmp_path / f"gitopsd.db.v{VERSION}")) as copy:
        assert (VERSION,) == copy.execute("PRAGMA user_version").fetchone()
        assert [("shop",)] == copy.execute("SELECT name FROM declarations").fetchall()


def test_migration_that_fails_changes_nothing(tmp_path: Path, store: Store) -> None:
    store.close()
    file = tmp_path / "gitopsd.db"
    steps = (*STEPS, ("ALTER TABLE audit ADD COLUMN why TEXT", "not SQL"))
    with closing(sqlite3.connect(file, isolation_level=None)) as database, pytest.raises(sqlite3.OperationalError):
        migrate(database, file, steps)

    again = opened(tmp_path)
    assert again.get(SHOP)
    again.close()


def test_declaration_that_this_version_cannot_read_is_kept_for_one_that_can(tmp_path: Path, store: Store) -> None:
    store.close()
    with closing(sqlite3.connect(tmp_path / "gitopsd.db")) as database:
        database.execute("UPDATE declarations SET manifest = replace(manifest, 'repoURL', 'futureURL')")
        database.commit()

    again = opened(tmp_path)
    assert None is again.get(SHOP)
    again.close()

    with closing(sqlite3.connect(tmp_path / "gitopsd.db")) as database:
        assert [("shop",)] == database.execute("SELECT name FROM declarations").fetchall()


# faults


def test_full_disk_fails_the_write_and_nothing_else(tmp_path: Path, store: Store) -> None:
    store.put_operation(operation("before"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (tmp_path / "gitopsd.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, hard))
    try:
        with pytest.raises(StoreFailed, match=r"cannot be used.*free disk space"):
            store.put_operation(operation("during", "x" * 1_000_000))
        assert "before" == getattr(store.operation(SHOP), "id", "")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    store.put_operation(operation("after"))
    store.close()
    again = opened(tmp_path)
    assert "after" == getattr(again.operation(SHOP), "id", "")
    assert 2 == len(again.history(SHOP))
    again.close()


KILLED = """
import sys
from pathlib import Path
from tests.store.test_store import opened, operation, application
store = opened(Path(sys.argv[1]))
store.declare("dir:a", [application("shop")], ["a:1"], complete=True, prune=True)
for number in range(100000):
    store.put_operation(operation(f"op{number}"))
    print(number, flush=True)
"""


def test_what_was_put_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    wait = random.Random(seed)  # noqa: S311 - repeatable on purpose
    for _ in range(3):
        last = _killed_after(wait.randrange(1, 60), tmp_path)
        store = opened(tmp_path)
        found = store.operation(SHOP)
        store.close()
        assert found
        assert last <= int(found.id.removeprefix("op")) <= last + 1, f"seed {seed}"


def _killed_after(lines: int, directory: Path) -> int:
    """Return the number of the last operation that a process said was put before it was killed."""
    command = [sys.executable, "-c", KILLED, str(directory)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:  # noqa: S603 - ourselves
        assert child.stdout
        said = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
    return int([line for line in said if line.endswith("\n")][-1])


# beside the ports


def test_audit_log_holds_who_did_what_and_when_newest_first(tmp_path: Path, store: Store) -> None:
    ann, bob = Caller("ann", address="192.0.2.1", sign_in=SignIn.SESSION), Caller("bob")
    store.audit(done_by(ann, "sync", AppName("shop"), "prune", right="applications, sync, retail/shop"))
    store.audit(replace(done_by(bob, "delete", AppName("shop")), result=AuditResult.REFUSED, before="b", after="a"))
    store.close()

    again = opened(tmp_path)
    second, first = again.audited(AuditQuery())
    assert (1000.0, "bob", "delete", "shop", "", AuditResult.REFUSED, "b", "a") == (
        second.at_s, second.who, second.what, second.app, second.detail, second.result, second.before, second.after,
    )  # fmt: skip
    assert ("192.0.2.1", "session", "applications, sync, retail/shop", AuditResult.DONE) == (
        first.address, first.sign_in, first.right, first.result,
    )  # fmt: skip
    assert [second] == again.audited(AuditQuery(limit=1)) == again.audited(AuditQuery(by="bob"))
    assert [first] == again.audited(AuditQuery(before=second.id))
    assert [] == again.audited(AuditQuery("web")) == again.audited(AuditQuery(since_s=1001.0))
    again.close()


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET who = 'bob'"])
def test_audit_log_is_not_changed_even_by_hand(tmp_path: Path, store: Store, statement: str) -> None:
    store.audit(done_by(Caller("ann"), "sync", AppName("shop")))
    store.close()
    with closing(sqlite3.connect(next(tmp_path.glob("*.db")))) as database, pytest.raises(sqlite3.IntegrityError):
        database.execute(statement)


def test_entries_of_before_are_kept(tmp_path: Path, store: Store) -> None:
    store.close()
    file = next(tmp_path.glob("*.db"))
    file.unlink()
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        migrate(database, file, STEPS[:AUDITED])
        database.execute("INSERT INTO audit (at_s, who, what, app, detail) VALUES (7, 'ann', 'sync', 'shop', '')")
    again = opened(tmp_path)
    (entry,) = again.audited(AuditQuery())
    assert (7.0, "ann", "", AuditResult.DONE) == (entry.at_s, entry.who, entry.address, entry.result)
    again.close()


def test_every_change_that_can_be_seen_is_told(store: Store) -> None:
    told: list[AppName] = []
    store.on_changed(told.append)

    store.ask(SHOP, SyncRequest())
    store.put_operation(operation("op1"))
    store.delete(SHOP, cascade=True)
    store.forget(SHOP)

    assert [SHOP] * 4 == told


def test_deletion_has_the_time_at_which_it_began(store: Store) -> None:
    assert None is store.deleting_since(SHOP)
    store.delete(SHOP, cascade=True)

    assert 1000.0 == store.deleting_since(SHOP)


async def test_log_is_copied_into_the_database_by_another_thread(tmp_path: Path, store: Store) -> None:
    before = (tmp_path / "gitopsd.db").stat().st_size
    store.put_operation(operation("op1", "x" * 1_000_000))

    await asyncio.to_thread(checkpoint, tmp_path / "gitopsd.db")

    assert (tmp_path / "gitopsd.db").stat().st_size > before + 900_000


def test_kinds_are_those_that_applications_want_in_one_cluster(tmp_path: Path, store: Store) -> None:
    store.put_targets(
        SHOP, PROD, [ResourceKey("", "ConfigMap", "shop", "a"), ResourceKey("apps", "Deployment", "", "b")]
    )
    store.put_targets(SHOP, ClusterId("other"), [ResourceKey("", "Secret", "shop", "c")])
    store.close()
    again = opened(tmp_path)

    assert {GroupKind("", "ConfigMap"), GroupKind("apps", "Deployment")} == again.kinds(PROD)
    assert frozenset() == again.kinds(ClusterId("unknown"))

    again.close()


def test_projects_have_what_they_inherit_and_their_applications_are_looked_at_anew(tmp_path: Path) -> None:
    def project(name: str, repository: str) -> dict[str, Any]:
        metadata = {"name": name, "labels": {"tier": name}}
        spec = {"sourceRepos": [repository]}
        return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec}

    store, changed = opened(tmp_path), list[frozenset[AppName]]()
    requirement = LabelRequirement("tier", LabelOperator.IN, frozenset({"web"}))
    store.inherit(ProjectInheritance((GlobalProject(ProjectName("base"), (requirement,)),)))
    store.on_declared(changed.append)
    shop = application("shop")
    shop["spec"]["project"] = "web"
    documents = [shop, application("bank"), project("web", "https://h/web"), project("base", "https://h/old")]
    origins = [f"a:{line}" for line in range(4)]
    store.declare("dir:a", documents, origins, complete=True, prune=True)
    changed.clear()
    store.declare("dir:a", [*documents[:3], project("base", "https://h/new")], origins, complete=True, prune=True)

    inheriting = store.project(ProjectName("web"))
    assert inheriting is not None
    assert ("https://h/web", "https://h/new") == inheriting.source_repos
    assert [frozenset({SHOP})] == changed
    store.close()
