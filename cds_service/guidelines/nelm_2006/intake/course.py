"""The course: symptoms, hormone syndromes, earlier treatments, what failed, and where in the course we are."""

from __future__ import annotations

from cds_service.guidelines.nelm_2006 import thresholds as limit
from cds_service.guidelines.nelm_2006.intake.carriers import OBSERVATIONS, PROCEDURES, complete, unless_unread
from cds_service.guidelines.nelm_2006.intake.listing import few, joined
from cds_service.guidelines.nelm_2006.intake.liver import by_diagnosis, with_diagnosis
from fhir_mappings import assessment
from fhir_mappings.assessment import AssessmentCode
from fhir_mappings.condition import ConditionReading
from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown
from fhir_mappings.observation import coded_values
from fhir_mappings.procedure import ProcedureReading, latest_of
from fhir_mappings.reading import Reading, Recency, latest, reconcile, sources_of
from fhir_mappings.select import Chart
from fhir_mappings.systems import NELM_RECOMMENDATION
from fhir_mappings.terminology import Concept

_CONTEXT = {
    "initial": "initial",
    "recurrence": "recurrence",
    "post-ablation": "post_ablation",
    "post-embolisation": "post_embolisation",
}
HINT = "hint only: "  # opens the names of diagnoses that point at a syndrome without being one
_RESPONSES = frozenset({"good", "partial", "none"})
_EMBOLISATION = frozenset({Concept.HEPATIC_ARTERY_EMBOLISATION})
_ABLATION = frozenset({Concept.LIVER_ABLATION})
_REMOVAL = frozenset({Concept.LIVER_RESECTION, Concept.LIVER_TRANSPLANTATION})


def carcinoid_syndrome(chart: Chart, found: list[ConditionReading], recency: Recency) -> Fact[bool]:
    """Carcinoid syndrome: yes by an active diagnosis, no only by assessment; flushing alone is a hint."""
    assessed = latest(assessment.yes_no(chart, AssessmentCode.CARCINOID_SYNDROME), chart.as_of, recency)
    fact = with_diagnosis(assessed, chart, found, Concept.CARCINOID_SYNDROME)
    return _hinted(unless_unread(fact, chart, OBSERVATIONS), found, Concept.CARCINOID_SYMPTOM)


def other_syndrome(chart: Chart, found: list[ConditionReading]) -> Fact[bool]:
    """Another functioning tumour, by diagnosis; a laboratory syndrome without its tumour is a hint."""
    fact = on_record(chart, found, Concept.OTHER_FUNCTIONING_SYNDROME)
    return _hinted(fact, found, Concept.FUNCTIONING_SYNDROME_HINT)


def _hinted(fact: Fact[bool], found: list[ConditionReading], concept: Concept) -> Fact[bool]:
    """An unknown with the diagnoses that point at it, which are not enough to make it so."""
    hints = [c for c in found if concept in c.concepts and c.active]
    if isinstance(fact, Known) or not hints:
        return fact
    names = few(list(dict.fromkeys(c.label for c in hints)))
    return Unknown(fact.why, (*fact.sources, *(c.source for c in hints)), joined(fact.note, f"{HINT}{names}"))


def on_record(chart: Chart, found: list[ConditionReading], concept: Concept) -> Fact[bool]:
    """A diagnosis that is yes when recorded and otherwise unknown (silence is read as no by the rules)."""
    return by_diagnosis(chart, found, concept).fact


def liver_transplant(chart: Chart, found: list[ConditionReading], done: list[ProcedureReading]) -> Fact[bool]:
    """A liver transplantation, by procedure or by the status code of the diagnosis list."""
    operations = [p for p in done if Concept.LIVER_TRANSPLANTATION in p.concepts]
    if operations:
        return Known(True, tuple(p.source for p in operations))
    fact = by_diagnosis(chart, found, Concept.LIVER_TRANSPLANT_STATUS).fact
    return unless_unread(fact, chart, PROCEDURES)


def failed_therapies(chart: Chart) -> Fact[frozenset[str]]:
    """The therapies that a clinician states can no longer help this patient (A22); tried is not failed."""
    readings = assessment.coded(chart, AssessmentCode.FAILED_THERAPY, NELM_RECOMMENDATION)
    past = [r for r in readings if r.when is None or not r.when.certainly_after_instant(chart.as_of)]
    known = [r for r in past if isinstance(r.fact, Known)]
    if not known and not complete(chart, OBSERVATIONS):
        return Unknown(WhyUnknown.NOT_RETRIEVED)
    unread = [r for r in past if isinstance(r.fact, Unknown) and r.fact.why is not WhyUnknown.DATA_ABSENT]
    if unread and not known:
        return Unknown(WhyUnknown.VALUE, sources_of(unread), "a treatment that is not one of the protocol's")
    note = "another one could not be read" if unread else None
    return Known(frozenset(r.fact.value for r in known if isinstance(r.fact, Known)), sources_of(known), note)


