"""The line on how markers have moved: what it says, whose limit it names, and when it says nothing."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cds_service.guidelines.nelm_2006.intake import read_chart
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from tests.support.answers import Beside, answer_to
from tests.support.charts import NELM, Json
from tests.support.charts import chart as small_chart
from tests.support.facts import chart
from tests.unit.test_marker_trend import CGA_MASS, NEW, OLD, cga, measured, serotonin

BOTH = (cga(4, OLD), cga(10, NEW))


def said(*resources: Json, policy: str = "", **facts: Any) -> str:
    """The cards of a complete chart with the course of these results."""
    set_here = SitePolicy.from_toml(policy)
    trends = read_chart(small_chart(NELM, *resources), set_here).trends
    return answer_to(replace(chart(**facts), policy=set_here), Beside(trends=trends)).text


@pytest.mark.verifies("R7", "R8")
@pytest.mark.parametrize(
    ("resources", "line"),
    [
        (BOTH, "Chromogranin A 10 nmol/L (2026-01-10), rising from 4 nmol/L (2025-06-02)."),
        ((cga(10, OLD), cga(4, NEW)), "Chromogranin A 4 nmol/L (2026-01-10), falling from 10 nmol/L (2025-06-02)."),
        ((cga(4, OLD), cga(4, NEW)), "Chromogranin A 4 nmol/L (2026-01-10), stable since 4 nmol/L (2025-06-02) "
                                     "(within 25 %)."),
        ((cga(4, OLD, "ug/L"), cga(10, NEW)), "Chromogranin A 10 nmol/L (2026-01-10), before 4 ug/L (2025-06-02): "
                                              "not compared (another unit)."),
        ((*BOTH, serotonin(10, OLD), serotonin(20, NEW)), "; Platelet serotonin 20 nmol/10*9"),
        ((cga(4, OLD), cga(10, NEW, status="preliminary")), "Chromogranin A 10 nmol/L (2026-01-10, preliminary)"),
    ],
)  # fmt: skip
def test_the_line(resources: tuple[Json, ...], line: str) -> None:
    assert line.replace("10*9", "10\\*9") in said(*resources)


@pytest.mark.verifies("C30")
def test_a_ceiling_is_called_one_and_not_stable() -> None:
    text = said(serotonin(41, OLD), serotonin(42, NEW))
    assert "at the ceiling of the test, where it follows treatment poorly (C30)." in text
    assert "stable" not in text


def test_the_one_before_is_named_even_where_more_results_lie_between_than_are_kept() -> None:
    between = (measured(CGA_MASS, 100, "ug/L", f"2025-07-{day:02}") for day in range(1, 26))
    assert "Chromogranin A 10 nmol/L (2026-01-10), rising from 4 nmol/L (2025-06-02)." in said(*BOTH, *between)


def test_results_of_one_day_that_differ_are_not_called_earlier_and_later() -> None:
    text = said(cga(4, NEW), cga(10, NEW))
    assert "beside 10 nmol/L (2026-01-10): not compared (results of one day differ)." in text


def test_one_result_has_no_course() -> None:
    assert "Chromogranin A 10" not in said(cga(10, NEW))


def test_a_limit_of_the_site_is_called_one() -> None:
    assert "rising from 4 nmol/L (2025-06-02) (limit of this site)." in said(*BOTH, policy="marker_change_percent = 50")
    stable = said(cga(4, OLD), cga(4, NEW), policy="marker_change_percent = 50")
    assert "(within 50 %, limit of this site)." in stable


@pytest.mark.parametrize("facts", [{"ki67_percent": 60}, {"srs": None}, {}], ids=["refer", "workup", "treat"])
def test_it_stands_on_every_kind_of_answer_and_changes_none(facts: dict[str, Any]) -> None:
    with_course, without = said(*BOTH, **facts), said(**facts)
    assert "rising from" in with_course
    assert len(with_course.splitlines()) == len(without.splitlines()) + 2


def test_what_a_laboratory_writes_is_text() -> None:
    assert "<b>" not in said(cga(4, OLD, "<b>x"), cga(10, NEW, "<b>x"))
