"""How a tumour marker has moved: the earlier results beside the latest, for showing only.

Two results are compared where they are of one assay (the same LOINC code) and their units convert into each other;
chromogranin A is never converted between mass and moles. How much is a change, and where a test has its ceiling, are
arguments: they are policies of the guideline, not of FHIR.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fhir_mappings.dates import DateInterval
from fhir_mappings.facts import Interval, Known, quoted
from fhir_mappings.observation import MOLAR_MASS, observations, source, when
from fhir_mappings.quantities import RawQuantity, factor_between, plausible, quantity_in
from fhir_mappings.reference_range import raw_quantity
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept
from fhir_mappings.trend import Direction, Result, Trend, WhyNot
from fhir_mappings.typed import problem
from fhir_mappings.wire import Resource

_MOST_RESULTS = 20


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
    dated = sorted(_dated(chart, marker), key=lambda d: (d.when.last, d.result.source.reference), reverse=True)
    if not dated:
        return None
    direction, why_not = _direction(dated, marker, change_percent, ceiling)
    return Trend(marker, tuple(d.result for d in dated[:_MOST_RESULTS]), direction, why_not)


def _dated(chart: Chart, marker: Concept) -> list[_Dated]:
    found = []
    for resource in observations(chart, marker):
        date = when(resource)
        if date is None or date.certainly_after_instant(chart.as_of) or problem(resource) is not None:
            continue
        quantity = resource.valueQuantity
        if quantity is None or quantity.value is None or quantity.value < 0 or not plausible(quantity.value):
            continue
        found.append(_Dated(date, _result(resource, marker, chart, date), raw_quantity(quantity)))
    return found


def _result(resource: Resource, marker: Concept, chart: Chart, date: DateInterval) -> Result:
    assert resource.valueQuantity is not None  # noqa: S101 - the caller has looked
    raw = raw_quantity(resource.valueQuantity)
    unit = raw.unit or raw.code
    highs = [r.high for r in resource.referenceRange or () if r.high and r.high.value is not None]
    codings = resource.code.codings() if resource.code else ()
    assay = next((c.code for c in codings if c.code and marker in chart.terminology.concepts(c.system, c.code)), "")
    return Result(
        text=quoted(raw.text()),
        assay=assay,
        unit=quoted(unit) if unit else None,
        value=_interval(raw),
        upper_limit=quoted(raw_quantity(highs[0]).text()) if len(highs) == 1 else None,
        preliminary=resource.status == "preliminary",
        source=source(resource, date),
    )


def _interval(raw: RawQuantity) -> Interval | None:
    """The number as it stands, whatever its unit."""
    fact = quantity_in(RawQuantity(raw.value, raw.comparator, code="1"), "1")
    return fact.value if isinstance(fact, Known) else None


def _direction(
    dated: list[_Dated], marker: Concept, change_percent: Decimal, ceiling: RawQuantity | None
) -> tuple[Direction, WhyNot | None]:
    latest, *others = dated
    now = latest.result
    if now.value is None:
        return Direction.NOT_COMPARABLE, WhyNot.NOT_A_NUMBER
    if ceiling is not None and _at_ceiling(latest, ceiling, MOLAR_MASS.get(marker)):
        return Direction.CEILING, None
    if not others:
        return Direction.NOT_COMPARABLE, WhyNot.ONE_RESULT
    of_this_assay = [other for other in others if other.result.assay == now.assay]
    if not of_this_assay:
        return Direction.NOT_COMPARABLE, WhyNot.OTHER_ASSAY
    before = of_this_assay[0]
    if not before.when.certainly_before(latest.when):
        return Direction.NOT_COMPARABLE, WhyNot.SAME_DAY
    if before.result.value is None:
        return Direction.NOT_COMPARABLE, WhyNot.NOT_A_NUMBER
    factor = _factor(before.raw, latest.raw, MOLAR_MASS.get(marker))
    if factor is None:
        return Direction.NOT_COMPARABLE, WhyNot.OTHER_UNIT
    return _compared(before.result.value, factor, now.value, change_percent)


def _at_ceiling(latest: _Dated, ceiling: RawQuantity, molar_mass: Decimal | None) -> bool:
    factor = _factor(latest.raw, ceiling, molar_mass)
    value = latest.result.value
    if factor is None or value is None or value.low is None or ceiling.value is None:
        return False
    return value.low * factor >= ceiling.value


def _factor(one: RawQuantity, other: RawQuantity, molar_mass: Decimal | None) -> Decimal | None:
    """What a number in the unit of `one` is multiplied by to stand in the unit of `other`; None if they differ."""
    if (one.code or one.unit) == (other.code or other.unit) and (one.code or one.unit):
        return Decimal(1)
    factor = factor_between(one, other, molar_mass)
    return None if factor is None else Decimal(factor.numerator) / Decimal(factor.denominator)


def _compared(
    before: Interval, factor: Decimal, now: Interval, change_percent: Decimal
) -> tuple[Direction, WhyNot | None]:
    """By the whole intervals: a rise is one whatever the two numbers are within them."""
    low, high = (None if end is None else end * factor for end in (before.low, before.high))
    more, less = 1 + change_percent / 100, 1 - change_percent / 100
    if now.low is not None and high is not None and now.low > high * more:
        return Direction.RISING, None
    if now.high is not None and low is not None and now.high < low * less:
        return Direction.FALLING, None
    if None not in (now.low, now.high, low, high) and now.low == now.high and low == high:
        return Direction.STABLE, None
    return Direction.NOT_COMPARABLE, WhyNot.TOO_VAGUE
