"""Which check judges which kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitopsd.errors import InvalidSettings
from gitopsd.model.manifest import GroupKind
from gitopsd.scripts.health_checks import CheckScripts, load
from gitopsd.settings import HealthCustomization, HealthSettings


def script_of(checks: CheckScripts, group: str, kind: str) -> str | None:
    found = checks.of(GroupKind(group, kind))
    return found.script if found else None


def written(*names: str, directory: Path | None = None) -> CheckScripts:
    """Return checks of the settings whose script is the name they are for."""
    return load(HealthSettings(tuple(HealthCustomization(name, name) for name in names), directory))


@pytest.mark.parametrize(
    ("expected", "group", "kind"),
    [
        ("cert-manager.io/Certificate", "cert-manager.io", "Certificate"),
        ("acme.cert-manager.io_Order", "acme.cert-manager.io", "Order"),
        ("Pod", "", "Pod"),
        ("*.crossplane.io/*", "s3.aws.crossplane.io", "Bucket"),
        ("*.crossplane.io/Exact", "s3.aws.crossplane.io", "Exact"),
        (None, "crossplane.io", "Bucket"),
        (None, "cert-manager.io", "Issuer"),
        (None, "other", "Pod"),
    ],
)
def test_settings_name_kinds_exactly_or_by_globs(expected: str | None, group: str, kind: str) -> None:
    checks = written(
        "*.crossplane.io/Exact", "*.crossplane.io/*", "cert-manager.io/Certificate", "acme.cert-manager.io_Order", "Pod"
    )

    assert expected == script_of(checks, group, kind)


def test_exact_name_goes_before_a_glob() -> None:
    assert "a.io/Kind" == script_of(written("*/*", "a.io/Kind"), "a.io", "Kind")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("cert-manager.io/Certificate", "_.crossplane.io/_", "a.io/Kind"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "health.lua").write_text(f"-- {name}")
        (tmp_path / name / "health_test.yaml").write_text("tests: []")
    return tmp_path


def test_directory_is_laid_out_by_group_and_kind(directory: Path) -> None:
    checks = written(directory=directory)

    assert "-- cert-manager.io/Certificate" == script_of(checks, "cert-manager.io", "Certificate")
    assert "-- _.crossplane.io/_" == script_of(checks, "rds.aws.crossplane.io", "Instance")
    assert script_of(checks, "cert-manager.io", "Issuer") is None


def test_settings_go_before_the_directory(directory: Path) -> None:
    assert "a.io/Kind" == script_of(written("a.io/Kind", directory=directory), "a.io", "Kind")


def test_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="no directory"):
        written(directory=tmp_path / "none")


def test_directory_that_is_laid_out_otherwise_is_refused(directory: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"holds no GROUP/KIND/health\.lua"):
        written(directory=directory / "a.io")


def test_check_that_is_no_text_is_refused_and_named(directory: Path) -> None:
    (directory / "a.io" / "Kind" / "health.lua").write_bytes(b"\xff")

    with pytest.raises(InvalidSettings, match=r"a\.io/Kind/health\.lua is not UTF-8"):
        written(directory=directory)


def test_libraries_are_open_to_checks_of_the_directory_and_closed_to_those_of_the_settings(directory: Path) -> None:
    checks = written("b.io/Kind", directory=directory)

    found = [checks.of(GroupKind(group, "Kind")) for group in ("a.io", "b.io")]
    assert [True, False] == [each.open_libs for each in found if each]
