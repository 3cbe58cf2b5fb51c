"""docs/performance.md tells the figures of docs/performance.json."""

from __future__ import annotations

from tests.benchmarks.capacity import SITES, workers
from tests.benchmarks.page import PAGE, read_figures, with_tables
from tests.benchmarks.targets import lines


def test_the_page_tells_the_published_figures() -> None:
    page = PAGE.read_text("utf-8")
    assert page == with_tables(page, read_figures()), "stale: run `make bench BENCH=--publish`"


def test_the_page_tells_every_target_and_whether_it_is_met() -> None:
    page = PAGE.read_text("utf-8")
    targets = [line for line in lines(read_figures()) if line.target]
    assert len(targets) >= 12
    assert all(f"| {line.what} | {line.measured} | {line.target} | {line.verdict} |" in page for line in targets)


def test_slower_calls_need_more_workers() -> None:
    figures = read_figures()
    slower = {
        name: told | {"service": told["service"] | {"cpu_ms": told["service"]["cpu_ms"] * 10}}
        for name, told in figures["throughput"].items()
    }
    site = SITES[-1]
    assert workers(site, figures | {"throughput": slower}) > workers(site, figures)
