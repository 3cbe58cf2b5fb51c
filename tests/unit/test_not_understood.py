"""Found, not understood: results named like a marker of ours, under codes that mean nothing to us."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cds_service.cli import app
from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.advice.remarks import chart_remarks
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.reasoning.decision import decide
from fhir_mappings.answer import read_answer
from fhir_mappings.not_understood import STEMS, WORDS, not_understood
from fhir_mappings.relevance import judge_by
from fhir_mappings.terminology import load_terminology
from tests.support.charts import NELM, PATIENT, Json, chart, coding, observation, reading, said, searchset


def result(text: str | None, date: str | None = "2026-02-20", *, display: str | None = None, **more: Any) -> Json:
    """An Observation of the laboratory's own code."""
    code: Json = {"coding": [{"system": "https://lab.example.org/codes", "code": "4711"}]}
    if display:
        code["coding"][0]["display"] = display
    if text:
        code["text"] = text
    return observation("loinc:1-1", {"valueQuantity": {"value": 987654, "unit": "ug/L"}}, date, **more) | {"code": code}


def names(*resources: Json) -> list[str]:
    return [found.label for found in not_understood(chart(*resources))]


def remark(of: ChartReading) -> str:
    (block,) = [b for b in chart_remarks(decide(NELM_2006, of.needs), of) if b.text.startswith("Found, not understood")]
    assert block.brief
    return block.text


@pytest.mark.parametrize(
    "name",
    [
        "Chromogranin A", "chromogranine-A (serum)", "CgA", "S-CGA", "LAB_CGA_SER", "Serotonin (platelets)",
        "SEROTONINE", "5-HT thrombocytes", "5-HIAA", "5HIAA, 24h urine", "5-hydroxyindoleacetic acid",
        "Hydroxyindolacetaat", "Ki-67", "Ki67 index", "KI 67", "MIB-1", "MIB1 (%)",
    ],
)  # fmt: skip
def test_a_name_like_one_of_our_markers_is_found(name: str) -> None:
    assert names(result(name)) == [name]
    assert names(result(None, display=name)) == [name]


@given(st.sampled_from(WORDS).flatmap(lambda word: st.from_regex(re.compile(word, re.IGNORECASE), fullmatch=True)))
def test_no_name_in_plain_letters_is_lost_for_its_stem(name: str) -> None:
    assert not name.isascii() or any(stem in name.lower().encode() for stem in STEMS)


@pytest.mark.parametrize("name", ["\u212ai-67", "\u017ferotonin", "M\u0130B-1", "chromograN\u0131n"])
def test_letters_that_are_the_same_in_another_case_only_are_found(name: str) -> None:
    assert names(result(name)) == [name]


def among_passed_over(*resources: Json) -> list[str]:
    """The names found where nothing was decoded, because no code is known."""
    value = json.dumps(searchset(resources), separators=(",", ":"), ensure_ascii=False).encode()
    left = read_answer(value, "Observation", judge_by(load_terminology())).undecoded
    assert left.count == len(resources)
    return [found.label for found in not_understood(replace(chart(), undecoded=(left,)))]


PLAIN = [result("Sodium", id="sodium"), result("Potassium (kinase)", id="kinase")]


@pytest.mark.parametrize(
    "name", ["Ki-67", "S-CGA", "\u212ai-67", "\u017ferotonin", "M\u0130B-1", "5-HT \u00b5mol", 'a "CgA"']
)
def test_a_name_is_found_among_results_that_were_passed_over(name: str) -> None:
    assert among_passed_over(*PLAIN, result(name, id="ours"), result("Chloride", id="chloride")) == [name]
    assert among_passed_over(*PLAIN, result(None, id="ours", display=name)) == [name]
    assert among_passed_over(*PLAIN) == []


def test_a_name_in_a_component_of_what_was_passed_over_is_found() -> None:
    panel = result("Panel", id="panel") | {"component": [{"code": {"text": "Ki-67"}, "valueString": "high"}]}
    assert among_passed_over(*PLAIN, panel) == ["Ki-67"]


def test_codes_that_cannot_be_read_are_passed_over() -> None:
    odd = result("Ki-67", id="odd")
    value = json.dumps(searchset([odd | {"code": {"text": 67, "x": "ki"}}, *PLAIN])).encode()
    left = read_answer(value, "Observation", judge_by(load_terminology())).undecoded
    assert not_understood(replace(chart(), undecoded=(left,))) == ()


