"""One chart evaluated for the pages: exactly the hook's answer, and beside it everything that it rests on.

Stateless: nothing is stored, no FHIR server is asked, and nobody signs, since all it tells is of what the browser sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from cds_service.decide import Evaluation, as_json, conclude, inputs_as_json, patient_line
from cds_service.errors import MalformedRequest
from cds_service.guidelines.nelm_2006.advice.phrases import NAMES, WHY
from cds_service.guidelines.nelm_2006.intake import ChartReading, read
from cds_service.guidelines.nelm_2006.intake.account import account
from cds_service.guidelines.nelm_2006.plain_facts import FACTS, BadFactError, read_facts
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from cds_service.guidelines.nelm_2006.recommendations import texts, with_limits
from cds_service.http.answer import evaluate_request, new_uuid
from cds_service.http.wire import HookRequest, parse_request
from cds_service.reasoning.decision import Decision
from cds_service.settings import Settings
from cds_service.web.course import treatments, trends
from cds_service.web.given import Given, NoInputError, encoded, given, read_json
from cds_service.web.words import in_words
from fhir_mappings.dates import parse_date
from fhir_mappings.facts import Fact, Known, Source, Unknown

_LISTS = ("workup", "treatment", "info", "safety", "follow_up")
_MEMBERS = ("input", "as_of", "what_if")
_SCOPE = ("nelm_confirmed", "carcinoid_crisis_now")  # all that is read of a chart that is certainly not ours
# Where a card names the day of a fact, it says of one that is supposed that it is.
_SUPPOSED = Source("what-if", "supposed")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be evaluated: the chart, the date where one is named, and the facts to suppose instead of its own."""

    given: Given
    as_of: str | None
    what_if: Mapping[str, Fact[Any]]


def evaluate_for_the_pages(body: bytes, settings: Settings, now: datetime) -> dict[str, Any]:
    """The answer to `POST /web/evaluate`; raises RequestError wherever the hook does, and for facts that are none."""
    asked = read_asked(body, settings.policy)
    request = parse_request(_encoded(asked))
    # Missing data is a refusal here whatever the setting: the pages show one for what it is.
    evaluation = evaluate_request(request, settings, now)
    if asked.what_if:
        evaluation = _supposing(evaluation, asked.what_if, request.context.patientId, settings.policy)
    return {
        "status": 200,
        "response": evaluation.response(),
        "decision": as_json(evaluation.decision),
        "as_of": _as_of(evaluation, request, asked, settings),
        "patient": patient_line(evaluation.chart.patient),
        "steps": _steps(evaluation.decision),
        "recommendations": _recommendations(evaluation.decision, settings.policy),
        "withheld": _withheld(evaluation.decision, settings.policy),
        "inputs": list(_inputs(evaluation.reading, asked.what_if)),
        "trends": trends(evaluation.chart, evaluation.reading),
        "treatments": treatments(evaluation.chart) if evaluation.reading.read_whole else [],
        "unused": _unused(evaluation, asked.given),
    }


