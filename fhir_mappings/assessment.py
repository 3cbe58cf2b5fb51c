"""Assessments that no public code system has: Observations in the project's own code system, and answers to its form.

Codes and value shapes: CodeSystem and Questionnaire `nelm-assessment`, shipped beside this module.
Yes/no is a boolean, HL7 v2 table 0136 (Y, N), or SNOMED CT present / absent / indeterminate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from fhir_mappings import questionnaire
from fhir_mappings.facts import Fact, Interval, Known, Source, Unknown, WhyUnknown
from fhir_mappings.meanings import assessment_meaning
from fhir_mappings.observation import (
    as_observation,
    below_zero,
    beyond_any_tumour,
    is_counted,
    quantity_or_range,
    when,
    with_sources,
    within_0_and_100,
    without_value,
)
from fhir_mappings.reading import Reading
from fhir_mappings.select import Chart, Unused, WhyUnused
from fhir_mappings.systems import NELM_ASSESSMENT, SNOMED_CT, canonical_system, normal_key
from fhir_mappings.wire import Coded, Resource

T = TypeVar("T")

_V2_YES_NO = "http://terminology.hl7.org/CodeSystem/v2-0136"
_YES_NO: dict[tuple[str, str], bool | None] = {
    (_V2_YES_NO, "Y"): True,
    (_V2_YES_NO, "N"): False,
    (SNOMED_CT, "52101004"): True,  # present
    (SNOMED_CT, "2667000"): False,  # absent
    (SNOMED_CT, "82334004"): None,  # indeterminate
}


class AssessmentCode(StrEnum):
    """The assessments a clinician can record."""

    NELM_HISTOLOGY = "nelm-histology"
    EXTRAHEPATIC_DISEASE = "extrahepatic-disease"
    LESION_COUNT = "lesion-count"
    LARGEST_LESION_DIAMETER = "largest-lesion-diameter"
    SMALL_MULTIPLE_METASTASES = "small-multiple-metastases"
    RADICAL_RESECTION_POSSIBLE = "radical-resection-possible"
    REMNANT_ADEQUATE = "remnant-adequate"
    EXPECTED_CYTOREDUCTION = "expected-cytoreduction"
    LOBAR_PREDOMINANCE = "lobar-predominance"
    PORTAL_VEIN = "portal-vein"
    HEPATIC_FAILURE = "hepatic-failure"
    BILIARY_ANASTOMOSIS = "biliary-anastomosis"
    HEPATOMEGALY = "hepatomegaly"
    CARCINOID_SYNDROME = "carcinoid-syndrome"
    SYMPTOMS_CONTROLLED = "symptoms-controlled"
    CARCINOID_CRISIS = "carcinoid-crisis"
    SSTR_UPTAKE = "sstr-uptake"
    MIBG_UPTAKE = "mibg-uptake"
    DIFFERENTIATION = "differentiation"
    FAILED_THERAPY = "failed-therapy"
    OTHER_THERAPIES_EXHAUSTED = "other-therapies-exhausted"
    DISEASE_CONTEXT = "disease-context"
    TREATMENT_RESPONSE = "treatment-response"


def codes_of(code: Coded | None) -> set[str]:
    """The assessment codes that an Observation's code carries (usually none or one)."""
    if code is None:
        return set()
    keys = (normal_key(coding.system, coding.code) for coding in code.codings())
    return {each for system, each in keys if each and system == NELM_ASSESSMENT}


class Recording(Struct, frozen=True):
    """One recording of an assessment, as an Observation whatever its carrier, and the resource it stands in."""

    observation: Resource
    reference: str
    fault: str | None = None


def recordings(chart: Chart, code: AssessmentCode) -> list[Recording]:
    """This patient's counted recordings of one assessment, from Observations and QuestionnaireResponses."""
    observed = [
        Recording(each, each.reference)
        for resource in chart.observations(assessment_meaning(code))
        if is_counted(resource)
        for each in _of_code(resource, code)
    ]
    answered = [
        Recording(reply.observation, response.reference, reply.fault)
        for response in chart.of_type("QuestionnaireResponse")
        if questionnaire.is_ours(response) and response.status in questionnaire.COUNTED
        for reply in chart.replies(response)
        if reply.link_id == code
    ]
    return [*observed, *answered]


def _of_code(resource: Resource, code: AssessmentCode) -> list[Resource]:
    """The Observation itself, or each component of a panel that is this assessment."""
    if code in codes_of(resource.code):
        return [resource]
    return [as_observation(resource, part) for part in resource.component or () if code in codes_of(part.code)]


def unused_responses(chart: Chart) -> tuple[Unused, ...]:
    """The QuestionnaireResponses, or parts of them, that were looked at and not used."""
    found = {unused for response in chart.of_type("QuestionnaireResponse") for unused in _unused_of(response, chart)}
    return tuple(sorted(found, key=lambda unused: (unused.reference, unused.why)))


