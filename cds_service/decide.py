"""From the answers about a chart to the answer of the service: chart, needs, decision, cards. Pure.

The HTTP hook, `nelm-cds replay` and every test come through here; there is no second implementation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from cds_service.cards import make_cards
from cds_service.errors import MissingData, WrongPatient
from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.advice import advise
from cds_service.guidelines.nelm_2006.intake import ChartReading, read
from cds_service.guidelines.nelm_2006.policy import DEFAULT, SitePolicy
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.decision import Decision, decide
from cds_service.reasoning.markdown import inert
from fhir_mappings.answer import Answer
from fhir_mappings.facts import Fact, Interval, Unknown
from fhir_mappings.patient import display_name
from fhir_mappings.select import Chart, PatientMismatchError, build_chart
from fhir_mappings.terminology import Terminology, load_terminology
from fhir_mappings.wire import Resource

# A Condition that exists in the chart under a proper FHIR id; a draft order points at no other.
_CONDITION = re.compile(r"Condition/(?!without-id$)[A-Za-z0-9.-]{1,64}")
DECISION_EXTENSION = "io.github.nelm-cds.decision"


class Evaluation(Struct, frozen=True):
    """A decision with the reading it rests on, and its cards."""

    decision: Decision
    reading: ChartReading
    cards: list[dict[str, Any]]
    chart: Chart

    def response(self, cards: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """The body of a hook's answer, with these cards in place of its own.

        A chart that is not ours answers exactly `{"cards": []}`.
        """
        if not self.cards:
            return {"cards": []}
        return {
            "cards": self.cards if cards is None else cards,
            "extension": {DECISION_EXTENSION: without_empties(as_json(self.decision))},
        }


def evaluate(
    answers: Mapping[str, Answer],
    *,
    patient_id: str,
    fhir_server: str | None,
    as_of: datetime,
    new_uuid: Callable[[], str],
    policy: SitePolicy = DEFAULT,
    terminology: Terminology | None = None,
) -> Evaluation:
    """Evaluate one patient's chart at `as_of`, by the site's policy and terminology.

    Raises WrongPatient if the Patient that was sent is not the patient whose chart is open, MissingData if Conditions
    were sent and none of them is this patient's.
    """
    try:
        chart = build_chart(
            answers,
            patient_id=patient_id,
            fhir_server=fhir_server,
            as_of=as_of,
            terminology=terminology or load_terminology(),
        )
    except PatientMismatchError as error:
        raise WrongPatient(
            "The 'patient' prefetch is not the Patient of context.patientId; no advice is given on it."
        ) from error
    _require_conditions_of_this_patient(answers, chart)
    return conclude(*read(chart, policy), patient_id=patient_id, new_uuid=new_uuid)


def conclude(chart: Chart, reading: ChartReading, *, patient_id: str, new_uuid: Callable[[], str]) -> Evaluation:
    """Decide on what was read of a chart, and say it on cards."""
    decision = decide(NELM_2006, reading.needs)
    sections = advise(decision, reading)
    if not sections:
        return Evaluation(decision, reading, [], chart)
    cards = make_cards(
        sections,
        source={"label": texts().sentences["source_label"], "url": texts().sentences["source_url"]},
        patient_id=patient_id,
        patient_line=patient_line(chart.patient),
        reasons=tuple(s.reference for s in reading.needs.nelm_confirmed.sources if _CONDITION.fullmatch(s.reference)),
        new_uuid=new_uuid,
    )
    return Evaluation(decision, reading, cards, chart)


def _require_conditions_of_this_patient(answers: Mapping[str, Answer], chart: Chart) -> None:
    """Raise MissingData where Conditions came and none of them is known to be this patient's.

    Silence would say that this chart was looked at; what was looked at is somebody else's, or nobody's.
    """
    conditions = answers.get("conditions")
    came = [e.resource for e in conditions.entries if e.resource] if conditions else []
    if any(resource.resourceType != "Patient" for resource in came) and not chart.of_type("Condition"):
        raise MissingData(
            "Required prefetch could not be had: 'conditions' holds no Condition whose subject is this patient. "
            "Send the key with the Conditions of context.patientId."
        )


def patient_line(patient: Resource) -> str:
    """Whose chart a card speaks of: name and date of birth, or the id where there is no name."""
    name = display_name(patient)
    who = inert(name, 30) if name else inert(patient.reference, 30)
    born = f", born {inert(patient.birthDate, 10)}" if patient.birthDate else ""
    return f"Chart of {who}{born}."


def as_json(decision: Decision) -> dict[str, Any]:
    """The decision as plain JSON, every list printed."""
    return {
        "guideline": decision.guideline,
        "edition": decision.edition,
        "state": decision.state,
        "workup": list(decision.workup),
        "treatment": list(decision.treatment),
        "info": list(decision.info),
        "safety": list(decision.safety),
        "follow_up": list(decision.follow_up),
        "withhold": list(decision.withhold),
        "unread": list(decision.unread),
        "path": list(decision.path),
        "inputs": inputs_as_json(decision.inputs),
    }


def inputs_as_json(inputs: Mapping[str, Fact[Any]]) -> dict[str, Any]:
    """The inputs of a decision as plain JSON."""
    return {name: _fact(fact) for name, fact in inputs.items()}


_NUMBERS = int | float  # made once, not for each empty member


def without_empties(value: dict[str, Any]) -> dict[str, Any]:
    """The same without empty or null members, which CDS Hooks forbids on the wire."""
    kept: dict[str, Any] = {}
    for name, member in value.items():
        slim = without_empties(member) if isinstance(member, dict) else member
        if slim or isinstance(slim, _NUMBERS):  # false and zero are values
            kept[name] = slim
    return kept


def _fact(fact: Fact[Any]) -> dict[str, Any]:
    told = {"unknown": fact.why.value} if isinstance(fact, Unknown) else {"value": value_as_json(fact.value)}
    sources = [
        {"reference": s.reference, "date": s.date} if s.date else {"reference": s.reference} for s in fact.sources
    ]
    return {**told, "sources": sources, "note": fact.note}


def value_as_json(value: Any) -> Any:
    """The value of a fact as JSON has it: an interval of one number as the number, else as text; a set as a list."""
    if isinstance(value, Interval):
        if value.low is None or value.low != value.high:
            return value.text()
        return int(value.low) if value.low == value.low.to_integral_value() else float(value.low)
    if isinstance(value, frozenset):
        return sorted(value)
    return value
