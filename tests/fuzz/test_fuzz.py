"""Whatever others write is read or refused: in its own words, in bounded time and memory (case 22 and its kind).

A sample, by fixed seeds; `make fuzz` goes on from random ones for GITOPSD_FUZZ_S seconds.
"""

from __future__ import annotations

import os
import secrets

import pytest

from tests.fuzz.runner import Target, fuzz
from tests.fuzz.targets import TARGETS

LONG_S = float(os.environ.get("GITOPSD_FUZZ_S", "0"))
SEED = int(os.environ.get("GITOPSD_FUZZ_SEED") or (secrets.randbits(32) if LONG_S else 0))
EXAMPLES = 500 if LONG_S else 150  # of one seed


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.timeout(LONG_S + 120)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_others_write_is_read_or_refused(target: Target) -> None:
    run = fuzz(target, examples=EXAMPLES, begin=SEED, for_s=LONG_S / len(TARGETS))

    assert run.tried >= EXAMPLES / 2, "too few inputs are drawn"
