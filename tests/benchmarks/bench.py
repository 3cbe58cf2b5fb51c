"""How fast the service is, beside a baseline of the same run; `make bench`. One table, and the figures as JSON.

A machine's speed is told by the baseline: the ratio to it can be compared between machines, the milliseconds cannot.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from cds_service import __version__
from tests.benchmarks import fetching
from tests.benchmarks.over_http import (
    FULL,
    QUICK,
    Effort,
    back_to_back,
    bias,
    health_meanwhile,
    latencies,
    memory,
    start_up,
    throughputs,
)
from tests.benchmarks.page import FIGURES, write_page
from tests.benchmarks.processes import baseline, core_for_servers, service
from tests.benchmarks.shares import STEPS, shares
from tests.benchmarks.table import show
from tests.benchmarks.targets import lines

OUT = Path("var") / "benchmarks.json"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute: fewer calls, no FHIR server")
    parser.add_argument("--publish", action="store_true", help="docs/performance.json and the tables of the page too")
    options = parser.parse_args()
    if options.quick and options.publish:
        parser.error("what is published is measured in full")
    figures = measure(QUICK if options.quick else FULL, with_fetching=not options.quick)
    content = json.dumps(figures, indent=2) + "\n"
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(content, "utf-8")
    made = figures["made"]
    load = f"load {made['load_before']} before, {made['load_after']} after"
    show("nelm-cds beside a baseline", lines(figures), f"{made['cores']} cores, Python {made['python']}; {load}")
    _show_shares(figures["shares"])
    if options.publish:
        FIGURES.write_text(content, "utf-8")
        write_page(figures)


def measure(effort: Effort, *, with_fetching: bool) -> dict[str, Any]:
    """Every figure."""
    load_before = os.getloadavg()[0]
    gc.disable()  # the client's own pauses are not the service's
    with core_for_servers() as core, service(core=core) as ours, baseline(core) as base:
        with baseline(core) as copy:
            bias_figures = uvloop.run(bias(base, copy, effort))
        latency = uvloop.run(latencies(ours, base, effort))
        back_to_back_figures = uvloop.run(back_to_back(ours, base, effort))
        throughput = uvloop.run(throughputs(ours, base, latency, effort))
        under_load = {"resident": round(ours.resident(), 1), "most": round(ours.most_resident(), 1)}
        health = {
            name: uvloop.run(health_meanwhile(process, effort))
            for name, process in (("service", ours), ("baseline", base))
        }
    gc.enable()
    return {
        "latency": latency,
        "bias": bias_figures,
        "back_to_back": back_to_back_figures,
        "throughput": throughput,
        "under_load": under_load,
        "health": health,
        "memory": uvloop.run(memory(effort)),
        "start": uvloop.run(start_up(effort)),
        "shares": shares(effort),
        "fetching": [vars(line) for line in fetching.measure()] if with_fetching else [],
        "made": {
            "date": datetime.now(UTC).date().isoformat(),
            "version": __version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "load_before": round(load_before, 1),
            "load_after": round(os.getloadavg()[0], 1),
        },
    }


def _show_shares(figures: dict[str, dict[str, float]]) -> None:
    table = Table(title="milliseconds of an answer by step, in this process and without HTTP")
    table.add_column("chart")
    for step in STEPS:
        table.add_column(step, justify="right")
    for name, steps in figures.items():
        table.add_row(name, *(f"{steps[step]:.2f}" for step in STEPS))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
