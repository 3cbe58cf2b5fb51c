"""What arrives under a prefetch key, what is asked for instead, and 412. Rows are those of the CDS Hooks checklist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cds_service.decide import DECISION_EXTENSION
from tests.support.conformance_call import Caller, calling
from tests.support.conformance_ehr import TOKEN, Ehr, Ehrs
from tests.support.conformance_server import serving
from tests.support.fault_server import FaultServer, fault_server
from tests.support.faults import dripping, late, status
from tests.support.stories import story, without_uuids

RESECTABLE = story("resectable")
EMPTY: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": 0}
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
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


@pytest.mark.row(25)
@pytest.mark.parametrize("key", ["patient", "conditions"])
def test_a_required_key_that_is_missing_is_412(service: Caller, key: str) -> None:
    assert f"'{key}'" in _refused(service, _without(key))


@pytest.mark.row(26)
def test_a_request_without_prefetch_is_412_and_names_every_required_key(service: Caller) -> None:
    request = RESECTABLE.request
    del request["prefetch"]
    diagnostics = _refused(service, request)
    assert "'patient'" in diagnostics
    assert "'conditions'" in diagnostics


@pytest.mark.row(27, 28)
@pytest.mark.parametrize("empty", [None, EMPTY, EMPTY | {"entry": []}], ids=["null", "no entry", "empty entry"])
@pytest.mark.parametrize("key", ["conditions", *OPTIONAL])
def test_looked_for_and_not_there_is_no_412(service: Caller, key: str, empty: object) -> None:
    """What was looked for and is not there is not unread."""
    answer = service.cards(_with(key, empty))
    assert "unread" not in answer.get("extension", {}).get(DECISION_EXTENSION, {})


@pytest.mark.row(27)
@pytest.mark.parametrize("key", ["conditions", "observations"])
def test_looked_for_and_not_there_is_not_asked_again(service: Caller, ehr: Ehr, key: str) -> None:
    request = ehr.told()
    request["prefetch"][key] = None
    service.cards(request)
    assert ehr.requests == []


@pytest.mark.row(29)
def test_a_failed_required_search_is_412(service: Caller) -> None:
    assert "'conditions'" in _refused(service, _with("conditions", FAILED))


@pytest.mark.row(30)
def test_a_required_key_that_failed_at_the_caller_is_not_asked_again(service: Caller, ehr: Ehr) -> None:
    request = ehr.told()
    request["prefetch"]["conditions"] = FAILED
    _refused(service, request)
    assert ehr.requests == []


@pytest.mark.row(31)
def test_a_warning_that_rides_on_an_empty_search_is_an_empty_search(service: Caller) -> None:
    """One vendor sends it with every empty result."""
    warning = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-found"}]}
    entry = [{"resource": warning, "search": {"mode": "outcome"}}]
    with_warning = service.cards(_with("conditions", EMPTY | {"entry": entry}))
    assert without_uuids(with_warning) == without_uuids(service.cards(_with("conditions", EMPTY)))


@pytest.mark.row(32)
@pytest.mark.parametrize("key", OPTIONAL)
def test_an_optional_key_that_is_missing_degrades_the_answer(service: Caller, key: str) -> None:
    assert service.cards(_without(key))["cards"]


@pytest.mark.row(32)
def test_what_could_not_be_read_is_named_and_not_asked_to_be_repeated(service: Caller) -> None:
    """The observations carry the receptor scan's result and chromogranin A."""
    answer = service.cards(_without("observations"))
    decision = answer["extension"][DECISION_EXTENSION]
    assert "cga" in decision["unread"]
    assert "W-CGA" not in decision.get("workup", [])
    assert "unread" in {card["source"]["topic"]["code"] for card in answer["cards"]}


@pytest.mark.row(33)
@pytest.mark.parametrize(
    ("key", "query"),
    [
        ("conditions", "/Condition?patient={id}&_count=200"),
        ("imaging", "/ImagingStudy?patient={id}&_count=200"),
        ("patient", "/Patient/{id}"),
    ],
)
def test_one_missing_key_makes_exactly_that_query_with_the_token(
    service: Caller, ehr: Ehr, key: str, query: str
) -> None:
    whole = service.cards(ehr.told())
    answer = service.cards(ehr.told(key))
    assert without_uuids(answer) == without_uuids(whole)
    (asked,) = ehr.requests
    assert f"http://{asked.headers['host']}{asked.target}" == ehr.base + query.format(id=ehr.story.patient_id)
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.row(34)
@pytest.mark.parametrize("code", [401, 403, 500])
def test_a_server_that_denies_a_required_query_is_412(service: Caller, ehr: Ehr, code: int) -> None:
    ehr.faults["Condition"] = status(code)
    answer = service.post(ehr.told("conditions"))
    assert answer.status_code == 412
    diagnostics = answer.json()["issue"][0]["diagnostics"]
    assert "'conditions' is not in the request, and the FHIR server " in diagnostics
    assert TOKEN not in answer.text
    assert ehr.base not in answer.text
    assert ehr.requests


@pytest.mark.row(32)
def test_an_optional_query_that_fails_degrades_the_answer(service: Caller, ehr: Ehr) -> None:
    """And the card says what could not be read."""
    ehr.faults["Observation"] = status(500)
    answer = service.cards(ehr.told("observations"))
    assert "cga" in answer["extension"][DECISION_EXTENSION]["unread"]


@pytest.mark.row(35)
def test_a_server_that_is_late_is_412_where_it_is_needed(service: Caller, ehr: Ehr) -> None:
    """The server would answer after half a minute, the caller waits for less."""
    ehr.faults["Condition"] = late
    assert "did not answer in time" in _refused(service, ehr.told("conditions"))


