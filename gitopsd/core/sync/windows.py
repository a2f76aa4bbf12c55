"""Sync windows of a project: may an application be synced now, and if not, when is that looked at again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from gitopsd.core.text.cron import Cron, last_fired_s, next_fire_s, parse_cron
from gitopsd.core.text.globs import matches
from gitopsd.core.text.lists import first_of
from gitopsd.model.ids import AppName
from gitopsd.model.project import SyncWindow

AT_LEAST_S, AT_MOST_S = 1.0, 3600.0  # between two looks: a window's end is not always what is next
MAX_TOLD = 3


@dataclass(frozen=True, slots=True)
class WindowSubject:
    """What windows go by."""

    app: AppName
    clusters: tuple[str, ...]  # the names by which the destination is known: its cluster, and its server
    namespace: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why nothing may be synced now."""

    reason: str
    again_after_s: float


def is_zone(name: str) -> bool:
    """Tell whether `name` is a time zone that this machine knows."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def windows_of(windows: Iterable[SyncWindow], subject: WindowSubject) -> tuple[SyncWindow, ...]:
    """Return the windows that concern `place`."""
    return tuple(window for window in windows if _concerns(window, subject))


def opened(windows: Iterable[SyncWindow], now_s: float) -> tuple[SyncWindow, ...]:
    """Return the windows that are open at `now_s`, a Unix time."""
    return tuple(window for window in windows if _is_open(window, now_s))


def blocked(
    windows: Sequence[SyncWindow], now_s: float, *, manual: bool = False, begun_s: float | None = None
) -> Blocked | None:
    """Return why the windows that concern an application forbid to sync it at `now_s`; None where they do not.

    A denying window counts before an allowing one; where there is an allowing one, one has to be open.

    Args:
        windows: of `windows_of`.
        now_s: Unix time.
        manual: a person asks for it.
        begun_s: Unix time at which the sync that runs began; it goes on where the windows let it.

    Source: Argo CD, docs/user-guide/sync_windows.md.
    """
    open_now = opened(windows, now_s)
    denying = [window for window in open_now if window.kind == "deny"]
    shut = [window for window in windows if window.kind == "allow" and window not in open_now]
    allowed = any(window.kind == "allow" for window in open_now)
    in_the_way = denying or ([] if allowed else shut)
    if not in_the_way:
        return None
    by_hand = all(window.manual for window in in_the_way)
    # It may finish what it began while nothing was in its way.
    overrun = begun_s is not None and all(window.overrun for window in in_the_way)
    if (manual and by_hand) or (overrun and begun_s is not None and blocked(windows, begun_s, manual=manual) is None):
        return None
    return Blocked(_why(in_the_way, deny=bool(denying), by_hand=by_hand), _until_s(windows, now_s))


def _concerns(window: SyncWindow, subject: WindowSubject) -> bool:
    kinds = (
        (window.applications, (subject.app,)),
        (window.namespaces, (subject.namespace,)),
        (window.clusters, subject.clusters),
    )
    verdicts = [
        any(matches(pattern, text) for pattern in patterns for text in texts) for patterns, texts in kinds if patterns
    ]
    return bool(verdicts) and (all(verdicts) if window.all_of else any(verdicts))


def _is_open(window: SyncWindow, now_s: float) -> bool:
    return _fired_s(window, now_s) is not None


def _fired_s(window: SyncWindow, now_s: float) -> float | None:
    cron, zone = _schedule(window)
    return None if cron is None else last_fired_s(cron, zone, now_s, window.duration_s)


@lru_cache(maxsize=1024)
def _schedule(window: SyncWindow) -> tuple[Cron | None, ZoneInfo]:
    return parse_cron(window.schedule), ZoneInfo(window.zone)


def _until_s(windows: Iterable[SyncWindow], now_s: float) -> float:
    """Return after how long one of `windows` opens or closes, and so the answer may be another."""
    rests = [AT_MOST_S]
    for window in windows:
        fired_s = _fired_s(window, now_s)
        cron, zone = _schedule(window)
        if fired_s is not None:
            rests.append(fired_s + window.duration_s - now_s)
        elif cron is not None and (next_s := next_fire_s(cron, zone, now_s)) is not None:
            rests.append(next_s - now_s)
    return max(AT_LEAST_S, min(rests))


def _why(windows: Sequence[SyncWindow], *, deny: bool, by_hand: bool) -> str:
    named = first_of([_named(window) for window in windows], MAX_TOLD)
    what = f"a sync window of the project denies it: {named}" if deny else f"no sync window is open: {named}"
    return what + ("; a sync that a person asks for is allowed" if by_hand else "")


def _named(window: SyncWindow) -> str:
    hours_s = f"{window.duration_s / 3600:g} h"
    note = f" ({window.description})" if window.description else ""
    return f"{window.kind} '{window.schedule}' for {hours_s}, {window.zone}{note}"
