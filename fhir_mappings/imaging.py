"""Imaging that was done: ImagingStudy, and DiagnosticReport or Procedure where the EHR serves no ImagingStudy.

FHIR: https://hl7.org/fhir/R4/imagingstudy.html, https://hl7.org/fhir/R4/diagnosticreport.html
R5's shapes (`procedure` as CodeableReference, `modality` as a concept, `reason`) are read beside R4's.
Only that an examination of the liver was done is read here; what it showed is an assessment.
# not read: endpoint, instances (pixels), conclusion (text never becomes a value).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

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
_NEVER_DIAGNOSTIC = frozenset({Concept.LIVER_THERAPY_GUIDANCE, Concept.NON_DIAGNOSTIC_IMAGING})
_OF_THE_LIVER = frozenset({Concept.CT_LIVER_OR_ABDOMEN, Concept.MR_LIVER_OR_ABDOMEN})
_COVERS_LIVER = frozenset({Concept.LIVER_BODY_SITE, Concept.ABDOMEN_BODY_SITE, Concept.LIVER_METASTASIS})


class Examination(StrEnum):
    """The examinations that the protocol asks for."""

    HELICAL_CT = "helical_ct"
    MRI = "mri"
    SOMATOSTATIN_RECEPTOR = "somatostatin_receptor"
    MIBG = "mibg"


_CROSS_SECTIONAL = {Examination.HELICAL_CT: Concept.CT_MODALITY, Examination.MRI: Concept.MR_MODALITY}


class ImagingReading(Struct, frozen=True):
    """One examination: which (or why it does not count), and when."""

    examination: Examination
    reading: Reading[str]


def examinations(chart: Chart) -> list[ImagingReading]:
    """Every examination of the liver or with a receptor or MIBG tracer that this chart holds.

    One without a status is looked at and found not to be FHIR: shown as not readable, not dropped.
    """
    found = [item for study in chart.of_type("ImagingStudy") for item in _study(study, chart)]
    for report in chart.of_type("DiagnosticReport"):
        if report.status is None or report.status in _REPORT_COUNTED:
            found += _named(report, report_time(report), chart)
    for procedure in chart.of_type("Procedure"):
        if procedure.status in (None, "completed"):
            found += _named(procedure, performed(procedure), chart)
    return found


def done(found: Iterable[ImagingReading], *examinations: Examination) -> list[Reading[str]]:
    """The readings of the given examinations."""
    return [item.reading for item in found if item.examination in examinations]


def _study(resource: Resource, chart: Chart) -> list[ImagingReading]:
    if resource.status is not None and resource.status not in _STUDY_COUNTED:
        return []
    date = parse_date(resource.started)
    named = [*(resource.procedureCode or ()), *(resource.procedure or ())]
    codes = _concepts([*named, resource.code], chart)
    if tracer := _tracer(codes):
        return [_checked(tracer, resource, date)]
    modalities = _modalities(resource, chart)
    if modalities & _NUCLEAR or codes & _NEVER_DIAGNOSTIC:
        # The CT inside a PET or SPECT study is for attenuation and localisation; a guidance CT is part of a treatment.
        return []
    kinds = [kind for kind, modality in _CROSS_SECTIONAL.items() if modality in modalities]
    found = (_cross_section(kind, resource, date, codes, chart) for kind in kinds)
    return [item for item in found if item is not None]


def _cross_section(
    kind: Examination, resource: Resource, date: DateInterval | None, codes: frozenset[Concept], chart: Chart
) -> ImagingReading | None:
    """The CT or the MRI of a study; None if all that is said of its region names another one than the liver's."""
    named = codes & _OF_THE_LIVER
    stated = _sites_of(kind, resource, chart)
    sites = _concepts(stated, chart)
    if not named and not sites & _COVERS_LIVER and Concept.OTHER_REGION in codes | sites:
        return None
    where = problem(resource)
    if where is not None:
        return _not_counted(kind, resource, date, WhyUnknown.MALFORMED, f"element {where}")
    if Concept.IMAGING_WITHOUT_CONTRAST in codes:
        return _not_counted(kind, resource, date, WhyUnknown.PROTOCOL, "without contrast medium")
    # Why it was asked for says where it looked only if nothing coded says so itself.
    reasons = [] if any(True for site in stated for _ in site.codings()) else _reasons(resource)
    if named or (sites | _concepts(reasons, chart)) & _COVERS_LIVER:
        return _counted(kind, resource, date)
    return _not_counted(kind, resource, date, WhyUnknown.REGION, "region not stated as liver or abdomen")


def _named(resource: Resource, date: DateInterval | None, chart: Chart) -> list[ImagingReading]:
    """The examination that a report or a procedure names by its code."""
    codes = chart.concepts(resource.code)
    kind = _tracer(codes) or _reported_cross_section(codes)
    if kind is None or codes & _NEVER_DIAGNOSTIC:
        return []
    if Concept.IMAGING_WITHOUT_CONTRAST in codes:
        return [_not_counted(kind, resource, date, WhyUnknown.PROTOCOL, "without contrast medium")]
    return [_checked(kind, resource, date)]


def _tracer(codes: frozenset[Concept]) -> Examination | None:
    if Concept.SOMATOSTATIN_RECEPTOR_IMAGING in codes:
        return Examination.SOMATOSTATIN_RECEPTOR
    return Examination.MIBG if Concept.MIBG_IMAGING in codes else None


def _reported_cross_section(codes: frozenset[Concept]) -> Examination | None:
    if Concept.CT_LIVER_OR_ABDOMEN in codes:
        return Examination.HELICAL_CT
    return Examination.MRI if Concept.MR_LIVER_OR_ABDOMEN in codes else None


def _sites_of(kind: Examination, resource: Resource, chart: Chart) -> list[Coded]:
    """The body sites of the study, and of its series that are not of the other modality."""
    others = frozenset(_CROSS_SECTIONAL.values()) - {_CROSS_SECTIONAL[kind]}
    of_series = [s.bodySite for s in resource.series or () if not chart.concepts(s.modality) & others]
    return [*filter(None, of_series), *resource.body_sites()]


def _reasons(resource: Resource) -> list[Coded]:
    return [*(resource.reasonCode or ()), *resource.reasons()]


def _modalities(resource: Resource, chart: Chart) -> frozenset[Concept]:
    return _concepts([*resource.modalities(), *(series.modality for series in resource.series or ())], chart)


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
