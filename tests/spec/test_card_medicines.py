"""Medicines on the cards: a treatment in progress is marked and not ordered; a marker that is disturbed says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from cds_service.guidelines.nelm_2006.advice.medicines import in_progress
from cds_service.guidelines.nelm_2006.intake.medicines import Caution, Found, InProgress, Medicines
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from fhir_mappings.facts import Source
from tests.support.answers import ALL_READ, Answer, Beside, answer, answer_to
from tests.support.facts import BEYOND_LIVER, EXTENSIVE, TRANSPLANTABLE, chart

SYNDROME: Mapping[str, Any] = {"carcinoid_syndrome": True, "symptoms_controlled": False}
READ = ALL_READ
LISTED = Source("MedicationStatement/1", "2026-01-15")
LANREOTIDE = InProgress("T-OCT", "lanreotide", "2025-03", "MedicationStatement", LISTED)
PRRT = InProgress(
    "T-PRRT", "177Lu or 90Y analogue", "2026-01-20", "MedicationAdministration", Source("M/2", "2026-01-20")
)
MIBG = InProgress("T-MIBG", "131I-MIBG", None, "MedicationRequest", Source("MedicationRequest/3"))
OCTREOTIDE = Found("T-OCT", "octreotide (purpose unknown)", Source("MedicationAdministration/4", "2026-02-20"))
INTERFERON = Found("T-IFN", "interferon alfa (purpose unknown)", Source("MedicationRequest/5", "2026-02-01"))
PPI = Caution("F-CGA", "omeprazole", Source("MedicationRequest/6", "2026-02-10"))
SSRI = Caution("F-SEROT", "duloxetine", Source("MedicationStatement/7"))

NONE_FOUND = "No running one found in the medications read."


def given(facts: Mapping[str, Any], medicines: Medicines, **more: Any) -> Answer:
    return answer(facts, beside=Beside(medicines=medicines), **more)


@pytest.mark.verifies("M9")
@pytest.mark.parametrize(
    ("medicines", "says", "why"),
    [
        (READ, NONE_FOUND, "looked for, and among what"),
        (
            Medicines(read=True, incomplete=True),
            "No running one found in the medications read; not all could be read.",
            "some name no drug by a code",
        ),
        (Medicines(), "Whether it is given already is not known: medications could not be read.", "not looked for"),
        (
            replace(READ, in_progress=(LANREOTIDE,)),
            "In progress since 2025-03 (lanreotide, listed 2026-01-15).",
            "on a list",
        ),
        (
            replace(READ, in_progress=(replace(LANREOTIDE, since=None, source=Source("MedicationStatement/1")),)),
            "In progress (lanreotide, listed, undated).",
            "without any date",
        ),
        (
            replace(READ, in_progress=(replace(LANREOTIDE, record="MedicationRequest"),)),
            "In progress since 2025-03 (lanreotide, prescribed 2026-01-15).",
            "prescribed",
        ),
        (
            replace(READ, found=(OCTREOTIDE,)),
            "Whether it is given now is not clear: octreotide (purpose unknown) 2026-02-20.",
            "found, and no treatment for certain",
        ),
        (replace(READ, in_progress=(LANREOTIDE,), found=(OCTREOTIDE,)), "In progress since 2025-03", "one is certain"),
        (replace(READ, found=(INTERFERON,)), NONE_FOUND, "of another option"),
        (replace(READ, in_progress=(PRRT,)), NONE_FOUND, "another one is in progress"),
    ],
)
@pytest.mark.parametrize("facts", [EXTENSIVE, {**SYNDROME, "ki67_percent": 60}, BEYOND_LIVER])
def test_octreotide_says_whether_it_is_in_progress(
    facts: Mapping[str, Any], medicines: Medicines, says: str, why: str
) -> None:
    detail = given(facts, medicines).card_with("T-OCT").detail
    (paragraph,) = [part for part in detail.split("\n\n") if part.startswith("**Long-acting octreotide.**")]
    assert says in paragraph, why
    assert "This is not advice to stop a treatment that is being given." in paragraph
    assert paragraph.count("In progress") == says.count("In progress")


@pytest.mark.parametrize(
    ("code", "medicines", "says"),
    [
        ("T-PRRT", replace(READ, in_progress=(PRRT,)),
         "In progress since 2026-01-20 (177Lu or 90Y analogue, given 2026-01-20)."),
        ("T-MIBG", replace(READ, in_progress=(MIBG,)), "In progress (131I-MIBG, prescribed, undated)."),
        ("T-PRRT", replace(READ, found=(replace(OCTREOTIDE, code="T-PRRT"),)), "Whether it is given now is not clear:"),
    ],
)  # fmt: skip
def test_a_radionuclide_treatment_in_progress_is_marked(code: str, medicines: Medicines, says: str) -> None:
    assert says in given(EXTENSIVE, medicines).card_with(code).detail
    assert "n progress" not in given(EXTENSIVE, READ).card_with(code).text.replace("In progress or not", "")


def discussed(answer: Answer) -> list[str]:
    return [order for order in answer.orders if "discuss" in order]


@pytest.mark.parametrize(
    ("running", "asked", "why"),
    [
        ((), ["Tumour board: discuss octreotide, embolisation, 131I-MIBG, radionuclide therapy"], "none in progress"),
        ((LANREOTIDE,), ["Tumour board: discuss embolisation, 131I-MIBG, radionuclide therapy"], "one"),
        ((LANREOTIDE, MIBG, PRRT), ["Tumour board: discuss embolisation"], "all that are systemic"),
    ],
)
def test_a_treatment_in_progress_keeps_its_code_and_gets_no_draft(
    running: tuple[InProgress, ...], asked: list[str], why: str
) -> None:
    found = given(EXTENSIVE, replace(READ, in_progress=running))
    assert discussed(found) == asked, why
    assert {"T-OCT", "T-MIBG", "T-PRRT", "T-EMBO"} <= set(found.decision.treatment), why


def test_nothing_is_drafted_where_every_option_is_in_progress() -> None:
    found = given({**SYNDROME, "ki67_percent": 60}, replace(READ, in_progress=(LANREOTIDE,)))
    assert "T-OCT" in found.decision.treatment
    assert discussed(found) == []
    assert "Refer to tumour board" in found.labels


@pytest.mark.verifies("M9")
def test_a_treatment_in_progress_that_is_withheld_is_named_and_not_to_be_ended() -> None:
    text = given({**EXTENSIVE, **SYNDROME, "srs": "negative"}, replace(READ, in_progress=(LANREOTIDE,))).text
    assert "Octreotide: in progress since 2025-03 (lanreotide, listed 2026-01-15)." in text
    assert "This is not advice to stop a treatment that is being given." in text


def test_of_much_that_is_unclear_the_latest_is_named_and_the_rest_counted() -> None:
    reasons = ("by name only", "given, day unknown", "given, day too vague", "purpose unknown")
    days = ("2026-01-01", None, "2026-01-02", "2026-02-01")
    found = tuple(
        Found("T-OCT", f"octreotide ({why})", Source(f"M/{day}", day)) for why, day in zip(reasons, days, strict=True)
    )
    detail = given(EXTENSIVE, replace(READ, found=found)).card_with("T-OCT").detail
    assert "not clear: octreotide (purpose unknown) 2026-02-01, octreotide (given, day too vague)" in detail
    assert "2026-01-02 and 2 more." in detail


RAISES = (
    "Proton pump inhibitor on record (omeprazole, 2026-02-10): it raises chromogranin A; read the value with that in "
    "mind. Whether it can be paused is the prescriber's decision, never in known or suspected gastrinoma, where "
    "interrupting one has caused severe complications (C13, C31)."
)
LOWERS = (
    "Antidepressant on record (duloxetine, undated): such drugs lower circulating serotonin and can hide a "
    "serotonin-producing tumour (C14)."
)
BOTH = replace(READ, cautions=(PPI, SSRI))


@pytest.mark.verifies("C13", "C14", "C31")
@pytest.mark.parametrize(
    ("facts", "medicines", "says", "not_said", "why"),
    [
        ({"cga": None}, BOTH, (RAISES, LOWERS), (), "at the step, and at the marker of the follow-up"),
        ({"cga": None, "platelet_serotonin": None}, BOTH, (RAISES, LOWERS), (), "at both steps"),
        ({}, BOTH, (RAISES, LOWERS), (), "at the markers of the follow-up"),
        ({"primary_site": "rectum"}, BOTH, (RAISES,), (LOWERS,), "no serotonin is asked for"),
        ({"cga": None}, replace(READ, cautions=(PPI,)), (RAISES,), (LOWERS,), "one of them"),
        ({"cga": None}, READ, ("A proton pump inhibitor, if taken, raises it (C13).",), (RAISES,), "none found"),
        ({"platelet_serotonin": None}, Medicines(), ("An antidepressant, if taken, can lower it (C14).",), (),
         "not read"),
        ({}, READ, (), ("inhibitor", "ntidepressant"), "none found, and the markers are there"),
    ],
)  # fmt: skip
def test_a_disturbed_marker_says_so_once(
    facts: Mapping[str, Any], medicines: Medicines, says: tuple[str, ...], not_said: tuple[str, ...], why: str
) -> None:
    text = given(facts, medicines).text
    for sentence in says:
        assert text.count(sentence) == 1, why
    for sentence in not_said:
        assert sentence not in text, why


@pytest.mark.verifies("C13", "C31")
@pytest.mark.parametrize(
    "facts", [{}, {"cga": None}, {"cga": None, "srs": None}, EXTENSIVE, {"primary_site": "rectum"}]
)
def test_a_caution_is_about_the_marker_and_never_tells_to_stop(facts: Mapping[str, Any]) -> None:
    without, with_both = given(facts, READ), given(facts, BOTH)
    cautions = [line for line in with_both.text.splitlines() if "on record: " in line or "on record (" in line]
    assert any("raises chromogranin A" in line for line in cautions)
    assert not any("stop" in line.lower() for line in cautions)
    assert "none taken" not in with_both.text
    assert with_both.orders == without.orders
    for card in with_both.cards:
        if "raises chromogranin A" in card.detail:
            assert {"W-CGA", "F-CGA"} & set(card.codes)


def test_the_name_of_a_medicine_cannot_bring_markup_onto_a_card() -> None:
    hostile = replace(PPI, drug="<b>[x](http://example.org)</b> " * 9)
    text = given({"cga": None}, replace(READ, cautions=(hostile,))).text
    assert "Proton pump inhibitor on record" in text
    assert "<b>" not in text
    assert "[x](" not in text


def test_everything_about_medicines_still_fits_where_there_is_most_to_say() -> None:
    everything = Medicines((LANREOTIDE, MIBG, PRRT), (OCTREOTIDE, INTERFERON), (PPI, SSRI), read=True)
    for facts in (EXTENSIVE, {**EXTENSIVE, **SYNDROME, "srs": "negative"}, TRANSPLANTABLE, BEYOND_LIVER):
        assert len(given(facts, everything, cga=None, platelet_serotonin=None).cards) <= 4


@pytest.mark.verifies("M9", "C13", "C14")
@pytest.mark.parametrize(
    ("code", "medicines", "says", "brief"),
    [
        ("T-OCT", replace(READ, in_progress=(LANREOTIDE,)), "(lanreotide, listed 2026-01-15)", "(listed 2026-01-15)."),
        ("T-PRRT", replace(READ, in_progress=(PRRT,)), "(177Lu or 90Y", "In progress since 2026-01-20."),
        (
            "T-OCT",
            replace(READ, found=(OCTREOTIDE,)),
            "not clear: octreotide",
            "Given now? octreotide (purpose unknown)",
        ),
        ("T-PRRT", replace(READ, found=(replace(OCTREOTIDE, code="T-PRRT"),)), "not clear", "Given now? 2026-02-20."),
        ("T-OCT", READ, "No running one", "No running one found in the medications read."),
        ("T-OCT", Medicines(), "is not known", "In progress or not: medications could not be read."),
    ],
)
def test_where_there_is_little_room_it_is_said_in_brief(code: str, medicines: Medicines, says: str, brief: str) -> None:
    full_words, brief_words = in_progress(code, medicines)
    assert says in full_words
    assert brief in brief_words
    assert len(brief_words) <= len(full_words)


@pytest.mark.verifies("C14")
def test_urinary_5_hiaa_is_not_what_an_antidepressant_lowers() -> None:
    needs = replace(chart({"platelet_serotonin": None}), policy=SitePolicy(platelet_serotonin=False))
    step = answer_to(needs, Beside(medicines=BOTH)).card_with("W-SEROT").detail
    assert "Urinary 5-HIAA" in step
    (line,) = [line for line in step.splitlines() if "5-HIAA" in line]
    assert "ntidepressant" not in line
