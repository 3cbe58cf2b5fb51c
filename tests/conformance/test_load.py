"""Many calls, and large ones. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.conformance_call import Caller, calling
from tests.support.conformance_server import serving
from tests.support.stories import story, without_uuids

RESECTABLE = story("resectable")
MEBIBYTE = 1024 * 1024


@pytest.mark.row(115)
def test_fifty_calls_at_once_are_all_answered_alike(default_service: Caller, note: list[str]) -> None:
    """How long they took is told, and judged by nobody: `make bench` is where times are."""

    def call(_: int) -> tuple[float, Any]:
        started = time.perf_counter()
        answer = default_service.cards(RESECTABLE.body)
        return time.perf_counter() - started, answer

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(call, range(50)))
    first = without_uuids(found[0][1])
    assert first["cards"]
    assert all(without_uuids(answer) == first for _, answer in found)
    p95 = statistics.quantiles([seconds for seconds, _ in found], n=20)[-1]
    note.append(f"row 115: fifty calls at once, p95 {p95 * 1000:.0f} ms, with fifty clients on this same machine")


@pytest.mark.row(116)
def test_a_bundle_of_two_thousand_entries_is_answered_in_bounded_memory(tmp_path: Path) -> None:
    request = RESECTABLE.request
    entries = request["prefetch"]["observations"]["entry"]
    pressure = {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}
    entries += [
        {"resource": {"resourceType": "Observation", "id": f"bp-{n}", "status": "final", "code": pressure,
                      "subject": {"reference": "Patient/p-resectable"}, "effectiveDateTime": "2026-01-05"}}
        for n in range(2000 - len(entries))
    ]  # fmt: skip
    with serving(tmp_path) as server, calling(server) as caller:
        plain = caller.cards(RESECTABLE.body)
        before = server.peak_memory
        for _ in range(3):
            assert without_uuids(caller.cards(request)) == without_uuids(plain)
        assert server.peak_memory - before < 64 * MEBIBYTE
