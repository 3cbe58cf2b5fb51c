"""What arrives under a prefetch key, and 412. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.decide import DECISION_EXTENSION
from cds_service.settings import Settings
from tests.support.cds_hooks import check
from tests.support.service import TestClient, make_client, post
from tests.support.stories import story

RESECTABLE = story("resectable")
EMPTY: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": 0}
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
SERVER = {"fhirServer": "https://ehr.example.org/fhir", "fhirAuthorization": {"access_token": "secret-token"}}
OPTIONAL = (
    "observations", "imaging", "procedures", "medicationRequests", "medicationStatements", "diagnosticReports",
    "questionnaireResponses",
)  # fmt: skip

MALFORMED = {
    "text": "Patient/1",
    "array": [{"resourceType": "Patient"}],
    "number": 1,
    "wrapper": {"response": {"status": "200"}, "resource": {"resourceType": "Patient"}},
    "object": {},
}


@pytest.mark.parametrize("key", ["patient", "conditions"])
def test_a_required_key_that_is_missing_is_412(client: TestClient, key: str) -> None:
    """Row 25."""
    assert f"'{key}'" in _refused(client, key, drop=True)


def test_a_request_without_prefetch_is_412_and_names_every_required_key(client: TestClient) -> None:
    """Row 26."""
    request = RESECTABLE.request
    del request["prefetch"]
    answer = post(client, request)
    assert answer.status_code == 412
    diagnostics = answer.json()["issue"][0]["diagnostics"]
    assert "'patient'" in diagnostics
    assert "'conditions'" in diagnostics


@pytest.mark.parametrize("empty", [None, EMPTY, EMPTY | {"entry": []}], ids=["null", "no entry", "empty entry"])
@pytest.mark.parametrize("key", ["conditions", *OPTIONAL])
def test_looked_for_and_not_there_is_no_412(client: TestClient, key: str, empty: object) -> None:
    """Rows 27 and 28: what was looked for and is not there is not unread."""
    answer = post(client, _with(key, empty))
    assert answer.status_code == 200
    assert "unread" not in answer.json().get("extension", {}).get(DECISION_EXTENSION, {})


def test_a_failed_required_search_is_412(client: TestClient) -> None:
    """Row 29."""
    assert "'conditions'" in _refused(client, "conditions", FAILED)


def test_a_failed_required_search_is_not_tried_again(client: TestClient) -> None:
    """Row 30."""
    assert post(client, _with("conditions", FAILED) | SERVER).status_code == 412


def test_a_warning_that_rides_on_an_empty_search_is_an_empty_search(client: TestClient) -> None:
    """Row 31: one vendor sends it with every empty result."""
    warning = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-found"}]}
    entry = [{"resource": warning, "search": {"mode": "outcome"}}]
    answer = post(client, _with("conditions", EMPTY | {"entry": entry}))
    assert answer.status_code == 200
    check(answer.json(), RESECTABLE.patient_id)


@pytest.mark.parametrize("key", OPTIONAL)
def test_an_optional_key_that_is_missing_degrades_the_answer(client: TestClient, key: str) -> None:
    """Row 32."""
    request = RESECTABLE.request
    del request["prefetch"][key]
    answer = post(client, request)
    assert answer.status_code == 200
    check(answer.json(), RESECTABLE.patient_id)


def test_what_could_not_be_read_is_named_and_not_asked_to_be_repeated(client: TestClient) -> None:
    """Row 32: the observations carry the receptor scan's result and chromogranin A."""
    request = RESECTABLE.request
    del request["prefetch"]["observations"]
    answer = post(client, request).json()
    decision = answer["extension"][DECISION_EXTENSION]
    assert "cga" in decision["unread"]
    assert "W-CGA" not in decision.get("workup", [])
    assert "unread" in {card["source"]["topic"]["code"] for card in answer["cards"]}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("key", ["patient", "conditions"])
def test_a_value_of_the_wrong_type_is_412_for_a_required_key(client: TestClient, key: str, value: object) -> None:
    """Row 38."""
    assert f"'{key}'" in _refused(client, key, value)


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("key", OPTIONAL)
def test_a_value_of_the_wrong_type_is_unread_for_an_optional_key(client: TestClient, key: str, value: object) -> None:
    """Row 38."""
    answer = post(client, _with(key, value))
    assert answer.status_code == 200
    check(answer.json(), RESECTABLE.patient_id)


def test_another_patients_record_stops_everything(client: TestClient) -> None:
    """Row 39."""
    request = RESECTABLE.request
    request["prefetch"]["patient"]["id"] = "somebody-else"
    answer = post(client, request)
    assert answer.status_code == 422
    assert "cards" not in answer.json()
    assert "somebody-else" not in answer.text


def test_a_token_without_a_server_is_400(client: TestClient) -> None:
    """Row 40."""
    request = RESECTABLE.request | {"fhirAuthorization": SERVER["fhirAuthorization"]}
    del request["fhirServer"]
    answer = post(client, request)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["diagnostics"].startswith("/fhirServer: ")
    assert "secret-token" not in answer.text


def test_412_says_in_an_operation_outcome_what_to_do(client: TestClient) -> None:
    """Row 41."""
    request = RESECTABLE.request
    del request["prefetch"]["patient"]
    answer = post(client, request)
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["code"] == "required"
    assert "Send the key" in answer.json()["issue"][0]["diagnostics"]


def test_the_first_of_several_pages_is_not_the_whole_answer(client: TestClient) -> None:
    """Rows 36 and 37 where there is no server to ask for the next; `test_fhir_server.py` has one."""
    conditions = RESECTABLE.request["prefetch"]["conditions"]
    conditions["link"] = [{"relation": "next", "url": "https://elsewhere.example.org/page2"}]
    diagnostics = _refused(client, "conditions", conditions)
    assert "first of several pages" in diagnostics
    assert "elsewhere" not in diagnostics


def test_missing_data_can_be_told_on_a_card() -> None:
    """For clients that show every error as "all clear" (`NELM_CDS_MISSING_DATA=card`)."""
    request = RESECTABLE.request
    del request["prefetch"]["patient"]
    answer = post(make_client(Settings(missing_data="card")), request)
    assert answer.status_code == 200
    check(answer.json(), RESECTABLE.patient_id)
    (card,) = answer.json()["cards"]
    assert card["source"]["topic"]["code"] == "unread"
    assert card["indicator"] == "warning"


def _with(key: str, value: object) -> dict[str, Any]:
    request = RESECTABLE.request
    request["prefetch"][key] = value
    return request


def _refused(client: TestClient, key: str, value: object = None, *, drop: bool = False) -> str:
    request = _with(key, value)
    if drop:
        del request["prefetch"][key]
    answer = post(client, request)
    assert answer.status_code == 412
    assert "cards" not in answer.json()
    return str(answer.json()["issue"][0]["diagnostics"])
