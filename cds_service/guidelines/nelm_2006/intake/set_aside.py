"""Resources that were looked at and not used: named on the input they would have informed, never dropped in silence.

A result that could not be decoded makes its input Unknown(malformed) where nothing else answers; another patient's
result changes nothing, and the decision says that it was there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from cds_service.guidelines.nelm_2006.intake.listing import MOST_SOURCES
from cds_service.guidelines.nelm_2006.intake.medicines import MEDICINES
from cds_service.guidelines.nelm_2006.needs import Needs
from fhir_mappings.assessment import AssessmentCode, codes_of
from fhir_mappings.facts import Fact, Interval, Known, Source, Unknown, WhyUnknown
from fhir_mappings.select import UNREADABLE_WHYS, Unused, WhyUnused
from fhir_mappings.terminology import Concept
from fhir_mappings.wire import Coded

_BY_CONCEPT = {
    Concept.NEUROENDOCRINE_NEOPLASM: "nelm_confirmed",
    Concept.NEUROENDOCRINE_LIVER_METASTASIS: "nelm_confirmed",
    Concept.LIVER_METASTASIS: "nelm_confirmed",
    Concept.CHROMOGRANIN_A: "cga",
    Concept.PLATELET_SEROTONIN: "platelet_serotonin",
    Concept.KI_67_PERCENT: "ki67_percent",
    Concept.TUMOUR_SIZE: "largest_lesion_cm",
    Concept.CT_LIVER_OR_ABDOMEN: "liver_imaging",
    Concept.MR_LIVER_OR_ABDOMEN: "liver_imaging",
    Concept.SOMATOSTATIN_RECEPTOR_IMAGING: "srs",
    Concept.MIBG_IMAGING: "mibg_avid",
    Concept.EXTRAHEPATIC_METASTASIS: "extrahepatic_disease",
    Concept.CARCINOID_SYNDROME: "carcinoid_syndrome",
    Concept.CARCINOID_CRISIS: "carcinoid_crisis_now",
    Concept.HEPATIC_FAILURE: "hepatic_failure",
    Concept.BILIRUBIN_TOTAL: "hepatic_failure",
    Concept.INR: "hepatic_failure",
    Concept.HEPATOMEGALY: "hepatomegaly",
    Concept.PORTAL_VEIN_THROMBOSIS: "portal_vein",
    Concept.BILIARY_ENTERIC_ANASTOMOSIS: "biliary_anastomosis",
    Concept.LIVER_TRANSPLANTATION: "liver_transplant",
    Concept.HEPATIC_ARTERY_EMBOLISATION: "context",
}
_BY_ASSESSMENT = {
    AssessmentCode.NELM_HISTOLOGY: "nelm_confirmed",
    AssessmentCode.EXTRAHEPATIC_DISEASE: "extrahepatic_disease",
    AssessmentCode.LESION_COUNT: "lesion_count",
    AssessmentCode.LARGEST_LESION_DIAMETER: "largest_lesion_cm",
    AssessmentCode.SMALL_MULTIPLE_METASTASES: "small_multiple_mets",
    AssessmentCode.RADICAL_RESECTION_POSSIBLE: "radical_resection_possible",
    AssessmentCode.REMNANT_ADEQUATE: "remnant_adequate",
    AssessmentCode.EXPECTED_CYTOREDUCTION: "est_cytoreduction_pct",
    AssessmentCode.LOBAR_PREDOMINANCE: "lobar_predominance",
    AssessmentCode.PORTAL_VEIN: "portal_vein",
    AssessmentCode.HEPATIC_FAILURE: "hepatic_failure",
    AssessmentCode.BILIARY_ANASTOMOSIS: "biliary_anastomosis",
    AssessmentCode.HEPATOMEGALY: "hepatomegaly",
    AssessmentCode.CARCINOID_SYNDROME: "carcinoid_syndrome",
    AssessmentCode.SYMPTOMS_CONTROLLED: "symptoms_controlled",
    AssessmentCode.CARCINOID_CRISIS: "carcinoid_crisis_now",
    AssessmentCode.SSTR_UPTAKE: "srs",
    AssessmentCode.MIBG_UPTAKE: "mibg_avid",
    AssessmentCode.DIFFERENTIATION: "differentiation",
    AssessmentCode.FAILED_THERAPY: "failed_therapies",
    AssessmentCode.OTHER_THERAPIES_EXHAUSTED: "other_therapies_exhausted",
    AssessmentCode.DISEASE_CONTEXT: "context",
    AssessmentCode.TREATMENT_RESPONSE: "response",
}
_NOTHING = object()
_WORDS = {
    WhyUnused.OTHER_PATIENT: "of another patient",
    WhyUnused.NO_SUBJECT: "without a patient",
    WhyUnused.MALFORMED: "not readable",
    WhyUnused.MODIFIER: "with a modifier that is not understood",
    WhyUnused.NOT_SUPPORTED: "in an older FHIR version",
}


def note_what_was_set_aside(needs: Needs, unused: Iterable[Unused]) -> Needs:
    """The needs, each with a note of the resources that would have informed it and were not used."""
    by_input: dict[str, list[Unused]] = {}
    for item in unused:
        if item.why not in _WORDS:
            continue
        for name in _inputs(item):
            by_input.setdefault(name, []).append(item)
    changed: dict[str, Any] = {name: _noted(name, needs.fact(name), items) for name, items in by_input.items()}
    return replace(needs, **changed) if changed else needs


def summary(unused: Iterable[Unused]) -> str:
    """One phrase for a card: `2 results of another patient, 1 result not readable`; empty if there is none."""
    counts: dict[WhyUnused, int] = {}
    for item in unused:
        if item.why in _WORDS and (_inputs(item) or item.concepts & MEDICINES or _may_hold_assessments(item)):
            counts[item.why] = counts.get(item.why, 0) + 1
    parts = [f"{n} record{'s' if n > 1 else ''} {_WORDS[why]}" for why, n in sorted(counts.items())]
    return ", ".join(parts)


def _may_hold_assessments(item: Unused) -> bool:
    """True of answers to a form of which not even the questions could be read."""
    return item.why is WhyUnused.MALFORMED and item.reference.startswith("QuestionnaireResponse/")


def inputs_of(concepts: Iterable[Concept], code: Coded | None) -> set[str]:
    """The inputs that a resource of these concepts, under this code, would inform."""
    names = {_BY_CONCEPT[concept] for concept in concepts if concept in _BY_CONCEPT}
    return names | {_BY_ASSESSMENT[assessment] for assessment in AssessmentCode if assessment in codes_of(code)}


def assessment_of(name: str) -> str | None:
    """The code under which a clinician can record an input; None if there is no such assessment."""
    return next((code.value for code, informed in _BY_ASSESSMENT.items() if informed == name), None)


def _inputs(item: Unused) -> set[str]:
    return inputs_of(item.concepts, item.code)


# A second examination or marker that cannot be read takes nothing from one that can.
_STAND_BESIDE = frozenset({"cga", "platelet_serotonin", "liver_imaging", "nelm_confirmed"})
# What already speaks for caution is not unsettled by a record that could at most contradict it.
_CAUTIOUS = {
    "extrahepatic_disease": True,
    "hepatic_failure": True,
    "biliary_anastomosis": True,
    "carcinoid_crisis_now": True,
    "liver_transplant": True,
    "portal_vein": "complete_occlusion",
    "context": "post_embolisation",
    "differentiation": "poor",
}


def _noted(name: str, fact: Fact[Any], items: list[Unused]) -> Fact[Any]:
    texts = [f"{item.reference} {_WORDS[item.why]}" for item in items]
    more = f" and {len(texts) - MOST_SOURCES} more" if len(texts) > MOST_SOURCES else ""
    note = f"set aside: {', '.join(texts[:MOST_SOURCES])}{more}"
    unreadable = [i for i in items if i.why in UNREADABLE_WHYS]
    lost = tuple(Source(item.reference) for item in unreadable)
    if name == "context" and any(Concept.HEPATIC_ARTERY_EMBOLISATION in item.concepts for item in unreadable):
        # Silence would be read as the initial course, and embolisation offered as if for the first time.
        return Known("post_embolisation", lost, note)
    if isinstance(fact, Known):
        both = "; ".join(filter(None, (fact.note, note)))
        if not lost or name in _STAND_BESIDE or fact.value == _CAUTIOUS.get(name, _NOTHING):
            return Known(fact.value, fact.sources, both)
        if name == "ki67_percent":
            # The highest specimen answers: what could not be read may be higher.
            return Known(Interval(fact.value.low, None, low_open=fact.value.low_open), (*fact.sources, *lost), both)
        return Unknown(WhyUnknown.MALFORMED, (*fact.sources, *lost), both)
    if lost and fact.why is WhyUnknown.NOT_RECORDED:
        return Unknown(WhyUnknown.MALFORMED, lost, note)
    return Unknown(fact.why, fact.sources, "; ".join(filter(None, (fact.note, note))))
