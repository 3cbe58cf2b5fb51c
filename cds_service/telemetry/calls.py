"""What is told of a call: counted, and written to the log as one line; never a value from a chart."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.telemetry.metrics import Metrics, StoreState

_log = logging.getLogger("nelm_cds.calls")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LENGTH = 36
NOT_A_UUID = "not-a-uuid"


_OUR_FAULT = 500  # until a route answers; where none does, the shell around the routes answers with this


@dataclass(slots=True)
class CallReport:
    """One call: route, HTTP status, seconds, and what was decided; codes and names of ours, no value from a chart.

    Filled while the call is answered.
    `hook_instance` is the caller's text, as it came. `cards` are topic and indicator, `unknown` input and reason,
    `fhir` base, key and outcome of each query; `refused` is why the caller was not believed, `problem` what the answer
    says is wrong: our own words, which hold no value.
    """

    endpoint: str
    status: int = _OUR_FAULT
    seconds: float = 0.0
    client: str = ""
    hook_instance: str = ""
    state: str = ""
    recommendations: tuple[str, ...] = ()
    cards: tuple[tuple[str, str], ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    fhir: tuple[tuple[str, str, str], ...] = ()
    refused: str = ""
    problem: str = ""


class Telemetry:
    """Takes the reports; holds the metrics."""

    def __init__(
        self,
        *,
        store: StoreState | None = None,
        breakers: Callable[[], Mapping[str, bool]] = dict,
        build: Mapping[str, str] | None = None,
    ) -> None:
        self.metrics = Metrics(store, breakers)
        self.metrics.build.info(dict(build or {}))

    def report(self, report: CallReport) -> None:
        """Count a call and log it."""
        self._count(report)
        if _log.isEnabledFor(logging.INFO):
            _log.info("call", extra=_line(report))

    def feedback(self, outcomes: Iterable[str]) -> None:
        """Count feedback that was stored."""
        for outcome in outcomes:
            self.metrics.feedback(outcome).inc()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics in the format that is asked for, and its media type."""
        return self.metrics.exposition(accept)

    def _count(self, report: CallReport) -> None:
        metrics = self.metrics
        metrics.calls(report.endpoint, str(report.status), report.client).inc()
        metrics.seconds(report.endpoint).observe(report.seconds)
        if report.state:
            metrics.decisions(report.state).inc()
        if report.refused:
            metrics.refused(report.refused).inc()
        for code in report.recommendations:
            metrics.recommendations(code).inc()
        for topic, indicator in report.cards:
            metrics.cards(topic, indicator).inc()
        for name, why in report.unknown:
            metrics.unknown(name, why).inc()
        for server, key, outcome in report.fhir:
            metrics.queries(server, key, outcome).inc()


def hook_instance(text: str) -> str:
    """A hookInstance as it may be logged: the caller could have put anything there, so only if it is a UUID."""
    lowered = text.lower() if len(text) == _LENGTH else ""
    return lowered if _UUID.fullmatch(lowered) else NOT_A_UUID


def _line(report: CallReport) -> dict[str, Any]:
    line: dict[str, Any] = {
        "endpoint": report.endpoint,
        "status": report.status,
        "milliseconds": round(report.seconds * 1e3, 2),
    }
    if report.client:
        line["client"] = report.client
    if report.hook_instance:
        line["hook_instance"] = hook_instance(report.hook_instance)
    if report.state:
        line["state"] = report.state
    if report.recommendations:
        line["recommendations"] = list(report.recommendations)
    if report.unknown:
        line["unknown"] = dict(report.unknown)
    if report.fhir:
        line["fhir"] = {key: outcome for _, key, outcome in report.fhir}
    if report.refused:
        line["refused"] = report.refused
    if report.problem:
        line["problem"] = report.problem
    return line
