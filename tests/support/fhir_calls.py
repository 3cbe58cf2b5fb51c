"""One call to a FHIR server that respx plays, up to its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from cds_service.fhir_client import FhirClient, Limits, Retrieval
from cds_service.gather import gather
from cds_service.http.answer import read_call, retrieve_missing
from fhir_mappings.answer import Answer

BASE = "https://ehr.example.org/fhir"
TOKEN = "s3cret-t0ken"  # noqa: S105 - of a server that is played
PATIENT = "p1"
PATIENT_RESOURCE = {"resourceType": "Patient", "id": PATIENT, "birthDate": "1960-01-01"}
LIMITS = Limits(budget_seconds=5.0, request_seconds=4.0)


def request(prefetch: Mapping[str, Any] | None = None, **members: Any) -> bytes:
    """A hook request with a token for the server; `None` leaves a member out."""
    told = {
        "hook": "patient-view",
        "hookInstance": "1",
        "fhirServer": BASE,
        "fhirAuthorization": {"access_token": TOKEN},
        "context": {"userId": "Practitioner/1", "patientId": PATIENT},
        "prefetch": prefetch,
    } | members
    return json.dumps({name: value for name, value in told.items() if value is not None}).encode()


def client(**options: Any) -> FhirClient:
    """A client that may read from the server."""
    told: dict[str, Any] = {"servers": (BASE,), "limits": LIMITS}
    return FhirClient(**(told | options))


async def retrieved(body: bytes, fhir: FhirClient) -> Retrieval:
    """What one call fetches."""
    call = read_call(body)
    return await retrieve_missing(call, fhir)


def answers(body: bytes | None = None, **options: Any) -> dict[str, Answer]:
    """The answers of one call with a client of its own; raises what `gather` raises."""

    async def call() -> dict[str, Answer]:
        sent = body or request()
        async with client(**options) as fhir:
            return gather(read_call(sent).sent, await retrieved(sent, fhir))

    return asyncio.run(call())


def searchset(resource_type: str, *ids: str, **more: Any) -> dict[str, Any]:
    """A searchset with one plain resource of the patient for each id."""
    entries = [
        {"resource": {"resourceType": resource_type, "id": i, "subject": {"reference": f"Patient/{PATIENT}"}}}
        for i in ids
    ]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries} | more


def fhir(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    """An answer as FHIR JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.Response(status, content=content, headers={"Content-Type": "application/fhir+json"} | headers)


def soundly(asked: httpx.Request) -> httpx.Response:
    """The right answer to whatever is asked: the patient, or one resource of the type."""
    path = asked.url.path.removeprefix("/fhir/")
    if path.startswith("Patient/"):
        return fhir(PATIENT_RESOURCE)
    return fhir(searchset(path.removesuffix("/_search"), "1"))


def except_for(
    resource_type: str, act: Callable[[httpx.Request], httpx.Response]
) -> Callable[[httpx.Request], httpx.Response]:
    """The right answers, but for one type."""

    def answer(asked: httpx.Request) -> httpx.Response:
        of_type = asked.url.path.split("/")[2] == resource_type
        return act(asked) if of_type else soundly(asked)

    return answer
