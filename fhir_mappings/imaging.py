"""Imaging that was done: ImagingStudy, and DiagnosticReport or Procedure where the EHR serves no ImagingStudy.

FHIR: https://hl7.org/fhir/R4/imagingstudy.html, https://hl7.org/fhir/R4/diagnosticreport.html
Only that an examination of the liver was done is read here; what it showed is an assessment.
# not read: endpoint, instances (pixels), conclusion (text never becomes a value).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fhir_mappings.dates import DateInterval, parse_date
from fhir_mappings.facts import Known, Source, Unknown, WhyUnknown
from fhir_mappings.observation import when as report_time
from fhir_mappings.procedure import performed
from fhir_mappings.reading import Reading
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept
from fhir_mappings.typed import problem
from fhir_mappings.wire import Coded, Resource

_STUDY_COUNTED = frozenset({"available"})
_REPORT_COUNTED = frozenset({"final", "amended", "corrected", "appended"})
_NUCLEAR = frozenset({Concept.PET_MODALITY, Concept.NM_MODALITY})


class Examination(StrEnum):
    """The examinations that the protocol asks for."""

    HELICAL_CT = "helical_ct"
    MRI = "mri"
    SOMATOSTATIN_RECEPTOR = "somatostatin_receptor"
    MIBG = "mibg"


@dataclass(frozen=True, slots=True)
class ImagingReading:
    """One examination: which (or why it does not count), and when."""

    examination: Examination
    reading: Reading[str]


def examinations(chart: Chart) -> list[ImagingReading]:
    """Every examination of the liver or with a receptor or MIBG tracer that this chart holds."""
    found = [item for study in chart.of_type("ImagingStudy") for item in _study(study, chart)]
    for report in chart.of_type("DiagnosticReport"):
        if report.status in _REPORT_COUNTED:
            found += _named(report, report_time(report), chart)
    for procedure in chart.of_type("Procedure"):
        if procedure.status == "completed":
            found += _named(procedure, performed(procedure), chart)
    return found


def done(found: Iterable[ImagingReading], *examinations: Examination) -> list[Reading[str]]:
    """The readings of the given examinations."""
    return [item.reading for item in found if item.examination in examinations]


def _study(resource: Resource, chart: Chart) -> list[ImagingReading]:
    if resource.status not in _STUDY_COUNTED:
        return []
    date = parse_date(resource.started)
    modalities = _modalities(resource, chart)
    codes = _concepts([*(resource.procedureCode or ()), *([resource.code] if resource.code else [])], chart)
    if tracer := _tracer(codes):
        return [_checked(tracer, resource, date)]
    if modalities & _NUCLEAR or Concept.LIVER_THERAPY_GUIDANCE in codes:
        # The CT inside a PET or SPECT study is for attenuation and localisation; a guidance CT is part of a treatment.
        return []
    kind = _cross_sectional(modalities)
    if kind is None:
        return []
    where = problem(resource)
    if where is not None:
        return [_not_counted(kind, resource, date, WhyUnknown.MALFORMED, f"element {where}")]
    if Concept.IMAGING_WITHOUT_CONTRAST in codes:
        return [_not_counted(kind, resource, date, WhyUnknown.PROTOCOL, "without contrast medium")]
    if codes & {Concept.CT_LIVER_OR_ABDOMEN, Concept.MR_LIVER_OR_ABDOMEN} or _covers_liver(resource, chart):
        return [_counted(kind, resource, date)]
    return [_not_counted(kind, resource, date, WhyUnknown.REGION, "region not stated as liver or abdomen")]


def _named(resource: Resource, date: DateInterval | None, chart: Chart) -> list[ImagingReading]:
    """The examination that a report or a procedure names by its code."""
    codes = chart.concepts(resource.code)
    kind = _tracer(codes) or _reported_cross_section(codes)
    if kind is None or Concept.LIVER_THERAPY_GUIDANCE in codes:
        return []
    if Concept.IMAGING_WITHOUT_CONTRAST in codes:
        return [_not_counted(kind, resource, date, WhyUnknown.PROTOCOL, "without contrast medium")]
    return [_checked(kind, resource, date)]


def _tracer(codes: frozenset[Concept]) -> Examination | None:
    if Concept.SOMATOSTATIN_RECEPTOR_IMAGING in codes:
        return Examination.SOMATOSTATIN_RECEPTOR
    return Examination.MIBG if Concept.MIBG_IMAGING in codes else None


def _cross_sectional(modalities: frozenset[Concept]) -> Examination | None:
    if Concept.CT_MODALITY in modalities:
        return Examination.HELICAL_CT
    return Examination.MRI if Concept.MR_MODALITY in modalities else None


def _reported_cross_section(codes: frozenset[Concept]) -> Examination | None:
    if Concept.CT_LIVER_OR_ABDOMEN in codes:
        return Examination.HELICAL_CT
    return Examination.MRI if Concept.MR_LIVER_OR_ABDOMEN in codes else None


def _covers_liver(resource: Resource, chart: Chart) -> bool:
    """By the series' body site, else by the reason code; a chart that names neither has not said."""
    sites = [series.bodySite for series in resource.series or () if series.bodySite]
    reasons = resource.reasonCode or []
    concepts = _concepts([*sites, *resource.body_sites()], chart) or _concepts(reasons, chart)
    return bool(concepts & {Concept.LIVER_BODY_SITE, Concept.ABDOMEN_BODY_SITE, Concept.LIVER_METASTASIS})


def _modalities(resource: Resource, chart: Chart) -> frozenset[Concept]:
    of_series = [series.modality for series in resource.series or () if series.modality]
    return _concepts([*(resource.modality or ()), *of_series], chart)


def _concepts(elements: Iterable[Coded | None], chart: Chart) -> frozenset[Concept]:
    return frozenset(concept for element in elements for concept in chart.concepts(element))


def _checked(kind: Examination, resource: Resource, date: DateInterval | None) -> ImagingReading:
    where = problem(resource)
    if where is not None:
        return _not_counted(kind, resource, date, WhyUnknown.MALFORMED, f"element {where}")
    return _counted(kind, resource, date)


def _counted(kind: Examination, resource: Resource, date: DateInterval | None) -> ImagingReading:
    origin = Source(resource.reference, date.day if date else None)
    return ImagingReading(kind, Reading(Known(kind.value, (origin,)), date))


def _not_counted(
    kind: Examination, resource: Resource, date: DateInterval | None, why: WhyUnknown, note: str
) -> ImagingReading:
    origin = Source(resource.reference, date.day if date else None)
    return ImagingReading(kind, Reading(Unknown(why, (origin,), note), date))
