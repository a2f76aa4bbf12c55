"""What a no means: whether the same may succeed later, who has to act, and nothing of a Secret in its words."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.apply.refusals import for_want_of_another, inapplicable, refused
from gitopsd.kube.client import Reply
from gitopsd.model.manifest import ResourceKey

POD = ResourceKey("", "Pod", "web", "one")
SECRET = ResourceKey("", "Secret", "web", "login")
RBAC = 'pods "one" is forbidden: User "gitopsd" cannot patch resource "pods" in API group "" in the namespace "web"'


def no(code: int, message: str, **more: Any) -> Reply:
    return Reply(code, {"kind": "Status", "code": code, "message": message, **more})


CASES: dict[str, tuple[Reply, bool, str]] = {  # → may it succeed later, kind of the dry run's refusal
    "conflict": (no(409, "the object has been modified"), True, ""),
    "overload": (no(429, "too many requests"), True, ""),
    "a webhook that does not answer": (
        no(500, "Internal error occurred: failed calling webhook", reason="InternalError"),
        True,
        "",
    ),
    "a conversion webhook that does not answer": (
        no(
            500,
            "failed to convert new object (/x; a.b/v1, Kind=X) to proper version: conversion webhook for x failed",
        ),
        True,
        "",
    ),
    "overloaded proxy": (no(503, "unavailable"), True, ""),
    "too slow": (no(504, "timeout"), True, ""),
    "a patch that cannot be typed": (
        no(500, "failed to create typed patch object (/x; v1, Kind=Pod): .x"),
        False,
        "invalid",
    ),
    "a value that cannot be read": (
        no(500, "failed to convert new object (/x; v1, Kind=Pod) to proper version"),
        False,
        "invalid",
    ),
    "bad request": (no(400, "metadata.managedFields must be nil"), False, "invalid"),
    "invalid": (no(422, "Pod is invalid"), False, "invalid"),
    "too large": (no(413, "Request entity too large"), False, "invalid"),
    "no such namespace": (
        no(404, 'namespaces "web" not found', reason="NotFound", details={"kind": "namespaces", "name": "web"}),
        False,
        "invalid",
    ),
    "no such role": (
        no(404, 'rolebindings "web" not found', reason="NotFound", details={"kind": "rolebindings", "name": "web"}),
        False,
        "invalid",
    ),
    "no right": (no(403, RBAC), False, "forbidden"),
    "quota": (no(403, 'pods "one" is forbidden: exceeded quota: q'), False, "invalid"),
    "pod security": (no(403, 'pods "one" is forbidden: violates PodSecurity "restricted"'), False, "invalid"),
    "a webhook's no": (no(403, 'admission webhook "a.b" denied the request: no'), False, "invalid"),
    "a webhook without dry runs": (
        no(400, 'admission webhook "a.b" does not support dry run', reason="BadRequest"),
        False,
        "no-dry-run",
    ),
    "a namespace that ends": (
        no(403, "because it is being terminated", details={"causes": [{"reason": "NamespaceTerminating"}]}),
        True,
        "",
    ),
    "an error page": (Reply(502, {"kind": "Status", "message": "<html>"}), True, ""),
    "nothing": (Reply(500, None), True, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_says_whether_the_same_may_succeed_later(name: str) -> None:
    reply, retryable, kind = CASES[name]

    answer = refused(POD, reply)
    asked = inapplicable(POD, reply)

    assert (reply.code, reply.message, retryable) == (answer.code, answer.message, answer.retryable)
    assert answer.remedy
    assert kind == (asked.kind if asked else "")


def test_a_refusal_may_be_for_want_of_another_object_where_it_is_not_for_want_of_a_right() -> None:
    of_admission, of_a_grant = no(403, "whatever it says"), no(404, "whatever it says")

    assert for_want_of_another(of_admission)
    assert for_want_of_another(of_a_grant)
    assert not for_want_of_another(no(403, RBAC))
    assert not for_want_of_another(no(422, "Pod is invalid"))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("a namespace that ends", "what is left in the namespace"),
        ("a webhook that does not answer", "failurePolicy"),
        ("no such namespace", "CreateNamespace=true"),
        ("no such role", "create what it names"),
    ],
)
def test_the_remedy_names_what_stands_in_the_way(name: str, remedy: str) -> None:
    assert remedy in refused(POD, CASES[name][0]).remedy


@pytest.mark.parametrize("name", CASES)
def test_a_secrets_values_are_in_no_words(name: str) -> None:
    reply, _, kind = CASES[name]
    leaking = Reply(reply.code, {**(reply.body or {}), "message": f"{reply.message}: hunter2"})
    if kind == "forbidden":
        return  # the sentence about a right is the server's own, and names nothing but names

    answer = refused(SECRET, leaking)

    assert "hunter2" not in answer.message + answer.remedy
    assert "login" in answer.message


def test_the_fields_of_a_secret_that_are_wrong_are_named_and_what_is_no_field_is_not() -> None:
    causes = [
        {"field": "data[password]", "message": "Invalid value: hunter2"},
        {"field": "type", "message": "Invalid value: x"},
        {"field": "hunter2: the value", "message": ""},
    ]

    answer = refused(SECRET, no(422, "invalid: hunter2", reason="Invalid", details={"causes": causes}))

    assert "Invalid (fields: data[password], type)" in answer.message
    assert "hunter2" not in answer.message
