"""Assessments as answers to the project's own Questionnaire: the same readings as Observations of the same codes."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guidelines.nelm_2006.intake import ChartReading
from fhir_mappings.assessment import AssessmentCode, coded, counts, measures, yes_no
from fhir_mappings.questionnaire import CANONICAL
from fhir_mappings.select import WhyUnused
from fhir_mappings.systems import NELM_ASSESSMENT, NELM_RECOMMENDATION
from tests.support.charts import NELM, SUBJECT, Json, assessed, chart, coding, needs, quantity, reading, said

AUTHORED = "2026-02-25T09:00:00Z"
LATER, EARLIER = "2026-02-26", "2026-02-24"
FAILURE = AssessmentCode.HEPATIC_FAILURE


def item(link: str, *answers: Any, **more: Any) -> Json:
    """One item with its answers; a bool is valueBoolean, an int valueInteger, a text a coding or a quantity."""
    return {"linkId": link, "answer": [_answer(value) for value in answers]} | more


def _answer(value: Any) -> Any:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    if isinstance(value, str):
        return {"valueCoding": coding(value)} if ":" in value else {"valueQuantity": quantity(value)}
    return value


def response(*items: Any, **more: Any) -> Json:
    """A completed response to our Questionnaire."""
    found: Json = {"resourceType": "QuestionnaireResponse", "id": "q", "status": "completed", "subject": SUBJECT}
    return found | {"questionnaire": CANONICAL, "authored": AUTHORED, "item": list(items)} | more


def answers_of(of: Json, code: AssessmentCode = FAILURE) -> list[Any]:
    return [said(r.fact) for r in yes_no(chart(of), code)]


class TestAnAnswerIsReadLikeAnObservation:
    @pytest.mark.parametrize(
        ("answer", "expected", "why"),
        [
            (True, True, "a boolean"),
            (False, False, ""),
            ("yn:Y", True, "HL7 table 0136"),
            ("sct:2667000", False, "absent"),
            ("sct:82334004", "?indeterminate", "looked, and could not tell"),
            ("sct:373066001", "?value_not_understood", "another code for yes"),
            (1, "?value_not_understood", "a number"),
            ({"valueString": "yes"}, "?value_not_understood", "text alone"),
            ({"valueDecimal": 1.0}, "?value_not_understood", "a type that no question of ours has"),
            ({"_valueBoolean": {"extension": []}}, "?value_not_understood", "no value"),
            ({"valueBoolean": True, "valueString": "yes"}, "?malformed", "two values"),
            ({"valueBoolean": True, "valueDate": "2026-01-01"}, "?malformed", "one of them of a type not read"),
            ({"valueBoolean": "true"}, "?malformed", "a text where FHIR has a boolean"),
            ({"valueCoding": {"code": " "}}, "?malformed", "what the models of R4 refuse"),
            ({"valueBoolean": True, "modifierExtension": [{"url": "x"}]}, "?malformed", "it may mean the opposite"),
            (None, "?malformed", "no object"),
            (5.5, "?malformed", "no object"),
        ],
    )  # fmt: skip
    def test_yes_and_no(self, answer: Any, expected: Any, why: str) -> None:
        (found,) = yes_no(chart(response(item("hepatic-failure", answer))), FAILURE)
        assert said(found.fact) == expected, why
        assert [(s.reference, s.date) for s in found.fact.sources] == [("QuestionnaireResponse/q", "2026-02-25")]
        assert found.when is not None

    def test_codes_counts_and_measures(self) -> None:
        of = chart(response(
            item("portal-vein", "nelm:patent"), item("lesion-count", 3), item("largest-lesion-diameter", "41 mm"),
            item("expected-cytoreduction", "95 %"),
        ))  # fmt: skip
        assert [said(r.fact) for r in coded(of, AssessmentCode.PORTAL_VEIN)] == ["patent"]
        assert [said(r.fact) for r in counts(of, AssessmentCode.LESION_COUNT)] == ["3"]
        assert [said(r.fact) for r in measures(of, AssessmentCode.LARGEST_LESION_DIAMETER, "cm")] == ["4.1"]
        assert [said(r.fact) for r in measures(of, AssessmentCode.EXPECTED_CYTOREDUCTION, "%")] == ["95"]

    def test_a_question_that_repeats_gives_one_recording_per_answer(self) -> None:
        of = response(item("failed-therapy", "rec:T-ABLATE", "rec:T-EMBO"))
        found = coded(chart(of), AssessmentCode.FAILED_THERAPY, NELM_RECOMMENDATION)
        assert [said(r.fact) for r in found] == ["T-ABLATE", "T-EMBO"]
        assert needs(of).failed_therapies.sources
        assert said(needs(of).failed_therapies) == {"T-ABLATE", "T-EMBO"}

    @pytest.mark.parametrize("empty", [{}, {"answer": []}, {"answer": None}], ids=str)
    def test_a_question_that_is_left_open_says_nothing(self, empty: Json) -> None:
        assert answers_of(response({"linkId": "hepatic-failure"} | empty)) == []

    def test_items_stand_in_groups_and_within_answers(self) -> None:
        inner = item("hepatic-failure", True)
        assert answers_of(response({"linkId": "g", "item": [{"linkId": "h", "item": [inner]}]})) == [True]
        assert answers_of(response(item("other", {"valueBoolean": True, "item": [inner]}))) == [True]

    def test_a_response_can_put_a_chart_in_scope(self) -> None:
        assert said(reading(response(item("nelm-histology", True))).needs.nelm_confirmed) is True


class TestBothCarriersTogether:
    @pytest.mark.parametrize(
        ("observed", "date", "expected", "why"),
        [
            (False, LATER, False, "the Observation is later"),
            (False, EARLIER, True, "the response is later"),
            (False, "2026-02-25", "?conflicting", "the same day, and they differ"),
            (True, "2026-02-25", True, "the same day, and they agree"),
            (False, None, "?conflicting", "an undated Observation cannot be ordered"),
        ],
    )
    def test_the_latest_wins_and_conflicts_show(
        self, observed: bool, date: str | None, expected: Any, why: str
    ) -> None:
        fact = needs(
            response(item("remnant-adequate", True)), assessed("remnant-adequate", observed, date)
        ).remnant_adequate
        assert said(fact) == expected, why

    def test_two_answers_that_differ_are_a_conflict(self) -> None:
        assert said(needs(response(item("remnant-adequate", True, False))).remnant_adequate) == "?conflicting"

    def test_an_answer_without_a_date_is_of_no_date(self) -> None:
        undated = response(item("remnant-adequate", True))
        del undated["authored"]
        assert said(needs(undated).remnant_adequate) == "?date_unknown"


class TestWhatIsNotUsedIsListed:
    @pytest.mark.parametrize("version", ["", "|0.1.0", "|99"])
    def test_our_questionnaire_in_any_version_is_read(self, version: str) -> None:
        assert answers_of(response(item("hepatic-failure", True), questionnaire=CANONICAL + version)) == [True]

    @pytest.mark.parametrize(
        ("more", "why_unused"),
        [
            ({"questionnaire": "https://example.org/Questionnaire/phq-9"}, WhyUnused.OTHER_QUESTIONNAIRE),
            ({"questionnaire": f"{CANONICAL}-2"}, WhyUnused.OTHER_QUESTIONNAIRE),
            ({"questionnaire": None}, WhyUnused.OTHER_QUESTIONNAIRE),
            ({"status": "in-progress"}, WhyUnused.STATUS),
            ({"status": "entered-in-error"}, WhyUnused.STATUS),
            ({"status": "stopped"}, WhyUnused.STATUS),
            ({"status": None}, WhyUnused.STATUS),
            ({"subject": {"reference": "Patient/p2"}}, WhyUnused.OTHER_PATIENT),
            ({"subject": None}, WhyUnused.NO_SUBJECT),
            ({"modifierExtension": [{"url": "http://example.org/not"}]}, WhyUnused.MODIFIER),
            ({"authored": 5}, WhyUnused.MALFORMED),
        ],
    )
    def test_a_response_that_does_not_count(self, more: Json, why_unused: WhyUnused) -> None:
        of = response(item("hepatic-failure", True), **more)
        assert answers_of(of) == []
        assert [(u.reference, u.why) for u in reading(NELM, of).unused] == [("QuestionnaireResponse/q", why_unused)]

    def test_an_amended_response_counts(self) -> None:
        assert answers_of(response(item("hepatic-failure", True), status="amended")) == [True]

    def test_what_another_patient_answered_is_said_and_changes_nothing(self) -> None:
        found = reading(NELM, response(item("hepatic-failure", True), subject={"reference": "Patient/p2"}))
        assert said(found.needs.hepatic_failure) == "?not_recorded"
        assert found.set_aside == "1 record of another patient"

    def test_another_form_of_another_patient_is_not_told(self) -> None:
        other = {"subject": {"reference": "Patient/p2"}, "questionnaire": "https://example.org/Questionnaire/phq-9"}
        found = reading(NELM, response(item("hepatic-failure", True), **other))
        assert [u.why for u in found.unused] == [WhyUnused.OTHER_PATIENT]
        assert found.set_aside == ""

    def test_an_answer_under_a_modifier_leaves_its_assessment_unknown(self) -> None:
        of = response(item("remnant-adequate", True), modifierExtension=[{"url": "http://example.org/not"}])
        assert said(needs(of).remnant_adequate) == "?malformed"

    def test_a_question_of_a_later_version_is_listed(self) -> None:
        found = reading(NELM, response(item("hepatic-failure", True), item("a-new-question", True)))
        assert [u.why for u in found.unused] == [WhyUnused.UNKNOWN_ITEM]
        assert said(found.needs.hepatic_failure) is True


class TestOneOddItemCostsNoOther:
    @pytest.mark.parametrize(
        ("odd", "why"),
        [
            ({"linkId": "remnant-adequate", "answer": {"valueBoolean": True}}, "one answer where FHIR has a list"),
            ({"linkId": "remnant-adequate", "answer": 5}, "a number for answers"),
            (item("remnant-adequate", {"valueBoolean": 5}), "a number for a boolean"),
            (item("remnant-adequate", True, modifierExtension=[{"url": "x"}]), "an item that may mean the opposite"),
            ({"linkId": "g", "modifierExtension": [{"url": "x"}], "item": [item("remnant-adequate", True)]}, "a group"),
        ],
    )
    def test_its_own_assessment_is_malformed(self, odd: Json, why: str) -> None:
        found = needs(response(odd, item("hepatic-failure", True)))
        assert said(found.remnant_adequate) == "?malformed", why
        assert said(found.hepatic_failure) is True

    @pytest.mark.parametrize("odd", [None, 5, "x", [], {"linkId": 5}, {"answer": [{"valueBoolean": True}]}], ids=str)
    def test_an_item_without_a_name_is_listed_and_told(self, odd: Any) -> None:
        found = reading(NELM, response(odd, item("hepatic-failure", True)))
        assert [(u.why, u.reference) for u in found.unused] == [(WhyUnused.MALFORMED, "QuestionnaireResponse/q")]
        assert found.set_aside == "1 record not readable"
        assert said(found.needs.hepatic_failure) is True

    @pytest.mark.parametrize("items", [5, "x", {"linkId": "hepatic-failure"}], ids=str)
    def test_items_that_are_no_list_are_listed(self, items: Any) -> None:
        assert [u.why for u in reading(NELM, response() | {"item": items}).unused] == [WhyUnused.MALFORMED]

    def test_a_response_that_cannot_be_read_at_all_is_told(self) -> None:
        assert reading(NELM, response(item("hepatic-failure", True), authored=5)).set_aside == "1 record not readable"

    def test_items_nested_without_end_are_given_up(self) -> None:
        nested: Json = item("hepatic-failure", True)
        for _ in range(30):
            nested = {"linkId": "g", "item": [nested]}
        found = reading(NELM, response(nested, item("remnant-adequate", True)))
        assert [u.why for u in found.unused] == [WhyUnused.MALFORMED]
        assert said(found.needs.remnant_adequate) is True


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["linkId", "answer", "item", "valueBoolean", "valueCoding", "modifierExtension"]), inner
        )
    ),
    max_leaves=12,
)


@given(items=anything)
def test_nothing_in_an_item_makes_the_reader_fail(items: Any) -> None:
    assert isinstance(reading(NELM, response() | {"item": items}), ChartReading)


class TestTheQuestionnaireThatIsShipped:
    @pytest.fixture
    def shipped(self) -> Json:
        text = files("fhir_mappings").joinpath("questionnaires/nelm-assessment.json").read_text("utf-8")
        loaded: Json = json.loads(text)
        return loaded

    @pytest.fixture
    def questions(self, shipped: Json) -> dict[str, Json]:
        return {question["linkId"]: question for group in shipped["item"] for question in group["item"]}

    def test_it_is_valid_and_has_the_address_that_the_reader_compares_with(self, shipped: Json) -> None:
        assert Questionnaire.model_validate(shipped).url == CANONICAL

    def test_it_asks_each_assessment_once(self, shipped: Json, questions: dict[str, Json]) -> None:
        assert set(questions) == set(AssessmentCode)
        assert sum(len(group["item"]) for group in shipped["item"]) == len(AssessmentCode)
        assert all(q["code"][0]["code"] == link for link, q in questions.items())

    def test_its_words_are_those_of_the_code_system(self, questions: dict[str, Json]) -> None:
        for system in ("nelm-assessment", "nelm-recommendation"):
            names = _displays(system)
            codings = [c for q in questions.values() for c in [*q["code"], *_options(q)]]
            mine = [c for c in codings if c["system"].endswith(system)]
            assert mine
            assert all(names[c["code"]] == c["display"] for c in mine)

    def test_every_answer_that_it_offers_is_understood(self, questions: dict[str, Json]) -> None:
        for link, question in questions.items():
            for option in _options(question):
                code = AssessmentCode(link)
                of = chart(response(item(link, {"valueCoding": option})))
                if link == "extrahepatic-disease":
                    (fact,) = (r.fact for r in yes_no(of, code))
                    assert said(fact) in (True, False, "?indeterminate")
                else:
                    system = NELM_RECOMMENDATION if link == "failed-therapy" else NELM_ASSESSMENT
                    assert [said(r.fact) for r in coded(of, code, system)] == [option["code"]]

    def test_only_failed_therapies_repeat(self, questions: dict[str, Json]) -> None:
        assert [link for link, q in questions.items() if q.get("repeats")] == ["failed-therapy"]


def _displays(system: str) -> dict[str, str]:
    text = files("fhir_mappings").joinpath(f"code_systems/{system}.json").read_text("utf-8")
    return {concept["code"]: concept["display"] for concept in json.loads(text)["concept"]}


def _options(question: Json) -> list[Json]:
    return [option["valueCoding"] for option in question.get("answerOption", [])]
