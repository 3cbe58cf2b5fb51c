"""OpenTelemetry traces of calls, where an address is configured; otherwise nothing of that library is loaded.

A span holds names and codes of ours, never a value from a chart, a query, a token.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING

from cds_service.errors import ConfigurationError
from cds_service.telemetry.calls import CallReport, hook_instance

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

_AT_MOST_SECONDS = 2
_NOTHING: AbstractContextManager[None] = nullcontext()


class Tracing:
    """Spans of the calls; an asynchronous context, whose end sends what is left. Off without an endpoint."""

    def __init__(self, endpoint: str | None, version: str = "") -> None:
        self._provider: TracerProvider | None = None
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

        # Made directly, a resource holds this and no more: neither the host's name nor the command line.
        resource = Resource({"service.name": "nelm-cds", "service.version": version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("nelm_cds")

    async def __aenter__(self) -> Tracing:
        """Nothing is waited for."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what is left, for two seconds at most; who collects traces must not hold up a shutdown."""
        if self._provider is not None:
            # A thread that the process does not wait for, since an export under way cannot be broken off.
            last = threading.Thread(target=self._provider.shutdown, name="nelm-cds-last-traces", daemon=True)
            last.start()
            await asyncio.to_thread(last.join, _AT_MOST_SECONDS)

    def span(self, name: str) -> AbstractContextManager[None]:
        """A step of the call that is being traced."""
        return _NOTHING if self._tracer is None else _step(self._tracer, name)

    def call(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[None]:
        """A call, as a part of its caller's trace where the headers name one (W3C Trace Context)."""
        return _NOTHING if self._tracer is None else _call(self._tracer, name, headers)

    def describe(self, report: CallReport) -> None:
        """Write what came of a call on the span that is under way."""
        if self._tracer is None:
            return
        from opentelemetry.trace import StatusCode, get_current_span

        span = get_current_span()
        span.set_attribute("http.response.status_code", report.status)
        texts = {"client": report.client, "state": report.state, "refused": report.refused}
        if report.hook_instance:
            texts["hook_instance"] = hook_instance(report.hook_instance)
        span.set_attributes({f"nelm_cds.{name}": text for name, text in texts.items() if text})
        if report.recommendations:
            span.set_attribute("nelm_cds.recommendations", report.recommendations)
        if report.status >= 500:
            span.set_status(StatusCode.ERROR)


# An exception's message may quote a chart: it is neither recorded nor made a span's status.


@contextmanager
def _step(tracer: Tracer, name: str) -> Iterator[None]:
    with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False):
        yield


@contextmanager
def _call(tracer: Tracer, name: str, headers: Mapping[str, str]) -> Iterator[None]:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    # Of the caller's headers only the ids: tracestate is free text, and every span would carry it on.
    parent = {"traceparent": headers.get("traceparent", "")}
    context = TraceContextTextMapPropagator().extract(parent, Context())
    with tracer.start_as_current_span(
        name, context, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
    ):
        yield


def _exporter(endpoint: str) -> SpanExporter:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ConfigurationError(
            ["NELM_CDS_OTLP_ENDPOINT: traces need more than is installed; install nelm-cds[tracing], or leave it out"]
        ) from error
    return OTLPSpanExporter(endpoint=endpoint, timeout=_AT_MOST_SECONDS)
