"""What every part of the daemon is built with."""

from __future__ import annotations

from dataclasses import dataclass

from gitopsd.model.ids import AppName
from gitopsd.ports import Clock
from gitopsd.runtime.lag import LoopLag
from gitopsd.runtime.metrics import Meters
from gitopsd.runtime.queue import KeyQueue
from gitopsd.settings import Settings
from gitopsd.store.store import Store
from gitopsd.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Base:
    settings: Settings
    store: Store
    meters: Meters
    metrics: Metrics
    lag: LoopLag
    now_s: Clock  # the one clock
    queue: KeyQueue[AppName]  # of passes
