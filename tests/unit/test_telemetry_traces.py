"""Traces: nothing of the library without an address; with one, spans of ours alone, and no exit that waits."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cds_service.errors import ConfigurationError
from cds_service.settings import Settings
from cds_service.telemetry import CallReport, Tracing, traces
from tests.support.collector import collector
from tests.support.service import make_client, post
from tests.support.stories import story

CALL = "hook"
INSTANCE = "0f1a6e0c-2a4d-4d0e-9b5b-1b1f6b1e2a77"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FULL = CallReport("hook", 200, 0.003, "ehr", INSTANCE.upper(), "workup", ("W-CT",))


def exported(headers: dict[str, str], report: CallReport, error: Exception | None = None) -> dict[str, ReadableSpan]:
    """The spans of one call with its three steps, by name; an error ends the last of them."""
    exporter = InMemorySpanExporter()

    async def run() -> None:
        async with Tracing.to(exporter, "1.2.3") as tracing:
            try:
                with tracing.call(CALL, headers):
                    try:
                        with tracing.span("parse"):
                            pass
                        with tracing.span("gather"):
                            await asyncio.sleep(0)
                        with tracing.span("decide"):
                            if error is not None:
                                raise error
                    finally:
                        tracing.describe(report)
            except ValueError:
                pass

    asyncio.run(run())
    return {span.name: span for span in exporter.get_finished_spans()}


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Its attributes as a plain dict."""
    return dict(span.attributes or {})


def loaded_by(code: str) -> set[str]:
    """The modules of OpenTelemetry that are loaded once a process of its own has run the code."""
    code += "\nimport sys\nprint(*[name for name in sys.modules if name.startswith('opentelemetry')])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


def test_off_nothing_of_the_library_is_loaded() -> None:
    code = """
from cds_service.telemetry import CallReport, Tracing
tracing = Tracing(None)
with tracing.call("hook", {"traceparent": "x"}), tracing.span("parse"):
    tracing.describe(CallReport("hook", 200, 0.1))
"""
    assert loaded_by(code) == set()


def test_off_the_application_loads_nothing_that_sends() -> None:
    loaded = loaded_by(
        "from cds_service.app import create_app\nfrom cds_service.settings import Settings\ncreate_app(Settings())"
    )
    assert {name for name in loaded if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))} == set()


def test_off_every_span_is_the_same_nothing() -> None:
    tracing = Tracing(None)
    assert tracing.span("parse") is tracing.call(CALL, {})


def test_a_call_is_a_span_with_its_steps_below() -> None:
    spans = exported({}, FULL)
    assert list(spans) == ["parse", "gather", "decide", CALL]
    call = spans.pop(CALL)
    assert (call.kind, call.parent, call.status.status_code) == (SpanKind.SERVER, None, StatusCode.UNSET)
    assert attributes(call) == {
        "http.response.status_code": 200,
        "nelm_cds.client": "ehr",
        "nelm_cds.hook_instance": INSTANCE,
        "nelm_cds.state": "workup",
        "nelm_cds.recommendations": ("W-CT",),
    }
    assert [(step.parent, attributes(step)) for step in spans.values()] == [(call.context, {})] * 3


def test_nothing_is_told_of_the_machine_or_the_command() -> None:
    assert dict(exported({}, FULL)[CALL].resource.attributes) == {
        "service.name": "nelm-cds",
        "service.version": "1.2.3",
    }


def test_a_caller_that_is_traced_is_the_parent() -> None:
    call = exported({"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "ehr=Jansen"}, FULL)[CALL]
    assert call.parent is not None
    assert (f"{call.parent.trace_id:032x}", f"{call.parent.span_id:016x}") == (TRACE, PARENT)
    assert call.context.trace_id == call.parent.trace_id
    assert not call.context.trace_state


def test_a_caller_that_is_not_sampled_is_not_traced() -> None:
    assert exported({"traceparent": f"00-{TRACE}-{PARENT}-00"}, FULL) == {}


@pytest.mark.parametrize("text", ["", "Jansen", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{PARENT}", "\ud800" * 55])
def test_what_names_no_parent_starts_a_trace(text: str) -> None:
    assert exported({"traceparent": text}, FULL)[CALL].parent is None


def test_the_message_of_an_exception_is_in_no_span() -> None:
    spans = exported({}, CallReport("hook", 500, 0.003), ValueError("of Jansen"))
    assert spans[CALL].status.status_code is StatusCode.ERROR
    assert "Jansen" not in "".join(span.to_json() for span in spans.values())
    assert [span.events for span in spans.values()] == [()] * 4


def test_a_hook_instance_that_is_no_uuid_is_in_no_span() -> None:
    call = exported({}, CallReport("hook", 401, 0.003, hook_instance="Jansen", refused="expired"))[CALL]
    assert attributes(call) == {
        "http.response.status_code": 401,
        "nelm_cds.hook_instance": "not-a-uuid",
        "nelm_cds.refused": "expired",
    }


def test_two_applications_do_not_share_their_spans() -> None:
    assert (len(exported({}, FULL)), len(exported({}, FULL))) == (4, 4)


def test_after_its_end_a_call_goes_on_untraced() -> None:
    exporter = InMemorySpanExporter()

    async def run() -> None:
        async with Tracing.to(exporter) as tracing:
            pass
        with tracing.call(CALL, {}):
            tracing.describe(FULL)

    asyncio.run(run())
    assert exporter.get_finished_spans() == ()


class Hanging(SpanExporter):
    """A collector that takes what it is sent and does not answer until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.ended = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Wait."""
        self.let_go.wait(60)
        self.ended.set()
        return SpanExportResult.SUCCESS


def test_a_collector_that_does_not_answer_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "_AT_MOST_SECONDS", 0.05)
    exporter = Hanging()

    async def run() -> None:
        async with Tracing.to(exporter) as tracing:
            with tracing.span("parse"):
                pass

    asyncio.run(run())
    assert not exporter.ended.is_set()
    exporter.let_go.set()
    assert exporter.ended.wait(60)


def test_traces_without_the_library_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigurationError, match=r"NELM_CDS_OTLP_ENDPOINT: .* nelm-cds\[tracing\]"):
        Tracing("http://127.0.0.1:4318/v1/traces")


@pytest.mark.parametrize(
    ("left_out", "steps"), [([], {"parse", "decide"}), (["imaging"], {"parse", "gather", "decide"})], ids=str
)
def test_the_service_sends_its_spans_to_the_address(left_out: list[str], steps: set[str]) -> None:
    request = story("embolisable").request
    for key in left_out:
        del request["prefetch"][key]
    with collector() as (address, sent), make_client(Settings(otlp_endpoint=address)) as client:
        assert post(client, json.dumps(request).encode()).status_code == 200
    spans = [
        span
        for body in sent
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    call = next(span for span in spans if span.name == "hook")
    assert {span.name for span in spans if span.parent_span_id == call.span_id} == steps
    assert "nelm_cds.state" in {attribute.key for attribute in call.attributes}
