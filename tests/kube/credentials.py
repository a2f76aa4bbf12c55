"""What tests of credentials and their neighbours share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gitopsd.settings import ClusterSettings

NOW_S = 1_800_000_000.0


def now_s() -> float:
    return NOW_S


def kubeconfig(folder: Path, user: dict[str, Any], **cluster: Any) -> ClusterSettings:
    document = {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1:6443/", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(document))
    return ClusterSettings("shop", kubeconfig=file)
