"""The whole reading of a chart: every need of the protocol, and what belongs on a card beside it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from cds_service.guidelines.nelm_2006 import thresholds as limit
from cds_service.guidelines.nelm_2006.intake import course, grade, liver, tumour
from cds_service.guidelines.nelm_2006.intake.beside import found_beside
from cds_service.guidelines.nelm_2006.intake.carriers import unread
from cds_service.guidelines.nelm_2006.intake.listing import with_latest_sources
from cds_service.guidelines.nelm_2006.intake.medicines import (
    RADIONUCLIDE,
    Medicines,
    radionuclide_treatments,
    read_medicines,
)
from cds_service.guidelines.nelm_2006.intake.scope import Scope, earlier_crisis, read_crisis, read_scope
from cds_service.guidelines.nelm_2006.intake.set_aside import note_what_was_set_aside, summary
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.policy import DEFAULT, SitePolicy
from fhir_mappings.assessment import AssessmentCode, unused_responses
from fhir_mappings.condition import conditions
from fhir_mappings.facts import Fact, Known, Source
from fhir_mappings.imaging import examinations
from fhir_mappings.marker_trend import marker_trend
from fhir_mappings.medication import Medications, medications
from fhir_mappings.not_understood import NotUnderstood, not_understood
from fhir_mappings.pathology import pathology_reports
from fhir_mappings.patient import age_years
from fhir_mappings.procedure import LIVER_DIRECTED, ProcedureReading, latest_of, procedures
from fhir_mappings.quantities import RawQuantity
from fhir_mappings.reading import Reading, Recency
from fhir_mappings.select import Chart, Unused
from fhir_mappings.terminology import Concept
from fhir_mappings.trend import Trend

_CEILING = RawQuantity(limit.PLATELET_SEROTONIN_CEILING, code="nmol/10*9")


class ChartReading(Struct, frozen=True):
    """The needs, and what a reader of the card should know of the chart beside them."""

    needs: Needs
    histology_from_codes: bool
    other_malignancies: tuple[str, ...]
    beside: tuple[tuple[str, Source], ...]  # found, but not counted: 5-HIAA, serotonin of another specimen
    unused: tuple[Unused, ...]
    set_aside: str  # one phrase on the unused resources that would have mattered
    unread_keys: tuple[str, ...]  # queries that brought no answer, an error, or only part of it
    medicines: Medicines = field(default_factory=Medicines)
    not_understood: tuple[NotUnderstood, ...] = ()  # named like a marker of ours, under a code that we do not know
    trends: tuple[Trend, ...] = ()  # how chromogranin A and platelet serotonin have moved
    read_whole: bool = True  # false for a chart that is certainly not ours: nothing but scope was read
    new_edition_since: str | None = None  # the day from which this edition of the rules is new here, while it is
    earlier_crisis: str | None = None  # when a carcinoid crisis was recorded that is not one of now


def might_be_ours(scope: Scope, crisis: Fact[bool]) -> bool:
    """True unless the chart is certainly not ours: only then is the rest of it worth reading."""
    confirmed = scope.nelm_confirmed
    return not (isinstance(confirmed, Known) and not confirmed.value and not isinstance(crisis, Known))


def read_chart(chart: Chart, policy: SitePolicy = DEFAULT, *, whole: bool = False) -> ChartReading:
    """Read every need of the protocol from a chart; one that is certainly not ours no further, unless `whole`."""
    return read(chart, policy, whole=whole)[1]


def read(chart: Chart, policy: SitePolicy = DEFAULT, *, whole: bool = False) -> tuple[Chart, ChartReading]:
    """What `read_chart` reads, after the chart with as much decoded of it as that took."""
    found, unused_conditions = conditions(chart)
    aside = (*unused_conditions, *unused_responses(chart))
    unused = (*chart.unused, *aside)
    scope = read_scope(chart, found, unused)
    crisis = read_crisis(chart, found)
    if not (whole or might_be_ours(scope, crisis)):
        out = Needs(nelm_confirmed=scope.nelm_confirmed, carcinoid_crisis_now=crisis)
        others = scope.other_malignancies
        return chart, ChartReading(out, scope.histology_from_codes, others, (), unused, "", (), read_whole=False)
    chart = chart.whole()
    unused = (*chart.unused, *aside)
    done, unused_procedures = procedures(chart)
    taken = medications(chart)
    reports, unused_reports = pathology_reports(chart)
    unused = (*unused, *unused_procedures, *taken.unused, *unused_reports)
    medicines = read_medicines(chart, taken, done)
    imaging_done = examinations(chart)
    imaging = Recency(int(policy.imaging_counts_days), _last_treatment(done, taken, chart.as_of))
    symptoms = Recency(int(policy.symptoms_count_days))
    site = tumour.primary_site(found)
    lesions = liver.lesion_count(chart, imaging)
    needs = Needs(
        age_years=age_years(chart.patient, chart.as_of),
        nelm_confirmed=scope.nelm_confirmed,
        primary_site=site,
        cga=tumour.marker(chart, Concept.CHROMOGRANIN_A, imaging),
        platelet_serotonin=tumour.serotonin(chart, imaging, policy),
        liver_imaging=tumour.liver_imaging(chart, imaging_done, imaging),
        srs=tumour.receptor_scan(chart, imaging_done, imaging),
        ki67_percent=grade.ki67(chart),
        differentiation=grade.differentiation(chart, found, reports),
        extrahepatic_disease=tumour.extrahepatic_disease(chart, found, site, imaging),
        lesion_count=lesions,
        largest_lesion_cm=liver.largest_lesion(chart, done, imaging),
        small_multiple_mets=liver.yes_no(chart, AssessmentCode.SMALL_MULTIPLE_METASTASES, imaging),
        radical_resection_possible=liver.yes_no(chart, AssessmentCode.RADICAL_RESECTION_POSSIBLE, imaging),
        remnant_adequate=liver.yes_no(chart, AssessmentCode.REMNANT_ADEQUATE, imaging),
        lobar_predominance=liver.yes_no(chart, AssessmentCode.LOBAR_PREDOMINANCE, imaging),
        est_cytoreduction_pct=liver.cytoreduction(chart, imaging),
        portal_vein=liver.portal_vein(chart, found, done, imaging),
        hepatic_failure=liver.hepatic_failure(chart, found, symptoms),
        biliary_anastomosis=liver.biliary_anastomosis(chart, done),
        carcinoid_syndrome=course.carcinoid_syndrome(chart, found, symptoms),
        symptoms_controlled=liver.yes_no(chart, AssessmentCode.SYMPTOMS_CONTROLLED, symptoms),
        carcinoid_crisis_now=crisis,
        hepatomegaly=liver.hepatomegaly(chart, found, imaging),
        mibg_avid=tumour.mibg_avid(chart, imaging_done, imaging),
        failed_therapies=course.failed_therapies(chart),
        other_therapies_exhausted=liver.yes_no(chart, AssessmentCode.OTHER_THERAPIES_EXHAUSTED, None),
        context=course.context(chart, found, done, Recency(int(policy.imaging_counts_days)), lesions),
        response=course.response(chart, done),
        other_syndrome=course.other_syndrome(chart, found),
        carcinoid_heart_disease=course.on_record(chart, found, Concept.CARCINOID_HEART_DISEASE),
        liver_transplant=course.liver_transplant(chart, found, done),
        policy=policy,
    )
    reading = ChartReading(
        needs=with_latest_sources(note_what_was_set_aside(needs, unused)),
        histology_from_codes=scope.histology_from_codes,
        other_malignancies=scope.other_malignancies,
        beside=(*found_beside(chart, found), *((item.text, item.source) for item in medicines.found)),
        unused=unused,
        set_aside=summary(unused),
        unread_keys=unread(chart),
        medicines=medicines,
        not_understood=not_understood(chart),
        new_edition_since=str(policy.new_edition_since) if policy.announces_edition(chart.as_of.date()) else None,
        earlier_crisis=earlier_crisis(chart, found, crisis),
        trends=_trends(chart, policy),
    )
    return chart, reading


def _trends(chart: Chart, policy: SitePolicy) -> tuple[Trend, ...]:
    ceilings = {Concept.CHROMOGRANIN_A: None, Concept.PLATELET_SEROTONIN: _CEILING}
    found = (
        marker_trend(chart, m, change_percent=policy.marker_change_percent, ceiling=c) for m, c in ceilings.items()
    )
    return tuple(course for course in found if course is not None)


def _last_treatment(done: list[ProcedureReading], taken: Medications, as_of: datetime) -> Reading[str] | None:
    """The latest treatment before which imaging no longer counts: directed at the liver, or with a radionuclide."""
    return latest_of([*done, *radionuclide_treatments(taken, as_of)], LIVER_DIRECTED | RADIONUCLIDE)
