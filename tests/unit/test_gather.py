"""From the prefetch to answers: which keys are read, and when a required one is not there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from cds_service.errors import MissingData
from cds_service.gather import PREFETCH_KEYS, REQUIRED_KEYS, gather
from fhir_mappings.select import Availability

PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1960-01-01"}
EMPTY: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
MORE = EMPTY | {"link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}


def _raw(prefetch: dict[str, Any]) -> dict[str, Raw]:
    return {key: Raw(json.dumps(value).encode()) for key, value in prefetch.items()}


def test_the_required_keys_are_enough() -> None:
    answers = gather(_raw({"patient": PATIENT, "conditions": EMPTY}))
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
    answers = gather(_raw({"patient": PATIENT, "conditions": None, "observations": value}))
    assert answers["observations"].availability is availability


def test_keys_that_nobody_asked_for_are_left_alone() -> None:
    """Not even decoded: another service's prefetch is none of our business."""
    prefetch = _raw({"patient": PATIENT, "conditions": EMPTY}) | {"user": Raw(b"this is not JSON")}
    assert "user" not in gather(prefetch)


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
        gather(None if prefetch is None else _raw(prefetch))
    message = str(refused.value)
    assert message.startswith(f"Required prefetch could not be had: {'; '.join(named)}. ")
    assert refused.value.status == 412
