"""`gitopsd admin rbac`: what a policy says, without a daemon; the exit codes are those of Argo CD's command."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsd.cli.main import main

POLICY = """\
p, role:dev, applications, *, web/*, allow
p, role:dev, applications, delete, web/prod, deny
p, role:logs, logs, get, */*, allow
p, org:team, logs, get, */*, allow
g, ann, role:dev
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm}
data:
  policy.csv: |
    g, ann, role:dev
  policy.web.csv: |
    p, role:dev, applications, sync, ^web/, allow
  policy.default: role:readonly
  policy.matchMode: regex
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.csv"
    path.write_text(POLICY)
    return path


def can(policy: Path, *arguments: str) -> int:
    return main(("admin", "rbac", "can", *arguments, "--policy-file", str(policy)))


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, "ann sync app web/shop"),
        (1, "ann delete app web/prod"),
        (1, "ann sync app db/pg"),
        (1, "ann sync app"),
        (0, "role:logs get logs"),
        (0, "role:logs get logs *"),
        (0, "admin update clusters"),
        (1, "admin update clusters --no-use-builtin-policy"),
        (0, "bob get proj web --default-role role:readonly"),
        (1, "ann synch app web/shop"),
        (0, "ann synch app web/shop --no-strict"),
        (1, "ann get appz web/shop"),
    ],
)
def test_answer_is_the_exit_code(code: int, arguments: str, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code == can(policy, *arguments.split())
    assert capsys.readouterr().out in ("Yes\n" if code == 0 else "No\n", "")


def test_line_that_decides_is_named(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    can(policy, "ann", "delete", "app", "web/prod", "--explain")

    assert (
        "No\npolicy.csv:2 denies it: p, role:dev, applications, delete, web/prod, deny; ann has it by role:dev\n"
        == capsys.readouterr().out
    )


def test_group_that_no_line_binds_is_warned_of(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == can(policy, "org:team", "get", "logs")
    assert "org:team counts as a group only where a `g` line names it" in capsys.readouterr().err


def test_quiet_prints_nothing(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    can(policy, "org:team", "get", "logs", "-q")

    assert ("", "") == capsys.readouterr()


def test_config_map_is_read_with_its_mode_and_its_default_role(tmp_path: Path) -> None:
    path = tmp_path / "argocd-rbac-cm.yaml"
    path.write_text(CONFIG_MAP)

    assert 0 == can(path, "ann", "sync", "app", "web/shop")
    assert 1 == can(path, "ann", "sync", "app", "the-web/shop")
    assert 0 == can(path, "bob", "get", "app", "db/pg")
    assert 0 == main(("admin", "rbac", "validate", "--policy-file", str(path)))


def test_policy_of_the_settings_goes_over_that_of_its_file(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gitopsd.yaml"
    settings = (
        "rbac:\n  file: policy.csv\n  policy.default: role:logs\n  scopes: [groups, email]\n  policy.more.csv: |\n"
    )
    config.write_text(f"{settings}    g, bob, role:dev\n")
    arguments = ("admin", "rbac", "can", "bob", "sync", "app", "web/shop", "--config", str(config))

    assert 0 == main(arguments)
    assert 0 == main(("admin", "rbac", "can", "eve", "get", "logs", "web/shop", "--config", str(config)))
    assert 0 == main(("check", "--config", str(config)))
    capsys.readouterr()

    policy.write_text("p, role:dev, applications, get, web/[, allow")
    assert 2 == main(("check", "--config", str(config)))
    assert "gitopsd.yaml:1: rbac cannot be used: the policy has 1 lines" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("g, ann, role:readonly", 0, "The policy is valid.\n"),
        ("g, ann, role:x", 0, "warning: policy.csv:1: gives the role 'role:x'"),
        (
            "\ng, ann",
            1,
            "policy.csv:2: has 2 fields instead of 3; write `g, member, role`\nThe policy cannot be used.\n",
        ),
        ("", 1, ""),
    ],
)
def test_validation_names_lines(
    text: str, code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "policy.csv"
    path.write_text(text)

    assert code == main(("admin", "rbac", "validate", "--policy-file", str(path)))
    assert capsys.readouterr().out.startswith(says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"kind: Secret\ndata: {policy.csv: x}\n", "is a mapping, and no ConfigMap"),
        (b"kind: ConfigMap\ndata: {policy.csv: 1}\n", "data.policy.csv is no string"),
        (b"kind: ConfigMap\ndata: {policy.cvs: ''}\n", "did you mean policy.csv?"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_file_that_is_no_policy(content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)

    assert 1 == main(("admin", "rbac", "validate", "--policy-file", str(path)))
    assert says in capsys.readouterr().err


def test_no_policy_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(("admin", "rbac", "validate"))
    assert "give --policy-file, or --config" in capsys.readouterr().err
