"""The service as a process of its own: start-up, large and many calls. Rows are those of the CDS Hooks checklist."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.support.cds_hooks import check
from tests.support.service import JSON, SERVICE, running_service
from tests.support.stories import story, without_uuids

RESECTABLE = story("resectable")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a running service that reads bodies up to 2 MiB."""
    with running_service({"NELM_CDS_MAX_BODY_MB": "2"}) as running:
        yield running


def test_the_running_service_answers_as_the_application_does(address: str) -> None:
    """Rows 1 and 13 through the real server."""
    assert requests.get(f"{address}/cds-services", timeout=10).json()["services"]
    answer = requests.post(address + SERVICE, data=RESECTABLE.body, headers=JSON, timeout=10)
    assert answer.status_code == 200
    check(answer.json(), RESECTABLE.patient_id)


@pytest.mark.parametrize("declared", [True, False], ids=["with its length", "in chunks"])
def test_a_client_that_sends_too_much_still_reads_the_answer(address: str, declared: bool) -> None:
    """Row 52: 413 instead of a connection that breaks."""
    chunks = (b" " * 65536 for _ in range(64))
    answer = requests.post(address + SERVICE, data=b" " * (4 << 20) if declared else chunks, headers=JSON, timeout=10)
    assert answer.status_code == 413
    assert requests.get(f"{address}/healthz", timeout=10).ok


def test_a_body_of_zeros_is_refused(address: str) -> None:
    answer = requests.post(address + SERVICE, data=b"\x00" * 1000, headers=JSON, timeout=10)
    assert answer.status_code == 400


def test_fifty_calls_at_once_are_all_answered_alike(address: str) -> None:
    """Row 115 without its stop-watch, which `make bench` holds."""

    def call(_: int) -> requests.Response:
        return requests.post(address + SERVICE, data=RESECTABLE.body, headers=JSON, timeout=30)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(call, range(50)))
    assert {answer.status_code for answer in answers} == {200}
    first = without_uuids(answers[0].json())
    assert all(without_uuids(answer.json()) == first for answer in answers)
    seen: set[str] = set()
    for answer in answers:
        check(answer.json(), RESECTABLE.patient_id, seen)


def test_a_bundle_of_two_thousand_entries_is_answered(address: str) -> None:
    """Row 116."""
    request = RESECTABLE.request
    entries = request["prefetch"]["observations"]["entry"]
    pressure = {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}
    entries += [
        {"resource": {"resourceType": "Observation", "id": f"bp-{n}", "status": "final", "code": pressure,
                      "subject": {"reference": "Patient/p-resectable"}, "effectiveDateTime": "2026-01-05"}}
        for n in range(2000 - len(entries))
    ]  # fmt: skip
    started = time.monotonic()
    answer = requests.post(address + SERVICE, json=request, timeout=30)
    assert time.monotonic() - started < 5
    assert answer.status_code == 200
    plain = requests.post(address + SERVICE, data=RESECTABLE.body, headers=JSON, timeout=30)
    assert without_uuids(answer.json()) == without_uuids(plain.json())
