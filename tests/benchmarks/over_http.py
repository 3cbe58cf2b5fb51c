"""What is measured from outside: latency, throughput, processor time, memory, start-up, and health meanwhile.

The service and the baseline are asked in turn, call by call or round by round, so that the machine's load is the same
for both; back to back, each has a row of calls of its own. Of several rounds the median is told.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.bodies import LARGE, MEDIUM, SCENARIOS, SMALL, Scenario
from tests.benchmarks.caller import Answer, Caller
from tests.benchmarks.processes import Process, service

CONNECTIONS = 16
_IMPORTS = "import fastapi, fhir.resources.R4B.observation"


@dataclass(frozen=True)
class Effort:
    """How much is measured: calls in a row by a chart's size, rounds, seconds of a round, calls while memory is read.

    With fewer calls than a hundred, the 99th percentile is the slowest of them.
    """

    in_a_row: dict[int, int]
    rounds: int
    seconds: float
    remembered_calls: int
    large_calls: int
    starts: int


FULL = Effort({SMALL: 400, MEDIUM: 150, LARGE: 50}, 3, 1.0, 10_000, 20, 3)
QUICK = Effort({SMALL: 100, MEDIUM: 40, LARGE: 10}, 1, 0.5, 1_000, 5, 1)


async def latencies(ours: Process, base: Process, effort: Effort) -> dict[str, Any]:
    """One call after the other, ours and the baseline's in turn, by scenario; milliseconds."""
    return {scenario.name: await _latency(scenario, ours, base, effort) for scenario in SCENARIOS}


async def bias(base: Process, copy: Process, effort: Effort) -> dict[str, Any]:
    """What the same comparison tells of two copies of the baseline: how far a ratio may be the measurement's own."""
    return await _beside(Scenario(SMALL, False), {"baseline": base, "copy": copy}, effort)


