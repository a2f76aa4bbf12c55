"""What tests of declarations and their neighbours share."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from tests.e2e.daemon import Json


def write(file: Path, declaration: Json) -> None:
    """Put a declaration in place in one step, as careful tools do."""
    beside = file.with_suffix(".new")
    beside.write_text(yaml.safe_dump(declaration))
    os.replace(beside, file)  # noqa: PTH105 - as above
