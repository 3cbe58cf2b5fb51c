"""A fact is known or unknown, never a truth value; an interval is written as a clinician writes it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.facts import Interval, Known, Unknown, WhyUnknown


@pytest.mark.parametrize("fact", [Known(True), Known(False), Unknown(WhyUnknown.NOT_RECORDED)])
def test_a_fact_refuses_to_be_used_as_a_truth_value(fact: Known[bool] | Unknown) -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(fact)


D = Decimal


@pytest.mark.parametrize(
    ("interval", "text", "why"),
    [
        (Interval.point(3), "3", "a whole number"),
        (Interval.point("4.0"), "4.0", "the decimal that the record has stays"),
        (Interval.point("4.100"), "4.1", "further zeros say nothing"),
        (Interval.point(D("1E+2")), "100", "no exponent"),
        (Interval.point("0.05"), "0.05", ""),
        (Interval(None, D(2), high_open=True), "<2", "below the limit of detection"),
        (Interval(None, D(2)), "≤2", ""),
        (Interval(D(20), None, low_open=True), ">20", ""),
        (Interval(D(20), None), "≥20", ""),
        (Interval(D(5), D(10)), "5-10", "a range"),
        (Interval(None, None), "any", "nothing is known of the number"),
    ],
)
def test_an_interval_is_written_as_a_clinician_writes_it(interval: Interval, text: str, why: str) -> None:
    assert interval.text() == text, why


def test_an_interval_runs_upwards() -> None:
    with pytest.raises(ValueError, match="lower to its higher"):
        Interval(D(10), D(5))
