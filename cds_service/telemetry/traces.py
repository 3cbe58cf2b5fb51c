"""OpenTelemetry traces of calls, where an address is configured; otherwise nothing of that library is loaded.

A span holds names and codes of ours, never a value from a chart, a query, a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
    from opentelemetry.trace import Tracer

_AT_MOST_SECONDS = 2
_NOTHING: AbstractContextManager[None] = nullcontext()


class TracingUnavailableError(Exception):
    """Traces are configured, and the library is not installed."""


class Tracing:
    """Spans of the calls; an asynchronous context, whose end sends what is left. Off without an endpoint."""

    def __init__(self, endpoint: str | None, version: str = "") -> None:
        self._processor: BatchSpanProcessor | None = None
        self._tracer: Tracer | None = None
        if endpoint is not None:
            self._switch_on(_exporter(endpoint), version)

    @classmethod
    def to(cls, exporter: SpanExporter, version: str = "") -> Tracing:
        """Tracing that hands its spans to this exporter."""
        tracing = cls(None)
        tracing._switch_on(exporter, version)
        return tracing

    def _switch_on(self, exporter: SpanExporter, version: str) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._processor = BatchSpanProcessor(exporter)
        provider = TracerProvider(
            resource=Resource({"service.name": "nelm-cds", "service.version": version}), shutdown_on_exit=False
        )
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("nelm_cds")

    async def __aenter__(self) -> Tracing:
        """Nothing is waited for."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what is left, for two seconds at most; who collects traces must not hold up a shutdown."""
        if self._processor is not None:
            flushed = asyncio.to_thread(self._processor.force_flush, _AT_MOST_SECONDS * 1000)
            try:
                await asyncio.wait_for(flushed, _AT_MOST_SECONDS)
            except TimeoutError:
                return

    def span(self, name: str) -> AbstractContextManager[None]:
        """A step of the call that is being traced."""
        return _NOTHING if self._tracer is None else self._started(name, {})

    def call(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[None]:
        """A call, as a part of its caller's trace where the headers name one (W3C Trace Context)."""
        return _NOTHING if self._tracer is None else self._started(name, headers)

    def note(self, **attributes: str | int) -> None:
        """Attributes of the span that is under way: names and codes of ours."""
        if self._tracer is not None:
            from opentelemetry.trace import get_current_span

            get_current_span().set_attributes({name: value for name, value in attributes.items() if value != ""})

    @contextmanager
    def _started(self, name: str, headers: Mapping[str, str]) -> Iterator[None]:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        assert self._tracer is not None  # noqa: S101 - asked before
        context = TraceContextTextMapPropagator().extract(dict(headers)) if headers else None
        # An exception's message may quote a chart: it is neither recorded nor made the span's status.
        with self._tracer.start_as_current_span(name, context, record_exception=False, set_status_on_exception=False):
            yield


def _exporter(endpoint: str) -> SpanExporter:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise TracingUnavailableError("install nelm-cds[tracing], or leave NELM_CDS_OTLP_ENDPOINT out") from error
    return OTLPSpanExporter(endpoint=endpoint, timeout=_AT_MOST_SECONDS)