@pytest.mark.parametrize(
    "odd",
    [
        {"subject": {"reference": "Patient/somebody-else"}},
        {"modifierExtension": [{"url": "urn:not"}]},
        {"subject": None},
    ],
    ids=["another patient's", "negated for all we know", "nobody's"],
)
def test_of_what_was_passed_over_only_this_patient_s_is_named(odd: Json) -> None:
    assert among_passed_over(result("Ki-67", id="odd") | odd) == []


def test_panels_of_one_code_are_told_by_their_parts() -> None:
    parts = [{"code": {"text": text}, "valueString": "high"} for text in ("CgA", "Serotonin")]
    panels = [observation("loinc:1-1", None, id=f"panel-{n}") | {"component": [part]} for n, part in enumerate(parts)]
    assert sorted(names(*panels)) == ["CgA", "Serotonin"]


def test_what_follows_in_another_name_takes_nothing_from_this_one() -> None:
    code = {"coding": [{"display": "Serotonin"}, {"display": "release assay"}]}
    found = observation("loinc:1-1", {"valueString": "high"}, "2026-02-20") | {"code": code}
    assert names(found) == ["Serotonin"]
    left = read_answer(json.dumps(searchset([found])).encode(), "Observation", judge_by(load_terminology())).undecoded
    assert left.count
    assert [each.label for each in not_understood(replace(chart(), undecoded=(left,)))] == ["Serotonin"]


@pytest.mark.parametrize(
    "name",
    [
        "Haemoglobin", "CGAT", "abcga", "Ki-670", "Mib-10", "Serotonin release assay", "serotonin reuptake inhibitor",
        "", "Chromograninoma", "5-HTP", "167",
    ],
)  # fmt: skip
def test_any_other_name_is_not(name: str) -> None:
    assert names(result(name)) == []


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"code": {"coding": [coding("loinc:9811-1")], "text": "Chromogranin A"}}, "a code of ours: it is read"),
        ({"code": {"coding": [coding("nelm:sstr-uptake")], "text": "no CgA"}}, "an assessment of ours"),
        ({"status": "entered-in-error"}, "withdrawn"),
        ({"status": "cancelled"}, "not done"),
        ({"subject": {"reference": "Patient/p2"}}, "another patient's"),
        ({"code": None}, "no name at all"),
    ],
)
def test_what_is_understood_or_does_not_count_is_not_named(more: Json, why: str) -> None:
    assert names(result("Chromogranin A") | more) == [], why


def test_a_component_is_named_too() -> None:
    component = {"code": {"text": "Ki-67"}, "valueQuantity": {"value": 3}}
    assert names(result("Pathology panel", component=[component])) == ["Ki-67"]


def test_a_name_alone_is_never_a_value() -> None:
    found = reading(NELM, result("Chromogranin A"))
    assert said(found.needs.cga) == "?not_recorded"
    assert "987654" not in remark(found)


def test_each_name_is_told_once_with_its_latest_date_in_whatever_order_it_came() -> None:
    rows = [
        result("CgA", "2026-01-05"),
        result("CgA", "2026-02-05"),
        result("5-HIAA", None),
        result("Ki-67", "2026-02-01"),
    ]
    for order in (rows, rows[::-1]):
        told = remark(reading(NELM, *order))
        assert told == "Found, not understood: CgA (2026-02-05); Ki-67 (2026-02-01); 5-HIAA."


def test_many_names_are_counted_and_long_ones_shortened() -> None:
    many = [result(f"Serotonin {n} {'x' * 80}", f"2026-02-0{n}") for n in range(1, 6)]
    told = remark(reading(NELM, *many))
    assert told.endswith(" and 2 more.")
    assert len(told) < 200


def test_a_name_with_markup_is_inert_on_the_card() -> None:
    told = remark(reading(NELM, result("CgA <b>[x](http://example.org)</b>")))
    assert "<b>" not in told
    assert "](" not in told
    assert "http:" not in told


def test_without_such_a_result_nothing_is_said() -> None:
    of = reading(NELM)
    assert of.not_understood == ()
    assert not [b for b in chart_remarks(decide(NELM_2006, of.needs), of) if "not understood" in b.text]


def test_replay_names_it_on_the_card_and_in_the_explanation(tmp_path: Path) -> None:
    file = tmp_path / "chart.json"
    file.write_text(json.dumps(searchset([PATIENT, NELM, result("Chromogranin A", id="x")])), "utf-8")
    shown = CliRunner().invoke(app, ["replay", "--explain", "--as-of", "2026-03-02", str(file)], obj={}).stdout
    assert "found, not understood: Chromogranin A (Observation/x 2026-02-20)" in shown
    assert "Found, not understood: Chromogranin A (2026-02-20)." in " ".join(shown.replace("│", " ").split())
