"""From the prefetch to answers: which keys are read, and when a required one is not there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from cds_service.errors import MissingData
from cds_service.fhir_client import Chain, Failure, Fetched, Retrieval
from cds_service.gather import PREFETCH_KEYS, REQUIRED_KEYS, gather, left_to_ask, read_prefetch
from fhir_mappings.answer import Availability

PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1960-01-01"}
EMPTY: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
MORE = EMPTY | {"link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}


def _raw(prefetch: dict[str, Any]) -> dict[str, Raw]:
    return {key: Raw(json.dumps(value).encode()) for key, value in prefetch.items()}


def test_the_required_keys_are_enough() -> None:
    answers = gather(read_prefetch(_raw({"patient": PATIENT, "conditions": EMPTY})))
    assert set(answers) == set(PREFETCH_KEYS)
    assert answers["conditions"].availability is Availability.COMPLETE
    assert {answers[key].availability for key in set(PREFETCH_KEYS) - set(REQUIRED_KEYS)} == {Availability.ABSENT}


@pytest.mark.parametrize(
    ("value", "availability"),
    [
        (None, Availability.COMPLETE),
        (EMPTY, Availability.COMPLETE),
        (MORE, Availability.PARTIAL),
        (OUTCOME, Availability.FAILED),
        ("text", Availability.FAILED),
        ({}, Availability.FAILED),
    ],
    ids=["null", "empty", "first page", "failed", "text", "no resource"],
)
def test_an_optional_key_is_told_apart_and_never_refused(value: object, availability: Availability) -> None:
    answers = gather(read_prefetch(_raw({"patient": PATIENT, "conditions": None, "observations": value})))
    assert answers["observations"].availability is availability


def test_keys_that_nobody_asked_for_are_left_alone() -> None:
    """Not even decoded: another service's prefetch is none of our business."""
    prefetch = _raw({"patient": PATIENT, "conditions": EMPTY}) | {"user": Raw(b"this is not JSON")}
    assert "user" not in gather(read_prefetch(prefetch))


@pytest.mark.parametrize(
    ("prefetch", "named"),
    [
        (None, ["'patient' is not in the request", "'conditions' is not in the request"]),
        ({}, ["'patient' is not in the request", "'conditions' is not in the request"]),
        ({"patient": PATIENT}, ["'conditions' is not in the request"]),
        ({"conditions": EMPTY}, ["'patient' is not in the request"]),
        ({"patient": PATIENT, "conditions": OUTCOME}, ["'conditions' holds an error or no FHIR resource"]),
        ({"patient": PATIENT, "conditions": MORE}, ["'conditions' holds only the first of several pages"]),
        ({"patient": None, "conditions": EMPTY}, ["'patient' holds no Patient"]),
        ({"patient": EMPTY, "conditions": EMPTY}, ["'patient' holds no Patient"]),
    ],
    ids=["no prefetch", "empty", "no conditions", "no patient", "failed", "first page", "null patient", "nobody"],
)
def test_what_is_required_and_not_there_is_named(prefetch: dict[str, Any] | None, named: list[str]) -> None:
    with pytest.raises(MissingData) as refused:
        gather(read_prefetch(None if prefetch is None else _raw(prefetch)))
    message = str(refused.value)
    assert message.startswith(f"Required prefetch could not be had: {'; '.join(named)}. ")
    assert refused.value.status == 412


def test_what_is_left_to_ask_is_what_was_not_sent_and_the_pages_after_a_first_one() -> None:
    prefetch = _raw(dict.fromkeys(PREFETCH_KEYS) | {"patient": PATIENT, "observations": MORE, "procedures": OUTCOME})
    del prefetch["imaging"], prefetch["conditions"]
    left = left_to_ask(prefetch, read_prefetch(prefetch))
    assert set(left) == {"observations", "imaging", "conditions"}
    assert [key for key, first_page in left.items() if first_page] == ["observations"]


def _page(*ids: str, subject: str = "Patient/p1", **more: Any) -> bytes:
    entries = [{"resource": {"resourceType": "Procedure", "id": i, "subject": {"reference": subject}}} for i in ids]
    return json.dumps(EMPTY | {"entry": entries} | more).encode()