@pytest.mark.row(35)
def test_a_server_that_dribbles_degrades_the_answer_where_it_is_not_needed(service: Caller, ehr: Ehr) -> None:
    ehr.faults["Observation"] = dripping
    assert "cga" in service.cards(ehr.told("observations"))["extension"][DECISION_EXTENSION]["unread"]


@pytest.mark.row(36)
def test_the_next_pages_of_a_prefetch_are_read(service: Caller, ehr: Ehr) -> None:
    whole = service.cards(ehr.told())
    request = ehr.told()
    conditions = request["prefetch"]["conditions"]
    conditions["entry"] = conditions["entry"][:1]
    conditions["link"] = [{"relation": "next", "url": f"{ehr.base}/Condition?page=2"}]
    conditions.pop("total", None)
    assert without_uuids(service.cards(request)) == without_uuids(whole)
    (asked,) = ehr.requests
    assert asked.target.endswith("/Condition?page=2")
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.row(37)
def test_a_foreign_next_page_is_not_read(service: Caller, ehr: Ehr) -> None:
    with fault_server() as elsewhere:
        request = ehr.told()
        request["prefetch"]["conditions"]["link"] = [{"relation": "next", "url": f"{elsewhere.base}/Condition?page=2"}]
        diagnostics = _refused(service, request)
    assert "first of several pages" in diagnostics
    assert elsewhere.base not in diagnostics
    assert elsewhere.requests == []
    assert ehr.requests == []


@pytest.mark.row(38)
@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("key", ["patient", "conditions"])
def test_a_value_of_the_wrong_type_is_412_for_a_required_key(service: Caller, key: str, value: object) -> None:
    assert f"'{key}'" in _refused(service, _with(key, value))


@pytest.mark.row(38)
@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("key", OPTIONAL)
def test_a_value_of_the_wrong_type_is_unread_for_an_optional_key(service: Caller, key: str, value: object) -> None:
    """As a search that failed at the caller is."""
    assert without_uuids(service.cards(_with(key, value))) == without_uuids(service.cards(_with(key, FAILED)))


@pytest.mark.row(39)
def test_another_patients_record_stops_everything(service: Caller) -> None:
    request = RESECTABLE.request
    request["prefetch"]["patient"]["id"] = "somebody-else"
    answer = service.post(request)
    assert answer.status_code == 422
    assert "cards" not in answer.json()
    assert "somebody-else" not in answer.text


@pytest.mark.row(40)
def test_a_token_without_a_server_is_400(service: Caller, ehr: Ehr) -> None:
    request = ehr.told()
    del request["fhirServer"]
    answer = service.post(request)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["diagnostics"].startswith("/fhirServer: ")
    assert TOKEN not in answer.text


@pytest.mark.row(41)
def test_412_says_in_an_operation_outcome_what_to_do(service: Caller) -> None:
    answer = service.post(_without("patient"))
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["code"] == "required"
    assert "Send the key" in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.row(102)
def test_a_server_off_the_list_is_not_contacted(service: Caller, ehr: Ehr) -> None:
    """At a private address, which would be refused even if a name led there."""
    with fault_server() as unlisted:
        request = ehr.told("conditions") | {"fhirServer": unlisted.base}
        diagnostics = _refused(service, request)
    assert "NELM_CDS_FHIR_SERVERS" in diagnostics
    assert unlisted.base not in diagnostics
    assert unlisted.requests == []


@pytest.mark.row(102)
def test_by_default_no_server_is_listed(default_service: Caller) -> None:
    """A loopback address from a sandbox must not make this service call itself either."""
    with fault_server() as server:
        _not_contacted(default_service, server, "conditions", 412)
        _not_contacted(default_service, server, "observations", 200)


def test_the_first_of_several_pages_is_not_the_whole_answer(service: Caller) -> None:
    """Where there is no server to ask for the next."""
    conditions = RESECTABLE.request["prefetch"]["conditions"]
    conditions["link"] = [{"relation": "next", "url": "https://elsewhere.example.org/page2"}]
    diagnostics = _refused(service, _with("conditions", conditions))
    assert "first of several pages" in diagnostics
    assert "elsewhere" not in diagnostics


def test_missing_data_can_be_told_on_a_card(tmp_path: Path, ehr_servers: Ehrs) -> None:
    """For clients that show every error as "all clear" (`NELM_CDS_MISSING_DATA=card`)."""
    ehr = ehr_servers.next()
    ehr.faults["Condition"] = status(500)
    settings = {"NELM_CDS_MISSING_DATA": "card", "NELM_CDS_FHIR_SERVERS": ehr.base}
    with serving(tmp_path, settings) as server, calling(server) as caller:
        for request in (_without("patient"), ehr.told("conditions")):
            (card,) = caller.cards(request)["cards"]
            assert card["source"]["topic"]["code"] == "unread"
            assert card["indicator"] == "warning"
    assert ehr.requests


def _with(key: str, value: object) -> dict[str, Any]:
    request = RESECTABLE.request
    request["prefetch"][key] = value
    return request


def _without(key: str) -> dict[str, Any]:
    request = RESECTABLE.request
    del request["prefetch"][key]
    return request


def _refused(service: Caller, request: dict[str, Any]) -> str:
    answer = service.post(request)
    assert answer.status_code == 412
    assert "cards" not in answer.json()
    return str(answer.json()["issue"][0]["diagnostics"])


def _not_contacted(service: Caller, server: FaultServer, missing: str, code: int) -> None:
    request = _without(missing) | {"fhirServer": server.base, "fhirAuthorization": {"access_token": TOKEN}}
    assert service.post(request).status_code == code
    assert server.requests == []
