"""What the prefetch leaves out, from the caller's FHIR server. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cds_service.decide import DECISION_EXTENSION
from cds_service.settings import Settings
from tests.support.cds_hooks import check
from tests.support.fault_server import Act, Connection, FaultServer, Request, fault_server
from tests.support.faults import status
from tests.support.service import TestClient, make_client, post, running_service
from tests.support.stories import resources, story, without_uuids

RESECTABLE = story("resectable")
TOKEN = "the-token-of-this-call"  # noqa: S105 - of a server that is played


async def the_chart(request: Request, connection: Connection) -> None:
    """The story's resources, as a server gives them that knows this patient only."""
    found = [r for r in resources(RESECTABLE.request["prefetch"]) if r["resourceType"] == request.resource_type]
    if request.resource_type == "Patient":
        await connection.answer(found[0])
    else:
        entries = [{"resource": resource} for resource in found]
        await connection.answer({"resourceType": "Bundle", "type": "searchset", "entry": entries})


TYPES = (
    "Patient", "Condition", "Observation", "ImagingStudy", "Procedure", "MedicationRequest", "MedicationStatement",
    "DiagnosticReport", "QuestionnaireResponse",
)  # fmt: skip


@contextmanager
def serving(**faults: Act) -> Iterator[tuple[TestClient, FaultServer]]:
    """The service, allowed to read from a server that holds the story, but for its faults."""
    with fault_server(**(dict.fromkeys(TYPES, the_chart) | faults)) as server:
        settings = Settings(fhir_servers=(server.base,), fhir_budget_seconds=10, fhir_request_seconds=8)
        with make_client(settings) as client:
            yield client, server


def told(server: str, *without: str) -> dict[str, Any]:
    """The story's request with this server, and without these keys."""
    request = RESECTABLE.request | {"fhirServer": server, "fhirAuthorization": {"access_token": TOKEN}}
    request["prefetch"] = {key: value for key, value in request["prefetch"].items() if key not in without}
    return request


def test_a_whole_prefetch_makes_no_call() -> None:
    """Row 17."""
    with serving() as (client, server):
        answer = post(client, told(server.base))
    assert answer.status_code == 200
    assert server.requests == []


@pytest.mark.parametrize("key", ["conditions", "imaging", "patient"])
def test_one_missing_key_makes_exactly_that_query_with_the_token(key: str) -> None:
    """Row 33."""
    with serving() as (client, server):
        whole = post(client, told(server.base))
        answer = post(client, told(server.base, key))
    assert answer.status_code == 200
    assert without_uuids(answer.json()) == without_uuids(whole.json())
    (asked,) = server.requests
    patient = RESECTABLE.patient_id
    targets = {
        "conditions": f"/fhir/Condition?patient={patient}&_count=200",
        "imaging": f"/fhir/ImagingStudy?patient={patient}&_count=200",
        "patient": f"/fhir/Patient/{patient}",
    }
    assert asked.target == targets[key]
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("code", [401, 403, 500])
def test_a_server_that_denies_a_required_query_is_412(code: int) -> None:
    """Row 34."""
    with serving(Condition=status(code)) as (client, server):
        answer = post(client, told(server.base, "conditions"))
    assert answer.status_code == 412
    diagnostics = answer.json()["issue"][0]["diagnostics"]
    assert "'conditions' is not in the request, and the FHIR server " in diagnostics
    assert TOKEN not in answer.text
    assert server.base not in answer.text


def test_an_optional_query_that_fails_degrades_the_answer() -> None:
    """Row 35: and the card says what could not be read."""
    with serving(Observation=status(500)) as (client, server):
        answer = post(client, told(server.base, "observations"))
    assert answer.status_code == 200
    check(answer.json(), RESECTABLE.patient_id)
    assert "cga" in answer.json()["extension"][DECISION_EXTENSION]["unread"]


def test_the_next_pages_of_a_prefetch_are_read() -> None:
    """Row 36."""
    with serving() as (client, server):
        request = told(server.base)
        whole = post(client, request)
        conditions = request["prefetch"]["conditions"]
        conditions["entry"] = conditions["entry"][:1]
        conditions["link"] = [{"relation": "next", "url": f"{server.base}/Condition?page=2"}]
        conditions.pop("total", None)
        answer = post(client, request)
    assert without_uuids(answer.json()) == without_uuids(whole.json())
    assert [asked.target for asked in server.requests] == ["/fhir/Condition?page=2"]


def test_a_foreign_next_page_is_not_read() -> None:
    """Row 37."""
    with fault_server() as elsewhere, serving() as (client, server):
        request = told(server.base)
        request["prefetch"]["conditions"]["link"] = [{"relation": "next", "url": f"{elsewhere.base}/Condition?page=2"}]
        answer = post(client, request)
    assert answer.status_code == 412
    assert "first of several pages" in answer.text
    assert elsewhere.requests == server.requests == []


def test_a_required_key_that_failed_at_the_caller_is_not_asked_again() -> None:
    """Row 30."""
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    with serving() as (client, server):
        request = told(server.base)
        request["prefetch"]["conditions"] = failed
        assert post(client, request).status_code == 412
    assert server.requests == []


def test_a_server_off_the_list_is_not_contacted() -> None:
    """Row 102: at a private address, which would be refused even if a name led there."""
    with fault_server() as unlisted, serving() as (client, _):
        answer = post(client, told(unlisted.base, "conditions"))
    assert answer.status_code == 412
    assert "NELM_CDS_FHIR_SERVERS" in answer.text
    assert unlisted.base not in answer.text
    assert unlisted.requests == []


def test_by_default_no_server_is_listed(client: TestClient) -> None:
    with fault_server() as server:
        assert post(client, told(server.base, "conditions")).status_code == 412
    assert server.requests == []


def test_what_could_not_be_fetched_can_be_told_on_a_card() -> None:
    with fault_server(Condition=status(500)) as server:
        settings = Settings(fhir_servers=(server.base,), missing_data="card")
        with make_client(settings) as client:
            answer = post(client, told(server.base, "conditions"))
    assert answer.status_code == 200
    (card,) = answer.json()["cards"]
    assert card["source"]["topic"]["code"] == "unread"


def test_neither_token_nor_chart_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Row 101, with every logger of the process at DEBUG."""
    with caplog.at_level(logging.DEBUG), serving(Procedure=status(500)) as (client, server):
        post(client, told(server.base, *TYPES, "patient", "conditions", "observations", "procedures"))
    assert server.requests
    assert TOKEN not in caplog.text
    assert RESECTABLE.patient_id not in caplog.text


def test_a_caller_that_hangs_up_ends_the_fetch() -> None:
    """On a running service: its connection to the FHIR server is closed long before the budget is spent."""
    begun, closed = threading.Event(), threading.Event()

    async def until_closed(request: Request, connection: Connection) -> None:
        begun.set()
        await connection.closed()
        closed.set()

    with fault_server(Condition=until_closed) as server:
        settings = {
            "NELM_CDS_FHIR_SERVERS": server.base,
            "NELM_CDS_FHIR_BUDGET_SECONDS": "60",
            "NELM_CDS_FHIR_REQUEST_SECONDS": "60",
        }
        with running_service(settings) as address:
            body = json.dumps(told(server.base, "conditions")).encode()
            host, port = address.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))) as connection:
                head = "POST /cds-services/nelm-patient-view HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                assert begun.wait(20)
            assert closed.wait(20)
