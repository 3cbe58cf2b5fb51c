"""A quantity becomes an interval in the unit that is asked for, exactly; what is not understood stays unknown."""

from __future__ import annotations

import itertools
import time
from decimal import Decimal

import pytest
from pint.errors import PintError
from ucumvert import PintUcumRegistry

from fhir_mappings.facts import Interval, Known, Unknown, WhyUnknown
from fhir_mappings.quantities import RawQuantity, conversion_factor, highest, quantity_in, range_in, written_number
from fhir_mappings.systems import UCUM
from tests.support.charts import said

D = Decimal


def raw(
    value: str | None, unit: str | None = None, *, code: str | None = None, comparator: str | None = None
) -> RawQuantity:
    return RawQuantity(None if value is None else D(value), comparator, unit, UCUM if code else None, code)


@pytest.mark.parametrize(
    ("quantity", "target", "expected", "why"),
    [
        (raw("70", code="mm"), "cm", "7", "70 mm is exactly 7 cm"),
        (raw("41", code="mm"), "cm", "4.1", "and 41 mm exactly 4.1"),
        (raw("4.0", code="cm"), "cm", "4.0", "as it is"),
        (raw("0.04", code="m"), "cm", "4.0", "as UCUM says"),
        (raw("41", "millimetres"), "cm", "4.1", "a written unit of the list"),
        (raw("41", " Millimeters"), "cm", "4.1", "however it is written"),
        (raw("41", "mm", code="mm"), "cm", "4.1", "the code is what counts"),
        (raw("3", "%"), "%", "3", "percent"),
        (raw("3", code="%{positive cells}"), "%", "3", "an annotation carries no meaning"),
        (raw("7", code="{lesions}"), "1", "7", "nothing but an annotation is a count"),
        (raw("2", code="%", comparator="<"), "%", "<2", "comparators stay"),
        (raw("2", code="%", comparator="<="), "%", "≤2", ""),
        (raw("20", code="%", comparator=">"), "%", ">20", ""),
        (raw("20", code="%", comparator=">="), "%", "≥20", ""),
        (raw("-5", code="mm"), "cm", "-0.5", "what cannot be negative is the caller's to know"),
        (raw("41"), "cm", "?unit_not_understood", "no unit, no comparison"),
        (raw("41", "bananas"), "cm", "?unit_not_understood", "no unit at all"),
        (raw("41", code="kg"), "cm", "?unit_not_understood", "another dimension"),
        (raw("0.05", code="1"), "%", "?unit_not_understood", "a bare ratio, where nobody said of what"),
        (raw("2", code="%", comparator="<>"), "%", "?value_not_understood", "a converter's sign"),
        (raw("2", code="%", comparator="ad"), "%", "?value_not_understood", "R5: sufficient to achieve"),
        (raw(None, code="%"), "%", "?malformed", "no value"),
        (raw("1e999999", code="mm"), "cm", "?malformed", "no measurement of ours"),
        (raw("1e-999999", code="mm"), "cm", "?malformed", "nor this"),
        (raw("NaN", code="mm"), "cm", "?malformed", "no number"),
        (raw("Infinity", code="mm"), "cm", "?malformed", "no number either"),
    ],
)
def test_a_quantity_is_converted_exactly_or_not_at_all(
    quantity: RawQuantity, target: str, expected: str, why: str
) -> None:
    assert said(quantity_in(quantity, target)) == expected, why


@pytest.mark.parametrize(
    ("code", "value", "expected"), [("1", "0.05", "5"), ("{ratio}", "0.051", "5.1"), ("%", "5", "5")]
)
def test_a_bare_ratio_is_percent_where_the_caller_says_so(code: str, value: str, expected: str) -> None:
    fact = quantity_in(raw(value, code=code), "%", dimensionless="%")
    assert isinstance(fact, Known)
    assert fact.value == Interval.point(expected)


def test_an_unknown_quantity_is_shown_as_recorded() -> None:
    fact = quantity_in(raw("41", "bananas"), "cm")
    assert isinstance(fact, Unknown)
    assert fact.note == "recorded as 41 bananas"


@pytest.mark.parametrize(
    ("low", "high", "expected", "why"),
    [
        (raw("5", code="%"), raw("10", code="%"), "5-10", "closed"),
        (None, raw("10", code="%"), "≤10", "open below"),
        (raw("5", code="%"), None, "≥5", "open above"),
        (None, None, "?malformed", "no ends"),
        (raw("10", code="%"), raw("5", code="%"), "?malformed", "reversed"),
        (raw("5"), raw("10", code="%"), "?unit_not_understood", "one end without a unit"),
        (raw("5", code="%", comparator="<"), raw("10", code="%"), "?value_not_understood", "an end that is no number"),
    ],
)
def test_a_range_is_an_interval(low: RawQuantity | None, high: RawQuantity | None, expected: str, why: str) -> None:
    assert said(range_in(low, high, "%")) == expected, why


