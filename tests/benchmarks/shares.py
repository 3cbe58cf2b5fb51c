"""Where the time of an answer goes, step by step, in this process and without HTTP."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import orjson

from cds_service.decide import conclude
from cds_service.gather import gather, left_to_ask, read_prefetch
from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.intake import read_chart
from cds_service.http.answer import Answered, new_uuid
from cds_service.http.recording import as_shown
from cds_service.http.warm_up import warm_up
from cds_service.http.wire import HookRequest, parse_with_glance
from cds_service.reasoning.decision import decide
from fhir_mappings.answer import Answer
from fhir_mappings.select import build_chart
from fhir_mappings.sifting import Glance
from fhir_mappings.terminology import load_terminology
from tests.benchmarks.bodies import SCENARIOS, Scenario
from tests.benchmarks.over_http import Effort

T = TypeVar("T")

NOW = datetime(2026, 3, 2, tzinfo=UTC)
STEPS = ("parse", "decode", "select", "read", "decide", "cards", "encode", "keep")
_KEY = bytes(32)


def shares(effort: Effort) -> dict[str, dict[str, float]]:
    """Milliseconds of each step, by scenario: the median of as many calls as are made one after the other."""
    warm_up()
    gc.collect()
    gc.freeze()
    try:
        return {scenario.name: _of(scenario, effort.in_a_row[scenario.resources]) for scenario in SCENARIOS}
    finally:
        gc.unfreeze()


def _of(scenario: Scenario, rounds: int) -> dict[str, float]:
    body = scenario.body()
    times: dict[str, list[float]] = {step: [] for step in STEPS}
    for _ in range(rounds):
        for step, seconds in _once(body).items():
            times[step].append(seconds)
    return {step: round(statistics.median(seconds) * 1e3, 3) for step, seconds in times.items()}


def _once(body: bytes) -> dict[str, float]:
    """Seconds of each step of one answer."""
    took: dict[str, float] = {}

    def timed(step: str, work: Callable[[], T]) -> T:
        begun = time.perf_counter()
        result = work()
        took[step] = time.perf_counter() - begun
        return result

    request, glance = timed("parse", lambda: parse_with_glance(body))
    patient_id, server = request.context.patientId, request.fhirServer
    terminology = load_terminology()
    answers = timed("decode", lambda: _gathered(request, glance))
    chart = timed(
        "select",
        lambda: build_chart(answers, patient_id=patient_id, fhir_server=server, as_of=NOW, terminology=terminology),
    )
    reading = timed("read", lambda: read_chart(chart))
    timed("decide", lambda: decide(NELM_2006, reading.needs))
    evaluation = timed("cards", lambda: conclude(chart, reading, patient_id=patient_id, new_uuid=new_uuid))
    took["cards"] = max(took["cards"] - took["decide"], 0.0)  # concluding is deciding and making cards
    answered = Answered(evaluation.cards, evaluation)
    timed("encode", lambda: orjson.dumps(answered.body()))
    timed("keep", lambda: as_shown(answered, request, key=_KEY, client="", at=NOW))
    return took


def _gathered(request: HookRequest, glance: Glance | None) -> dict[str, Answer]:
    """What the prefetch holds, and whether anything is left to be asked: nothing is."""
    sent = read_prefetch(request.prefetch, glance=glance)
    if left_to_ask(request.prefetch, sent):
        raise ValueError("the charts that are measured are whole")
    return gather(sent)
