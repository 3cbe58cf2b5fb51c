"""Medicines: which systemic treatments are in progress, what was found beside them, and what disturbs a marker.

Silence is not "none taken": whether medications could be read at all, and how many of them nobody can tell the drug of,
is said with every answer. A treatment that was tried, or is over, is neither in progress nor failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from cds_service.guidelines.nelm_2006 import thresholds as limit
from cds_service.guidelines.nelm_2006.intake.carriers import MEDICATIONS, complete
from fhir_mappings.answer import Availability
from fhir_mappings.dates import DateInterval, period
from fhir_mappings.facts import Source
from fhir_mappings.medication import Kind, MedicationReading, Medications
from fhir_mappings.procedure import ProcedureReading
from fhir_mappings.select import UNREADABLE_WHYS, Chart, Unused
from fhir_mappings.terminology import Concept

RADIONUCLIDE = frozenset({Concept.RADIONUCLIDE_SOMATOSTATIN_ANALOGUE, Concept.MIBG_THERAPY})
_TREATMENTS = {
    Concept.OCTREOTIDE: ("T-OCT", "octreotide"),
    Concept.LANREOTIDE: ("T-OCT", "lanreotide"),
    Concept.MIBG_THERAPY: ("T-MIBG", "131I-MIBG"),
    Concept.RADIONUCLIDE_SOMATOSTATIN_ANALOGUE: ("T-PRRT", "177Lu or 90Y analogue"),
    Concept.INTERFERON_ALFA: ("T-IFN", "interferon alfa"),
}
_MARKERS = {
    Concept.PROTON_PUMP_INHIBITOR: "F-CGA",
    Concept.SEROTONIN_REUPTAKE_INHIBITOR: "F-SEROT",
}
MEDICINES = frozenset(_TREATMENTS) | frozenset(_MARKERS)
# Names that send a reader to look; a name alone is never a treatment.
_NAMES = {
    "octreotid": Concept.OCTREOTIDE,
    "sandostatin": Concept.OCTREOTIDE,
    "lanreotid": Concept.LANREOTIDE,
    "somatuline": Concept.LANREOTIDE,
    "lutathera": Concept.RADIONUCLIDE_SOMATOSTATIN_ANALOGUE,
}


class InProgress(Struct, frozen=True):
    """A treatment of the protocol that is being given: since when, and the record that says so."""

    code: str
    drug: str
    since: str | None
    record: str  # the kind of resource
    source: Source


class Found(Struct, frozen=True):
    """A drug of the protocol that was found and does not count, with the reason in words."""

    code: str
    text: str
    source: Source


class Caution(Struct, frozen=True):
    """A medicine in use that disturbs the marker of a follow-up code."""

    code: str
    drug: str
    source: Source


class Medicines(Struct, frozen=True):
    """What the medications of a chart say; `read` is false where nothing of them could be read."""

    in_progress: tuple[InProgress, ...] = ()
    found: tuple[Found, ...] = ()
    cautions: tuple[Caution, ...] = ()
    read: bool = False
    incomplete: bool = True  # not all of them, or some of which nobody can tell the drug

    def running(self, code: str) -> InProgress | None:
        """The treatment in progress of a T- code, if there is one."""
        return next((treatment for treatment in self.in_progress if treatment.code == code), None)


def radionuclide_treatments(taken: Medications, as_of: datetime) -> list[ProcedureReading]:
    """Radionuclide treatments that were given, as the treatments they are for imaging that is older (R13).

    A request counts from the day on which it was written: the treatment came no earlier.
    """
    given = [r for r in taken.known if r.concepts & RADIONUCLIDE and _is_treatment(r) and (r.done or _is_given(r))]
    spans = [(reading, _span(reading)) for reading in given]
    # It is recorded as given, so only a date in the future can be wrong.
    return [
        ProcedureReading(reading.source, reading.concepts & RADIONUCLIDE, None if _in_future(when, as_of) else when)
        for reading, when in spans
    ]


def read_medicines(chart: Chart, taken: Medications, done: Iterable[ProcedureReading]) -> Medicines:
    """What is in progress, what was found beside it, what disturbs a marker, and how much of it could be read."""
    as_of = chart.as_of
    readings = [*taken.known, *_as_administrations(done)]
    running = [r for r in readings if _is_treatment(r) and _in_progress(r, as_of)]
    found = [*_found(readings, running, as_of), *_by_name(taken.others)]
    read = any(chart.availability.get(key) in (Availability.COMPLETE, Availability.PARTIAL) for key in MEDICATIONS)
    whole = any(complete(chart, key) for key in MEDICATIONS)
    unclear = any(not r.coded for r in taken.others) or any(map(_may_be_ours, (*chart.unused, *taken.unused)))
    return Medicines(
        in_progress=tuple(_earliest(running)),
        found=tuple(_newest(found)),
        cautions=tuple(_cautions(taken.known, as_of)),
        read=read,
        incomplete=not whole or unclear,
    )


def _as_administrations(done: Iterable[ProcedureReading]) -> Iterator[MedicationReading]:
    """A completed Procedure with a therapeutic radionuclide is the day on which it was given."""
    for procedure in done:
        if concepts := procedure.concepts & RADIONUCLIDE:
            yield MedicationReading(
                procedure.source, concepts, None, Kind.ADMINISTRATION, procedure.when, None, active=False, done=True
            )


def _is_given(reading: MedicationReading) -> bool:
    return reading.kind is Kind.ADMINISTRATION


def _is_treatment(reading: MedicationReading) -> bool:
    """A radionuclide by its substance alone may be ordered for a scan; given, it is a treatment."""
    return _is_given(reading) or not reading.substance_only


def _span(reading: MedicationReading) -> DateInterval | None:
    """The time of a treatment as one interval; an end without a start is its day."""
    started, ended = reading.started, reading.ended
    return period(started.text, ended.text) if started and ended else started or ended


def _running(reading: MedicationReading, as_of: datetime) -> bool:
    """Whether a prescription or a list says that the medicine is taken now."""
    if _is_given(reading) or not reading.active or _in_future(reading.started, as_of):
        return False
    return reading.ended is None or reading.ended.last >= as_of


def _in_progress(reading: MedicationReading, as_of: datetime) -> bool:
    """Whether a treatment is being given, for certain; a date that leaves it open does not make it so."""
    if Concept.INTERFERON_ALFA in reading.concepts:
        return False
    if Concept.OCTREOTIDE in reading.concepts and not _for_long(reading, as_of):
        return False
    return _lately_given(reading, as_of) if _is_given(reading) else _running(reading, as_of)


def _lately_given(reading: MedicationReading, as_of: datetime) -> bool:
    last = reading.ended or reading.started
    if last is None or _in_future(reading.started or last, as_of):
        return False
    return last.days_before(as_of)[1] <= limit.ADMINISTRATION_COUNTS_DAYS


def _for_long(reading: MedicationReading, as_of: datetime) -> bool:
    """Whether octreotide ran for longer than an intervention needs; several short ones are not one long one."""
    if reading.started is None:
        return False
    if reading.ended is not None and reading.ended.last < as_of:
        until = reading.ended.first_day
    elif _running(reading, as_of):
        until = as_of.date()
    else:
        return False
    return (until - reading.started.last_day).days > limit.OCTREOTIDE_FOR_LONGER_THAN_DAYS


def _in_future(when: DateInterval | None, as_of: datetime) -> bool:
    return when is not None and when.certainly_after_instant(as_of)


def _earliest(running: list[MedicationReading]) -> Iterator[InProgress]:
    """One entry a T- code: the record that reaches back furthest."""
    by_code: dict[str, list[tuple[MedicationReading, str]]] = {}
    for reading in running:
        for code, drug in _treatments(reading):
            by_code.setdefault(code, []).append((reading, drug))
    for code, items in sorted(by_code.items()):
        reading, drug = min(items, key=lambda item: _start(item[0]))
        since = reading.started.day if reading.started else None
        yield InProgress(code, drug, since, reading.source.reference.partition("/")[0], reading.source)


def _start(reading: MedicationReading) -> tuple[bool, str, str]:
    first = reading.started.first.isoformat() if reading.started else ""
    return reading.started is None, first, reading.source.reference


def _treatments(reading: MedicationReading) -> Iterator[tuple[str, str]]:
    yield from (_TREATMENTS[concept] for concept in sorted(reading.concepts & _TREATMENTS.keys()))


def _found(readings: list[MedicationReading], running: list[MedicationReading], as_of: datetime) -> Iterator[Found]:
    """Drugs that nobody can tell the purpose of, and treatments that were given on a day that nobody can tell."""
    for reading in readings:
        if reading in running:
            continue
        for code, drug in _treatments(reading):
            why = _why_not_counted(reading, as_of)
            if why:
                yield Found(code, f"{drug} ({why})", reading.source)


def _why_not_counted(reading: MedicationReading, as_of: datetime) -> str:
    if not _is_treatment(reading) or Concept.INTERFERON_ALFA in reading.concepts:
        return "purpose unknown"
    if Concept.OCTREOTIDE in reading.concepts:
        return "" if _for_long(reading, as_of) else "purpose unknown"
    if not _is_given(reading):
        return ""
    last = reading.ended or reading.started
    if last is None:
        return "given, day unknown"
    fewest, most = last.days_before(as_of)
    return "given, day too vague" if fewest <= limit.ADMINISTRATION_COUNTS_DAYS < most else ""


def _by_name(others: Iterable[MedicationReading]) -> Iterator[Found]:
    for reading in others:
        label = (reading.label or "").lower()
        for concept in {concept for name, concept in _NAMES.items() if name in label}:
            code, drug = _TREATMENTS[concept]
            yield Found(code, f"{drug} (by name only)", reading.source)


def _newest(found: Iterable[Found]) -> list[Found]:
    """One entry a drug and reason, its newest record."""
    newest: dict[str, Found] = {}
    for item in found:
        kept = newest.get(item.text)
        if kept is None or _recorded(item) > _recorded(kept):
            newest[item.text] = item
    return [newest[text] for text in sorted(newest)]


def _recorded(item: Found) -> tuple[str, str]:
    return item.source.date or "", item.source.reference


def _cautions(known: Iterable[MedicationReading], as_of: datetime) -> list[Caution]:
    """One medicine a marker, the one listed last."""
    taken = [reading for reading in known if _running(reading, as_of)]
    cautions = []
    for concept, code in _MARKERS.items():
        of_kind = [reading for reading in taken if concept in reading.concepts]
        if of_kind:
            newest = max(of_kind, key=lambda reading: (reading.source.date or "", reading.source.reference))
            cautions.append(Caution(code, newest.label or concept.value.replace("-", " "), newest.source))
    return cautions


def _may_be_ours(item: Unused) -> bool:
    """A medication that could not be used, and is one of ours or may be."""
    if item.why not in UNREADABLE_WHYS or not item.reference.startswith("Medication"):
        return False
    coded = item.code is not None and any(coding.code for coding in item.code.codings())
    return bool(item.concepts & MEDICINES) or not coded
