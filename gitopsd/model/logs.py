"""What is asked of a container's log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogQuery:
    container: str = ""  # "": the Pod's only one
    tail: int | None = None  # lines from the end; None: as many as `MOST_BYTES` hold
    since_s: int | None = None  # how old a line may be
    previous: bool = False  # of the container before the last restart
    follow: bool = False  # lines to come, too
    contains: str = ""  # only lines with this text in them, or with "!" before it those without
    match_case: bool = False  # capitals are others than small letters
    since: str = ""  # RFC 3339: only lines from then on
    until: str = ""  # and none from then on

    def fits(self, text: str) -> bool:
        """Tell whether a line is asked for by what it says."""
        wanted = self.contains.removeprefix("!")
        known = (wanted in text) if self.match_case else (wanted.lower() in text.lower())
        return known != self.contains.startswith("!")


@dataclass(frozen=True, slots=True)
class LogLine:
    pod: str
    text: str
    time: str  # RFC 3339, as the cluster gives it; "" for what has none
