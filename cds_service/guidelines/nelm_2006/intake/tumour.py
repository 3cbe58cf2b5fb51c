"""The tumour: primary site, markers, imaging done, and disease beyond the liver."""

from __future__ import annotations

from cds_service.guidelines.nelm_2006 import thresholds as limit
from cds_service.guidelines.nelm_2006.intake.carriers import (
    IMAGING,
    OBSERVATIONS,
    unless_all_unread,
    unless_unread,
)
from cds_service.guidelines.nelm_2006.intake.grade import one_of
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from fhir_mappings import assessment, imaging
from fhir_mappings.assessment import AssessmentCode
from fhir_mappings.condition import ConditionReading
from fhir_mappings.facts import Fact, Known, Source, Unknown, WhyUnknown
from fhir_mappings.imaging import Examination, ImagingReading
from fhir_mappings.observation import Marker, markers
from fhir_mappings.reading import Reading, Recency, hardest_to_outrank, latest, reconcile
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept

_METASTASIS = frozenset({
    Concept.LIVER_METASTASIS, Concept.EXTRAHEPATIC_METASTASIS, Concept.DISTANT_LYMPH_NODE_METASTASIS,
    Concept.LYMPH_NODE_METASTASIS, Concept.METASTASIS_SITE_UNSTATED, Concept.NEUROENDOCRINE_LIVER_METASTASIS,
})  # fmt: skip
# Codes that name a stretch of the gut; they say nothing against a code that names the organ within it.
_STRETCHES = frozenset({"foregut", "midgut", "hindgut", "small_intestine"})

_THORACIC_PRIMARIES = frozenset({"lung", "bronchus", "thymus"})
_REGIONAL_NODES_OF_RECTUM = frozenset({"pelvic", "intra_abdominal"})
# A site that names only the region leaves open which of its organs, and so which nodes are regional.
_REGIONAL_FOR_SOME = {
    "foregut": frozenset({"intrathoracic", "intra_abdominal"}),
    "hindgut": frozenset({"pelvic"}),
}


def primary_site(found: list[ConditionReading]) -> Fact[str]:
    """The organ of the primary; a resolved or inactive diagnosis still names it (P)."""
    recorded = [c for c in found if c.neuroendocrine and not c.concepts & _METASTASIS]
    primaries = [c for c in recorded if c.confirmed]
    if recorded and not primaries:
        return Unknown(WhyUnknown.UNCONFIRMED, tuple(c.source for c in recorded), recorded[0].label)
    sites = {site for c in primaries for site in c.primary_sites}
    organs = sites - _STRETCHES or sites
    sources = tuple(dict.fromkeys(c.source for c in primaries))
    if len(organs) == 1:
        return Known(organs.pop(), tuple(c.source for c in primaries if c.primary_sites))
    if len(organs) > 1:
        return Unknown(WhyUnknown.CONFLICTING, sources, ", ".join(sorted(organs)))
    if primaries:
        return Unknown(WhyUnknown.SITE, sources, f"{primaries[0].label}: no site that the paper knows")
    return Unknown(WhyUnknown.NOT_RECORDED)


def marker(chart: Chart, concept: Concept, recency: Recency) -> Fact[str]:
    """A tumour marker: `elevated`, `normal`, or `measured` where its own reference range does not tell."""
    fact = latest([_in_words(r) for r in markers(chart, concept)], chart.as_of, recency).fact
    return unless_unread(fact, chart, OBSERVATIONS)


def serotonin(chart: Chart, recency: Recency, policy: SitePolicy) -> Fact[str]:
    """Platelet serotonin; where the site has no such test, urinary 5-HIAA stands in for it, marked as the site's."""
    fact = marker(chart, Concept.PLATELET_SEROTONIN, recency)
    if isinstance(fact, Known) or policy.platelet_serotonin:
        return fact
    urine = marker(chart, Concept.URINARY_5_HIAA, recency)
    return Known(urine.value, urine.sources, f"urinary 5-HIAA: {urine.note}") if isinstance(urine, Known) else urine


def _in_words(reading: Reading[Marker]) -> Reading[str]:
    """Assays are never compared with each other: two of one day agree if both are above their own range."""
    fact = reading.fact
    if isinstance(fact, Unknown):
        return Reading(fact, reading.when)
    word = {True: "elevated", False: "normal", None: "measured"}[fact.value.elevated]
    return Reading(Known(word, fact.sources, _marker_note(fact)), reading.when)


def _marker_note(fact: Known[Marker]) -> str:
    return f"{fact.value.result} ({fact.note})" if fact.note else fact.value.result


def liver_imaging(chart: Chart, done: list[ImagingReading], recency: Recency) -> Fact[str]:
    """Helical CT or MRI of the liver that still counts (R13, A12); the latest of either."""
    readings = imaging.done(done, Examination.HELICAL_CT, Examination.MRI)
    fact = _newest_usable(readings, chart, recency)
    if isinstance(fact, Known) and fact.sources and fact.sources[0].date:
        fact = Known(fact.value, fact.sources, _age_note(fact, readings, chart))
    return unless_all_unread(fact, chart, *IMAGING)


def _age_note(fact: Known[str], readings: list[Reading[str]], chart: Chart) -> str | None:
    when = next((r.when for r in readings if fact.sources[0] in r.fact.sources), None)
    days = when.days_before(chart.as_of)[1] if when else 0
    return f"{days} days old" if days > limit.OLD_CROSS_SECTION_DAYS else None


