"""The metrics, for Prometheus. Every label comes from a closed set: nothing of a request's text becomes one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, Info, PlatformCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

PREFIX = "nelm_cds_"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class StoreState(Protocol):
    """What the store tells of itself."""

    @property
    def reachable(self) -> bool:
        """Whether its database answered last time."""
        ...

    @property
    def queued(self) -> int:
        """Answers waiting to be written."""
        ...

    @property
    def dropped(self) -> int:
        """Answers that were never written."""
        ...

    @property
    def written(self) -> int:
        """Answers that were."""
        ...

    @property
    def tokens_unshared(self) -> int:
        """Token ids that only this process knows, because the database did not answer."""
        ...


class Metrics:
    """The metrics of one application, in a registry of its own; each is called with its labels."""

    def __init__(self, store: StoreState | None, breakers: Callable[[], Mapping[str, bool]]) -> None:
        self.registry = CollectorRegistry()

        # Finding a series by its labels is the dearest part of counting; there are few, so each is found once.
        def counter(name: str, about: str, *labels: str) -> Callable[..., Counter]:
            return cache(Counter(PREFIX + name, about, labels, registry=self.registry).labels)

        self.calls = counter("calls", "Calls by route, HTTP status and client.", "endpoint", "status", "client")
        seconds = Histogram(
            f"{PREFIX}call_seconds",
            "Seconds from request to answer.",
            ("endpoint",),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.seconds: Callable[..., Histogram] = cache(seconds.labels)
        self.decisions = counter("decisions", "Hook calls that were decided, by state.", "state")
        self.recommendations = counter("recommendations", "Recommendations shown, by code.", "code")
        self.cards = counter("cards", "Cards shown.", "topic", "indicator")
        self.unknown = counter("inputs_unknown", "Inputs that were not known where cards were shown.", "input", "why")
        self.queries = counter("fhir_queries", "Queries to FHIR servers, by outcome.", "server", "key", "outcome")
        self.refused = counter("refused_callers", "Calls without a good token, by reason.", "reason")
        self.feedback = counter("feedback", "Feedback that was stored.", "outcome")
        self.build = Info(f"{PREFIX}build", "What is running.", registry=self.registry)
        self.registry.register(_Live(store, breakers))
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All of them in the format that is asked for, and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type


class _Live(Collector):
    """What is read off the parts of the service when somebody looks."""

    def __init__(self, store: StoreState | None, breakers: Callable[[], Mapping[str, bool]]) -> None:
        self._store = store
        self._breakers = breakers

    def collect(self) -> Iterable[Metric]:
        yield from self._of_breakers()
        if self._store is not None:
            yield from _of_store(self._store)

    def _of_breakers(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            f"{PREFIX}fhir_breaker_open", "1 while calls do without this FHIR server.", labels=("server",)
        )
        for server, is_open in self._breakers().items():
            gauge.add_metric((server,), float(is_open))
        yield gauge


def _of_store(store: StoreState) -> Iterator[Metric]:
    up, queued = float(store.reachable), float(store.queued)
    yield GaugeMetricFamily(f"{PREFIX}store_up", "1 while the store's database answers.", value=up)
    yield GaugeMetricFamily(f"{PREFIX}shown_queue_length", "Answers waiting to be recorded.", value=queued)
    yield CounterMetricFamily(f"{PREFIX}shown_written", "Answers recorded.", value=store.written)
    yield CounterMetricFamily(f"{PREFIX}shown_dropped", "Answers that were never recorded.", value=store.dropped)
    yield CounterMetricFamily(
        f"{PREFIX}tokens_unshared", "Token ids that only this process knows.", value=store.tokens_unshared
    )
