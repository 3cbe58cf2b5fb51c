"""A FHIR date is as wide as it is written; what is no date is none, and never raises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fhir_mappings.dates import DateInterval, parse_date, period

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def date(text: str) -> DateInterval:
    found = parse_date(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "first", "last", "why"),
    [
        ("2026", "2026-01-01T00:00", "2026-12-31T23:59", "a year is all of it"),
        ("2026-02", "2026-02-01T00:00", "2026-02-28T23:59", "a month ends where it ends"),
        ("2024-02", "2024-02-01T00:00", "2024-02-29T23:59", "in a leap year too"),
        ("2026-03-02", "2026-03-02T00:00", "2026-03-02T23:59", "a day"),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00", "2026-03-02T10:00", "an instant"),
        ("2026-03-02T10:00:00.123456789Z", "2026-03-02T10:00", "2026-03-02T10:00", "more digits than Python keeps"),
        ("2026-03-02T10:00:00+02:00", "2026-03-02T08:00", "2026-03-02T08:00", "the offset is honoured"),
        ("2026-03-02T23:30:00-05:00", "2026-03-03T04:30", "2026-03-03T04:30", "over midnight"),
        ("2026-03-02T10:00:00", "2026-03-01T20:00", "2026-03-03T00:00", "without offset: any offset in use"),
        ("2026-03-02T10:00", "2026-03-01T20:00", "2026-03-03T00:00", "without seconds"),
    ],
)
def test_a_date_is_the_interval_that_it_can_mean(text: str, first: str, last: str, why: str) -> None:
    found = date(text)
    assert (found.first.isoformat()[:16], found.last.isoformat()[:16]) == (first, last), why
    assert found.day == text[:10]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "not there"),
        ("", "empty"),
        ("2026-02-30", "no such day"),
        ("2025-02-29", "no leap year"),
        ("2026-13", "no such month"),
        ("0000", "no such year"),
        ("2026-3-2", "not padded"),
        ("20260302", "without hyphens"),
        ("20260302T101010Z", "a form of ISO 8601 that FHIR does not have"),
        ("2026-W10T10:00:00Z", "a week"),
        ("02.03.2026", "as written by hand"),
        ("2026-03-02T25:00:00Z", "no such hour"),
        ("2026-03-02T", "cut off"),
        ("0001-01-01T00:00:00", "widened out of the calendar"),
        ("0001-01-01T00:00:00+14:00", "moved out of the calendar"),
        ("yesterday", "a word"),
    ],
)
def test_what_is_no_date_is_none(text: str | None, why: str) -> None:
    assert parse_date(text) is None, why


@pytest.mark.parametrize(
    ("start", "end", "first", "last", "why"),
    [
        ("2026-01-01", "2026-01-03", "2026-01-01", "2026-01-03", "closed"),
        ("2026-01-01", None, "2026-01-01", "2026-01-01", "an open end is the start"),
        (None, "2026-01-03", "2026-01-03", "2026-01-03", "an open start is the end"),
        ("soon", "2026-01-03", "2026-01-03", "2026-01-03", "an unreadable end counts as open"),
    ],
)
def test_a_period_is_what_it_spans(start: str | None, end: str | None, first: str, last: str, why: str) -> None:
    found = period(start, end)
    assert found is not None
    assert (str(found.first.date()), str(found.last.date())) == (first, last), why


@pytest.mark.parametrize(("start", "end"), [(None, None), ("2026-02-01", "2026-01-01")])
def test_a_period_without_ends_or_with_its_ends_reversed_is_none(start: str | None, end: str | None) -> None:
    assert period(start, end) is None


@pytest.mark.parametrize(
    ("earlier", "later", "expected", "why"),
    [
        ("2026-03-01", "2026-03-02", True, "days"),
        ("2026-03-02", "2026-03-02", False, "the same day has no order"),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:01Z", True, "instants"),
        ("2026-03-02T10:00:00+02:00", "2026-03-02T09:00:00Z", True, "instants in two zones"),
        ("2026", "2026-03-02", False, "a year that holds the day"),
        ("2025", "2026-03-02", True, "the year before"),
        ("2026-03-02", "2026-03-02T23:30:00-05:00", False, "the same day where it was written, the next in UTC"),
        ("2026-03-02T23:30:00-05:00", "2026-03-03", True, "the next day where it was written, the same in UTC"),
        ("2026-03-02T23:00:00", "2026-03-03", True, "without offset the written day still counts"),
        ("2026-03-02T10:00:00", "2026-03-02T12:00:00Z", False, "without offset no order within a day"),
    ],
)
def test_order_is_certain_or_not_claimed(earlier: str, later: str, expected: bool, why: str) -> None:
    assert date(earlier).certainly_before(date(later)) is expected, why
    assert not date(later).certainly_before(date(earlier))


@pytest.mark.parametrize(
    ("text", "expected", "why"),
    [
        ("2026-03-02T12:00:00Z", False, "now"),
        ("2026-03-02T12:00:01Z", True, "a second later"),
        ("2026-03-02T11:00:00-05:00", True, "later by its offset"),
        ("2026-03-02", False, "today"),
        ("2026-03-03", False, "tomorrow has begun in the far east"),
        ("2026-03-04", True, "the day after has begun nowhere"),
        ("2026", False, "a year that has begun"),
        ("2027", True, "next year"),
        ("2026-03-02T20:00:00", False, "without offset it may be past"),
    ],
)
def test_the_future_begins_where_no_zone_has_arrived(text: str, expected: bool, why: str) -> None:
    assert date(text).certainly_after_instant(NOON) is expected, why


@pytest.mark.parametrize(
    ("text", "days", "why"),
    [
        ("2026-03-01", (1, 1), "yesterday"),
        ("2026-03-02", (0, 0), "today"),
        ("2026-03-05", (0, 0), "never below zero"),
        ("2026-02", (2, 29), "the month just ended"),
        ("2026", (0, 60), "the year that runs"),
        ("2025-09-03", (180, 180), "the last day that counts"),
    ],
)
def test_days_are_counted_from_both_ends(text: str, days: tuple[int, int], why: str) -> None:
    assert date(text).days_before(NOON) == days, why
