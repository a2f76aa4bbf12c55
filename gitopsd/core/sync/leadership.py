"""Which of several daemons writes to a cluster: what a Lease object says, and what may be made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gitopsd.model.manifest import Manifest

CONTENDER = "gitopsd.io/contender"  # annotation: who else wants the lease, and when it said so


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a lease said when it last changed; clocks of two machines differ, so only the change counts."""

    holder: str
    renewed: str
    since_s: float  # of our clock, which only goes forward


def sighted(before: Sighting | None, lease: Manifest, now_s: float) -> Sighting:
    """Return what `lease` says, and since when it has said so."""
    spec = _spec(lease)
    now = Sighting(str(spec.get("holderIdentity") or ""), str(spec.get("renewTime") or ""), now_s)
    same = before is not None and (before.holder, before.renewed) == (now.holder, now.renewed)
    return before if before is not None and same else now


def may_take(sighting: Sighting, lease: Manifest, identity: str, now_s: float) -> bool:
    """Tell whether `identity` may write itself into `lease`: it is its own, nobody's, or was not renewed in time."""
    duration: Any = _spec(lease).get("leaseDurationSeconds")
    lasts_s = float(duration) if isinstance(duration, int) else 0.0
    return sighting.holder in ("", identity) or now_s - sighting.since_s >= lasts_s


def taken(lease: Manifest, identity: str, duration_s: int, now_unix_s: float) -> dict[str, Any]:
    """Return `lease` as `identity` holds it from now on; all else in it stays, its resourceVersion too."""
    spec = dict(_spec(lease))
    now = micro_time(now_unix_s)
    if spec.get("holderIdentity") != identity:
        spec |= {"acquireTime": now, "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1}
    spec |= {"holderIdentity": identity, "leaseDurationSeconds": duration_s, "renewTime": now}
    return {**lease, "spec": spec}


def released(lease: Manifest) -> dict[str, Any]:
    """Return `lease` as nobody's."""
    return {**lease, "spec": {**_spec(lease), "holderIdentity": ""}}


def contender(lease: Manifest) -> str:
    """Return what another daemon wrote that wants the lease; "" where none did."""
    annotations = lease["metadata"].get("annotations")
    return str(annotations.get(CONTENDER) or "") if isinstance(annotations, dict) else ""


def micro_time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _spec(lease: Manifest) -> Manifest:
    spec = lease.get("spec")
    return spec if isinstance(spec, dict) else {}
