"""How a tumour marker has moved: the earlier results beside the latest, for showing only.

Two results are compared where they are of one assay (the same LOINC code) and their units convert into each other;
chromogranin A is never converted between mass and moles. How much is a change, and where a test has its ceiling, are
arguments: they are policies of the guideline, not of FHIR.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from msgspec.structs import replace

from fhir_mappings.dates import DateInterval
from fhir_mappings.facts import Interval, Known, quoted
from fhir_mappings.observation import MOLAR_MASS, is_result, observations, result_text, source, when, written_value
from fhir_mappings.quantities import RawQuantity, factor_between, plausible, quantity_in, written_number
from fhir_mappings.reference_range import raw_quantity
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept
from fhir_mappings.trend import Direction, Result, Trend, WhyNot
from fhir_mappings.typed import problem
from fhir_mappings.wire import Resource

_MOST_RESULTS = 20


@dataclass(frozen=True, slots=True)
class _Verdict:
    direction: Direction
    why_not: WhyNot | None = None
    other: Result | None = None


@dataclass(frozen=True, slots=True)
class _Dated:
    when: DateInterval
    result: Result
    raw: RawQuantity


def marker_trend(
    chart: Chart, marker: Concept, *, change_percent: Decimal, ceiling: RawQuantity | None = None
) -> Trend | None:
    """The course of a marker up to now; None without a dated result.

    `change_percent`: a change of more than that is a rise or a fall. `ceiling`: a result there or above follows the
    tumour no further (as a quantity of the marker, converted by its molar mass where it has one).
    """
    found = [r for r in _results(chart, marker) if r[0] is None or not r[0].certainly_after_instant(chart.as_of)]
    dated = [_Dated(date, result, raw) for date, result, raw in found if date is not None]
    if not dated:
        return None
    dated.sort(key=lambda d: (d.when.last, d.result.source.reference), reverse=True)
    verdict = _verdict(dated, MOLAR_MASS.get(marker), change_percent, ceiling)
    if verdict.why_not is WhyNot.ONE_RESULT and len(found) > 1:
        verdict = _Verdict(Direction.NOT_COMPARABLE, WhyNot.NO_DATE)
    results = tuple(d.result for d in dated[:_MOST_RESULTS])
    return Trend(marker, results, verdict.direction, verdict.why_not, verdict.other)


def _results(chart: Chart, marker: Concept) -> Iterator[tuple[DateInterval | None, Result, RawQuantity]]:
    """Every result that counts, a written one too: one that is no number must not let an older one stand as latest."""
    for resource in observations(chart, marker):
        text = None if resource.dataAbsentReason is not None or problem(resource) is not None else result_text(resource)
        if text is None or not is_result(resource):
            continue
        date, raw = when(resource), _raw(resource)
        if raw.value is not None and not plausible(raw.value):
            raw = replace(raw, value=None)
        yield date, _result(resource, raw, text, marker, chart, date), raw


def _raw(resource: Resource) -> RawQuantity:
    """The number and its unit; only a Quantity has a unit."""
    if resource.valueQuantity is not None and resource.valueQuantity.value is not None:
        return raw_quantity(resource.valueQuantity)
    return RawQuantity(None if resource.valueInteger is None else Decimal(resource.valueInteger))


def _result(
    resource: Resource, raw: RawQuantity, text: str, marker: Concept, chart: Chart, date: DateInterval | None
) -> Result:
    unit = raw.unit or raw.code
    highs = [r.high for r in resource.referenceRange or () if r.high and r.high.value is not None]
    codings = resource.code.codings() if resource.code else ()
    assay = next((c.code for c in codings if c.code and marker in chart.terminology.concepts(c.system, c.code)), "")
    return Result(
        text=quoted(text),
        assay=assay,
        unit=quoted(unit) if unit else None,
        value=_interval(resource, raw),
        upper_limit=quoted(raw_quantity(highs[0]).text()) if len(highs) == 1 else None,
        preliminary=resource.status == "preliminary",
        source=source(resource, date),
    )


def _interval(resource: Resource, raw: RawQuantity) -> Interval | None:
    """The number as it stands, whatever its unit."""
    if raw.value is None:
        written = written_number(written_value(resource) or "")
        return written[0] if written else None
    fact = quantity_in(RawQuantity(raw.value, raw.comparator, code="1"), "1")
    return fact.value if isinstance(fact, Known) else None


def _verdict(
    dated: list[_Dated], molar_mass: Decimal | None, change_percent: Decimal, ceiling: RawQuantity | None
) -> _Verdict:
    latest, *others = dated
    of_this_assay = [other for other in others if other.result.assay == latest.result.assay]
    if rival := _rival(latest, of_this_assay, molar_mass):
        return _not(WhyNot.SAME_DAY, rival)
    if latest.result.value is None:
        return _not(WhyNot.NOT_A_NUMBER, others[0] if others else None)
    if _at_ceiling(latest, ceiling, molar_mass):
        return _Verdict(Direction.CEILING)
    earlier = [other for other in of_this_assay if other.when.certainly_before(latest.when)]
    if not earlier:
        distinct = [other for other in others if other not in of_this_assay]
        return _not(WhyNot.OTHER_ASSAY, distinct[0]) if distinct else _not(WhyNot.ONE_RESULT, None)
    before = earlier[0]
    if _rival(before, earlier[1:], molar_mass):
        return _not(WhyNot.SAME_DAY, before)
    if before.result.value is None:
        return _not(WhyNot.NOT_A_NUMBER, before)
    factor = _factor(before.raw, latest.raw, molar_mass)
    if factor is None:
        return _not(WhyNot.OTHER_UNIT, before)
    direction = _compared(before.result.value, factor, latest.result.value, change_percent)
    if direction is None:
        return _not(WhyNot.TOO_VAGUE, before)
    if direction is Direction.STABLE and _at_ceiling(before, ceiling, molar_mass):
        # Close below a ceiling that the one before had reached, the test may not have moved at all.
        direction = Direction.CEILING
    return _Verdict(direction, None, before.result)


def _not(why: WhyNot, other: _Dated | None) -> _Verdict:
    return _Verdict(Direction.NOT_COMPARABLE, why, other.result if other else None)


def _rival(one: _Dated, others: list[_Dated], molar_mass: Decimal | None) -> _Dated | None:
    """A result that differs and may be of the same time; the same result sent twice is none."""
    return next((o for o in others if not o.when.certainly_before(one.when) and not _same(one, o, molar_mass)), None)


def _same(one: _Dated, other: _Dated, molar_mass: Decimal | None) -> bool:
    if one.result.text == other.result.text:
        return True
    if one.raw.value is None or other.raw.value is None or one.raw.comparator != other.raw.comparator:
        return False
    factor = _factor(one.raw, other.raw, molar_mass)
    return factor is not None and Fraction(one.raw.value) * factor == Fraction(other.raw.value)


def _at_ceiling(result: _Dated, ceiling: RawQuantity | None, molar_mass: Decimal | None) -> bool:
    value = result.result.value
    if ceiling is None or ceiling.value is None or value is None or value.low is None:
        return False
    factor = _factor(result.raw, ceiling, molar_mass)
    return factor is not None and Fraction(value.low) * factor >= Fraction(ceiling.value)


def _factor(one: RawQuantity, other: RawQuantity, molar_mass: Decimal | None) -> Fraction | None:
    """What a number in the unit of `one` is multiplied by to stand in the unit of `other`; None if they differ."""
    if (one.code or one.unit) == (other.code or other.unit) and (one.code or one.unit):
        return Fraction(1)
    return factor_between(one, other, molar_mass)


def _compared(before: Interval, factor: Fraction, now: Interval, change_percent: Decimal) -> Direction | None:
    """By the whole intervals: a rise is one whatever the two numbers are within them; None if they do not tell."""
    change = Fraction(change_percent) / 100
    if now.low is not None and before.high is not None:
        least, limit = Fraction(now.low), Fraction(before.high) * factor * (1 + change)
        if least > limit or (least == limit > 0 and (now.low_open or before.high_open)):
            return Direction.RISING
    if now.high is not None and before.low is not None:
        most, limit = Fraction(now.high), Fraction(before.low) * factor * (1 - change)
        if most < limit or (most == limit > 0 and (now.high_open or before.low_open)):
            return Direction.FALLING
    exact = now.low is not None and now.low == now.high and before.low is not None and before.low == before.high
    return Direction.STABLE if exact else None
