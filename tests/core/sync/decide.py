"""What tests of decide and their neighbours share."""

from __future__ import annotations

from gitopsd.model.operation import (
    PlannedWork,
    Task,
    TaskVerb,
)
from tests.core.lives import config_key

X = Task(config_key("x"), TaskVerb.APPLY)


DRIFT = PlannedWork((X,), drift=1)