def _newest_usable(readings: list[Reading[str]], chart: Chart, recency: Recency) -> Fact[str]:
    """CT and MRI do not contradict each other: any examination that counts answers, the newest is named."""
    facts = [latest([reading], chart.as_of, recency) for reading in readings]
    counted = [r for r in facts if isinstance(r.fact, Known) and r.when is not None]
    if counted:
        return max(counted, key=_newest_then_name).fact
    if not facts:
        return Unknown(WhyUnknown.NOT_RECORDED)
    return max(facts, key=_newest_then_name).fact


def _newest_then_name(reading: Reading[str]) -> tuple[str, str]:
    """Latest first; of the same moment the same one, whatever the order in the bundle."""
    return (reading.when.last.isoformat() if reading.when else "", repr(reading.fact))


def receptor_scan(chart: Chart, done: list[ImagingReading], recency: Recency) -> Fact[str]:
    """`positive` or `negative` uptake; an examination without its result is Unknown(result missing), not missing."""
    result = latest(assessment.coded(chart, AssessmentCode.SSTR_UPTAKE), chart.as_of, recency).fact
    examined = Examination.SOMATOSTATIN_RECEPTOR
    return _with_examination(one_of(result, "positive", "negative"), chart, done, examined, recency)


def mibg_avid(chart: Chart, done: list[ImagingReading], recency: Recency) -> Fact[bool]:
    """Whether the metastases take up MIBG."""
    result = latest(assessment.coded(chart, AssessmentCode.MIBG_UPTAKE), chart.as_of, recency).fact
    fact = _with_examination(one_of(result, "avid", "not-avid"), chart, done, Examination.MIBG, recency)
    if isinstance(fact, Unknown):
        return fact
    return Known(fact.value == "avid", fact.sources, fact.note)


def _with_examination(
    result: Fact[str], chart: Chart, done: list[ImagingReading], which: Examination, recency: Recency
) -> Fact[str]:
    examined = _newest_usable(imaging.done(done, which), chart, recency)
    if isinstance(result, Known):
        return result
    without_result = result.why in (WhyUnknown.NOT_RECORDED, WhyUnknown.TOO_OLD)
    if without_result and isinstance(examined, Known):
        # The report is asked for, not a new scan: also where only an older scan has its result.
        result = Unknown(WhyUnknown.RESULT_MISSING, examined.sources)
    elif without_result and isinstance(examined, Unknown):
        if result.why is WhyUnknown.NOT_RECORDED and examined.why is not WhyUnknown.NOT_RECORDED:
            result = examined
        # A scan that may exist where we could not look is not asked for again.
        result = unless_all_unread(result, chart, *IMAGING)
    return unless_unread(result, chart, OBSERVATIONS) if isinstance(result, Unknown) else result


def extrahepatic_disease(chart: Chart, found: list[ConditionReading], site: Fact[str], recency: Recency) -> Fact[bool]:
    """Metastases beyond the liver (A7): a confirmed active one is yes; no only by assessment."""
    assessed = latest(assessment.yes_no(chart, AssessmentCode.EXTRAHEPATIC_DISEASE), chart.as_of, recency)
    other_malignancy = any(c.other_malignancy for c in found)
    derived = [r for r in (_beyond_liver(c, site, other_malignancy) for c in found) if r is not None]
    present = [r for r in derived if isinstance(r.fact, Known)]
    combined = latest(present, chart.as_of) if present else hardest_to_outrank(derived)
    return unless_unread(reconcile(assessed, combined).fact, chart, OBSERVATIONS)


def _beyond_liver(c: ConditionReading, site: Fact[str], other_malignancy: bool) -> Reading[bool] | None:
    nodes = Concept.LYMPH_NODE_METASTASIS in c.concepts
    distant = Concept.DISTANT_LYMPH_NODE_METASTASIS in c.concepts
    if not (nodes or distant or Concept.EXTRAHEPATIC_METASTASIS in c.concepts):
        return None
    origin: tuple[Source, ...] = (c.source,)
    if nodes:
        distant_nodes = _distant_nodes(c, site)
        if distant_nodes is False:
            return None
        if distant_nodes is None:
            return Reading(Unknown(WhyUnknown.REGIONAL_OR_DISTANT, origin, c.label), c.when)
    if not c.confirmed:
        return Reading(Unknown(WhyUnknown.UNCONFIRMED, origin, c.label), c.when)
    if not c.active:
        return Reading(Unknown(WhyUnknown.HISTORY, origin, c.label), c.when)
    if other_malignancy and not c.neuroendocrine:
        return Reading(Unknown(WhyUnknown.WHICH_PRIMARY, origin, c.label), c.when)
    note = f"{c.label}: truly distant?" if distant else c.label
    return Reading(Known(True, origin, note), c.when)


def _distant_nodes(c: ConditionReading, site: Fact[str]) -> bool | None:
    """True if the nodes lie outside the primary's region, False if inside, None if that cannot be told."""
    if isinstance(site, Unknown) or not c.lymph_node_regions:
        return None
    if c.lymph_node_regions & _REGIONAL_FOR_SOME.get(site.value, frozenset()):
        return None
    if site.value in _THORACIC_PRIMARIES:
        regional = frozenset({"intrathoracic"})
    elif site.value == "rectum":
        regional = _REGIONAL_NODES_OF_RECTUM
    else:
        regional = frozenset({"intra_abdominal"})
    return not c.lymph_node_regions <= regional