async def back_to_back(ours: Process, base: Process, effort: Effort) -> dict[str, Any]:
    """One call right after the other of the same server, a small chart out of scope: nobody else fills the caches."""
    body, calls = Scenario(SMALL, False).body(), effort.in_a_row[SMALL]
    told: dict[str, Any] = {}
    for name, process in (("service", ours), ("baseline", base)):
        caller = await Caller.to(process.address)
        seconds = [(await caller.post(body)).seconds for _ in range(calls + calls // 10)][calls // 10 :]
        caller.close()
        told[name] = _percentiles(seconds)
    return told | {"ratio": round(told["service"]["p50"] / told["baseline"]["p50"], 3)}


async def _latency(scenario: Scenario, ours: Process, base: Process, effort: Effort) -> dict[str, Any]:
    asking = await Caller.to(ours.address)
    _check(scenario, await asking.post(scenario.body()))
    asking.close()
    return await _beside(scenario, {"service": ours, "baseline": base}, effort)


async def _beside(scenario: Scenario, two: Mapping[str, Process], effort: Effort) -> dict[str, Any]:
    """Two servers called in turn; the ratio is the first one's to the second one's."""
    body, calls = scenario.body(), effort.in_a_row[scenario.resources]
    callers = [await Caller.to(process.address) for process in two.values()]
    for _ in range(max(3, calls // 10)):
        for caller in callers:
            await caller.post(body)
    seconds: tuple[list[float], list[float]] = [], []
    for number in range(calls):
        for which in (0, 1) if number % 2 else (1, 0):
            seconds[which].append((await callers[which].post(body)).seconds)
    for caller in callers:
        caller.close()
    one, other = map(_percentiles, seconds)
    told = dict(zip(two, (one, other), strict=True))
    return {"bytes": len(body), "calls": calls, **told, "ratio": round(one["p50"] / other["p50"], 3)}


def _check(scenario: Scenario, answer: Answer) -> None:
    """A benchmark of the wrong answer would be worthless."""
    if answer.status != 200 or bool(json.loads(answer.body)["cards"]) is not scenario.in_scope:
        raise SystemExit(f"{scenario.name}: not the answer that was to be measured")


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {name: round(cuts[percent - 1] * 1e3, 3) for name, percent in (("p50", 50), ("p95", 95), ("p99", 99))}


async def throughputs(ours: Process, base: Process, latency: dict[str, Any], effort: Effort) -> dict[str, Any]:
    """Calls per second at 16 connections, and the processor time that one took, by scenario."""
    found: dict[str, Any] = {}
    for scenario in SCENARIOS:
        rounds: dict[str, list[tuple[float, float]]] = {"service": [], "baseline": []}
        for _ in range(effort.rounds):
            for name, process in (("service", ours), ("baseline", base)):
                calls = max(2 * CONNECTIONS, int(effort.seconds * 1e3 / latency[scenario.name][name]["p50"]))
                rounds[name].append(await _round(process, scenario.body(), calls))
        told = {
            name: {
                "per_second": round(statistics.median(one[0] for one in of), 1),
                "cpu_ms": round(statistics.median(one[1] for one in of) * 1e3, 3),
            }
            for name, of in rounds.items()
        }
        ratios = {key: round(told["service"][key] / told["baseline"][key], 3) for key in ("per_second", "cpu_ms")}
        found[scenario.name] = {**told, "ratio": ratios["per_second"], "cpu_ratio": ratios["cpu_ms"]}
    return found


async def _round(process: Process, body: bytes, calls: int) -> tuple[float, float]:
    """Calls per second, and seconds of the processor per call."""
    cpu, begun = process.cpu_seconds(), time.perf_counter()
    await _all_at_once(process, [body] * calls, CONNECTIONS)
    return calls / (time.perf_counter() - begun), (process.cpu_seconds() - cpu) / calls


async def _all_at_once(process: Process, bodies: Sequence[bytes], connections: int) -> None:
    """Every body once, from so many connections that each wait for their answer."""
    left = iter(bodies)

    async def keep_asking() -> None:
        caller = await Caller.to(process.address)
        for body in left:
            if (await caller.post(body)).status != 200:
                raise SystemExit("not the answer that was to be measured")
        caller.close()

    await asyncio.gather(*(keep_asking() for _ in range(connections)))


async def health_meanwhile(process: Process, effort: Effort) -> dict[str, float]:
    """The slowest answer of /healthz while a call with a large chart runs, over several such calls; milliseconds."""
    body = Scenario(LARGE, True).body()
    busy, watch = await Caller.to(process.address), await Caller.to(process.address)
    alone = [(await watch.healthz()).seconds for _ in range(100)]
    slowest = []
    for _ in range(effort.large_calls):
        call = asyncio.ensure_future(busy.post(body))
        seen = [(await watch.healthz()).seconds]
        while not call.done():
            await asyncio.sleep(0.001)
            seen.append((await watch.healthz()).seconds)
        await call
        slowest.append(max(seen))
    busy.close()
    watch.close()
    figures = {"alone": statistics.median(alone), "slowest": statistics.median(slowest), "worst": max(slowest)}
    return {name: round(seconds * 1e3, 2) for name, seconds in figures.items()}


async def memory(effort: Effort) -> dict[str, float]:
    """MB of a worker of its own: at the start, after a tenth of the calls, after all; each of another patient.

    Of 200 calls one has a large chart and ten have a medium one; a third is in scope.
    """
    calls = effort.remembered_calls
    with service() as process:
        found: dict[str, float] = {"calls": calls, "start": process.resident()}
        for name, first, last in (("after_a_tenth", 0, calls // 10), ("after_all", calls // 10, calls)):
            for number in range(first, last, 100):
                await _all_at_once(process, [_mixed(n) for n in range(number, min(number + 100, last))], 4)
            found[name] = process.resident()
        found["most"] = process.most_resident()
    return {name: round(figure, 1) for name, figure in found.items()}


def _mixed(number: int) -> bytes:
    resources = LARGE if number % 200 == 199 else MEDIUM if number % 20 == 9 else SMALL
    return Scenario(resources, number % 3 == 0).of_another_patient(number)


async def start_up(effort: Effort) -> dict[str, float]:
    """Seconds from the start of a process to ready, and the first answer in scope; beside two imports alone."""
    body = Scenario(SMALL, True).body()
    imports, ready, first, second = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        with service(Path(folder)) as process:
            with_empty_store = process.ready_after
        for _ in range(effort.starts):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
            imports.append(time.perf_counter() - begun)
            with service(Path(folder)) as process:
                ready.append(process.ready_after)
                caller = await Caller.to(process.address)
                first.append((await caller.post(body)).seconds)
                second.append(statistics.median([(await caller.post(body)).seconds for _ in range(20)]))
                caller.close()
    figures = {
        "imports": statistics.median(imports),
        "ready": statistics.median(ready),
        "with_empty_store": with_empty_store,
        "first_answer": statistics.median(first),
        "next_answers": statistics.median(second),
    }
    ratio = (figures["ready"] + figures["first_answer"]) / figures["imports"]
    return {name: round(seconds, 4) for name, seconds in figures.items()} | {"ratio": round(ratio, 2)}
