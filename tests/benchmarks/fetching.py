"""How long a call takes that has its data fetched, and what it takes while a FHIR server is down; `make bench`.

Service and FHIR server are processes of their own on 127.0.0.1. Nothing fails here: a target that is missed is told
as missed. Milliseconds depend on the machine and its load; the ratio hardly does.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.benchmarks.caller import Answer, Caller
from tests.benchmarks.slow_fhir_server import be_silent_on, slow_fhir_server
from tests.benchmarks.table import Line, show
from tests.support.service import JSON, SERVICE, running_service
from tests.support.stories import story, without_uuids

STORY = story("resectable")
ROUNDS, WARM_UP_ROUNDS = 50, 10
AT_ONCE = 200
FAILING_CALLS = 15  # three times as many as open the breaker
EVERYTHING, OBSERVATIONS, SILENT_PATIENT = "/fhir/", "/Observation", "p-silent"


@dataclass
class Report:
    """The lines of the table."""

    lines: list[Line] = field(default_factory=list)

    def line(self, what: str, measured: str, target: str, met: bool) -> None:
        """One line, with its target."""
        self.lines.append(Line(what, measured, target, met))


def main() -> None:
    """Measure and print."""
    load = os.getloadavg()
    lines = measure()
    load_after = os.getloadavg()
    caption = f"{os.cpu_count()} cores; load over the last minute {load[0]:.2f} before, {load_after[0]:.2f} after"
    show("fetching from a FHIR server", lines, caption)


def measure() -> list[Line]:
    """Measure; about a minute, most of it waiting for what never answers."""
    report = Report()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running_service({"NELM_CDS_FHIR_SERVERS": f"http://127.0.0.1:{port}/fhir"}) as service:
        with slow_fhir_server(port, STORY.name) as server:
            calls = Calls(service, server)
            _ratio(report, calls)
            asyncio.run(_what_opens_nothing(report, calls))
        asyncio.run(_port_closed(report, calls, port))
        with slow_fhir_server(port, STORY.name):
            asyncio.run(_silent(report, calls))
    return report.lines


class Calls:
    """The calls that are made: what they ask, and what a right answer to them is."""

    def __init__(self, service: str, server: str) -> None:
        self.service = service
        self.server = server
        self._told: dict[str, Any] = STORY.request | {"fhirServer": f"{server}/fhir"}
        self.bare = self._without(*self._told["prefetch"])
        self._right = without_uuids(httpx.post(service + SERVICE, json=self._told, headers=JSON).json())

    def _without(self, *keys: str, patient: str | None = None) -> bytes:
        prefetch = {key: value for key, value in self._told["prefetch"].items() if key not in keys}
        context = self._told["context"] | ({} if patient is None else {"patientId": patient})
        return json.dumps(self._told | {"prefetch": prefetch, "context": context}).encode()

    def of_patient(self, patient: str) -> bytes:
        """A call that leaves everything to be asked, about someone else."""
        return self._without(*self._told["prefetch"], patient=patient)

    def without_observations(self, patient: str) -> bytes:
        """A call that leaves Observations alone to be asked."""
        return self._without("observations", patient=patient)

    def served(self, status: int, body: bytes) -> bool:
        """Whether these are the cards of the whole chart: a benchmark of the wrong answer would be worthless."""
        return status == 200 and bool(without_uuids(json.loads(body)) == self._right)


def _ratio(report: Report, calls: Calls) -> None:
    """A call without prefetch beside one of its queries: in turn, so that the machine's load is the same for both."""
    whole, one = [], []
    with httpx.Client(trust_env=False, timeout=30) as http:
        query = f"{calls.server}/fhir/Condition?patient={STORY.patient_id}&_count=200"
        for number in range(WARM_UP_ROUNDS + ROUNDS):
            started = time.perf_counter()
            answer = http.post(calls.service + SERVICE, content=calls.bare, headers=JSON)
            between = time.perf_counter()
            http.get(query)
            ended = time.perf_counter()
            if not calls.served(answer.status_code, answer.content):
                raise SystemExit("a call without prefetch: not the answer that was to be measured")
            if number >= WARM_UP_ROUNDS:
                whole.append(between - started)
                one.append(ended - between)
    call, single = statistics.median(whole), statistics.median(one)
    report.line(
        f"every query takes 100 ms: a call without prefetch, beside one query (median of {ROUNDS})",
        f"{call * 1e3:.1f} ms, {single * 1e3:.1f} ms, ratio {call / single:.2f}",
        "ratio at most 1.3",
        call / single <= 1.3,
    )


