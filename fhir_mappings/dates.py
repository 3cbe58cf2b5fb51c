"""FHIR dates as intervals of instants, so that "2026" never becomes the first of January.

FHIR: https://hl7.org/fhir/R4/datatypes.html#dateTime
A time without an offset is invalid FHIR, yet converters send it: it is read as an instant of unknown offset and
widened by the largest offsets in use. A date is read as the whole day in UTC, and compared with a time by the day that
the time names in its own zone.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?")
_WIDEST_OFFSET = timedelta(hours=14)


class DateInterval(Struct, frozen=True):
    """From the first to the last instant that a recorded date can mean (aware, UTC)."""

    first: datetime
    last: datetime
    text: str
    first_day: date  # as written, in the sender's zone
    last_day: date

    @property
    def day(self) -> str:
        """The date as recorded, without the time of day."""
        return self.text[:10]

    def certainly_before(self, other: DateInterval) -> bool:
        """True if the whole of this interval lies before the whole of the other."""
        if self._has_time != other._has_time:
            # 23:30 in New York is the next day in UTC, yet the same day as that day's bare date.
            return self.last_day < other.first_day
        return self.last < other.first

    def certainly_after_instant(self, instant: datetime) -> bool:
        """True if no reading of this date is at or before the instant, whatever the zone of a bare date."""
        slack = timedelta(0) if self._has_time else _WIDEST_OFFSET
        return self.first - instant > slack

    def days_before(self, instant: datetime) -> tuple[int, int]:
        """Fewest and most whole days from this date to the instant, never below zero."""
        fewest = (instant.date() - min(self.last, instant).date()).days
        most = (instant.date() - min(self.first, instant).date()).days
        return fewest, most

    @property
    def _has_time(self) -> bool:
        return "T" in self.text


def parse_date(text: str | None) -> DateInterval | None:
    """Read a FHIR date, dateTime or instant; None if the text is none of them.

    Never raises: a date that does not exist (2026-02-30) is no date.
    """
    if not text:
        return None
    try:
        if "T" in text:
            return _instant(text)
        return _partial(text)
    except (ValueError, OverflowError):
        return None


def period(start: str | None, end: str | None) -> DateInterval | None:
    """Read a Period as the interval it spans; an open end is the start, an open start is the end."""
    first, last = parse_date(start), parse_date(end)
    if first is None or last is None:
        return first or last
    if last.last < first.first:
        return None
    return DateInterval(first.first, last.last, last.text, first.first_day, last.last_day)


def _partial(text: str) -> DateInterval:
    match = _PARTIAL.fullmatch(text)
    if match is None:
        raise ValueError("not a date")
    year, month, day = match.groups()
    first_day = last_day = date(int(year), int(month or 1), int(day or 1))
    if day is None:
        last_month = int(month or 12)
        last_day = date(first_day.year, last_month, calendar.monthrange(first_day.year, last_month)[1])
    first, last = datetime.combine(first_day, time.min, UTC), datetime.combine(last_day, time.max, UTC)
    return DateInterval(first, last, text, first_day, last_day)


def _instant(text: str) -> DateInterval:
    if _TIME.fullmatch(text) is None:
        raise ValueError("not a time")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        naive = moment.replace(tzinfo=UTC)
        return DateInterval(naive - _WIDEST_OFFSET, naive + _WIDEST_OFFSET, text, moment.date(), moment.date())
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return DateInterval(utc, utc, text, moment.date(), moment.date())
