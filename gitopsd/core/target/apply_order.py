"""In which order one sync would apply manifests as they are rendered, for whoever shows them."""

from __future__ import annotations

from gitopsd.core.target.hooks import read
from gitopsd.core.target.order import PHASES, kind_rank
from gitopsd.core.target.sync_options import hook_types, marks_of, sync_wave
from gitopsd.model.manifest import Manifest, ResourceKey, key_of
from gitopsd.model.operation import SyncPhase

NEVER = len(PHASES)  # a hook that is run in no phase


def apply_order(manifest: Manifest) -> tuple[int, int, int, ResourceKey]:
    """Return the sort key of `manifest`: phase, wave, kind, key. A hook of several phases goes by its first.

    Raises:
        InvalidManifest: its sync wave is no number.
    """
    marks, key = marks_of(manifest), key_of(manifest)
    phases = read(marks).phases if hook_types(marks) else (SyncPhase.SYNC,)
    return PHASES[phases[0]] if phases else NEVER, sync_wave(manifest), kind_rank(key), key