async def _what_opens_nothing(report: Report, calls: Calls) -> None:
    """One patient, then one type, that the server never answers for; each time the next call must be served."""
    be_silent_on(calls.server, SILENT_PATIENT)
    for _ in range(3):
        failing = await _at_once(calls, [calls.of_patient(SILENT_PATIENT)] * (FAILING_CALLS // 3))
        _must_not_be_served(failing)
    await _report_next(report, calls, f"{FAILING_CALLS} calls in a row fail, all of one patient: the next patient's")
    be_silent_on(calls.server, OBSERVATIONS)
    await _at_once(calls, [calls.without_observations(f"p-{number}") for number in range(FAILING_CALLS)])
    be_silent_on(calls.server, "")
    what = f"{FAILING_CALLS} calls in a row fail, each of another patient, all at Observation: the next call"
    await _report_next(report, calls, what)


def _must_not_be_served(answers: Iterable[Answer]) -> None:
    if any(answer.status != 412 or answer.left_alone for answer in answers):
        raise SystemExit("a patient for whom the server is silent: not the answer that was to be measured")


async def _report_next(report: Report, calls: Calls, what: str) -> None:
    [following] = await _at_once(calls, [calls.bare])
    served = calls.served(following.status, following.body)
    measured = f"{'served in full' if served else 'NOT served'} after {following.seconds * 1e3:.0f} ms"
    report.line(what, measured, "served in full", served)


async def _port_closed(report: Report, calls: Calls, port: int) -> None:
    """The server's process has ended; it comes back just after the breaker has opened."""
    await _open(calls)
    await _under_load(report, calls, "port closed")
    with slow_fhir_server(port, STORY.name):
        seconds = await _until_served(calls, time.perf_counter())
    _report_return(report, "port closed, server back soon after the breaker has opened", seconds)


async def _silent(report: Report, calls: Calls) -> None:
    """The server accepts and never answers; it comes back at the worst moment, just after a probe has gone out."""
    await asyncio.to_thread(be_silent_on, calls.server, EVERYTHING)
    await _open(calls)
    await _under_load(report, calls, "accepts, never answers")
    probe = await _probe(calls)
    await asyncio.to_thread(be_silent_on, calls.server, "")
    seconds = await _until_served(calls, time.perf_counter())
    await probe
    _report_return(report, "accepts, never answers; server back just after a probe has gone out", seconds)


async def _open(calls: Calls) -> None:
    """Fail until the breaker is open."""
    for _ in range(5):
        answers = await _at_once(calls, [calls.of_patient(f"p-{number}") for number in range(5)])
        if all(answer.left_alone for answer in answers):
            return
    raise SystemExit("the breaker did not open")


async def _under_load(report: Report, calls: Calls, case: str) -> None:
    """Calls at once while the breaker is open, and /healthz asked all the while on a connection of its own."""
    callers = [await Caller.to(calls.service) for _ in range(AT_ONCE)]
    watch = await Caller.to(calls.service)
    done = asyncio.Event()

    async def watching() -> list[Answer]:
        seen = [await watch.healthz()]
        while not done.is_set():
            await asyncio.sleep(0.002)
            seen.append(await watch.healthz())
        return seen

    plain = await asyncio.gather(*(caller.healthz() for caller in callers))
    watched = asyncio.create_task(watching())
    answers = await asyncio.gather(*(caller.post(calls.bare) for caller in callers))
    done.set()
    health = await watched
    for caller in [*callers, watch]:
        caller.close()
    if not all(answer.left_alone for answer in answers):
        raise SystemExit("calls while the breaker is open: not the answer that was to be measured")
    p50, p95 = _percentiles(answers)
    report.line(
        f"{case}: {AT_ONCE} calls at the same moment, breaker open; /healthz alone tells the machine's speed",
        f"p50 {p50:.0f} ms, p95 {p95:.0f} ms; /healthz p95 {_percentiles(plain)[1]:.0f} ms",
        "p95 under 100 ms",
        p95 < 100,
    )
    report.line(
        f"{case}: /healthz meanwhile, asked {len(health)} times",
        f"median {_percentiles(health)[0]:.1f} ms, slowest {max(answer.seconds for answer in health) * 1e3:.0f} ms",
        "every answer 200",
        all(answer.status == 200 for answer in health),
    )


def _percentiles(answers: Iterable[Answer]) -> tuple[float, float]:
    """The median and the 95th percentile in milliseconds."""
    milliseconds = [answer.seconds * 1e3 for answer in answers]
    return statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[-1]


async def _probe(calls: Calls) -> asyncio.Task[list[Answer]]:
    """Call until one call hangs: that one was let through to find out whether the server is back."""
    while True:
        call = asyncio.create_task(_at_once(calls, [calls.bare]))
        done, _ = await asyncio.wait({call}, timeout=0.3)
        if not done:
            return call
        await asyncio.sleep(0.05)


async def _until_served(calls: Calls, since: float) -> float:
    """Seconds until the first call that is served in full; one call every 50 ms, for half a minute at most."""
    while time.perf_counter() - since < 30:
        [answer] = await _at_once(calls, [calls.bare])
        if calls.served(answer.status, answer.body):
            return time.perf_counter() - since
        await asyncio.sleep(0.05)
    return float("inf")


def _report_return(report: Report, what: str, seconds: float) -> None:
    report.line(f"{what}: until a call is served again", f"{seconds:.1f} s", "under 10 s", seconds < 10)


async def _at_once(calls: Calls, bodies: list[bytes]) -> list[Answer]:
    callers = [await Caller.to(calls.service) for _ in bodies]
    try:
        return await asyncio.gather(*(caller.post(body) for caller, body in zip(callers, bodies, strict=True)))
    finally:
        for caller in callers:
            caller.close()


if __name__ == "__main__":
    main()