def _unused_of(response: Resource, chart: Chart) -> Iterator[Unused]:
    if not questionnaire.is_ours(response):
        yield Unused(response.reference, WhyUnused.OTHER_QUESTIONNAIRE)
    elif response.status not in questionnaire.COUNTED:
        yield Unused(response.reference, WhyUnused.STATUS)
    else:
        for reply in chart.replies(response):
            if reply.link_id is None:
                yield Unused(response.reference, WhyUnused.MALFORMED, detail=reply.fault)
            elif reply.link_id not in frozenset(AssessmentCode):
                yield Unused(response.reference, WhyUnused.UNKNOWN_ITEM)


def yes_no(chart: Chart, code: AssessmentCode) -> list[Reading[bool]]:
    """Every recording of a yes/no assessment; "indeterminate" is an answer of its own: Unknown(indeterminate)."""
    return [_reading(recording, _yes_no) for recording in recordings(chart, code)]


def coded(chart: Chart, code: AssessmentCode, system: str = NELM_ASSESSMENT) -> list[Reading[str]]:
    """Every recording of an assessment whose value is a code of the given system."""
    return [_reading(recording, lambda r: _coded(r, system)) for recording in recordings(chart, code)]


def counts(chart: Chart, code: AssessmentCode) -> list[Reading[Interval]]:
    """Every recording of a count: valueInteger, or valueQuantity in `{lesions}` or `1`."""
    return [_reading(recording, _count) for recording in recordings(chart, code)]


def measures(chart: Chart, code: AssessmentCode, unit: str) -> list[Reading[Interval]]:
    """Every recording of a measure, as an interval in a UCUM unit."""
    return [_reading(recording, lambda r: _measure(r, unit)) for recording in recordings(chart, code)]


def _reading(recording: Recording, read: Callable[[Resource], Fact[T]]) -> Reading[T]:
    resource = recording.observation
    date = when(resource)
    origin = (Source(recording.reference, date.day if date else None),)
    unusable = _unusable(recording, origin)
    fact = read(resource) if unusable is None else unusable
    if isinstance(fact, Known):
        note = "preliminary" if resource.status == "preliminary" else fact.note
        return Reading(Known(fact.value, origin, note), date)
    return Reading(Unknown(fact.why, origin, fact.note), date)


def _unusable(recording: Recording, origin: tuple[Source, ...]) -> Unknown | None:
    resource = recording.observation
    if recording.fault is not None:
        return Unknown(WhyUnknown.MALFORMED, origin, f"element {recording.fault}")
    absent = without_value(resource)
    return None if absent is None else Unknown(absent.why, origin, absent.note)


def _yes_no(resource: Resource) -> Fact[bool]:
    if resource.valueBoolean is not None:
        return Known(resource.valueBoolean)
    answers = {
        _YES_NO[key]
        for key in _coding_keys(resource.valueCodeableConcept)
        if key in _YES_NO
    }  # fmt: skip
    if len(answers) != 1:
        return Unknown(WhyUnknown.VALUE if not answers else WhyUnknown.CONFLICTING)
    answer = answers.pop()
    return Unknown(WhyUnknown.INDETERMINATE) if answer is None else Known(answer)


def _coded(resource: Resource, system: str) -> Fact[str]:
    codes = {code for where, code in _coding_keys(resource.valueCodeableConcept) if where == system}
    if len(codes) != 1:
        return Unknown(WhyUnknown.VALUE if not codes else WhyUnknown.CONFLICTING)
    return Known(codes.pop())


def _coding_keys(value: Coded | None) -> list[tuple[str, str]]:
    if value is None:
        return []
    return [(canonical_system(c.system), c.code) for c in value.codings() if c.code]


def _count(resource: Resource) -> Fact[Interval]:
    if resource.valueInteger is not None:
        fact: Fact[Interval] | None = Known(Interval.point(resource.valueInteger))
    else:
        fact = quantity_or_range(resource.valueQuantity, resource.valueRange, "1")
    if fact is None:
        return Unknown(WhyUnknown.VALUE)
    if isinstance(fact, Known) and not _is_count(fact.value):
        return Unknown(WhyUnknown.MALFORMED, note="not a whole number of lesions, or below one")
    return with_sources(fact, ())


def _is_count(interval: Interval) -> bool:
    # No lesion at all is not a finding about metastases: it contradicts the chart's being in scope.
    ends = [end for end in (interval.low, interval.high) if end is not None]
    none_at_all = interval.high_open and interval.high is not None and interval.high <= 1
    return not none_at_all and all(end == end.to_integral_value() and end >= Decimal(1) for end in ends)


def _measure(resource: Resource, unit: str) -> Fact[Interval]:
    fact = quantity_or_range(resource.valueQuantity, resource.valueRange, unit)
    if fact is None:
        return Unknown(WhyUnknown.VALUE)
    if isinstance(fact, Known) and below_zero(fact.value):
        return Unknown(WhyUnknown.MALFORMED, note="below zero")
    if isinstance(fact, Known) and unit == "cm" and beyond_any_tumour(fact.value):
        return Unknown(WhyUnknown.MALFORMED, note="larger than any liver tumour")
    if isinstance(fact, Known) and unit == "%" and not within_0_and_100(fact.value):
        return Unknown(WhyUnknown.MALFORMED, note="outside 0-100 %")
    return fact
