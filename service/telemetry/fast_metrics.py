"""Counters and histograms for the hot path: plain numbers that are formatted when scraped.

Those of prometheus_client take a lock for every update, a microsecond each, ten times a request.
Here one event loop counts, and any thread may read.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

__all__ = ["FastCounter", "FastHistogram", "HistogramSeries"]


class FastCounter(Collector):
    """A counter with labels; each combination of values is exported from its first use on."""

    def __init__(
        self, name: str, help_text: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        """`labels` are the names of the labels; methods take their values in this order."""
        self._name, self._help, self._labels = name, help_text, labels
        self._counts: dict[tuple[str, ...], float] = {}
        registry.register(self)

    def name(self, *values: str) -> None:
        """Export the series with these label values, starting at 0."""
        self._counts.setdefault(values, 0)

    def inc(self, *values: str, by: float = 1) -> None:
        """Add `by` to the series with these label values."""
        self._counts[values] = self._counts.get(values, 0) + by

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield all series as one family, for the registry of prometheus_client."""
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for values, count in tuple(self._counts.items()):
            family.add_metric(values, count)
        yield family


class HistogramSeries:
    """One series of `FastHistogram`."""

    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * (buckets + 1)
        """Counts by bucket, not cumulative; the last one is for values above all bounds."""
        self.total = 0.0


class FastHistogram(Collector):
    """A histogram of seconds with one label."""

    def __init__(
        self,
        name: str,
        help_text: str,
        label: str,
        bounds_s: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        """`bounds_s` are the upper bounds of the buckets, ascending, without infinity."""
        self._name, self._help, self._label = name, help_text, label
        self._bounds = tuple(bounds_s)
        self._children: dict[str, HistogramSeries] = {}
        registry.register(self)

    def name(self, value: str) -> None:
        """Export the series with this label value, starting at 0."""
        self._children.setdefault(value, HistogramSeries(len(self._bounds)))

    def observe(self, value: str, seconds: float) -> None:
        """Add one duration to a series; `name` must have been called for it."""
        child = self._children[value]
        child.counts[bisect_left(self._bounds, seconds)] += 1
        child.total += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield all series as one family, for the registry of prometheus_client."""
        family = HistogramMetricFamily(self._name, self._help, labels=[self._label])
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        for value, child in tuple(self._children.items()):
            buckets = list(zip(names, accumulate(tuple(child.counts)), strict=True))
            family.add_metric([value], buckets, child.total)
        yield family
