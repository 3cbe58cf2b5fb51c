"""Pathology reports that say what the liver metastases are, and how differentiated.

FHIR: https://hl7.org/fhir/R4/diagnosticreport.html
Only coded conclusions count, and a report that is the evidence of a diagnosis. A conclusion that could be about the
primary alone says nothing about the liver; a diagnosis code in a report that is not known to be a pathologist's (a
radiologist writes C7B.02 too) is no histology, while a morphology is.
# not read: conclusion, presentedForm (text never becomes a value), result (Ki-67 comes as an Observation), media.
"""

from __future__ import annotations

from msgspec import Struct

from fhir_mappings.condition import ConditionReading, is_neuroendocrine
from fhir_mappings.dates import DateInterval
from fhir_mappings.facts import Source
from fhir_mappings.observation import source, when
from fhir_mappings.select import Chart, Unused, WhyUnused
from fhir_mappings.systems import ICD_O_3, canonical_system
from fhir_mappings.terminology import Concept
from fhir_mappings.typed import problem
from fhir_mappings.wire import Coded, Resource

_COUNTED = frozenset({"final", "amended", "corrected", "appended"})
_PRELIMINARY = frozenset({"preliminary", "partial"})
# Diagnostic service sections of HL7 v2: pathology, surgical pathology, cytopathology.
_SECTIONS = frozenset({"http://terminology.hl7.org/CodeSystem/v2-0074", "http://hl7.org/fhir/v2/0074"})
_PATHOLOGY = frozenset({"PAT", "SP", "CP"})
_LIVER = frozenset({Concept.LIVER_METASTASIS, Concept.LIVER_BODY_SITE})
# A tumour of the liver's own, or of the skin: whatever stands beside it, not the metastases of this protocol.
_SPEAKS_AGAINST = frozenset({
    Concept.PRIMARY_LIVER_NEUROENDOCRINE, Concept.PRIMARY_LIVER_CANCER, Concept.MERKEL_CELL,
    Concept.NEUROENDOCRINE_NOT_ENOUGH_ALONE,
})  # fmt: skip


class PathologyReading(Struct, frozen=True):
    """One report of a pathologist, or with a coded conclusion, and what it can say of the liver metastases."""

    source: Source
    when: DateInterval | None
    concepts: frozenset[Concept]  # of the conclusion
    preliminary: bool
    by_pathologist: bool
    morphology: bool  # the conclusion names a neuroendocrine morphology
    contradicts: bool  # another malignancy is concluded, or a tumour of the liver's own
    concludes_otherwise: bool  # its conclusion is coded, and names no neuroendocrine tumour

    @property
    def of_liver(self) -> bool:
        """True if the conclusion itself says that the liver metastases are neuroendocrine."""
        histology = self.by_pathologist or self.morphology
        names_both = is_neuroendocrine(self.concepts) and bool(self.concepts & _LIVER)
        return histology and names_both and not self.contradicts


def pathology_reports(chart: Chart) -> tuple[list[PathologyReading], list[Unused]]:
    """Every report that could say what the tumour is (preliminary ones marked as such), and those not valid FHIR."""
    readings: list[PathologyReading] = []
    unused: list[Unused] = []
    for resource in chart.of_type("DiagnosticReport"):
        by_pathologist = _is_pathologists(resource, chart)
        if resource.status not in _COUNTED | _PRELIMINARY or not (by_pathologist or resource.conclusionCode):
            continue
        concepts = _concluded(resource, chart)
        where = problem(resource)
        if where is not None:
            unused.append(Unused(resource.reference, WhyUnused.MALFORMED, concepts, f"element {where}", resource.code))
            continue
        readings.append(_read(resource, concepts, chart, by_pathologist=by_pathologist))
    return readings, unused


def evidence_of(found: list[PathologyReading], diagnoses: list[ConditionReading]) -> list[PathologyReading]:
    """The pathologists' reports on which a diagnosis rests by its own word."""
    named = {reference for diagnosis in diagnoses for reference in diagnosis.evidence}
    silent_or_ours = [r for r in found if not (r.contradicts or r.concludes_otherwise)]
    return [r for r in silent_or_ours if r.by_pathologist and r.source.reference in named]


def _read(resource: Resource, concepts: frozenset[Concept], chart: Chart, *, by_pathologist: bool) -> PathologyReading:
    date = when(resource)
    return PathologyReading(
        source=source(resource, date),
        when=date,
        concepts=concepts,
        preliminary=resource.status in _PRELIMINARY,
        by_pathologist=by_pathologist,
        morphology=any(_is_morphology(concluded, chart) for concluded in resource.conclusionCode or ()),
        contradicts=bool(concepts & _SPEAKS_AGAINST) or any(_another(c, chart) for c in resource.conclusionCode or ()),
        concludes_otherwise=bool(resource.conclusionCode) and not is_neuroendocrine(concepts),
    )


def _is_pathologists(resource: Resource, chart: Chart) -> bool:
    if Concept.PATHOLOGY_REPORT in chart.concepts(resource.code):
        return True
    codings = (coding for category in resource.categories() for coding in category.codings())
    return any(coding.system in _SECTIONS and coding.code in _PATHOLOGY for coding in codings)


def _is_morphology(concluded: Coded, chart: Chart) -> bool:
    if not is_neuroendocrine(chart.concepts(concluded)):
        return False
    in_icd_o = any(canonical_system(coding.system) == ICD_O_3 for coding in concluded.codings())
    graded = {Concept.WELL_DIFFERENTIATED, Concept.POORLY_DIFFERENTIATED}
    return in_icd_o or bool(chart.concepts(concluded) & graded)


def _another(concluded: Coded, chart: Chart) -> bool:
    """Another malignancy; the codings of one conclusion are one tumour, so its morphology may make it ours."""
    if is_neuroendocrine(chart.concepts(concluded)):
        return False
    return any(chart.terminology.is_other_malignancy(c.system, c.code) for c in concluded.codings())


def _concluded(resource: Resource, chart: Chart) -> frozenset[Concept]:
    elements = [*(resource.conclusionCode or ()), *resource.body_sites()]
    return frozenset(concept for element in elements for concept in chart.concepts(element))
