"""Keeps the ledger of drift, and knows which fields are fought over; in memory, but for the record of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from gitopsd.core.drift.ledger import ContestedField, DriftContext, HealCount, Place, counted, fights, observed
from gitopsd.model.comparison import Comparison, SyncStatus
from gitopsd.model.drift import Drift, DriftEnd
from gitopsd.model.ids import AppName, ClusterId
from gitopsd.ports import Clock, DriftLedger


@dataclass(slots=True)
class _Book:
    """What is known of one application in one cluster."""

    cluster: ClusterId
    open: dict[Place, Drift] = field(default_factory=dict)
    turns: dict[Place, HealCount] = field(default_factory=dict)


@dataclass(slots=True)
class DriftRecorder:
    """An application that is in sync, and has not drifted lately, is not even looked up twice."""

    ledger: DriftLedger
    now_s: Clock
    turns: int  # heals of one field in a row, after which it is not healed any more
    window_s: float  # between two of them, at most
    on_drift: Callable[[Drift], None] = lambda _: None  # told of each that began, and of each that ended
    _books: dict[AppName, _Book] = field(default_factory=dict)

    def restore(self, entries: Iterable[Drift]) -> None:
        """Take up what the ledger knows from before a restart; entries are given oldest first."""
        for entry in entries:
            book = self._book(entry.app, entry.cluster)
            if entry.end is None:
                book.open[entry.key, entry.path] = entry
            book.turns = counted(book.turns, (entry,), self.window_s)

    def observe(self, compared: Comparison, facts: DriftContext) -> tuple[ContestedField, ...]:
        """Write down what a pass found; return the fields that are not to be healed."""
        book = self._books.get(facts.app)
        if book is None and compared.status is SyncStatus.SYNCED:
            return ()
        book = self._of_cluster(facts)
        fought_places = frozenset((field.key, field.difference.path) for field in self._fought(compared, book, facts))
        changed = observed(book.open, compared, replace(facts, held=fought_places), self.ledger.new_id)
        self._note(book, changed)
        fought = self._fought(compared, book, facts)
        self._forget_calm(facts, book)
        return fought

    def _fought(self, compared: Comparison, book: _Book, facts: DriftContext) -> tuple[ContestedField, ...]:
        return fights(compared, book.turns, facts.hashes, self.turns)

    def open(self) -> Iterable[Drift]:
        """Return all that is so still; of memory."""
        return [entry for book in self._books.values() for entry in book.open.values()]

    def forget(self, app: AppName) -> None:
        """Close what is open of an application that is gone."""
        book = self._books.pop(app, None)
        if book is not None:
            self._close(book)

    def _of_cluster(self, facts: DriftContext) -> _Book:
        book = self._books.get(facts.app)
        if book is not None and book.cluster != facts.cluster:
            self.forget(facts.app)
        return self._book(facts.app, facts.cluster)

    def _book(self, app: AppName, cluster: ClusterId) -> _Book:
        return self._books.setdefault(app, _Book(cluster))

    def _note(self, book: _Book, changed: tuple[Drift, ...]) -> None:
        if not changed:
            return
        for entry in changed:
            if entry.end is not None:
                book.open.pop((entry.key, entry.path), None)
        for entry in changed:
            if entry.end is None:
                book.open[entry.key, entry.path] = entry
        book.turns = counted(book.turns, changed, self.window_s)
        self.ledger.append(changed)
        for entry in changed:
            self.on_drift(entry)

    def _close(self, book: _Book) -> None:
        now_s = self.now_s()
        entries = [replace(entry, ended_s=now_s, end=DriftEnd.FORGOTTEN) for entry in book.open.values()]
        self._note(book, tuple(entries))

    def _forget_calm(self, facts: DriftContext, book: _Book) -> None:
        for where, turn in [*book.turns.items()]:
            if where not in book.open and facts.now_s - turn.ended_s > self.window_s:
                del book.turns[where]
        if not book.open and not book.turns:
            del self._books[facts.app]
