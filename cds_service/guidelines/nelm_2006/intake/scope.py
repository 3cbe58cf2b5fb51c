"""Is this chart ours? Whether the liver metastases are neuroendocrine, on all carriers (docs: scope)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from msgspec import Struct

from cds_service.guidelines.nelm_2006 import thresholds as limit
from cds_service.guidelines.nelm_2006.intake.carriers import OBSERVATIONS, complete, unless_unread
from cds_service.guidelines.nelm_2006.intake.histology import with_pathology
from cds_service.guidelines.nelm_2006.intake.listing import few
from fhir_mappings import assessment
from fhir_mappings.assessment import AssessmentCode
from fhir_mappings.condition import ConditionReading
from fhir_mappings.facts import Fact, Known, Source, Unknown, WhyUnknown
from fhir_mappings.observation import markers
from fhir_mappings.patient import is_deceased
from fhir_mappings.reading import Reading, latest, sources_of
from fhir_mappings.select import UNREADABLE_WHYS, Chart, Unused, WhyUnused
from fhir_mappings.terminology import Concept


class Scope(Struct, frozen=True):
    """Whether the chart is ours, on what ground, and which other malignancies stand beside it."""

    nelm_confirmed: Fact[bool]
    histology_from_codes: bool
    other_malignancies: tuple[str, ...]


# Readable and not usable: a preliminary "yes" must not end in silence because no code stands beside it.
_STILL_A_QUESTION = frozenset({WhyUnknown.PRELIMINARY, WhyUnknown.CONFLICTING})


def read_scope(chart: Chart, found: list[ConditionReading], unused: Iterable[Unused] = ()) -> Scope:
    """Decide scope: the explicit assessment first, else what the diagnosis codes say together.

    A diagnosis that was set aside unread is a question, never silence.
    """
    others = tuple(sorted({c.label for c in found if c.other_malignancy}))[:_MOST_NAMED]
    if is_deceased(chart.patient, chart.as_of):
        deceased = Known(False, (Source(chart.patient.reference),), "deceased")
        return Scope(deceased, histology_from_codes=False, other_malignancies=others)
    assessed = _assessed(chart)
    if isinstance(assessed, Known):
        return Scope(assessed, histology_from_codes=False, other_malignancies=others)
    fact = _from_codes(chart, found)
    not_ours = isinstance(fact, Known) and not fact.value
    recorded = assessed.why is not WhyUnknown.NOT_RECORDED
    if recorded and (not not_ours or assessed.why in _STILL_A_QUESTION):
        # Somebody recorded something about the histology that cannot be used: a question, not codes, decides.
        fact = assessed
    elif not_ours and (lost := _lost_diagnoses(found, unused)):
        fact = Unknown(WhyUnknown.MALFORMED, lost, "a diagnosis in this chart could not be read")
    fact, by_report = with_pathology(fact, chart, found)
    return Scope(fact, histology_from_codes=not by_report, other_malignancies=others)


_MOST_NAMED = 50  # a card names two and counts the others

# A diagnosis that states no patient is most likely this one's: too little to be used, too much to be ignored.
_UNREAD = UNREADABLE_WHYS | {WhyUnused.NO_SUBJECT}


def _lost_diagnoses(found: list[ConditionReading], unused: Iterable[Unused]) -> tuple[Source, ...]:
    """The set-aside diagnoses that, could they be read, might make this chart ours together with the others."""
    lost = [item for item in unused if item.why in _UNREAD and item.reference.startswith("Condition/")]
    lost = [item for item in lost if item.concepts & _POINTS_OUR_WAY]
    concepts = {concept for item in lost for concept in item.concepts}
    net = any(c.neuroendocrine for c in found) or Concept.NEUROENDOCRINE_NEOPLASM in concepts
    liver = any(c.in_liver for c in found) or Concept.LIVER_METASTASIS in concepts
    return tuple(Source(item.reference) for item in lost) if net and liver else ()


_POINTS_OUR_WAY = frozenset({
    Concept.NEUROENDOCRINE_NEOPLASM, Concept.NEUROENDOCRINE_LIVER_METASTASIS, Concept.LIVER_METASTASIS,
})  # fmt: skip


def _assessed(chart: Chart) -> Fact[bool]:
    readings = assessment.yes_no(chart, AssessmentCode.NELM_HISTOLOGY)
    reading = latest(readings, chart.as_of)
    if isinstance(reading.fact, Known) and reading.fact.note == "preliminary":
        return Unknown(WhyUnknown.PRELIMINARY, reading.fact.sources, "preliminary pathology")
    return reading.fact


def _from_codes(chart: Chart, found: list[ConditionReading]) -> Fact[bool]:
    net = [c for c in found if c.neuroendocrine]
    liver = [c for c in found if c.in_liver]
    both_in_one = [c for c in liver if Concept.NEUROENDOCRINE_LIVER_METASTASIS in c.concepts]
    if certain := _holding(both_in_one):
        return Known(True, _sources(certain), _from_codes_note(certain))
    if not liver or all(c.resolved for c in liver):
        return Known(False, _sources([*net, *liver]), _why_not_ours(net, liver))
    if not net:
        return _without_a_current_tumour(chart, found, liver)
    return _by_two_codes(found, net, liver)


def _by_two_codes(
    found: list[ConditionReading], net: list[ConditionReading], liver: list[ConditionReading]
) -> Fact[bool]:
    """A neuroendocrine tumour and a liver metastasis as separate diagnoses: the same disease by inference (P)."""
    evidence = _sources([*net, *liver])
    sure_net, sure_liver = _holding(net), _holding(liver)
    in_one_code = any(Concept.NEUROENDOCRINE_LIVER_METASTASIS in c.concepts for c in liver)
    if any(c.other_malignancy for c in found) and (not in_one_code or (sure_net and sure_liver)):
        return Unknown(WhyUnknown.WHICH_PRIMARY, evidence, "another malignancy recorded: which is in the liver?")
    if sure_net and sure_liver:
        return Known(True, _sources([*sure_net, *sure_liver]), _from_codes_note([*sure_net, *sure_liver]))
    if any(not c.confirmed for c in [*net, *liver] if c.active):
        return Unknown(WhyUnknown.UNCONFIRMED, evidence, "diagnosis not confirmed in the record")
    return Unknown(WhyUnknown.HISTORY, evidence, "diagnosis recorded as inactive or as history")


def _without_a_current_tumour(chart: Chart, found: list[ConditionReading], liver: list[ConditionReading]) -> Fact[bool]:
    """Liver metastases and no neuroendocrine diagnosis: a question if anything points our way, else not ours."""
    concepts = {concept for c in found for concept in c.concepts}
    history = [c for c in found if Concept.NEUROENDOCRINE_HISTORY in c.concepts]
    mixed = [c for c in found if Concept.NEUROENDOCRINE_NOT_ENOUGH_ALONE in c.concepts]
    if history:
        return Unknown(WhyUnknown.HISTORY, _sources([*history, *liver]), "neuroendocrine tumour in the history")
    if mixed:
        return Unknown(WhyUnknown.VALUE, _sources([*mixed, *liver]), "mixed, goblet-cell or D3A code: not enough alone")
    unknown_primary = {Concept.UNKNOWN_PRIMARY, Concept.LIVER_METASTASIS_UNKNOWN_PRIMARY} & concepts
    raised = [r for r in markers(chart, Concept.CHROMOGRANIN_A) if isinstance(r.fact, Known) and r.fact.value.elevated]
    if unknown_primary and raised:
        evidence = (*_sources(liver), *sources_of(raised))
        return Unknown(WhyUnknown.WHICH_PRIMARY, evidence, "primary unknown, chromogranin A above its range")
    if not complete(chart, OBSERVATIONS) and not any(c.other_malignancy for c in found):
        # The assessment of the histology, or a raised marker, may stand in what could not be read.
        return Unknown(WhyUnknown.NOT_RETRIEVED, _sources(liver), "liver metastases without a recorded primary")
    return Known(False, _sources(liver), "no neuroendocrine tumour recorded")


def _holding(readings: list[ConditionReading]) -> list[ConditionReading]:
    return [c for c in readings if c.confirmed and c.active]


def _why_not_ours(net: list[ConditionReading], liver: list[ConditionReading]) -> str:
    if liver:
        return "liver metastases recorded as resolved"
    return "no liver metastases recorded" if net else "no neuroendocrine tumour and no liver metastases recorded"


def _from_codes_note(readings: Iterable[ConditionReading]) -> str:
    names = dict.fromkeys(reading.label for reading in readings)
    return f"from diagnosis codes ({few(list(names))})"


def _sources(readings: Iterable[ConditionReading]) -> tuple[Source, ...]:
    return tuple(dict.fromkeys(reading.source for reading in readings))


def read_crisis(chart: Chart, found: list[ConditionReading]) -> Fact[bool]:
    """A carcinoid crisis now: an active Condition not older than a day, or an assessment of the last 24 hours.

    A suspected crisis counts (only refuted or entered in error do not); everything else about a crisis is history.
    """
    if is_deceased(chart.patient, chart.as_of):
        return Unknown(WhyUnknown.NOT_RECORDED, note="deceased")
    day = timedelta(hours=limit.CRISIS_COUNTS_HOURS)
    recent: list[Reading[bool]] = [
        r
        for r in assessment.yes_no(chart, AssessmentCode.CARCINOID_CRISIS)
        if r.when is not None and r.when.last >= chart.as_of - day and not r.when.certainly_after_instant(chart.as_of)
    ]
    assessed = latest(recent, chart.as_of)
    now = [
        crisis
        for crisis in found
        if Concept.CARCINOID_CRISIS in crisis.concepts
        and crisis.stated_active
        and not crisis.abated
        and not any(date.last < chart.as_of - day for date in crisis.own_dates)
    ]
    # Not even a contradiction silences an emergency: only a "no" that is strictly later than every record of it does.
    if not now or (isinstance(assessed.fact, Known) and all(_before(crisis, assessed) for crisis in now)):
        return unless_unread(assessed.fact, chart, OBSERVATIONS)
    suspected = None if any(crisis.confirmed for crisis in now) else "suspected"
    return Known(True, _sources(now), suspected)


def earlier_crisis(chart: Chart, found: list[ConditionReading], now: Fact[bool]) -> str | None:
    """When the latest carcinoid crisis was recorded that is not the one of now; None if there is none."""
    of_now = frozenset(now.sources) if isinstance(now, Known) and now.value else frozenset()
    recorded = [(c.source, c.when) for c in found if Concept.CARCINOID_CRISIS in c.concepts]
    recorded += [
        (r.fact.sources[0], r.when)
        for r in assessment.yes_no(chart, AssessmentCode.CARCINOID_CRISIS)
        if isinstance(r.fact, Known) and r.fact.value
    ]
    earlier = [(source, when) for source, when in recorded if source not in of_now]
    past = [when for _, when in earlier if when is not None and not when.certainly_after_instant(chart.as_of)]
    if past:
        return max(past, key=lambda when: when.last).day
    return "an unknown date" if earlier else None


def _before(crisis: ConditionReading, assessed: Reading[bool]) -> bool:
    if crisis.when is None or assessed.when is None:
        return False
    return crisis.when.certainly_before(assessed.when)
