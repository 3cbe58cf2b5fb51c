"""Which treatments are in progress, what was found beside them, and what disturbs a marker."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cds_service.guidelines.nelm_2006.intake import read_chart
from cds_service.guidelines.nelm_2006.intake.medicines import Medicines
from tests.support.charts import (
    NELM,
    PATIENT,
    Json,
    assessed,
    chart_of,
    given,
    needs,
    prescribed,
    procedure,
    reading,
    said,
    searchset,
    study,
    taken,
)

OCTREOTIDE, LANREOTIDE, INTERFERON = "rx:7617", "atc:H01CB03", "rx:5880"
DOTATATE, DOTATATE_SUBSTANCE, MIBG = "rx:1999335", "sct:781259000", "atc:V10XA02"
PPI, SSRI = "rx:7646", "atc:N06AX21"


def read(*resources: Json, **more: Any) -> Medicines:
    return reading(NELM, *resources, **more).medicines


def valid(start: str | None, end: str | None) -> Json:
    return {"dispenseRequest": {"validityPeriod": {k: v for k, v in (("start", start), ("end", end)) if v}}}


# The chart is read on 2026-03-02: 60 days before is 2026-01-01, 14 days before is 2026-02-16.
@pytest.mark.parametrize(
    ("resource", "code", "since", "why"),
    [
        (prescribed(LANREOTIDE, "2026-02-28"), "T-OCT", "2026-02-28", "a depot from its first day"),
        (prescribed(LANREOTIDE, "2019-05"), "T-OCT", "2019-05", "an old prescription that stands; the card dates it"),
        (prescribed(LANREOTIDE, None), "T-OCT", None, "without a date"),
        (prescribed(LANREOTIDE, intent="plan"), "T-OCT", "2026-02-20", "reported home medication"),
        (taken(LANREOTIDE, "2025-06"), "T-OCT", "2025-06", "on a list"),
        (taken(LANREOTIDE, "2025-06", "2026-03-02"), "T-OCT", "2025-06", "until today"),
        (taken(LANREOTIDE, "2025-06", "2026-12-31"), "T-OCT", "2025-06", "planned to its end"),
        (given(LANREOTIDE, "2026-01-01"), "T-OCT", "2026-01-01", "60 days ago"),
        (given(LANREOTIDE, "2025-12-31"), None, None, "61 days ago"),
        (given(LANREOTIDE, "2026-03-01", status="in-progress"), "T-OCT", "2026-03-01", "being injected"),
        (given(LANREOTIDE, "2026-03-09"), None, None, "in the future"),
        (given(LANREOTIDE, None), None, None, "on a day that nobody knows"),
        (given(LANREOTIDE, "2026"), "T-OCT", "2026", "this year is the last 60 days"),
        (given(LANREOTIDE, "2025"), None, None, "last year is not for certain"),
        (prescribed(LANREOTIDE, **valid("2026-04-01", None)), None, None, "not valid yet"),
        (prescribed(LANREOTIDE, **valid("2025-01-01", "2026-03-01")), None, None, "no longer valid"),
        (taken(LANREOTIDE, "2025-06", "2026-02"), None, None, "it has ended"),
        (taken(LANREOTIDE, status="completed"), None, None, "tried is not in progress"),
        (prescribed(LANREOTIDE, status="stopped"), None, None, "stopped"),
        (prescribed(LANREOTIDE, doNotPerform=True), None, None, "an order not to give it"),
        (prescribed(OCTREOTIDE, "2026-02-15"), "T-OCT", "2026-02-15", "octreotide for 15 days"),
        (prescribed(OCTREOTIDE, "2026-02-16"), None, None, "for 14 days"),
        (prescribed(OCTREOTIDE, "2026-02"), None, None, "perhaps for 15 days"),
        (prescribed(OCTREOTIDE, None), None, None, "nobody knows for how long"),
        (taken(OCTREOTIDE, "2025-06"), "T-OCT", "2025-06", "for months"),
        (given(OCTREOTIDE, "2026-02-20"), None, None, "one injection covers an intervention"),
        (
            given(OCTREOTIDE, None, effectivePeriod={"start": "2026-02-01", "end": "2026-02-20"}),
            "T-OCT",
            "2026-02-01",
            "a pump for 19 days",
        ),
        (prescribed(INTERFERON, "2025-01"), None, None, "interferon is no treatment of the list"),
        (given(DOTATATE, "2026-01-20"), "T-PRRT", "2026-01-20", "a cycle of PRRT"),
        (given("hcpcs:A9513", "2026-01-20"), "T-PRRT", "2026-01-20", "by its billing code"),
        (prescribed("atc:V10XX04", "2026-01-20"), "T-PRRT", "2026-01-20", "an order for it"),
        (given(DOTATATE_SUBSTANCE, "2026-01-20"), "T-PRRT", "2026-01-20", "the substance, given"),
        (procedure(DOTATATE_SUBSTANCE, "2026-01-20"), "T-PRRT", "2026-01-20", "the substance, as a procedure"),
        (prescribed(DOTATATE_SUBSTANCE, "2026-01-20"), None, None, "the substance, ordered: for a scan?"),
        (procedure(DOTATATE_SUBSTANCE, "2025-01-20"), None, None, "a procedure of last year"),
        (procedure("sct:431475009", "2026-01-20"), None, None, "an ablation"),
        (given("rx:1797118"), None, None, "dotatate alone"),
        (given("sct:764678003"), None, None, "microspheres"),
        (given("sct:1263784000"), None, None, "a PSMA ligand"),
        (given(MIBG, "2026-02-01"), "T-MIBG", "2026-02-01", "131I-MIBG, therapeutic"),
        (given("rx:2053281", "2026-02-01"), "T-MIBG", "2026-02-01", "by RxNorm"),
        (given("atc:V09IX01", "2026-02-01"), None, None, "the tracer with 123I"),
        (given("atc:V09IX02", "2026-02-01"), None, None, "the tracer with 131I"),
    ],
)  # fmt: skip
def test_a_treatment_is_in_progress_since(resource: Json, code: str | None, since: str | None, why: str) -> None:
    expected = [(code, since)] if code else []
    assert [(treatment.code, treatment.since) for treatment in read(resource).in_progress] == expected, why


def test_it_is_in_progress_since_the_earliest_record_and_names_it() -> None:
    medicines = read(
        prescribed(LANREOTIDE, "2026-02-01", id="a"),
        taken(OCTREOTIDE, "2025-03", dateAsserted="2026-01-15", id="b"),
        given(LANREOTIDE, None, id="c"),
        prescribed(LANREOTIDE, None, id="d"),
    )
    treatment = medicines.running("T-OCT")
    assert treatment is not None
    assert (treatment.since, treatment.record, treatment.drug) == ("2025-03", "MedicationStatement", "octreotide")
    assert (treatment.source.reference, treatment.source.date) == ("MedicationStatement/b", "2026-01-15")
    assert medicines.running("T-PRRT") is None


@pytest.mark.parametrize(
    ("resource", "found", "why"),
    [
        (given(OCTREOTIDE, "2026-02-20"), ["octreotide (purpose unknown)"], "one injection"),
        (prescribed(OCTREOTIDE, "2026-02-25"), ["octreotide (purpose unknown)"], "a new prescription"),
        (taken(OCTREOTIDE, "2026-01-01", "2026-01-05", status="completed"), ["octreotide (purpose unknown)"], "4 days"),
        (taken(OCTREOTIDE, "2025-01-01", "2025-12-05", status="completed"), [], "months: it was the treatment"),
        (prescribed(INTERFERON), ["interferon alfa (purpose unknown)"], "every interferon"),
        (given("atc:L03AB11", "2001"), ["interferon alfa (purpose unknown)"], "however old"),
        (prescribed(DOTATATE_SUBSTANCE), ["177Lu or 90Y analogue (purpose unknown)"], "the substance, ordered"),
        (given(DOTATATE, None), ["177Lu or 90Y analogue (given, day unknown)"], "it may be in progress"),
        (given(LANREOTIDE, "2025-12"), [], "certainly longer ago than counts"),
        (prescribed({"medicationReference": {"display": "Sandostatin LAR"}}), ["octreotide (by name only)"], "Epic"),
        (prescribed({"medicationCodeableConcept": {"text": "LANREOTIDE 120"}}), ["lanreotide (by name only)"], "text"),
        (prescribed({"medicationCodeableConcept": {"text": "paracetamol"}}), [], "another name"),
        (prescribed(LANREOTIDE), [], "what is in progress is not beside it"),
        (given("atc:V09IX02"), [], "a tracer"),
    ],
)
def test_what_is_found_and_does_not_count(resource: Json, found: list[str], why: str) -> None:
    chart = reading(NELM, resource)
    assert [item.text for item in chart.medicines.found] == found, why
    assert [text for text, _ in chart.beside] == found, why


def test_a_day_that_leaves_it_open_is_said() -> None:
    later = reading(NELM, given(LANREOTIDE, "2026"), as_of=datetime(2026, 4, 15, 12, tzinfo=UTC)).medicines
    assert later.in_progress == ()
    assert [item.text for item in later.found] == ["lanreotide (given, day too vague)"]


def test_it_is_named_once_with_its_newest_record() -> None:
    days = {"a": "2026-01-20", "b": "2026-02-20", "c": "2026-02-01"}
    (found,) = read(*(given(OCTREOTIDE, day, id=name) for name, day in days.items())).found
    assert (found.code, found.source.reference) == ("T-OCT", "MedicationAdministration/b")


@pytest.mark.parametrize(
    ("resource", "cautions", "why"),
    [
        (prescribed(PPI), [("F-CGA", PPI)], "a proton pump inhibitor"),
        (taken("atc:A02BC02"), [("F-CGA", "atc:A02BC02")], "on a list, in ATC"),
        (prescribed(SSRI), [("F-SEROT", SSRI)], "duloxetine"),
        (prescribed("rx:4493"), [("F-SEROT", "rx:4493")], "fluoxetine"),
        (prescribed("atc:N06AX11"), [], "mirtazapine is none of them"),
        (prescribed(PPI, status="completed"), [], "no longer"),
        (taken(PPI, "2025-01", "2026-01"), [], "it has ended"),
        (given(PPI), [], "one dose in hospital is no use"),
    ],
)
def test_a_medicine_that_disturbs_a_marker(resource: Json, cautions: list[tuple[str, str]], why: str) -> None:
    assert [(caution.code, caution.drug) for caution in read(resource).cautions] == cautions, why


@pytest.mark.parametrize(
    ("more", "is_read", "incomplete", "why"),
    [
        ({}, True, False, "both answers"),
        ({"absent": ["medicationStatements"]}, True, False, "most EHRs serve one of them"),
        ({"failed": ["medicationRequests"]}, True, False, "the other one"),
        ({"partial": ["medicationRequests"], "absent": ["medicationStatements"]}, True, True, "more pages exist"),
        ({"failed": ["medicationRequests"], "absent": ["medicationStatements"]}, False, True, "neither"),
    ],
)
def test_whether_medications_were_read(more: Json, is_read: bool, incomplete: bool, why: str) -> None:
    medicines = read(**more)
    assert (medicines.read, medicines.incomplete) == (is_read, incomplete), why


@pytest.mark.parametrize(
    ("resource", "incomplete", "why"),
    [
        (prescribed("rx:161"), False, "another drug"),
        (prescribed({"medicationReference": {"reference": "Medication/gone"}}), True, "nobody can tell which drug"),
        (prescribed(OCTREOTIDE, modifierExtension=[{"url": "x"}]), True, "octreotide, or its opposite"),
        (prescribed("rx:161", modifierExtension=[{"url": "x"}]), False, "another drug, or its opposite"),
        (prescribed(OCTREOTIDE, intent=None), True, "not FHIR"),
        (prescribed(OCTREOTIDE, subject={"reference": "Patient/p2"}), False, "another patient's"),
        ({"resourceType": "MedicationRequest", "status": 5}, True, "not even that"),
    ],
)
def test_a_medication_that_nobody_can_tell_the_drug_of_is_said(resource: Json, incomplete: bool, why: str) -> None:
    values: Json = {"patient": PATIENT, "conditions": searchset([NELM])}
    values["medicationRequests"] = searchset([{"id": "m"} | resource])
    medicines = read_chart(chart_of(values)).medicines
    assert (medicines.in_progress, medicines.incomplete) == ((), incomplete), why


def test_one_of_ours_that_is_set_aside_is_counted_on_the_card() -> None:
    assert reading(NELM, prescribed(OCTREOTIDE, intent=None)).set_aside == "1 record not readable"
    assert reading(NELM, prescribed("rx:161", modifierExtension=[{"url": "x"}])).set_aside == ""


SCAN = study("CT", site="sct:10200004", started="2026-01-10")
UPTAKE = assessed("sstr-uptake", "nelm:positive", "2026-01-10")


@pytest.mark.parametrize(
    ("treatment", "scan", "imaging", "why"),
    [
        (given(DOTATATE, "2026-01-05"), "positive", "helical_ct", "the examinations came after it"),
        (given(DOTATATE, "2026-01-20"), "?too_old", "?too_old", "before the radionuclide nothing counts"),
        (given(MIBG, "2026-01-20"), "?too_old", "?too_old", "131I-MIBG too"),
        (given(DOTATATE_SUBSTANCE, "2026-01-20"), "?too_old", "?too_old", "by its substance"),
        (procedure("hcpcs:A9513", "2026-01-20"), "?too_old", "?too_old", "as a procedure"),
        (taken(DOTATATE, "2026-01-20", "2026-02-20", status="completed"), "?too_old", "?too_old", "from a list"),
        (given(DOTATATE, "2026-01"), "?too_vague", "?too_vague", "in that month"),
        (given(DOTATATE, "2062-01-20"), "positive", "helical_ct", "a date in the future is no date"),
        (prescribed(DOTATATE, "2026-01-20"), "positive", "helical_ct", "ordered is not given"),
        (prescribed(DOTATATE_SUBSTANCE, "2026-01-20", status="completed"), "positive", "helical_ct", "for a scan?"),
        (given("atc:V09IX02", "2026-01-20"), "positive", "helical_ct", "a tracer"),
        (given(LANREOTIDE, "2026-01-20"), "positive", "helical_ct", "no radionuclide"),
    ],
)
def test_a_radionuclide_treatment_ends_the_life_of_earlier_imaging(
    treatment: Json, scan: str, imaging: str, why: str
) -> None:
    found = needs(SCAN, UPTAKE, treatment)
    assert (said(found.srs), said(found.liver_imaging)) == (scan, imaging), why
