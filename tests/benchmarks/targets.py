"""What must be reached, and the lines that say whether it is. Ratios are to the baseline of the same run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.benchmarks.bodies import LARGE, MEDIUM, SMALL, Scenario
from tests.benchmarks.table import Line

_OUT, _IN = False, True
MOST_LATENCY = {
    Scenario(SMALL, _OUT): 2.0,
    Scenario(SMALL, _IN): 10.0,
    Scenario(MEDIUM, _OUT): 0.7,
    Scenario(MEDIUM, _IN): 1.6,
    Scenario(LARGE, _OUT): 0.5,
    Scenario(LARGE, _IN): 0.7,
}
LEAST_THROUGHPUT = {Scenario(MEDIUM, _OUT): 1.3, Scenario(MEDIUM, _IN): 0.7}
MOST_HEALTH_MS = 50
MOST_GROWTH = 0.10
MOST_MEMORY_MB = 150
MOST_START = 3.0


def lines(figures: Mapping[str, Any]) -> list[Line]:
    """Every line of the table."""
    return [
        *_latency(figures["latency"]),
        _untargeted("the baseline and a copy of it", figures["bias"], "baseline", "copy"),
        _untargeted("each called back to back", figures["back_to_back"], "service", "baseline"),
        *_throughput(figures["throughput"]),
        *_health(figures["health"]),
        *_memory(figures["memory"], figures["under_load"]),
        *_start(figures["start"]),
        *(Line(**line) for line in figures["fetching"]),
    ]


def _latency(latency: Mapping[str, Any]) -> Iterator[Line]:
    for scenario, most in MOST_LATENCY.items():
        told = latency[scenario.name]
        ours, base = told["service"], told["baseline"]
        yield Line(
            f"latency, {scenario.name}",
            f"{ours['p50']:.2f} ms (p95 {ours['p95']:.1f}), baseline {base['p50']:.2f} ms: ratio {told['ratio']:.2f}",
            f"ratio at most {most}",
            told["ratio"] <= most,
        )


def _untargeted(what: str, told: Mapping[str, Any], *names: str) -> Line:
    medians = ", ".join(f"{name} {told[name]['p50']:.2f} ms" for name in names)
    return Line(f"latency, {Scenario(SMALL, _OUT).name}: {what}", f"{medians}: ratio {told['ratio']:.2f}")


def _throughput(throughput: Mapping[str, Any]) -> Iterator[Line]:
    for name, told in throughput.items():
        ours, base = told["service"], told["baseline"]
        least = {scenario.name: ratio for scenario, ratio in LEAST_THROUGHPUT.items()}.get(name)
        yield Line(
            f"16 connections, {name}",
            f"{ours['per_second']:,.0f}/s ({ours['cpu_ms']:.2f} ms of CPU), baseline {base['per_second']:,.0f}/s "
            f"({base['cpu_ms']:.2f} ms): ratio {told['ratio']:.2f} (CPU {told['cpu_ratio']:.2f})",
            f"ratio at least {least}" if least else "",
            told["ratio"] >= least if least else None,
        )


def _health(health: Mapping[str, Any]) -> Iterator[Line]:
    ours, base = health["service"], health["baseline"]
    yield Line(
        f"slowest /healthz while a call with {LARGE:,} resources runs (median over calls)",
        f"{ours['slowest']:.1f} ms (worst {ours['worst']:.1f}, alone {ours['alone']:.1f}), "
        f"baseline {base['slowest']:.1f} ms",
        f"under {MOST_HEALTH_MS} ms",
        ours["slowest"] < MOST_HEALTH_MS,
    )


def _memory(memory: Mapping[str, Any], under_load: Mapping[str, Any]) -> Iterator[Line]:
    calls = int(memory["calls"])
    growth = memory["after_all"] / memory["after_a_tenth"] - 1
    yield Line(
        f"memory of a worker after {calls:,} calls, beside after {calls // 10:,}",
        f"{memory['after_all']:.0f} MB, {memory['after_a_tenth']:.0f} MB: {growth:+.1%} (start {memory['start']:.0f})",
        f"at most {MOST_GROWTH:+.0%}",
        growth <= MOST_GROWTH,
    )
    yield Line(
        f"memory of a worker after {calls:,} calls",
        f"{memory['after_all']:.0f} MB (at most {memory['most']:.0f} MB meanwhile)",
        f"under {MOST_MEMORY_MB} MB",
        memory["after_all"] < MOST_MEMORY_MB,
    )
    yield Line(
        f"memory of a worker after 16 calls with {LARGE:,} resources each at the same time",
        f"{under_load['resident']:.0f} MB (at most {under_load['most']:.0f} MB meanwhile)",
    )


def _start(start: Mapping[str, Any]) -> Iterator[Line]:
    yield Line(
        "start to ready and the first answer in scope, beside importing fastapi and one FHIR model",
        f"{start['ready']:.2f} s and {start['first_answer'] * 1e3:.1f} ms, imports {start['imports']:.2f} s: "
        f"ratio {start['ratio']:.2f}",
        f"ratio at most {MOST_START}",
        start["ratio"] <= MOST_START,
    )
    yield Line(
        "the first answer in scope of a process, beside its next ones",
        f"{start['first_answer'] * 1e3:.1f} ms, {start['next_answers'] * 1e3:.1f} ms",
    )
