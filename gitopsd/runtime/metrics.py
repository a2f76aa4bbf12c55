"""Thin names over prometheus-client: one registry, handed in, so that nothing is global and tests begin at zero."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

__all__ = ["Counter", "Family", "Gauge", "Histogram", "Meters", "Metric", "family"]

QUICK_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # requests, passes, renders
Family = GaugeMetricFamily

# Else each counter and histogram has a second series with the time of its birth, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types for it


@dataclass(frozen=True, slots=True)
class Meters:
    """Makes metrics in one registry, and shows it."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Return a new counter; `name` is written with its `_total`."""
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = QUICK_S) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)

    def on_scrape(self, collect: Callable[[], Iterable[Metric]]) -> None:
        """Show what `collect` returns at each scrape: what is gone from the world is gone from the answer."""
        self.registry.register(_Scraped(collect))

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their content type, in the format that an `Accept` header asks for."""
        encode, content_type = choose_encoder(accept)
        # The state is read on the loop, which owns it; writing 10,000 applications takes 0.4 s, so a thread does that.
        snapshot = _Snapshot(list(self.registry.collect()))
        return await asyncio.to_thread(encode, snapshot), content_type


class _Snapshot:
    """What was collected, as an encoder wants it."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


class _Scraped:
    """A collector as prometheus-client wants it; `describe` keeps registering from collecting."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from self._collect()


def family(name: str, text: str, *labels: str) -> Family:
    """Return an empty gauge family, to be filled with `add_metric(label values, value)` during a scrape."""
    return GaugeMetricFamily(name, text, labels=labels)
