"""`recommendations.toml`: every code has its record, every reason its text, every order is FHIR with codes of ours."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from importlib.resources import files

import pytest

from cds_service.cards.orders import draft_order
from cds_service.guidelines.nelm_2006 import local, order, pathway, systemic
from cds_service.guidelines.nelm_2006.recommendations import Recommendation, texts
from tests.support.facts import words

# The output codes and reasons of protocol 4.3, as they stand there.
CODES = frozenset(words(
    "W-PRIM W-CGA W-SEROT W-SYMPT W-CT W-SRS W-KI67 W-PATH W-EXTRA W-MAP W-RESECT W-EMBO W-MIBG W-HEPMEG I-NOSEROT "
    "T-RESECT T-ABLATE T-ABLATE-EXT T-ABLATE-PALL T-DEBULK T-RADIO-ADJ T-EMBO T-EMBO-AGAIN T-RESECT-POSTEMBO T-OCT "
    "T-MIBG T-PRRT T-OLT-EVAL T-IFN R-MDT-HG R-MDT S-OCT-PERI S-OCT-CRISIS S-DIURESIS S-OLT-WARN F-CGA F-SEROT"
))  # fmt: skip
REASONS = frozenset(words(
    "extrahepatic extrahepatic_asymptomatic multiple not_radical remnant count_gt_7 size_gt_7cm prior_failure lt_90pct "
    "no_lobar_predominance portal_vein_occlusion hepatic_failure biliary_anastomosis srs_negative other_syndrome "
    "symptoms_controlled not_avid limited_benefit high_grade age age_unknown ki67_ge_10 ki67_unknown "
    "differentiation_unknown no_hepatomegaly hepatomegaly_unknown symptoms_unknown option_remaining switched_off"
))  # fmt: skip
SOURCES = "\n".join(inspect.getsource(module) for module in (pathway, local, systemic, order))
CODE = re.compile(r'"([WTRSFI]-[A-Z0-9]+(?:-[A-Z0-9]+)*)"')
EVERY = list(texts().recommendations.values())
DRAFTED = [r for r in EVERY if r.code.startswith(("W-", "R-", "F-")) or r.code == "T-OLT-EVAL"]


def ids(recommendations: list[Recommendation]) -> list[str]:
    return [recommendation.code for recommendation in recommendations]


def test_every_code_of_the_protocol_has_a_record_and_the_reverse() -> None:
    assert set(texts().recommendations) == CODES


def test_the_pathway_finds_every_code_of_the_protocol_and_no_other() -> None:
    assert set(CODE.findall(SOURCES)) == CODES


def test_the_shipped_code_system_lists_the_same_codes() -> None:
    shipped = json.loads(files("fhir_mappings").joinpath("code_systems/nelm-recommendation.json").read_text("utf-8"))
    assert {concept["code"] for concept in shipped["concept"]} == CODES


def test_every_reason_of_the_protocol_has_a_text_and_the_reverse() -> None:
    said = texts()
    assert set(said.reasons) == REASONS
    assert {item.partition(":")[2] for item in said.reasons_of} <= REASONS
    assert {item.partition(":")[0] for item in said.reasons_of} <= set(said.withheld_names)
    assert said.reason("T-OCT:srs_negative") == said.reasons["srs_negative"]
    assert said.reason("T-OLT-EVAL:extrahepatic") != said.reasons["extrahepatic"]


def test_every_option_that_can_be_withheld_has_a_name() -> None:
    assert set(texts().withheld_names) == {code for code in CODES if code.startswith("T-")} | {"LOCAL"}


@pytest.mark.parametrize("recommendation", EVERY, ids=ids(EVERY))
def test_a_record_is_complete(recommendation: Recommendation) -> None:
    assert recommendation.title
    assert recommendation.short
    assert len(recommendation.short) <= 30, "several have to fit a summary"
    assert recommendation.strength.word
    assert recommendation.strength.rules
    sentences = (recommendation.must, *recommendation.more.values())
    assert not any("{" in sentence for sentence in sentences), "every shared sentence is put in"


@pytest.mark.parametrize("recommendation", DRAFTED, ids=ids(DRAFTED))
def test_what_is_drafted_has_an_order_and_a_label_that_fits_a_button(recommendation: Recommendation) -> None:
    assert recommendation.order is not None
    assert 0 < len(recommendation.label) <= 25
    draft = draft_order(recommendation.order, "p1", ("Condition/1",))
    assert (draft["status"], draft["intent"]) == ("draft", "proposal")
    assert draft["code"]["text"] == recommendation.order.text


def test_nothing_else_can_be_drafted() -> None:
    assert {r.code for r in EVERY if r.order is not None or r.label} == {r.code for r in DRAFTED}


def test_two_buttons_are_never_called_the_same() -> None:
    labels = [r.label for r in DRAFTED if r.code != "R-MDT"]  # one referral or the other, never both
    labels.append(texts().of("W-SRS").more["report_label"])
    assert len(set(labels)) == len(labels)
    assert len(texts().of("W-SRS").more["report_label"]) <= 25


def test_every_code_of_an_order_is_in_our_value_sets_under_the_same_name() -> None:
    named: dict[tuple[str, str], str] = {}
    for path in files("fhir_mappings").joinpath("value_sets").iterdir():
        for include in json.loads(path.read_text("utf-8"))["compose"]["include"]:
            for concept in include.get("concept", ()):
                named[include["system"], concept["code"]] = concept.get("display", "")
    coded = [r.order for r in DRAFTED if r.order is not None and r.order.code is not None]
    assert len(coded) == 8
    for drafted in coded:
        assert named[str(drafted.system), str(drafted.code)] == drafted.display


def test_every_work_up_step_has_a_brief_wording() -> None:
    for code in order.WORKUP:
        recommendation = texts().of(code)
        assert 0 < len(recommendation.more["brief"]) < len(recommendation.must), code


def test_every_rule_that_a_text_cites_is_a_rule_of_the_protocol() -> None:
    raw = files("cds_service.guidelines.nelm_2006").joinpath("recommendations.toml").read_text("utf-8")
    evidence = files("cds_service.guidelines.nelm_2006").joinpath("evidence.toml").read_text("utf-8")
    known = set(re.findall(r"^\[([RAC]\d+)\]", evidence, re.MULTILINE))
    assert set(re.findall(r"\b[RAC]\d{1,2}\b", raw)) <= known


def test_only_verified_notes_are_shown_with_one_exception() -> None:
    package = files("cds_service.guidelines.nelm_2006")
    raw = package.joinpath("recommendations.toml").read_text("utf-8")
    evidence = tomllib.loads(package.joinpath("evidence.toml").read_text("utf-8"))
    shown = set(re.findall(r"\bC\d{1,2}\b", raw))
    unverified = {note for note in shown if str(evidence[note]["status"]).startswith("unverified")}
    assert unverified <= {"C22"}, "a statement of absence: leaving it out would oversell the option"
