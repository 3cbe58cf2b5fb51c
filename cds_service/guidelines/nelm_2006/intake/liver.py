"""The liver: lesions, resectability, and what speaks against embolisation."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from cds_service.guidelines.nelm_2006 import thresholds as limit
from cds_service.guidelines.nelm_2006.intake.carriers import OBSERVATIONS, PROCEDURES, unless_unread
from cds_service.guidelines.nelm_2006.intake.listing import few, joined
from fhir_mappings import assessment
from fhir_mappings.assessment import AssessmentCode
from fhir_mappings.condition import ConditionReading
from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown
from fhir_mappings.observation import newest_results, outside_own_range
from fhir_mappings.procedure import ProcedureReading, latest_of
from fhir_mappings.quantities import highest
from fhir_mappings.reading import Reading, Recency, hardest_to_outrank, latest, reconcile, sources_of
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept
from fhir_mappings.tumour_size import of_latest_study

_PORTAL_VEIN = {
    "patent": "patent",
    "partial-occlusion": "partial_occlusion",
    "complete-occlusion": "complete_occlusion",
}
_NONE: Reading[bool] = Reading(Unknown(WhyUnknown.NOT_RECORDED), None)


def yes_no(chart: Chart, code: AssessmentCode, recency: Recency | None) -> Fact[bool]:
    """An assessment that only a clinician can make."""
    return unless_unread(latest(assessment.yes_no(chart, code), chart.as_of, recency).fact, chart, OBSERVATIONS)


def lesion_count(chart: Chart, recency: Recency) -> Fact[Interval]:
    """All liver metastases visible on the latest CT or MRI, by assessment."""
    fact = latest(assessment.counts(chart, AssessmentCode.LESION_COUNT), chart.as_of, recency).fact
    return unless_unread(fact, chart, OBSERVATIONS)


def largest_lesion(chart: Chart, done: list[ProcedureReading], recency: Recency) -> Fact[Interval]:
    """The largest diameter (cm): by assessment, or the largest tumour size of the latest study with a liver site."""
    assessed = latest(assessment.measures(chart, AssessmentCode.LARGEST_LESION_DIAMETER, "cm"), chart.as_of, recency)
    measured = _largest_of_latest_study(chart, done, recency)
    if isinstance(assessed.fact, Known) and _why(measured.fact) is WhyUnknown.EARLY_AFTER_TREATMENT:
        return assessed.fact
    return unless_unread(reconcile(assessed, measured).fact, chart, OBSERVATIONS)


def _largest_of_latest_study(chart: Chart, done: list[ProcedureReading], recency: Recency) -> Reading[Interval]:
    readings = of_latest_study(chart)
    of_study = [r for r in readings if r.when is not None and not r.when.certainly_after_instant(chart.as_of)]
    if not of_study:
        return latest(readings, chart.as_of, recency)
    origin = sources_of(of_study)
    unknown = next((r.fact for r in of_study if isinstance(r.fact, Unknown)), None)
    if unknown is not None:
        return Reading(replace(unknown, sources=origin), of_study[0].when)
    values = [r.fact.value for r in of_study if isinstance(r.fact, Known)]
    largest = Reading(Known(highest(values), origin, "largest measured"), of_study[0].when)
    if _early_after_treatment(largest, done):
        why = WhyUnknown.EARLY_AFTER_TREATMENT
        return Reading(Unknown(why, origin, "coagulation or necrosis, not tumour"), largest.when)
    return Reading(latest([largest], chart.as_of, recency).fact, largest.when)


def _early_after_treatment(measured: Reading[Interval], done: list[ProcedureReading]) -> bool:
    destroyed = frozenset({Concept.LIVER_ABLATION, Concept.HEPATIC_ARTERY_EMBOLISATION})
    treatment = latest_of(done, destroyed)
    if treatment is None or treatment.when is None or measured.when is None:
        return False
    if measured.when.certainly_before(treatment.when):
        return False
    # Of partial dates the closest pair counts: a coagulation taken for a tumour would be treated again.
    return (measured.when.first_day - treatment.when.last_day).days <= limit.EARLY_AFTER_TREATMENT_DAYS


def _why(fact: Fact[Interval]) -> WhyUnknown | None:
    return fact.why if isinstance(fact, Unknown) else None


def cytoreduction(chart: Chart, recency: Recency) -> Fact[Interval]:
    """The share of tumour that could be removed (%), by assessment."""
    fact = latest(assessment.measures(chart, AssessmentCode.EXPECTED_CYTOREDUCTION, "%"), chart.as_of, recency).fact
    return unless_unread(fact, chart, OBSERVATIONS)


def portal_vein(
    chart: Chart, found: list[ConditionReading], done: list[ProcedureReading], recency: Recency
) -> Fact[str]:
    """patent, partial_occlusion or complete_occlusion; a thrombosis by code does not say how much."""
    assessed = latest(assessment.coded(chart, AssessmentCode.PORTAL_VEIN), chart.as_of, recency)
    if isinstance(assessed.fact, Known):
        word = _PORTAL_VEIN.get(assessed.fact.value)
        fact: Fact[str] = (
            Known(word, assessed.fact.sources, assessed.fact.note)
            if word
            else Unknown(WhyUnknown.VALUE, assessed.fact.sources)
        )
        assessed = Reading(fact, assessed.when)
    if isinstance(assessed.fact, Known) and assessed.fact.value == "complete_occlusion":
        # A thrombosis of unstated degree, or an embolised branch, says nothing against it.
        return assessed.fact
    unclear: list[Reading[str]] = [
        Reading(Unknown(WhyUnknown.DEGREE, (c.source,), c.label), c.when)
        for c in found
        if c.active and Concept.PORTAL_VEIN_THROMBOSIS in c.concepts
    ]
    unclear += [
        Reading(Unknown(WhyUnknown.DEGREE, (p.source,), "portal vein embolised"), p.when)
        for p in done
        if Concept.PORTAL_VEIN_EMBOLISATION in p.concepts
    ]
    return unless_unread(reconcile(assessed, hardest_to_outrank(unclear)).fact, chart, OBSERVATIONS)


def hepatic_failure(chart: Chart, found: list[ConditionReading], recency: Recency) -> Fact[bool]:
    """Hepatic failure: by diagnosis, or by assessment; the latest bilirubin, INR and albumin are shown beside it.

    A "no" beside a bilirubin or INR of the same or a later day that lies outside its own range is conflicting.
    """
    assessed = latest(assessment.yes_no(chart, AssessmentCode.HEPATIC_FAILURE), chart.as_of, recency)
    fact = unless_unread(with_diagnosis(assessed, chart, found, Concept.HEPATIC_FAILURE), chart, OBSERVATIONS)
    if isinstance(fact, Known) and not fact.value:
        against = [
            result
            for concept in (Concept.BILIRUBIN_TOTAL, Concept.INR)
            for result in outside_own_range(chart, concept)
            if _not_before(result, assessed) and not _in_future(result, chart)
        ]
        if against:
            texts = [r.fact.value for r in sorted(against, key=_when, reverse=True) if isinstance(r.fact, Known)]
            note = f"outside range: {few(list(dict.fromkeys(texts)))}"
            return Unknown(WhyUnknown.CONFLICTING, (*fact.sources, *sources_of(against)), note)
    return replace(fact, note=joined(fact.note, *_liver_tests(chart)))


_LIVER_TESTS = {Concept.BILIRUBIN_TOTAL: "bilirubin", Concept.INR: "INR", Concept.ALBUMIN: "albumin"}


def _liver_tests(chart: Chart) -> Iterator[str]:
    for concept, newest in newest_results(chart, _LIVER_TESTS):
        if isinstance(newest.fact, Known) and newest.when is not None:
            yield f"{_LIVER_TESTS[concept]} {newest.fact.value} ({newest.when.day})"


def _when(reading: Reading[str]) -> tuple[str, str]:
    return (reading.when.last.isoformat() if reading.when else "", repr(reading.fact))


def _not_before(result: Reading[str], assessed: Reading[bool]) -> bool:
    """True unless the result is certainly older; an undated one may be of any day."""
    return result.when is None or assessed.when is None or not result.when.certainly_before(assessed.when)


def _in_future(result: Reading[str], chart: Chart) -> bool:
    return result.when is not None and result.when.certainly_after_instant(chart.as_of)


def biliary_anastomosis(chart: Chart, done: list[ProcedureReading]) -> Fact[bool]:
    """A bilio-enteric anastomosis: yes by procedure, no only by assessment; a recorded operation is never outranked."""
    assessed = latest(assessment.yes_no(chart, AssessmentCode.BILIARY_ANASTOMOSIS), chart.as_of)
    operations = [p for p in done if p.concepts & {Concept.BILIARY_ENTERIC_ANASTOMOSIS, Concept.LIVER_TRANSPLANTATION}]
    joining = [p for p in operations if Concept.BILIARY_ENTERIC_ANASTOMOSIS in p.concepts]
    origin = tuple(p.source for p in operations)
    says_no = isinstance(assessed.fact, Known) and not assessed.fact.value
    if operations and says_no:
        return Unknown(
            WhyUnknown.CONFLICTING,
            (*assessed.fact.sources, *origin),
            "operation recorded, assessment says no",
        )
    if joining:
        return Known(True, tuple(p.source for p in joining))
    return unless_unread(assessed.fact, chart, OBSERVATIONS, PROCEDURES)


def hepatomegaly(chart: Chart, found: list[ConditionReading], recency: Recency) -> Fact[bool]:
    """An enlarged liver: yes by diagnosis or assessment, no only by assessment."""
    assessed = latest(assessment.yes_no(chart, AssessmentCode.HEPATOMEGALY), chart.as_of, recency)
    fact = with_diagnosis(assessed, chart, found, Concept.HEPATOMEGALY)
    return unless_unread(fact, chart, OBSERVATIONS)


def with_diagnosis(
    assessed: Reading[bool], chart: Chart, found: list[ConditionReading], concept: Concept
) -> Fact[bool]:
    """An assessment against the Conditions of a concept; one that no longer holds contributes nothing."""
    derived = by_diagnosis(chart, found, concept)
    over = isinstance(derived.fact, Unknown) and derived.fact.why is WhyUnknown.HISTORY
    if isinstance(assessed.fact, Known) and over:
        return assessed.fact
    return reconcile(assessed, derived).fact


def by_diagnosis(chart: Chart, found: list[ConditionReading], concept: Concept) -> Reading[bool]:
    """What the Conditions say of a concept: yes if confirmed and active, else why not known; never no."""
    of_concept = [c for c in found if concept in c.concepts]
    holding = [c for c in of_concept if c.confirmed and c.active]
    if holding:
        # An undated diagnosis cannot be placed in time, so nothing can outrank it.
        when = None if any(c.when is None for c in holding) else max(holding, key=_recorded).when
        return Reading(Known(True, tuple(c.source for c in holding)), when)
    if not of_concept:
        return _NONE
    unconfirmed = any(not c.confirmed and c.active for c in of_concept)
    why = WhyUnknown.UNCONFIRMED if unconfirmed else WhyUnknown.HISTORY
    last = max(of_concept, key=_recorded)
    return Reading(Unknown(why, tuple(c.source for c in of_concept)), last.when)


def _recorded(condition: ConditionReading) -> str:
    return condition.when.last.isoformat() if condition.when else ""
