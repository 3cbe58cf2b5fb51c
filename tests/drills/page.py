"""The tables of docs/drills.md, written from docs/drills.json: the page tells what was seen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "drills.json"
PAGE = ROOT / "docs" / "drills.md"
_TABLE = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def read_figures() -> dict[str, Any]:
    """The figures of the drills that were published."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text("utf-8"))
    return figures


def write(figures: Mapping[str, Any]) -> None:
    """Write the figures, and every table of the page anew."""
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    PAGE.write_text(with_tables(PAGE.read_text("utf-8"), figures), "utf-8")


def with_tables(text: str, figures: Mapping[str, Any]) -> str:
    """The text of the page with each of its tables made from the figures."""
    load = figures["load"]
    tables = {
        "made": _made(figures["made"]),
        "load": _load(load),
        "latency": _rows(("call", "kB", "calls", "p50 ms", "p95", "p99", "slowest"), _latency(load["kinds"])),
        "processes": _rows(("process", "of a core", "memory, MB"), _processes(load["processes"])),
        "chaos": _rows(("what broke", "phase", "hook calls", "feedback calls"), _chaos(figures["chaos"])),
        "kept": _rows(
            (
                "what broke",
                "longest pause between advice",
                "feedback sent",
                "acknowledged",
                "stored",
                "acknowledged and lost",
                "cards shown",
                "recorded",
                "counted as dropped",
                "tokens unshared",
            ),
            _kept(figures["chaos"]),
        ),
        "clocks": _rows(
            ("whose clock is wrong", "calls of that side", "calls of others", "refused as", "feedback lost"),
            _clocks(figures["clocks"]),
        ),
    }
    return _TABLE.sub(lambda found: found[1] + tables[found["name"]] + found[3], text)


def _rows(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (heading, ["---"] * len(heading), *rows))


def _made(made: Mapping[str, Any]) -> str:
    return (
        f"Run on {made['date']} with version {made['version']}, on {made['cores']} cores ({made['machine']}) that the "
        f"callers, nginx, PostgreSQL and both instances share; load of the machine {made['load_before']} before. "
        f"Python {made['python']}, {made['nginx']}, PostgreSQL {made['postgresql']}, locust {made['locust']}.\n"
    )


def _load(load: Mapping[str, Any]) -> str:
    errors = sum(load["errors"].values())
    dropped, unshared = (load["counted"][name] for name in ("shown_dropped_total", "tokens_unshared_total"))
    told = (
        f"{load['users']} users for {load['seconds']} seconds: {load['calls']:,} calls, {load['per_second']:.0f} a "
        "second.",
        f"Errors: {errors}" + "".join(f"; {count} × {error}" for error, count in load["errors"].items()) + ".",
        f"Feedback acknowledged {load['feedback']['acknowledged']:,}, of it stored {load['feedback']['stored']:,}.",
        f"Cards shown {load['shown']['cards']:,}, recorded {load['shown']['recorded']:,}; answers dropped "
        f"{dropped:.0f}, tokens unshared {unshared:.0f}.",
    )
    return "".join(f"- {line}\n" for line in told)


def _latency(kinds: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for kind in kinds:
        size = f"{kind['bytes'] / 1e3:,.0f}" if kind["bytes"] else ""
        yield kind["name"], size, f"{kind['calls']:,}", *(f"{kind[key]:.0f}" for key in ("p50", "p95", "p99", "most"))


def _processes(processes: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for one in processes:
        yield one["name"], f"{one['core']:.0%}", f"{one['memory_mb']:.0f}"


def _chaos(drills: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for drill in drills:
        for number, phase in enumerate(drill["phases"]):
            yield "" if number else drill["name"], phase["phase"], _seen(phase["hook"]), _seen(phase["feedback"])


def _kept(drills: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for drill in drills:
        feedback, shown = drill["feedback"], drill["shown"]
        counted = [shown["counted"].get(name) for name in ("shown_dropped_total", "tokens_unshared_total")]
        yield (
            drill["name"],
            f"{drill['longest_pause']:.2f} s",
            *(f"{feedback[key]:,}" for key in ("sent", "acknowledged", "stored", "acknowledged_and_lost")),
            f"{shown['cards']:,}",
            f"{shown['recorded']:,}",
            *("not known" if value is None else f"{value:.0f}" for value in counted),
        )


def _clocks(clocks: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for told in clocks:
        lost = f"{told['feedback']['acknowledged_and_lost']}"
        others = _seen(told["others"]) if told["others"] else ""
        yield told["clock"], _seen(told["its calls"]), others, _seen(told["refused as"]), lost


def _seen(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} × {result}" for result, count in counts.items()) or "none"