ERROR = json.dumps(OUTCOME).encode()
WHOLE = Chain((_page("1"),), ended=True)


@pytest.mark.parametrize(
    ("fetched", "availability", "rows"),
    [
        (Fetched((WHOLE,)), Availability.COMPLETE, 1),
        (Fetched((Chain((_page(),), ended=True),)), Availability.COMPLETE, 0),
        (Fetched((Chain((_page("1"), _page("2")), ended=True),)), Availability.COMPLETE, 2),
        (Fetched((Chain((_page("1", total=2), _page("2")), ended=True),)), Availability.COMPLETE, 2),
        (Fetched((Chain((_page("1", total=3), _page("2")), ended=True),)), Availability.PARTIAL, 2),
        (Fetched((Chain((_page("1", total="many"),), ended=True),)), Availability.COMPLETE, 1),
        (Fetched((Chain((_page("1"),), ended=False),)), Availability.PARTIAL, 1),
        (Fetched((Chain((_page("1"), ERROR), ended=True),)), Availability.PARTIAL, 1),
        (Fetched((Chain((ERROR,), ended=True),)), Availability.FAILED, 0),
        (Fetched((Chain((b"[" * 100_000,), ended=False),)), Availability.FAILED, 0),
        (Fetched((Chain((_page("1", subject="Patient/p2"),), ended=True),)), Availability.PARTIAL, 1),
        (Fetched((WHOLE, Chain((_page("2"),), ended=True))), Availability.COMPLETE, 2),
        (Fetched((WHOLE, Chain((ERROR,), ended=True))), Availability.PARTIAL, 1),
        (Fetched((WHOLE,), whole=False), Availability.PARTIAL, 1),
        (Fetched(failure=Failure.TIMEOUT), Availability.FAILED, 0),
    ],
    ids=[
        "one page", "none there", "two pages", "as many as told", "fewer than told", "total unreadable", "no end",
        "error on page 2", "error", "unreadable", "another patient", "two requests", "one of two failed",
        "less was asked", "nothing came",
    ],
)  # fmt: skip
def test_what_was_fetched_is_told_apart(fetched: Fetched, availability: Availability, rows: int) -> None:
    retrieval = Retrieval({"procedures": fetched}, patient_id="p1", server="https://ehr.example.org/fhir")
    answer = gather(read_prefetch(_raw({"patient": PATIENT, "conditions": None})), retrieval)["procedures"]
    assert (answer.availability, len(answer.entries)) == (availability, rows)


@pytest.mark.parametrize(
    ("key", "failure", "availability"),
    [
        ("questionnaireResponses", Failure.NOT_FOUND, Availability.ABSENT),
        ("questionnaireResponses", Failure.FORBIDDEN, Availability.FAILED),
        ("imaging", Failure.NOT_FOUND, Availability.ABSENT),
        ("imaging", Failure.FORBIDDEN, Availability.FAILED),
        ("procedures", Failure.NOT_FOUND, Availability.FAILED),
    ],
)
def test_a_type_that_few_servers_know_is_not_missed(key: str, failure: Failure, availability: Availability) -> None:
    retrieval = Retrieval({key: Fetched(failure=failure)}, patient_id="p1")
    sent = read_prefetch(_raw({"patient": PATIENT, "conditions": None}))
    assert gather(sent, retrieval)[key].availability is availability


def test_a_first_page_that_was_sent_stays_where_nothing_more_came() -> None:
    prefetch = _raw({"patient": PATIENT, "conditions": None, "procedures": json.loads(_page("1")) | MORE})
    retrieval = Retrieval({"procedures": Fetched(failure=Failure.LEFT_ALONE)}, patient_id="p1")
    assert gather(read_prefetch(prefetch), retrieval)["procedures"].availability is Availability.PARTIAL


def test_why_nothing_was_asked_stands_in_the_412() -> None:
    with pytest.raises(MissingData) as refused:
        gather({}, Retrieval(not_contacted="The server was not contacted: list it."))
    assert str(refused.value).endswith("Send the key with its FHIR resource. The server was not contacted: list it.")