def context(
    chart: Chart,
    found: list[ConditionReading],
    done: list[ProcedureReading],
    recency: Recency,
    lesions: Fact[Interval],
) -> Fact[str]:
    """Where in the course: by assessment, else from the latest liver-directed procedure, else initial.

    An ablation or an embolisation sets the context for 12 months (P); older ones, and resections, are a recurrence
    where lesions are on later imaging.
    """
    assessed = latest(assessment.coded(chart, AssessmentCode.DISEASE_CONTEXT), chart.as_of, recency)
    if isinstance(assessed.fact, Known):
        word = _CONTEXT.get(assessed.fact.value)
        if word is None:
            return Unknown(WhyUnknown.VALUE, assessed.fact.sources)
        assessed = Reading(Known(word, assessed.fact.sources, assessed.fact.note), assessed.when)
    derived = _context_by_record(chart, found, done, lesions)
    if isinstance(assessed.fact, Known) and (isinstance(derived.fact, Unknown) or not derived.fact.sources):
        # Neither silence nor a treatment without later imaging says anything against a clinician's word.
        return assessed.fact
    return reconcile(assessed, derived).fact


def _context_by_record(
    chart: Chart, found: list[ConditionReading], done: list[ProcedureReading], lesions: Fact[Interval]
) -> Reading[str]:
    of_liver = [c for c in found if c.in_liver and c.recurrent]
    recurrent = [c for c in of_liver if c.confirmed]
    if of_liver and not recurrent:
        return Reading(Unknown(WhyUnknown.UNCONFIRMED, tuple(c.source for c in of_liver)), None)
    if recurrent:
        dates = [c.when for c in recurrent if c.when is not None]
        when = max(dates, key=lambda date: date.last) if len(dates) == len(recurrent) else None
        return Reading(Known("recurrence", tuple(c.source for c in recurrent)), when)
    treatments = [p for p in done if p.concepts & (_EMBOLISATION | _ABLATION | _REMOVAL)]
    treated = latest_of(treatments, _EMBOLISATION | _ABLATION | _REMOVAL)
    if treated is not None:
        return Reading(_context_after(treated, chart, done, lesions), treated.when)
    if treatments:
        return Reading(Unknown(WhyUnknown.DATE_UNKNOWN, tuple(p.source for p in treatments)), None)
    if not complete(chart, PROCEDURES):
        return Reading(Unknown(WhyUnknown.NOT_RETRIEVED), None)
    return Reading(Known("initial", (), "no liver-directed procedure recorded"), None)


def _context_after(
    treated: Reading[str], chart: Chart, done: list[ProcedureReading], lesions: Fact[Interval]
) -> Fact[str]:
    of_day = [p for p in done if p.source in treated.fact.sources]
    assert treated.when is not None  # noqa: S101 - latest_of knows dated procedures only
    recent = treated.when.days_before(chart.as_of)[0] <= limit.CONTEXT_COUNTS_MONTHS * 365 // 12
    concepts = frozenset(concept for p in of_day for concept in p.concepts)
    if recent and concepts & _EMBOLISATION:
        return Known("post_embolisation", treated.fact.sources)
    if recent and concepts & _ABLATION:
        return Known("post_ablation", treated.fact.sources)
    if isinstance(lesions, Known):
        return Known("recurrence", (*treated.fact.sources, *lesions.sources))
    return Unknown(
        WhyUnknown.NOT_RECORDED, treated.fact.sources, "treated before, no lesions on later imaging recorded"
    )


def response(chart: Chart, done: list[ProcedureReading]) -> Fact[str]:
    """How the liver answered to the latest embolisation: good, partial or none, dated after it."""
    embolised = latest_of(done, _EMBOLISATION)
    graded = Recency(limit.CONTEXT_COUNTS_MONTHS * 365 // 12, embolised)
    reading: Reading[str] = latest(assessment.coded(chart, AssessmentCode.TREATMENT_RESPONSE), chart.as_of, graded)
    fact = reading.fact
    if isinstance(fact, Known) and fact.value not in _RESPONSES:
        return Unknown(WhyUnknown.VALUE, fact.sources)
    if isinstance(fact, Unknown) and fact.why is WhyUnknown.NOT_RECORDED:
        fact = _by_disease_status(fact, chart, embolised)
    return unless_unread(fact, chart, OBSERVATIONS)


def _by_disease_status(silent: Unknown, chart: Chart, embolised: Reading[str] | None) -> Unknown:
    """mCODE's improved, stable, worsened since the embolisation: shown, for nobody has said how that is graded."""
    statuses = [
        r
        for r in coded_values(chart, Concept.DISEASE_STATUS_MCODE)
        if not _earlier(r, embolised) and not (r.when is not None and r.when.certainly_after_instant(chart.as_of))
    ]
    if not statuses:
        return silent
    newest = max(statuses, key=lambda r: (r.when.last.isoformat() if r.when else "", repr(r)))
    said = newest.fact.value if isinstance(newest.fact, Known) else "not understood"
    return Unknown(WhyUnknown.NOT_GRADED, newest.fact.sources, f"disease status recorded: {said}")


def _earlier(reading: Reading[str], treatment: Reading[str] | None) -> bool:
    if treatment is None or treatment.when is None or reading.when is None:
        return False
    return reading.when.certainly_before(treatment.when)
