"""Several recordings of one thing, and the one fact they make: latest wins, conflicts show, old ones no longer count.

Every limit (how old is too old) is an argument: it is a policy of the guideline, not of FHIR.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

from fhir_mappings.dates import DateInterval
from fhir_mappings.facts import Fact, Known, Source, Unknown, WhyUnknown

T = TypeVar("T")


class Reading(Struct, Generic[T], frozen=True):
    """One recording: what it says (or why it says nothing), and when it holds."""

    fact: Fact[T]
    when: DateInterval | None


class Recency(Struct, frozen=True):
    """How long a recording counts: a number of days, and never from before the given treatment."""

    days: int
    not_before: Reading[str] | None = None


def sources_of(readings: Iterable[Reading[T]]) -> tuple[Source, ...]:
    """All sources of several readings, each once, in a stable order."""
    found = {source for reading in readings for source in reading.fact.sources}
    return tuple(sorted(found, key=lambda s: (s.date or "", s.reference)))


def latest(readings: Sequence[Reading[T]], as_of: datetime, recency: Recency | None = None) -> Reading[T]:
    """The reading that holds at `as_of`.

    Readings whose order in time cannot be told and that differ are Unknown(conflicting). A recording without a value
    (data absent) never hides one that has a value, but a later one that cannot be understood does: yesterday's result
    in an unknown unit must not let last year's stand as current. One that is dated in the future was made at a time
    that nobody knows: it agrees with the others, or conflicts with them.
    """
    if not readings:
        return Reading(Unknown(WhyUnknown.NOT_RECORDED), None)
    past: list[Reading[T]] = []
    future: list[Reading[T]] = []
    for r in readings:
        (future if r.when is not None and r.when.certainly_after_instant(as_of) else past).append(r)
    if not past:
        return Reading(Unknown(WhyUnknown.FUTURE_DATE, sources_of(readings)), None)
    # One reading has no rival; several sources of it are put in order where rivals are.
    alone = len(readings) == 1 and len(past[0].fact.sources) <= 1
    chosen = past[0] if alone else _latest_of(past, future)
    return Reading(_aged(chosen, as_of, recency), chosen.when) if recency else chosen


def _latest_of(past: list[Reading[T]], future: list[Reading[T]]) -> Reading[T]:
    of_unknown_date = [Reading(r.fact, None) for r in future if not _is_absent(r.fact)]
    with_value = [r for r in past if not _is_absent(r.fact)]
    if of_unknown_date and not with_value:
        return Reading(Unknown(WhyUnknown.FUTURE_DATE, sources_of(of_unknown_date)), None)
    with_value = [*(with_value or past), *of_unknown_date]
    dated = [r for r in with_value if r.when is not None]
    newest = max(dated, key=_end) if dated else with_value[0]
    rivals = [r for r in with_value if not _certainly_older(r, newest)]
    if len(rivals) > 1:
        rivals.sort(key=repr)
    return _agreed(rivals, newest)


def hardest_to_outrank(readings: Sequence[Reading[T]]) -> Reading[T]:
    """Of several unclear findings the one that an assessment outranks last: an undated one, else the latest."""
    if not readings:
        return Reading(Unknown(WhyUnknown.NOT_RECORDED), None)
    return max(readings, key=lambda r: (r.when is None, r.when.last.isoformat() if r.when else "", repr(r)))


def reconcile(assessed: Reading[T], derived: Reading[T]) -> Reading[T]:
    """An explicit assessment against what other resources say.

    The assessment outranks what it contradicts only if it is strictly later; an earlier assessment yields to what was
    recorded after it; anything that cannot be ordered is Unknown(conflicting) with both sources.
    """
    if isinstance(derived.fact, Unknown) and derived.fact.why is WhyUnknown.NOT_RECORDED:
        return assessed
    if isinstance(assessed.fact, Unknown):
        if assessed.fact.why is WhyUnknown.CONFLICTING and not _certainly_older(assessed, derived):
            # Two assessments that contradict each other are no silence that a code could fill.
            return Reading(Unknown(WhyUnknown.CONFLICTING, sources_of([assessed, derived])), None)
        return derived
    if isinstance(derived.fact, Known) and derived.fact.value == assessed.fact.value:
        both = sources_of([assessed, derived])
        return Reading(Known(assessed.fact.value, both, assessed.fact.note or derived.fact.note), assessed.when)
    if assessed.when is not None and derived.when is not None:
        if derived.when.certainly_before(assessed.when):
            return assessed
        if assessed.when.certainly_before(derived.when):
            return derived
    return Reading(Unknown(WhyUnknown.CONFLICTING, sources_of([assessed, derived])), None)


def _end(reading: Reading[T]) -> tuple[datetime, datetime, str]:
    assert reading.when is not None  # noqa: S101 - callers pass dated readings only
    return reading.when.last, reading.when.first, reading.when.text


def _is_absent(fact: Fact[T]) -> bool:
    return isinstance(fact, Unknown) and fact.why in (WhyUnknown.DATA_ABSENT, WhyUnknown.RESULT_MISSING)


def _certainly_older(reading: Reading[T], newest: Reading[T]) -> bool:
    return reading.when is not None and newest.when is not None and reading.when.certainly_before(newest.when)


def _agreed(rivals: list[Reading[T]], newest: Reading[T]) -> Reading[T]:
    known = [r.fact for r in rivals if isinstance(r.fact, Known)]
    if len(known) != len(rivals):
        unknown = next(r for r in rivals if isinstance(r.fact, Unknown))
        if not known:
            return Reading(unknown.fact, newest.when)
        return Reading(Unknown(WhyUnknown.CONFLICTING, sources_of(rivals)), newest.when)
    if any(fact.value != known[0].value for fact in known):
        return Reading(Unknown(WhyUnknown.CONFLICTING, sources_of(rivals)), newest.when)
    note = next((fact.note for fact in known if fact.note), None)
    return Reading(Known(known[0].value, sources_of(rivals), note), newest.when)


def _aged(reading: Reading[T], as_of: datetime, recency: Recency) -> Fact[T]:
    fact = reading.fact
    if isinstance(fact, Unknown) and fact.why is not WhyUnknown.INDETERMINATE:
        return fact
    if reading.when is None:
        return Unknown(WhyUnknown.DATE_UNKNOWN, fact.sources)
    fewest, most = reading.when.days_before(as_of)
    if fewest > recency.days:
        return Unknown(WhyUnknown.TOO_OLD, fact.sources, f"older than {recency.days} days")
    if most > recency.days:
        return Unknown(WhyUnknown.TOO_VAGUE, fact.sources, f"dated {reading.when.day} only")
    return _before_treatment(fact, reading.when, recency.not_before)


def _before_treatment(fact: Fact[T], when: DateInterval, treatment: Reading[str] | None) -> Fact[T]:
    if treatment is None or treatment.when is None or isinstance(treatment.fact, Unknown):
        return fact
    if treatment.when.certainly_before(when):
        return fact
    sources = (*fact.sources, *treatment.fact.sources)
    if when.certainly_before(treatment.when):
        note = f"before the {treatment.fact.value} of {treatment.when.day}"
        return Unknown(WhyUnknown.TOO_OLD, sources, note)
    return Unknown(WhyUnknown.TOO_VAGUE, sources, f"not clear whether before or after the {treatment.fact.value}")
