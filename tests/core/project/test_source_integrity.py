"""Whose signatures a project asks for, and of which repositories."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsd.core.declaration import project_from
from gitopsd.core.project.source_integrity import policy_for
from gitopsd.errors import InvalidDeclaration
from gitopsd.model.application import NOWHERE
from gitopsd.model.project import AppProject, IntegrityPolicy, Verify

KEY, OTHER = "D56C4FCA57A46444", "4AEE18F83AFDEB23"


def project(**spec: Any) -> AppProject:
    metadata = {"name": "team"}
    return project_from(
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec}, NOWHERE
    )


def policy(*repos: str, **ways: Any) -> dict[str, Any]:
    return {"repos": [{"url": url} for url in repos], **ways}


def integrity(*policies: dict[str, Any]) -> AppProject:
    return project(sourceIntegrity={"git": {"policies": list(policies)}})


def test_first_policy_that_fits_the_repository_counts() -> None:
    found = integrity(
        policy("https://h/open/*", gpg={"mode": "none"}),
        policy("https://h/*/*", "!https://h/team/ignored.git", gpg={"mode": "strict", "keys": [KEY.lower()]}),
        policy("https://h/team/*", ssh={"mode": "head", "principals": ["ann@h"]}),
    )

    assert () == found.warnings
    assert policy_for(found, "https://h/open/x") is None
    strict = policy_for(found, "https://H/team/x.git")
    assert strict is not None
    assert (Verify.STRICT, (KEY,)) == (strict.verify, strict.keys)
    ssh = policy_for(found, "https://h/team/ignored")
    assert ssh is not None
    assert (Verify.HEAD, (), ("ann@h",)) == (ssh.verify, ssh.keys, ssh.principals)
    assert policy_for(found, "https://elsewhere/x") is None


def test_signature_keys_are_asked_for_at_every_repository() -> None:
    found = project(signatureKeys=[{"keyID": KEY}, {"keyID": OTHER}])

    assert IntegrityPolicy(("*",), Verify.HEAD, (KEY, OTHER)) == policy_for(found, "https://any/where")
    assert policy_for(project(signatureKeys=[]), "https://any/where") is None


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"signatureKeys": [{"keyID": "AB12"}]}, "holds 'AB12', no key id"),
        ({"signatureKeys": [{"keyID": KEY}], "sourceIntegrity": {}}, "stands beside sourceIntegrity"),
        ({"sourceIntegrity": {"git": {"policies": [policy("*")]}}}, "has neither gpg nor ssh"),
        ({"sourceIntegrity": {"git": {"policies": [policy("*", gpg={"mode": "all"})]}}}, "mode is 'all'"),
        (
            {"sourceIntegrity": {"git": {"policies": [policy("*", gpg={"mode": "head"}, ssh={"mode": "strict"})]}}},
            "gpg and ssh of different modes",
        ),
    ],
)
def test_policy_that_cannot_be_read_is_refused(spec: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidDeclaration, match=says):
        project(**spec)


def test_policy_that_names_no_repository_has_no_effect_and_says_so() -> None:
    found = integrity(policy(gpg={"mode": "head", "keys": [KEY]}))

    assert (".spec.sourceIntegrity.git.policies[0] names no repos, and has no effect",) == found.warnings
