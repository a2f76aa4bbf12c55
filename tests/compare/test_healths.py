"""Health over a tree of health tests, here one that is made up."""

from __future__ import annotations

from pathlib import Path

from tests.compare import healths
from tests.compare.results import Verdict

TESTS = """\
tests:
- {inputPath: testdata/good.yaml, healthStatus: {status: Healthy, message: theirs}}
- {inputPath: testdata/green.yaml, healthStatus: {status: Degraded}}
- {inputPath: testdata/gone.yaml, healthStatus: {status: Healthy}}
- {healthStatus: {status: Healthy}}
"""
ISSUER = """\
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: a}
status: {conditions: [{type: Ready, status: 'True'}]}
"""


def test_each_health_test_is_compared_and_a_false_green_is_told(tmp_path: Path) -> None:
    place = tmp_path / "group" / "Issuer"
    (place / "testdata").mkdir(parents=True)
    (place / healths.TESTS).write_text(TESTS)
    for name in ("good", "green"):
        (place / "testdata" / f"{name}.yaml").write_text(ISSUER)

    good, green, gone = healths.compare(tmp_path)

    assert Verdict.ALIKE is good.verdict
    assert (Verdict.DIFFER, "group/Issuer/testdata/green.yaml") == (green.verdict, green.what)
    assert green.told.startswith(f"{healths.FALSE_GREEN}Healthy here, Degraded there")
    assert Verdict.FAILS_HERE is gone.verdict