def read_asked(body: bytes, policy: SitePolicy) -> Asked:
    """Read the body; raises MalformedRequest naming line and column, or the member, never its value."""
    text, place = _text(body)
    if text is None:
        raise MalformedRequest(f"The body is not UTF-8 text, at byte {place}.")
    try:
        content = read_json(text)
    except NoInputError as error:
        raise MalformedRequest(f"The body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise MalformedRequest("/: must be an object with the member 'input'")
    if any(name not in _MEMBERS for name in content):
        raise MalformedRequest(f"/: knows the members {', '.join(_MEMBERS)} only")
    as_of = content.get("as_of")
    if as_of is not None and not (isinstance(as_of, str) and parse_date(as_of)):
        raise MalformedRequest("/as_of: must be a FHIR date such as 2026-03-02")
    what_if = _facts(content.get("what_if"), policy)
    try:
        return Asked(given(content.get("input")), as_of, what_if)
    except NoInputError as error:
        raise MalformedRequest(f"/input: {error}") from error


def _text(body: bytes) -> tuple[str | None, int]:
    """The text, or where it ends to be one; the decoder's own error quotes the whole body, and goes no further."""
    try:
        return body.decode("utf-8-sig"), len(body)
    except UnicodeDecodeError as error:
        return None, error.start


def _facts(told: Any, policy: SitePolicy) -> dict[str, Fact[Any]]:
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise MalformedRequest("/what_if: must be an object of plain facts")
    if any(name not in FACTS for name in told):
        # What is no name of ours may be anything, a patient's value too, and this line is logged.
        raise MalformedRequest(f"/what_if/*: no fact of this name; known are {', '.join(FACTS)}")
    try:
        needs = read_facts(told, policy)
    except BadFactError as error:
        raise MalformedRequest(f"/what_if/{error}") from error
    return {name: replace(needs.fact(name), sources=(_SUPPOSED,)) for name in told}


def _encoded(asked: Asked) -> bytes:
    try:
        return encoded(asked.given.request, asked.as_of)
    except NoInputError as error:
        raise MalformedRequest(f"/input: {error}") from error


def _supposing(
    evaluation: Evaluation, what_if: Mapping[str, Fact[Any]], patient_id: str, policy: SitePolicy
) -> Evaluation:
    """The same chart decided on with these facts; all of it is read, since they may bring it into scope."""
    chart, reading = evaluation.chart, evaluation.reading
    if not reading.read_whole:
        chart, reading = read(chart, policy, whole=True)
    changed: dict[str, Any] = dict(what_if)
    reading = replace(reading, needs=replace(reading.needs, **changed))
    return conclude(chart, reading, patient_id=patient_id, new_uuid=new_uuid)


def _as_of(evaluation: Evaluation, request: HookRequest, asked: Asked, settings: Settings) -> dict[str, str]:
    """The day that the chart was evaluated at, and who said so: the page, the chart, the settings or the clock."""
    said = {"page": asked.as_of, "chart": request.as_of(), "settings": settings.as_of}
    return {
        "date": evaluation.chart.as_of.date().isoformat(),
        "from": next((who for who, date in said.items() if date is not None), "clock"),
    }


def _steps(decision: Decision) -> list[dict[str, Any]]:
    return [
        {
            "node": step.node,
            "question": step.question,
            "answer": step.answer,
            "inputs": list(step.inputs),
            "status": step.basis.status.value,
            "rules": list(step.basis.rules),
            "remark": step.basis.remark,
        }
        for step in decision.steps
    ]


def _recommendations(decision: Decision, policy: SitePolicy) -> list[dict[str, str]]:
    return [
        {"code": code, "title": with_limits(texts().of(code).title, policy), "list": name}
        for name in _LISTS
        for code in getattr(decision, name)
    ]


def _withheld(decision: Decision, policy: SitePolicy) -> list[dict[str, str]]:
    return [
        {
            "code": code,
            "title": texts().withheld_names[code],
            "reason": reason,
            "text": texts().reason(f"{code}:{reason}", policy),
        }
        for code, _, reason in (item.partition(":") for item in decision.withhold)
    ]


def _inputs(reading: ChartReading, changed: Mapping[str, Fact[Any]]) -> Iterator[dict[str, Any]]:
    facts = dict(reading.needs.facts())
    plain = inputs_as_json(facts)
    for name in facts if reading.read_whole else _SCOPE:
        fact = facts[name]
        yield {
            "name": name,
            "label": NAMES[name],
            "text": in_words(name, fact) if isinstance(fact, Known) else None,
            "value": plain[name].get("value"),
            "unknown": plain[name].get("unknown"),
            "why": WHY[fact.why] if isinstance(fact, Unknown) else None,
            "sources": [{"reference": s.reference, "date": s.date} for s in fact.sources if s is not _SUPPOSED],
            "note": fact.note,
            "changed": name in changed,
        }


def _unused(evaluation: Evaluation, asked: Given) -> list[dict[str, str]]:
    told = account(evaluation.chart, evaluation.reading, asked.sent)
    return [
        {"reference": item.reference, "why": f"{item.reason}: {item.detail}" if item.detail else item.reason}
        for item in told.not_used
    ]
