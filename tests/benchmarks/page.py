"""The tables of docs/performance.md, written from docs/performance.json: the page tells what was measured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import capacity
from tests.benchmarks.shares import STEPS
from tests.benchmarks.targets import lines

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "performance.json"
PAGE = ROOT / "docs" / "performance.md"
_TABLE = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def read_figures() -> dict[str, Any]:
    """The figures that were published."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text("utf-8"))
    return figures


def write_page(figures: Mapping[str, Any]) -> None:
    """Write every table of the page anew."""
    PAGE.write_text(with_tables(PAGE.read_text("utf-8"), figures), "utf-8")


def with_tables(text: str, figures: Mapping[str, Any]) -> str:
    """The text of the page with each of its tables made from the figures."""
    tables = {
        "made": _made(figures["made"]),
        "targets": _rows(
            ("what", "measured", "target", ""),
            ((line.what, line.measured, line.target, line.verdict) for line in lines(figures)),
        ),
        "latency": _rows(
            ("chart", "kB", "p50 ms", "p95", "p99", "baseline p50 ms", "p95", "p99", "ratio of p50"),
            _latency(figures["latency"]),
        ),
        "throughput": _rows(
            (
                "chart",
                "calls/s",
                "CPU ms",
                "calls/s and core",
                "baseline calls/s",
                "CPU ms",
                "ratio of calls/s",
                "of CPU",
            ),
            _throughput(figures["throughput"]),
        ),
        "shares": _rows(("chart", *STEPS, "sum", "over HTTP"), _shares(figures)),
        "assumptions": _assumptions(figures),
        "capacity": _rows(
            ("who", "busiest second", "workers, a core each", "memory"),
            _capacity(figures),
        ),
    }
    return _TABLE.sub(lambda found: found[1] + tables[found["name"]] + found[3], text)


def _rows(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruler = ["---", *("---:" if heading[0] == "chart" else "---" for _ in heading[1:])]
    return "".join(f"| {' | '.join(row)} |\n" for row in (heading, ruler, *rows))


def _made(made: Mapping[str, Any]) -> str:
    return (
        f"Measured on {made['date']} with version {made['version']}: {made['cores']} cores ({made['machine']}), Python "
        f"{made['python']}, load of the machine {made['load_before']} before and {made['load_after']} after.\n"
    )


def _latency(latency: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, told in latency.items():
        times = [f"{told[who][key]:.2f}" for who in ("service", "baseline") for key in ("p50", "p95", "p99")]
        yield name, f"{told['bytes'] / 1e3:,.0f}", *times, f"{told['ratio']:.2f}"


def _throughput(throughput: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, told in throughput.items():
        ours, base = told["service"], told["baseline"]
        yield (
            name,
            f"{ours['per_second']:,.0f}",
            f"{ours['cpu_ms']:.2f}",
            f"{1e3 / ours['cpu_ms']:,.0f}",
            f"{base['per_second']:,.0f}",
            f"{base['cpu_ms']:.2f}",
            f"{told['ratio']:.2f}",
            f"{told['cpu_ratio']:.2f}",
        )


def _shares(figures: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, steps in figures["shares"].items():
        over_http = figures["latency"][name]["service"]["p50"]
        told = [*(steps[step] for step in STEPS), sum(steps.values()), over_http]
        yield name, *(f"{milliseconds:.2f}" for milliseconds in told)


def _assumptions(figures: Mapping[str, Any]) -> str:
    sizes = ", ".join(f"{share:.0%} about {size:,} resources" for size, share in capacity.SIZES.items())
    bursts = " and ".join(f"{site.burst:g} times its mean in {site.name}" for site in capacity.SITES)
    mean = capacity.cpu_ms(figures)
    said = (
        f"A bed stands for {capacity.OPENINGS_PER_BED} chart openings a weekday, its share of the outpatients included "
        "(0.85 inpatients with 30 openings, 3.6 visits with 4); each opening is one call.",
        f"The busiest hour has {capacity.BUSIEST_HOUR:.0%} of them. Its busiest second has {bursts}.",
        f"Charts: {sizes}; {capacity.IN_SCOPE:.1%} of the calls are in scope. The EHR sends the whole prefetch.",
        f"A core is used to {capacity.UTILISATION:.0%} at most, so that calls hardly wait for each other. There are "
        "two workers at least, and each is given the most memory that one was seen to take.",
        f"So a call takes {mean:.1f} ms of a core, and a core serves {capacity.UTILISATION * 1e3 / mean:.0f} calls a "
        "second.",
    )
    return "".join(f"- {sentence}\n" for sentence in said)


def _capacity(figures: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for site in capacity.SITES:
        needed = capacity.workers(site, figures)
        memory = needed * figures["under_load"]["most"]
        yield site.name, f"{site.per_second:.0f} calls", f"{needed}", f"{memory:,.0f} MB"
