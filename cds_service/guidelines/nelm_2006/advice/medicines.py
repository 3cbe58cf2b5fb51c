"""What the medications of a chart say on the cards: a treatment in progress, and a medicine that disturbs a marker.

Nothing found is never "none taken": the words say among which medications it was looked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.guidelines.nelm_2006.advice.phrases import listed
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.intake.medicines import Found, InProgress, Medicines
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.markdown import inert
from fhir_mappings.facts import Source

_RECORDS = {
    "MedicationRequest": "prescribed",
    "MedicationStatement": "listed",
    "MedicationAdministration": "given",
    "Procedure": "given",
}
_SAID_IN_ANY_CASE = "T-OCT"  # M9: in progress or not
_SENTENCE = {"F-CGA": "ppi", "F-SEROT": "ssri"}
_STEPS = {"W-CGA": "F-CGA", "W-SEROT": "F-SEROT"}
_LONGEST_NAME = 40
_ROOM_FOR_FOUND = 100


def in_progress(code: str, medicines: Medicines) -> tuple[str, str]:
    """Whether a systemic treatment is being given, in full and in brief; empty where that need not be said."""
    treatment = medicines.running(code)
    short = "brief" if code == _SAID_IN_ANY_CASE else "briefest"
    if treatment is not None:
        return _since(treatment, "in_progress"), _since(treatment, f"in_progress_{short}")
    found = _latest_first(code, medicines)
    if found:
        full, brief = (texts().sentences[name] for name in ("running_unclear", f"running_unclear_{short}"))
        names, day = [f"{item.text} {_day(item.source)}" for item in found], _day(found[0].source)
        return full.format(found=listed(names, _ROOM_FOR_FOUND)), brief.format(found=names[0], day=day)
    if code != _SAID_IN_ANY_CASE:
        return "", ""
    if not medicines.read:
        return _both("running_not_read")
    return _both("none_running_of_some" if medicines.incomplete else "none_running")


def still_given(code: str, medicines: Medicines) -> tuple[str, str]:
    """That a withheld treatment is being given, in full and in brief; empty where none is known to be."""
    treatment = medicines.running(code)
    if treatment is None:
        return "", ""
    full, brief = (_since(treatment, name) for name in ("in_progress", "in_progress_briefest"))
    title = texts().of(code).brief_title
    return f"{title}: {full[0].lower()}{full[1:]}", f"{title}: {brief[0].lower()}{brief[1:]}"


def _since(treatment: InProgress, sentence: str) -> str:
    record, day = _RECORDS[treatment.record], treatment.source.date
    return texts().sentences[sentence].format(
        since=f" since {treatment.since}" if treatment.since else "",
        drug=treatment.drug,
        record=f"{record} {day}" if day else f"{record}, undated",
    )  # fmt: skip


def _latest_first(code: str, medicines: Medicines) -> list[Found]:
    found = (item for item in medicines.found if item.code == code)
    return sorted(found, key=lambda item: (item.source.date or "", item.text), reverse=True)


def step_caution(step: str, reading: ChartReading) -> tuple[str, str]:
    """What disturbs the marker that a work-up step asks for, in full and in brief; empty where nothing was found."""
    return _caution(_STEPS[step], reading.medicines) if _asks_for_marker(step, reading) else ("", "")


def if_taken(step: str, reading: ChartReading) -> str:
    """What would disturb the marker of a step, where nothing was found: it may be taken all the same."""
    return texts().sentences[f"{_SENTENCE[_STEPS[step]]}_if_taken"] if _asks_for_marker(step, reading) else ""


def follow_up_cautions(codes: Iterable[str], workup: Iterable[str], reading: ChartReading) -> list[tuple[str, str]]:
    """What disturbs the markers after treatment, where no step of the work-up says so already."""
    said = {_STEPS[step] for step in workup if _asks_for_marker(step, reading)}
    return [found for code in codes if code not in said and any(found := _caution(code, reading.medicines))]


def _asks_for_marker(step: str, reading: ChartReading) -> bool:
    """Whether the step asks for chromogranin A or for serotonin in blood; urinary 5-HIAA is neither (C14)."""
    return step in _STEPS and (step != "W-SEROT" or reading.needs.policy.platelet_serotonin)


def _caution(code: str, medicines: Medicines) -> tuple[str, str]:
    found = next((item for item in medicines.cautions if item.code == code), None)
    if found is None:
        return "", ""
    return _both(_SENTENCE[code], drug=inert(found.drug, _LONGEST_NAME), day=_day(found.source))


def _both(name: str, **values: str) -> tuple[str, str]:
    sentences = texts().sentences
    return sentences[name].format(**values), sentences[f"{name}_brief"].format(**values)


def _day(source: Source) -> str:
    return source.date or "undated"
