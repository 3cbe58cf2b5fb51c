"""Where practice has moved since 2006: which note stands beside what, and that only verified ones do."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest
from msgspec.structs import replace

from cds_service.cards import make_cards
from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.advice import advise
from cds_service.guidelines.nelm_2006.advice.currency import since_2006
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.advice import Block, Section
from cds_service.reasoning.decision import decide
from tests.support.answers import PATIENT_LINE, answer_to
from tests.support.facts import EXTENSIVE, chart

# | chart | must stand on a card | must not |
TABLE = (
    ({"lesion_count": 2, "radical_resection_possible": False}, "C21", "C19 C15 C9"),
    ({"lesion_count": 2, "est_cytoreduction_pct": 95}, "C21 C19", "C15"),
    ({"lesion_count": 2, "est_cytoreduction_pct": 80}, "C19", ""),
    ({"lesion_count": 2}, "C20", ""),
    ({"lesion_count": 1}, "", "C20"),
    ({**EXTENSIVE, "carcinoid_syndrome": True}, "C6 C7 C8 C9 C15 C16", "C21 C33"),
    ({**EXTENSIVE, "carcinoid_syndrome": False}, "C6 C7 C9", "C8"),
    ({**EXTENSIVE, "lobar_predominance": False}, "C16 C33", "C15"),
    ({**EXTENSIVE, "biliary_anastomosis": True}, "C25", "C15"),
    ({"extrahepatic_disease": True, "carcinoid_syndrome": False}, "C32 C6", "C20 C21"),
    ({"ki67_percent": 30}, "C5 C12", "C6 C20"),
    ({"liver_imaging": None}, "C3", "C29"),
    ({"ki67_percent": None}, "C29", "C3"),
)


@pytest.mark.parametrize(("facts", "there", "absent"), TABLE)
def test_notes_stand_beside_what_they_concern(facts: dict[str, object], there: str, absent: str) -> None:
    needs = chart(**facts)
    decision = decide(NELM_2006, needs)
    said = (*decision.workup, *decision.treatment, *decision.withhold)
    noted = {note for block in since_2006(said, needs) for note in re.findall(r"\bC\d+\b", block.text)}
    assert set(there.split()) <= noted
    assert not set(absent.split()) & noted


def test_the_line_says_that_it_is_not_the_paper_s() -> None:
    assert "Since 2006, not in the paper: " in _lines({"lesion_count": 2})


def test_every_note_is_verified_and_dated_as_its_citation() -> None:
    evidence = tomllib.loads(files("cds_service.guidelines.nelm_2006").joinpath("evidence.toml").read_text("utf-8"))
    for note in texts().since_2006:
        recorded = evidence[note.note]
        assert recorded["verified"], note.note
        assert f"{note.note})" in note.text
        cited = recorded["citation"] + recorded["status"]
        if same := re.search(r"as (C\d+)", cited):
            cited += evidence[same[1]]["citation"]
        assert all(year in cited for year in re.findall(r"\b(?:19|20)\d\d\b", note.text)), note.note


def test_a_line_never_costs_a_card() -> None:
    needs = chart(**{**EXTENSIVE, "carcinoid_syndrome": True})
    answer = answer_to(needs)
    assert "Since 2006" in answer.text
    unlined = [replace(section, blocks=_without(section)) for section in advise(answer.decision, answer.reading)]
    shorter = make_cards(
        unlined, source={}, patient_id="p1", patient_line=PATIENT_LINE, reasons=(), new_uuid=lambda: "1"
    )  # fmt: skip
    assert len(answer.cards) == len(shorter)


def _without(section: Section) -> tuple[Block, ...]:
    return tuple(block for block in section.blocks if "Since 2006" not in block.text)


def _lines(facts: dict[str, object]) -> str:
    text = answer_to(chart(**facts)).text
    return "\n".join(line for line in text.splitlines() if "Since 2006" in line)
