"""Every fault of `tests.support.faults` against the hook's own functions, on real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import MissingData
from cds_service.fhir_client import FhirClient, Limits
from cds_service.gather import PREFETCH_KEYS, gather
from cds_service.http.answer import read_call, retrieve_missing
from fhir_mappings.answer import Answer, Availability
from tests.support.fault_server import PATIENT, Act, FaultServer, fault_server
from tests.support.fault_table import page
from tests.support.faults import FAULTS, SECONDS, Fault, late, second_page

ROOT = Path(__file__).parents[2]
# What hangs is cut off soon, yet not before a busy machine has answered what is sound; all else ends by itself.
SHORT = Limits(budget_seconds=3.0, request_seconds=2.0)
LIMITS = Limits(budget_seconds=20.0, request_seconds=20.0, pages=5)

every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


def call(server: FaultServer, limits: Limits = LIMITS, prefetch: Mapping[str, Any] | None = None) -> dict[str, Answer]:
    """One call without prefetch, up to its answers; fails if it does not end."""

    async def called() -> dict[str, Answer]:
        read = read_call(
            json.dumps({
                "hook": "patient-view",
                "hookInstance": "1",
                "fhirServer": server.base,
                "fhirAuthorization": {"access_token": "the-token"},
                "context": {"userId": "Practitioner/1", "patientId": PATIENT},
                "prefetch": prefetch or {},
            }).encode()
        )  # fmt: skip
        async with FhirClient((server.base,), limits=limits) as fhir, asyncio.timeout(SECONDS - 1):
            retrieval = await retrieve_missing(read, fhir)
        return gather(read.sent, retrieval)

    return asyncio.run(called())


def _limits(fault: Fault) -> Limits:
    return SHORT if fault.says == "did not answer in time" else LIMITS


@every_fault
def test_a_fault_on_an_optional_query_stays_with_it(fault: Fault) -> None:
    with fault_server(Procedure=fault.act) as server:
        if fault.others is Availability.FAILED:
            with pytest.raises(MissingData) as refused:
                call(server)
            assert fault.says in str(refused.value)
            return
        answers = call(server, _limits(fault))
    assert answers["procedures"].availability is fault.optional
    assert {answers[key].availability for key in PREFETCH_KEYS if key != "procedures"} == {Availability.COMPLETE}


@every_fault
def test_a_fault_on_a_required_query_is_an_honest_412(fault: Fault) -> None:
    with fault_server(Condition=fault.act) as server:
        if fault.required == 200:
            assert call(server, _limits(fault))["conditions"].availability is Availability.COMPLETE
            return
        with pytest.raises(MissingData) as refused:
            call(server, _limits(fault))
    message = str(refused.value)
    assert refused.value.status == fault.required
    assert "'conditions' is not in the request, and the FHIR server " in message
    assert fault.says in message
    assert "the-token" not in message
    assert PATIENT not in message
    assert server.base not in message


def test_a_patient_who_is_not_there_ends_the_call_without_waiting_for_the_rest() -> None:
    """Everything else would hang for as long as the budget lasts, which is more than the guard allows."""
    hanging = dict.fromkeys(("Condition", "Observation", "Procedure", "ImagingStudy"), late)
    with fault_server(Patient=FAULTS["404"].act, **hanging) as server, pytest.raises(MissingData) as refused:
        call(server, Limits(budget_seconds=SECONDS * 2, request_seconds=SECONDS * 2))
    assert "'patient' is not in the request, and the FHIR server does not have it" in str(refused.value)


def test_everything_hanging_at_once_ends_with_the_budget() -> None:
    types = ("Patient", "Condition", "Observation", "Procedure", "ImagingStudy", "DiagnosticReport")
    with fault_server(**dict.fromkeys(types, late)) as server, pytest.raises(MissingData) as refused:
        call(server, SHORT)
    assert "did not answer in time" in str(refused.value)


@pytest.mark.parametrize("then", [late, FAULTS["drips: a byte now and then"].act], ids=["late", "drips"])
def test_what_was_read_when_the_budget_is_spent_is_part_of_the_answer(then: Act) -> None:
    """The first page has come, the second takes longer than the whole call may."""
    with fault_server(Procedure=second_page(then)) as server:
        found = call(server, Limits(budget_seconds=3.0, request_seconds=SECONDS))["procedures"]
    assert (found.availability, len(found.entries)) == (Availability.PARTIAL, 1)


def test_only_what_was_not_sent_is_asked() -> None:
    with fault_server() as server:
        prefetch = dict.fromkeys(PREFETCH_KEYS) | {"patient": {"resourceType": "Patient", "id": PATIENT}}
        del prefetch["conditions"], prefetch["imaging"]
        call(server, prefetch=prefetch)
    assert sorted(request.resource_type for request in server.requests) == ["Condition", "ImagingStudy"]


def test_every_request_carries_what_servers_need() -> None:
    with fault_server() as server:
        call(server)
    assert len(server.requests) == len(PREFETCH_KEYS)
    for request in server.requests:
        assert request.headers["accept"] == "application/fhir+json"
        assert request.headers["authorization"] == "Bearer the-token"
        assert request.headers["accept-encoding"] == "gzip"
        assert "cookie" not in request.headers


def test_the_token_is_asked_for_no_other_address() -> None:
    """The page on another port is not even looked at."""
    with fault_server() as elsewhere:
        act = FAULTS["`next` on another port"].act
        with fault_server(Procedure=act) as server:
            call(server)
    assert elsewhere.requests == []
    assert len(server.asked("Procedure")) == 1


def test_the_page_about_faults_is_current() -> None:
    assert (ROOT / "docs" / "fhir-server-faults.md").read_text("utf-8") == page(), "stale: run `make docs`"
