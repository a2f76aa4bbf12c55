"""Who changed what: the demo's reading of watch events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsd.demo.observer import Announcement, ObservedPush, Observer, What, key_of

Object = Mapping[str, Any]


def deployment(replicas: int, *, editor: str = "", namespace: str = "shop", ready: int = 0) -> Object:
    ours = {"manager": "gitopsd", "operation": "Apply", "fieldsV1": {"f:spec": {} if editor else {"f:replicas": {}}}}
    status = {
        "manager": "sim",
        "operation": "Update",
        "subresource": "status",
        "fieldsV1": {"f:ready": {str(ready): {}}},
    }
    other = {"manager": editor, "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    entries = [ours, status, other] if editor else [ours, status]
    return {
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": "web", "managedFields": entries},
        "spec": {"replicas": replicas},
        "status": {"ready": ready},
    }  # fmt: skip


KEY = key_of("east", deployment(2))
PUSH = ObservedPush("c0ffee", frozenset({"shop"}), at_s=100.0)


def knowing(*found: Object) -> Observer:
    observer = Observer()
    for one in found:
        observer.known("east", one)
    return observer


def test_edit_by_another_manager_is_told_and_timed_until_it_is_healed() -> None:
    observer = knowing(deployment(2))

    edited = observer.event("east", "MODIFIED", deployment(9, editor="kubectl-edit"), 10.0)
    healed = observer.event("east", "MODIFIED", deployment(2), 10.25)

    assert Announcement(What.EDITED, KEY, by="kubectl-edit") == edited
    assert Announcement(What.HEALED, KEY, 0.25) == healed


def test_edit_by_the_demos_own_hand_is_nobody_elses() -> None:
    observer = knowing(deployment(2))

    edited = observer.event("east", "MODIFIED", deployment(9, editor="gitopsd-demo-user"), 10.0)

    assert Announcement(What.EDITED, KEY, by="gitopsd-demo-user") == edited


def test_deleted_object_is_told_and_timed_until_it_is_back() -> None:
    observer = knowing(deployment(2))

    assert Announcement(What.DELETED, KEY) == observer.event("east", "DELETED", deployment(2), 10.0)
    assert Announcement(What.RESTORED, KEY, 0.5) == observer.event("east", "ADDED", deployment(2), 10.5)


def test_change_after_a_push_is_timed_from_the_push() -> None:
    observer = knowing(deployment(2))
    observer.pushed(PUSH)

    assert Announcement(What.LIVE, KEY, 0.5, "c0ffee") == observer.event("east", "MODIFIED", deployment(3), 100.5)


def test_push_to_another_application_explains_nothing_here() -> None:
    observer = knowing(deployment(2))
    observer.pushed(ObservedPush("c0ffee", frozenset({"cart"}), at_s=100.0))

    assert observer.event("east", "MODIFIED", deployment(3), 100.5) is None
    assert Announcement(What.DELETED, KEY) == observer.event("east", "DELETED", deployment(3), 100.6)


def test_object_that_a_push_removed_is_pruned_and_not_waited_for() -> None:
    observer = knowing(deployment(2))
    observer.pushed(PUSH)

    assert Announcement(What.PRUNED, KEY, 0.5, "c0ffee") == observer.event("east", "DELETED", deployment(2), 100.5)


def test_deletion_long_after_a_push_is_live_is_by_hand() -> None:
    observer = knowing(deployment(2))
    observer.pushed(PUSH)
    observer.event("east", "MODIFIED", deployment(3), 100.5)

    assert Announcement(What.DELETED, KEY) == observer.event("east", "DELETED", deployment(3), 104.0)


def test_status_of_a_controller_is_not_worth_a_word() -> None:
    observer = knowing(deployment(2))

    assert observer.event("east", "MODIFIED", deployment(2, ready=2), 10.0) is None


def test_event_about_an_object_known_from_a_list_is_compared_by_content_alone() -> None:
    observer = knowing(deployment(2))
    observer.pushed(PUSH)

    assert observer.event("east", "MODIFIED", {"apiVersion": "apps/v1", **deployment(2, ready=1)}, 100.5) is None
