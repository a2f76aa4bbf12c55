"""Nothing is decided by words: the suites pass when all messages say the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitopsd.errors import InvalidManifest

ROOT = Path(__file__).parent.parent
SAMPLE = (
    "tests/core/sync/test_decide.py",
    "tests/core/sync/test_preflight.py",
    "tests/core/sync/test_step_ends.py",
    "tests/reconcile/test_operations.py",
    "tests/reconcile/test_sync.py",
)
SUITES = ("tests/core", "tests/reconcile") if os.environ.get("GITOPSD_SOAK") else SAMPLE
PLUGIN = ("-p", "tests.reworded", "-p", "no:cacheprovider", "-q", "--no-header")


def reworded(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "pytest", *PLUGIN, *arguments)
    short = {
        name: value for name, value in os.environ.items() if name != "GITOPSD_SOAK"
    }  # properties at their usual length
    return subprocess.run(command, cwd=ROOT, env=short, capture_output=True, text=True, check=False)  # noqa: S603 - a constant


@pytest.mark.timeout(3600)
def test_suites_pass_when_messages_are_noise() -> None:
    run = reworded("-m", "not words", *SUITES)

    assert 0 == run.returncode, run.stdout[-5000:]


def test_what_the_product_reads_is_noise_and_what_a_test_reads_is_not(tmp_path: Path) -> None:
    """Run in a process of its own, as the plugin changes the classes for good."""
    (tmp_path / "test_it.py").write_text(PROBE)
    run = reworded(str(tmp_path / "test_it.py"))

    assert 0 == run.returncode, run.stdout[-5000:]
    assert "line 3" == InvalidManifest("line 3", remedy="").what


PROBE = """
from gitopsd.errors import InvalidManifest

ERR = InvalidManifest("line 3 is no YAML", remedy="")
READS = (
    "ERR.what == 'line 3 is no YAML'",
    "'line 3' in ERR.what",
    "ERR.what.startswith('line')",
    "__import__('re').search('line', ERR.what)",
    "ERR.what in {'line 3 is no YAML'}",
    "not ERR.remedy",
)


def as_product(text):
    return eval(compile(text, "probe", "eval"), {"__name__": "gitopsd.core", "ERR": ERR})


def test_product_reads_nothing():
    assert [] == [text for text in READS if as_product(text)]


def test_product_puts_it_into_other_words_and_a_test_reads_them():
    assert "a.yaml: line 3 is no YAML; " == as_product("f'a.yaml: {ERR}'")
    assert "line 3 is no YAML" == ERR.what
    assert "line 3" in ERR.what
"""
