"""Longest diameters of liver tumours, as mCODE writes them.

FHIR: https://hl7.org/fhir/us/mcode/StructureDefinition-mcode-tumor-size.html
A size with a specimen, or by a pathologist's method, is no size on imaging.
# not read: focus (the tumours are not told apart).
"""

from __future__ import annotations

from collections.abc import Iterator

from fhir_mappings.dates import DateInterval
from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown, quoted
from fhir_mappings.observation import (
    below_zero,
    beyond_any_tumour,
    observations,
    quantity_or_range,
    reason_code,
    source,
    when,
    with_sources,
    without_value,
    written_value,
)
from fhir_mappings.reading import Reading
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept
from fhir_mappings.wire import Component, Resource

_NO_RESULT = Unknown(WhyUnknown.RESULT_MISSING)


def tumour_diameters(chart: Chart) -> list[Reading[Interval]]:
    """Longest diameters (cm) of liver tumours on imaging, by mCODE tumour size."""
    return [_read(resource, date, chart) for resource, date in _on_imaging(chart)]


def of_latest_study(chart: Chart) -> list[Reading[Interval]]:
    """The diameters of the latest day on which any was measured; where no day is known, all of them.

    Only these are read: an older one cannot be the largest of the latest study.
    """
    found = list(_on_imaging(chart))
    past = [date for _, date in found if date is not None and not date.certainly_after_instant(chart.as_of)]
    if not past:
        return [_read(resource, date, chart) for resource, date in found]
    day = max((date.last, date.day) for date in past)[1]
    return [_read(resource, date, chart) for resource, date in found if date is not None and date.day == day]


def _on_imaging(chart: Chart) -> Iterator[tuple[Resource, DateInterval | None]]:
    for resource in observations(chart, Concept.TUMOUR_SIZE):
        in_liver = any(Concept.LIVER_BODY_SITE in chart.concepts(site) for site in resource.body_sites())
        by_pathology = resource.specimen or Concept.MEASURED_BY_PATHOLOGY in chart.concepts(resource.method)
        if in_liver and not by_pathology:
            yield resource, when(resource)


def _read(resource: Resource, date: DateInterval | None, chart: Chart) -> Reading[Interval]:
    return Reading(with_sources(_diameter(resource, chart), (source(resource, date),)), date)


def _diameter(resource: Resource, chart: Chart) -> Fact[Interval]:
    longest = [c for c in resource.component or () if _is_longest(c, chart)]
    absent = without_value(resource)
    if absent is not None and not (longest and absent.why is WhyUnknown.DATA_ABSENT):
        return absent
    if len(longest) > 1:
        return Unknown(WhyUnknown.RESULT_MISSING, note="several longest diameters")
    part: Component | Resource = longest[0] if longest else resource
    if isinstance(part, Component) and part.dataAbsentReason is not None:
        return Unknown(WhyUnknown.DATA_ABSENT, note=reason_code(part.dataAbsentReason))
    fact = quantity_or_range(part.valueQuantity, part.valueRange, "cm")
    if fact is None:
        text = written_value(part)
        return Unknown(WhyUnknown.VALUE, note=f"recorded as {quoted(text)}") if text else _NO_RESULT
    if isinstance(fact, Known) and below_zero(fact.value):
        return Unknown(WhyUnknown.MALFORMED, note="below zero")
    if isinstance(fact, Known) and beyond_any_tumour(fact.value):
        return Unknown(WhyUnknown.MALFORMED, note="larger than any liver tumour")
    return fact


def _is_longest(component: Component, chart: Chart) -> bool:
    return Concept.TUMOUR_LONGEST_DIAMETER in chart.concepts(component.code)
