"""What values a setting may have; the reason of a default is in `schema`."""

from __future__ import annotations

import re

CHOICES = {
    "tracking.method": ("annotation", "annotation+label", "label"),
    "mode": ("enforce", "observe"),
    "log.format": ("json", "console"),
    "log.level": ("debug", "info", "warning", "error"),
}

# Of `kustomize build`, those that change what is built. The others would write, or reach the network or the daemon.
KUSTOMIZE_OPTIONS = frozenset(
    {
        "--as-current-user",
        "--enable-alpha-plugins",
        "--enable-exec",
        "--enable-helm",
        "--enable-managedby-label",
        "--enable-star",
        "--helm-command",
        "--load-restrictor",
        "--reorder",
    }
)

DAY_S = 86400.0
EXACT = {
    "api.port": (0.0, 65535.0),  # 0: any that is free
    "api.probe_port": (0.0, 65535.0),
    "git.poll_s": (1.0, DAY_S),
    "git.poll_jitter": (0.0, 0.9),
    "git.credentials[].github_app.id": (1.0, 1e15),
    "git.credentials[].github_app.installation_id": (0.0, 1e15),  # 0: GitHub is asked
    "git.low_speed_bytes": (1.0, 1e9),
    "redis.ttl_s": (60.0, 365 * DAY_S),
    "workers.count": (1.0, 256.0),
    "workers.data_bytes": (64 << 20, 1 << 40),  # less, and Python itself does not start
    "scripts.workers": (1.0, 64.0),
    "scripts.memory_bytes": (1 << 20, 1 << 32),  # less, and Lua itself does not start
    "sync.workers": (1.0, 1000.0),
    "sync.heal_wait_s": (0.0, DAY_S),
    "sync.log_lines": (0.0, 1000.0),
    "sync.lease_s": (5.0, 3600.0),
    "sync.argocd_quiet_s": (0.0, 365 * DAY_S),
    "drift.max_entries": (100.0, 1e8),
    "drift.max_age_s": (3600.0, 3650 * DAY_S),
    "drift.fight_turns": (1.0, 1000.0),
    "render.max_depth": (10.0, 400.0),  # the CRDs of charts need some 40; Python's own limit is near 1000
    "grace_s": (0.0, 3600.0),
    "clusters[].list_page": (10.0, 10_000.0),
    "clusters[].watch_timeout_s": (10.0, 3600.0),
}
BY_SUFFIX = {
    "_s": (0.01, 30 * DAY_S),
    "_bytes": (1.0, 1 << 50),
    "_at_once": (1.0, 10_000.0),
}
ANY = (1.0, 1e9)


def range_of(name: str) -> tuple[float, float]:
    """Return the least and the greatest value of the number `name`, as in `clusters[3].list_page`."""
    name = re.sub(r"\[[0-9]+\]", "[]", name)
    if name in EXACT:
        return EXACT[name]
    return next((limits for suffix, limits in BY_SUFFIX.items() if name.endswith(suffix)), ANY)
