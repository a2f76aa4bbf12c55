"""What a person does to one live object."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class LivePatchType(enum.Enum):
    """How a patch is read, by its media type."""

    JSON = "application/json-patch+json"  # RFC 6902
    MERGE = "application/merge-patch+json"  # RFC 7386
    STRATEGIC = "application/strategic-merge-patch+json"  # Kubernetes' own, for its own kinds


@dataclass(frozen=True, slots=True)
class LivePatch:
    """Fields to be changed; self-heal takes back what Git sets."""

    kind: LivePatchType
    patch: Any  # parsed JSON


@dataclass(frozen=True, slots=True)
class LiveDeletion:
    """The object goes, after what it owns unless that is to stay; a sync makes anew what Git has."""

    force: bool = False  # at once: no grace period, and what it owns goes later
    orphan: bool = False  # what it owns stays


LiveEdit = LivePatch | LiveDeletion