@pytest.mark.parametrize(
    ("text", "expected", "percent", "why"),
    [
        ("4.0", "4.0", None, "a number as text"),
        ("2,5", "2.5", None, "decimal comma"),
        (" <2 % ", "<2", "%", "with sign and blanks"),
        ("≤ 2", "≤2", None, "a typographer's sign"),
        (">= 20%", "≥20", "%", ""),
        ("5-10 %", "5-10", "%", "a range"),
        ("5 – 10", "5-10", None, "with a dash"),
        ("5 to 10", "5-10", None, "in words"),
    ],
)
def test_a_written_number_is_read(text: str, expected: str, percent: str | None, why: str) -> None:
    found = written_number(text)
    assert found is not None
    assert (found[0].text(), found[1]) == (expected, percent), why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("low", "a word"),
        ("about 5", "more than a number"),
        ("10-5", "reversed"),
        ("<5-10", "a sign and a range"),
        ("5 10", "two numbers"),
        ("-5", "no such measurement"),
        ("1e5", "no laboratory writes so"),
        ("9" * 20, "larger than anything measured"),
        ("1-" + "9" * 20, "or its end"),
    ],
)
def test_anything_more_than_a_number_is_not_guessed(text: str, why: str) -> None:
    assert written_number(text) is None, why


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (lambda: written_number(" " * 200_000 + "x"), "blanks that the pattern could split in many ways"),
        (lambda: conversion_factor("{" * 200_000, "cm"), "annotations that never end"),
        (lambda: conversion_factor("10*99999999", "1"), "a power that fills the memory"),
    ],
)
def test_hostile_text_costs_no_time(work: object, why: str) -> None:
    assert callable(work)
    start = time.monotonic()
    assert work() is None
    assert time.monotonic() - start < 1, why


@pytest.mark.parametrize(
    ("intervals", "expected", "why"),
    [
        ([Interval.point(3), Interval.point(8)], "8", "points"),
        ([Interval(None, D(2), high_open=True), Interval.point(8)], "8", "one below"),
        ([Interval(None, D(2), high_open=True)], "<2", "one alone"),
        ([Interval(D(5), D(10)), Interval.point(8)], "8-10", "at least 8, at most 10"),
        ([Interval(D(20), None, low_open=True), Interval.point(30)], "≥30", "no end above"),
        ([Interval(D(20), None, low_open=True), Interval.point(20)], ">20", "more than 20 is more than 20"),
        ([Interval(None, D(5)), Interval(None, D(5), high_open=True)], "≤5", "5 is possible"),
    ],
)
def test_the_highest_of_several_intervals(intervals: list[Interval], expected: str, why: str) -> None:
    assert highest(intervals).text() == expected, why


@pytest.mark.parametrize("number", ["1e1000000", "-1e9999999", "1e13", "1e-13"])
def test_a_number_beyond_any_measurement_is_malformed(number: str) -> None:
    fact = quantity_in(RawQuantity(Decimal(number), unit="%"), "%")
    assert isinstance(fact, Unknown)
    assert fact.why is WhyUnknown.MALFORMED


@pytest.mark.parametrize("unit", ["{percent}", "{%}", "{cells}"])
def test_an_annotation_is_no_ratio(unit: str) -> None:
    assert conversion_factor(unit, "%", "%") is None


def test_units_are_converted_as_the_librarys_own_registry_does() -> None:
    library = PintUcumRegistry()
    units = (
        "mm",
        "[in_i]",
        "%",
        "1",
        "10*9/L",
        "ug/L",
        "nmol/10*9",
        "ng/10*8",
        "umol/(24.h)",
        "mg/dL",
        "m[IU]/L",
    )
    for unit, target in itertools.product(units, units):
        try:
            ours, theirs = library.from_ucum(unit), library.from_ucum(target)
            expected = float(ours.to(theirs.units).magnitude) / float(theirs.magnitude)
        except (PintError, AttributeError):
            expected = None
        factor = conversion_factor(unit, target)
        # A bare ratio is a unit only where the caller says so; a factor below our fractions is none.
        if unit == target or "1" in (unit, target) or (expected is not None and expected < 1e-9):
            continue
        assert (factor is None) == (expected is None), (unit, target)
        assert factor is None or float(factor) == pytest.approx(expected, rel=1e-6), (unit, target)
