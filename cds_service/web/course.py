"""The course of a patient for a chart over time: marker results as numbers, and treatments with their dates.

Drawn, and nothing more: what may be compared, and how a marker has moved, is for `fhir_mappings.marker_trend` to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cds_service.guidelines.nelm_2006.advice.phrases import NAMES
from cds_service.guidelines.nelm_2006.intake import ChartReading
from fhir_mappings.dates import parse_date
from fhir_mappings.facts import Interval, quoted
from fhir_mappings.medication import medications
from fhir_mappings.procedure import procedures
from fhir_mappings.quantities import plausible
from fhir_mappings.reference_range import normal_range, raw_quantity
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept
from fhir_mappings.trend import Result, Trend
from fhir_mappings.wire import Quantity, Resource

_NAMES = {Concept.CHROMOGRANIN_A: NAMES["cga"], Concept.PLATELET_SEROTONIN: NAMES["platelet_serotonin"]}

Limits = tuple[float | None, float | None]


def trends(chart: Chart, reading: ChartReading) -> list[dict[str, Any]]:
    """The results of every marker, the oldest first, one series for each assay and unit: others are no line with it."""
    measured = {resource.reference: resource for resource in chart.of_type("Observation")}
    return [series for trend in reading.trends for series in _series(trend, measured)]


def _series(trend: Trend, measured: dict[str, Resource]) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[str, str | None], list[Result]] = {}
    left_out: list[dict[str, Any]] = []
    for result in reversed(trend.results):
        if _number(result.value) is None:
            source = result.source
            left_out.append({"date": source.date, "text": result.text, "reference": source.reference})
        else:
            groups.setdefault((result.assay, result.unit), []).append(result)
    for (assay, unit), results in groups.items():
        name = _NAMES[trend.marker]
        low, high = _limits(results, measured)
        yield {
            "marker": trend.marker.value,
            "label": name if len(groups) == 1 else f"{name} ({assay})",
            "unit": unit,
            "points": [_point(result) for result in results],
            "low": low,
            "high": high,
            "left_out": left_out,
        }


def _point(result: Result) -> dict[str, Any]:
    number = _number(result.value) or (None, None)
    return {
        "date": result.source.date,
        "value": number[0],
        "comparator": number[1],
        "reference": result.source.reference,
    }


def _number(value: Interval | None) -> tuple[float, str | None] | None:
    """One number to draw, and the sign before it; a result between two numbers is none."""
    if value is None:
        return None
    low, high = value.low, value.high
    if low is not None and high is not None:
        return (float(low), None) if low == high else None
    if high is not None:
        return float(high), "<" if value.high_open else "<="
    return (float(low), ">" if value.low_open else ">=") if low is not None else None


def _limits(results: list[Result], measured: dict[str, Resource]) -> Limits:
    """The reference range that the results state in their own unit; none where they state different ones."""
    stated = {limits for result in results if (limits := _own_limits(result, measured)) != (None, None)}
    return stated.pop() if len(stated) == 1 else (None, None)


def _own_limits(result: Result, measured: dict[str, Resource]) -> Limits:
    resource = measured.get(result.source.reference)
    own = normal_range(resource) if resource is not None else None
    return (_limit(own.low, result.unit), _limit(own.high, result.unit)) if own is not None else (None, None)


def _limit(quantity: Quantity | None, unit: str | None) -> float | None:
    if quantity is None or quantity.value is None or not plausible(quantity.value):
        return None
    raw = raw_quantity(quantity)
    return float(quantity.value) if (raw.unit or raw.code) in (unit, None) else None


def treatments(chart: Chart) -> list[dict[str, Any]]:
    """Procedures done and medicines on record of the kinds that the protocol knows, those with a date, by date."""
    found = [*_procedures(chart), *_medicines(chart)]
    return sorted(found, key=lambda item: (item["date"], item["reference"]))


def _procedures(chart: Chart) -> Iterator[dict[str, Any]]:
    done, _ = procedures(chart)
    known = Counter(resource.reference for resource in chart.of_type("Procedure"))
    spans = {r.reference: _span(r) for r in chart.of_type("Procedure") if known[r.reference] == 1}
    for procedure in done:
        if procedure.when is not None:
            reference = procedure.source.reference
            # Those without an id cannot be told apart: each has its own day, and no span.
            start, end = spans.get(reference, (None, None))
            label = min(procedure.concepts).value.replace("-", " ")
            yield _treatment(start or procedure.when.day, end if start else None, label, reference)


def _span(resource: Resource) -> tuple[str | None, str | None]:
    span = resource.performedPeriod or resource.occurrencePeriod
    moment = resource.performedDateTime or resource.occurrenceDateTime
    return (None, None) if moment or span is None else (_day(span.start), _day(span.end))


def _medicines(chart: Chart) -> Iterator[dict[str, Any]]:
    for medicine in medications(chart).known:
        started, ended = medicine.started, medicine.ended
        first = started or ended
        if first is not None and not first.certainly_after_instant(chart.as_of):
            label = quoted(medicine.label or min(medicine.concepts).value.replace("-", " "))
            yield _treatment(first.day, ended.day if started and ended else None, label, medicine.source.reference)


def _treatment(date: str, end: str | None, label: str, reference: str) -> dict[str, Any]:
    return {"date": date, "end": end, "label": label, "reference": reference}


def _day(text: str | None) -> str | None:
    """The day as recorded, a year or a month where no more is; None for what is no date."""
    date = parse_date(text)
    return date.day if date else None
