"""What tests of clusters and their neighbours share."""

from __future__ import annotations

import json
from typing import Any

from tests.trust.secrets import secret


def cluster(config: Any = None, **data: str) -> dict[str, Any]:
    return secret("cluster", **{"config": json.dumps(config or {}), **data})
