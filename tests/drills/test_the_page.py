"""docs/drills.md tells what docs/drills.json holds, and nothing that must not be was published unseen."""

from __future__ import annotations

from tests.drills import chaos
from tests.drills.page import PAGE, read_figures, with_tables


def test_the_page_tells_the_published_figures() -> None:
    page = PAGE.read_text("utf-8")
    assert page == with_tables(page, read_figures()), "stale: run `make drills`"


def test_the_drills_that_were_published_went_well() -> None:
    figures = read_figures()
    reports = [*figures["chaos"], *figures["clocks"]]
    assert len(reports) == 13
    assert [fault for report in reports for fault in chaos.faults(report)] == []


def test_the_load_that_was_published_is_the_one_that_is_asked_for_and_had_no_error() -> None:
    load = read_figures()["load"]
    assert (load["users"], load["seconds"], load["errors"]) == (50, 120, {})
    assert load["feedback"]["acknowledged"] == load["feedback"]["stored"] > 0
    assert load["shown"]["cards"] == load["shown"]["recorded"] > 0
