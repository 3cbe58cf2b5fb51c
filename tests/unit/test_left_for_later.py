"""Everyday laboratory values are decoded for charts of ours alone; only the cost of an answer differs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cds_service.decide import Evaluation, as_json
from cds_service.guidelines.nelm_2006.intake.account import account
from cds_service.http.answer import evaluate_request, read_call
from cds_service.http.wire import parse_request
from cds_service.settings import Settings
from fhir_mappings import relevance, sifting
from fhir_mappings.select import Chart
from fhir_mappings.sifting import Matters
from fhir_mappings.terminology import load_terminology
from tests.support.evaluating import LONG_AGO
from tests.support.stories import STORIES, Story, without_uuids

SYSTEM = "http://loinc.org"
ALBUMIN, BILIRUBIN, INR, CGA = "1751-7", "1975-2", "6301-6", "9811-1"


def result(story: Story, number: int, code: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"everyday-{number}",
        "status": "final",
        "code": {"coding": [{"system": SYSTEM, "code": code}]},
        "subject": {"reference": f"Patient/{story.request['context']['patientId']}"},
        "effectiveDateTime": "2026-02-20",
        "valueQuantity": {"value": 3.1, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
    } | more


def odd_results(story: Story) -> list[dict[str, Any]]:
    """Values of every kind that a reader sets aside, copies, and ones without an id."""
    nameless = result(story, 0, INR)
    del nameless["id"]
    return [
        result(story, 1, ALBUMIN),
        result(story, 2, BILIRUBIN, subject={"reference": "Patient/somebody-else"}),
        result(story, 3, INR, subject=None),
        result(story, 4, ALBUMIN, modifierExtension=[{"url": "http://example.org/not", "valueBoolean": True}]),
        result(story, 5, BILIRUBIN, valueQuantity={"value": ["not", "a", "number"]}),
        result(story, 6, INR, status="entered-in-error"),
        result(story, 7, ALBUMIN),
        result(
            story, 7, ALBUMIN, meta={"lastUpdated": "2026-02-21T00:00:00Z"}, valueQuantity={"value": 2, "unit": "x"}
        ),
        result(story, 8, ALBUMIN),
        result(story, 8, CGA),
        nameless,
        nameless,
    ]


def body_of(story: Story, *more: dict[str, Any]) -> bytes:
    request = json.loads(story.body)
    observations = request["prefetch"]["observations"]
    if isinstance(observations, dict) and observations.get("resourceType") == "Bundle":
        observations.pop("total", None)
        observations["entry"] = [*observations.get("entry", ()), *({"resource": resource} for resource in more)]
    return json.dumps(request, separators=(",", ":")).encode()  # as EHRs write it


def evaluated(body: bytes) -> Evaluation:
    return evaluate_request(parse_request(body), Settings(), LONG_AGO)


def told(evaluation: Evaluation) -> tuple[Any, ...]:
    ours = account(evaluation.chart, evaluation.reading)
    return (
        as_json(evaluation.decision),
        without_uuids({"cards": evaluation.cards}),
        ours.used,
        sorted(ours.not_used, key=repr),
        ours.silent,
        evaluation.reading.read_whole,
    )


@pytest.mark.parametrize("odd", [False, True], ids=["as it is", "with odd results"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_answer_is_the_one_that_decoding_at_once_gives(
    story: Story, odd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = body_of(story, *(odd_results(story) if odd else ()))
    later = told(evaluated(body))
    monkeypatch.setattr(relevance, "_EVERYDAY", frozenset())
    assert later == told(evaluated(body))


ODD_ENTRIES: dict[str, dict[str, Any]] = {
    "an address that is a number": {"fullUrl": 7},
    "a search that is a text": {"search": "match"},
    "a mode that is a number": {"search": {"mode": 5}},
    "a response that is a text": {"response": "200"},
    "a response": {"response": {"status": "200"}},
    "a failed response": {"response": {"status": "404"}},
}


@pytest.mark.parametrize("odd", ODD_ENTRIES.values(), ids=ODD_ENTRIES)
@pytest.mark.parametrize("name", ["resectable", "embolisable", "out-of-scope-diabetic"])
def test_an_odd_entry_loses_no_result(name: str, odd: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the assessments come as answers to a form, the Bundle of results holds everyday values alone."""
    story = next(one for one in STORIES if one.name == name)
    request = story.request
    everyday = [result(story, 1, ALBUMIN), result(story, 2, BILIRUBIN), result(story, 3, "2823-3")]
    entries = [{"resource": resource} for resource in everyday]
    request["prefetch"]["observations"] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [entries[0] | odd, *entries[1:]],
    }
    body = json.dumps(request, separators=(",", ":")).encode()
    later = told(evaluated(body))
    monkeypatch.setattr(relevance, "_EVERYDAY", frozenset())
    monkeypatch.setattr(sifting, "glance_at", lambda _: None)
    assert later == told(evaluated(body))


@pytest.mark.parametrize("unreadable", ["1e400", "9" * 5000, '"\xff"', "[]"])
@pytest.mark.parametrize("name", ["resectable", "out-of-scope-diabetic"])
def test_a_result_whose_id_cannot_be_read_is_told_as_unread(
    unreadable: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = next(one for one in STORIES if one.name == name)
    body = body_of(story, result(story, 1, ALBUMIN)).replace(b'"everyday-1"', unreadable.encode("latin-1"))
    later = told(evaluated(body))
    monkeypatch.setattr(relevance, "_EVERYDAY", frozenset())
    monkeypatch.setattr(sifting, "glance_at", lambda _: None)
    assert later == told(evaluated(body))


def left_for_later(chart: Chart) -> int:
    return 0 if chart.later_decoded else sum(left.count_later for left in chart.undecoded)


def test_a_chart_that_is_not_ours_leaves_them_undecoded() -> None:
    (story,) = (one for one in STORIES if one.name == "out-of-scope-diabetic")
    evaluation = evaluated(body_of(story, *odd_results(story)))
    assert evaluation.cards == []
    assert left_for_later(evaluation.chart) >= len(odd_results(story)) - 1
    assert not any(resource.id == "everyday-1" for resource in evaluation.chart.of_type("Observation"))


def test_the_prefetch_of_a_chart_of_ours_is_decoded_in_the_end() -> None:
    (story,) = (one for one in STORIES if one.name == "resectable")
    call = read_call(body_of(story, result(story, 1, ALBUMIN)))
    assert call.sent["observations"].undecoded.count_later >= 1
    evaluation = evaluated(body_of(story, result(story, 1, ALBUMIN)))
    assert evaluation.chart.later_decoded
    assert any(resource.id == "everyday-1" for resource in evaluation.chart.of_type("Observation"))


@pytest.mark.parametrize(
    ("system", "code", "matters"),
    [
        (SYSTEM, CGA, Matters.AT_ONCE),
        (SYSTEM, ALBUMIN, Matters.IF_OURS),
        (SYSTEM, "2823-3", Matters.NEVER),
        ("https://nelm-cds.github.io/fhir/CodeSystem/nelm-assessment", "anything", Matters.AT_ONCE),
        (None, None, Matters.NEVER),
    ],
)
def test_when_a_code_matters(system: str | None, code: str | None, matters: Matters) -> None:
    assert relevance.judge_by(load_terminology())(system, code) is matters
