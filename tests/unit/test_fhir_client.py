"""A whole call to a FHIR server: what is asked, and what is made of the answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx

from cds_service.errors import MissingData
from cds_service.gather import PREFETCH_KEYS
from fhir_mappings.answer import Availability
from tests.support.fhir_calls import (
    BASE,
    PATIENT_RESOURCE,
    TOKEN,
    answers,
    except_for,
    fhir,
    request,
    searchset,
    soundly,
)


def paths(played: respx.MockRouter) -> list[str]:
    """What was asked, without parameters."""
    return sorted(c.request.url.path.removeprefix("/fhir") for c in played.calls)


def test_everything_that_is_missing_is_asked_and_nothing_else(played: respx.MockRouter) -> None:
    played.route().mock(side_effect=soundly)
    found = answers()
    assert {answer.availability for answer in found.values()} == {Availability.COMPLETE}
    assert paths(played) == [
        "/Condition", "/DiagnosticReport", "/ImagingStudy", "/MedicationRequest", "/MedicationStatement",
        "/Observation/_search", "/Patient/p1", "/Procedure", "/QuestionnaireResponse",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sent",
    [
        None,
        searchset("Condition"),
        {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "x"}]},
        "text",
        {},
    ],
    ids=["null", "empty", "outcome", "text", "object"],
)
def test_a_key_that_was_sent_is_never_asked_again(played: respx.MockRouter, sent: object) -> None:
    played.route().mock(side_effect=soundly)
    prefetch = dict.fromkeys(PREFETCH_KEYS) | {"patient": PATIENT_RESOURCE, "procedures": sent}
    del prefetch["imaging"]
    found = answers(request(prefetch))
    assert paths(played) == ["/ImagingStudy"]
    assert found["imaging"].availability is Availability.COMPLETE


def test_a_whole_prefetch_asks_nothing(played: respx.MockRouter) -> None:
    answers(request(dict.fromkeys(PREFETCH_KEYS) | {"patient": PATIENT_RESOURCE}))
    assert paths(played) == []


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"fhirServer": None, "fhirAuthorization": None}, "names no fhirServer"),
        ({"fhirServer": "https://elsewhere.example.org/fhir"}, "add it to NELM_CDS_FHIR_SERVERS"),
        ({"fhirServer": f"https://u:{TOKEN}@ehr.example.org/fhir"}, "must not hold a user name"),
    ],
    ids=["none", "not listed", "user name"],
)
def test_a_server_that_is_not_listed_is_never_contacted(
    played: respx.MockRouter, members: dict[str, Any], says: str
) -> None:
    with pytest.raises(MissingData) as refused:
        answers(request(**members))
    assert says in str(refused.value)
    assert "Send the key with its FHIR resource" in str(refused.value)
    assert TOKEN not in str(refused.value)
    assert paths(played) == []


def test_without_a_server_optional_keys_are_absent_and_not_failed(played: respx.MockRouter) -> None:
    """Nobody has tried."""
    prefetch = {"patient": PATIENT_RESOURCE, "conditions": None}
    found = answers(request(prefetch, fhirServer=None, fhirAuthorization=None))
    assert found["imaging"].availability is Availability.ABSENT


def test_without_authorization_no_token_is_sent(played: respx.MockRouter) -> None:
    played.route().mock(side_effect=soundly)
    answers(request(fhirAuthorization=None))
    assert all("authorization" not in c.request.headers for c in played.calls)


def test_in_production_nothing_is_asked_without_a_token(played: respx.MockRouter) -> None:
    with pytest.raises(MissingData) as refused:
        answers(request(fhirAuthorization=None), production=True)
    assert "send fhirAuthorization" in str(refused.value)
    assert paths(played) == []


@pytest.mark.parametrize("odd", ["a,b", "a|b", "a$b", "a\\b", "a&b=c", "ä", "a+b", "%2e"])
def test_an_odd_patient_id_stays_one_value(played: respx.MockRouter, odd: str) -> None:
    played.route().mock(side_effect=soundly)
    with pytest.raises(MissingData):
        answers(request(context={"userId": "Practitioner/1", "patientId": odd}))
    search = next(c.request for c in played.calls if c.request.url.path == "/fhir/Condition")
    escaped = "".join(f"\\{letter}" if letter in "\\,$|" else letter for letter in odd)
    assert search.url.params["patient"] == escaped
    read = next(c.request for c in played.calls if "/Patient/" in c.request.url.path)
    assert read.url.path == f"/fhir/Patient/{odd}"


def test_a_refused_token_ends_everything_that_was_fetched(played: respx.MockRouter) -> None:
    """Which queries came before the refusal is chance."""
    played.route().mock(side_effect=except_for("ImagingStudy", lambda asked: httpx.Response(401)))
    prefetch = {"patient": PATIENT_RESOURCE, "conditions": None}
    found = answers(request(prefetch))
    fetched = set(PREFETCH_KEYS) - prefetch.keys()
    assert {found[key].availability for key in fetched} == {Availability.FAILED}
    assert found["conditions"].availability is Availability.COMPLETE


@pytest.mark.parametrize("status", [403, 404, 410, 500])
def test_any_other_refusal_stays_with_its_type(played: respx.MockRouter, status: int) -> None:
    played.route().mock(side_effect=except_for("ImagingStudy", lambda asked: httpx.Response(status)))
    found = answers()
    assert [key for key in PREFETCH_KEYS if found[key].availability is not Availability.COMPLETE] == ["imaging"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500])
def test_a_patient_that_cannot_be_read_is_412(played: respx.MockRouter, status: int) -> None:
    played.route().mock(side_effect=except_for("Patient", lambda asked: httpx.Response(status)))
    with pytest.raises(MissingData) as refused:
        answers()
    assert "'patient' is not in the request, and the FHIR server " in str(refused.value)


@pytest.mark.parametrize(
    "fault", [httpx.Response(503), httpx.Response(429), httpx.ConnectError("x"), httpx.ReadError("x")]
)
def test_what_passes_is_asked_once_more(played: respx.MockRouter, fault: httpx.Response | Exception) -> None:
    played.get(url__startswith=f"{BASE}/Procedure").mock(side_effect=[fault, fhir(searchset("Procedure", "1"))])
    played.post(f"{BASE}/Observation/_search").mock(side_effect=[fault, fhir(searchset("Observation", "1"))])
    played.route().mock(side_effect=soundly)
    found = answers()
    assert {answer.availability for answer in found.values()} == {Availability.COMPLETE}
    assert paths(played).count("/Procedure") == paths(played).count("/Observation/_search") == 2


@pytest.mark.parametrize(
    "fault", [httpx.Response(500), httpx.Response(404), httpx.Response(503, headers={"Retry-After": "60"})]
)
def test_what_does_not_pass_is_asked_once(played: respx.MockRouter, fault: httpx.Response) -> None:
    played.route().mock(side_effect=except_for("Procedure", lambda asked: fault))
    assert answers()["procedures"].availability is Availability.FAILED
    assert paths(played).count("/Procedure") == 1


def test_a_fault_that_stays_is_not_asked_for_ever(played: respx.MockRouter) -> None:
    played.route().mock(side_effect=except_for("Procedure", lambda asked: httpx.Response(503)))
    assert answers()["procedures"].availability is Availability.FAILED
    assert paths(played).count("/Procedure") == 2


@pytest.mark.parametrize(
    "refusal",
    [
        fhir({"resourceType": "OperationOutcome", "issue": [{"code": "x" * 100_000}]}, 400),
        fhir(b"", 400, **{"Content-Encoding": "br"}),
    ],
    ids=["long", "unknown encoding"],
)
def test_of_a_refusal_that_cannot_be_read_the_status_says_enough(
    played: respx.MockRouter, refusal: httpx.Response
) -> None:
    played.route().mock(side_effect=except_for("Condition", lambda asked: refusal))
    with pytest.raises(MissingData) as refused:
        answers()
    assert "'conditions' is not in the request, and the FHIR server refused the query" in str(refused.value)


def test_an_answer_that_announces_too_much_is_not_begun(played: respx.MockRouter) -> None:
    body = fhir(searchset("Procedure", "1"), 200, **{"Content-Length": "99999999"})
    played.route().mock(side_effect=except_for("Procedure", lambda asked: body))
    assert answers()["procedures"].availability is Availability.FAILED


def test_no_redirect_is_followed(played: respx.MockRouter) -> None:
    moved = httpx.Response(307, headers={"Location": f"{BASE}/Elsewhere"})
    played.route().mock(side_effect=except_for("Procedure", lambda asked: moved))
    assert answers()["procedures"].availability is Availability.FAILED
    assert "/Elsewhere" not in paths(played)
