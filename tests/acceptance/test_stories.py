"""Every patient story: valid FHIR, one answer by every way to ask, and the answer that the story expects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from markdown_it import MarkdownIt

from cds_service.decide import DECISION_EXTENSION, as_json, without_empties
from tests.support.evaluating import by_bundle, by_request
from tests.support.service import TestClient, post
from tests.support.stories import NAMES, STORIES, Story, story, without_uuids
from tests.support.update_expected import shown

every_story = pytest.mark.parametrize("told", STORIES, ids=NAMES)

MARKUP = story("markup-in-the-chart")
RENDERERS = {
    "raw HTML": MarkdownIt("commonmark", {"html": True}),
    "tables and strikethrough": MarkdownIt("gfm-like", {"html": True, "linkify": False}),
}


@pytest.mark.parametrize("told", [s for s in STORIES if s.has_bundle], ids=[s.name for s in STORIES if s.has_bundle])
def test_the_bundle_is_fhir(told: Story) -> None:
    get_fhir_model_class("Bundle").model_validate(told.bundle)


@every_story
def test_the_prefetch_is_fhir(told: Story) -> None:
    for value in told.request["prefetch"].values():
        if value is not None:
            get_fhir_model_class(value["resourceType"]).model_validate(value)


@every_story
def test_the_story_is_told_in_two_lines(told: Story) -> None:
    """Who the patient is, and what would go unnoticed without the story."""
    assert len((told.folder / "README.md").read_text("utf-8").splitlines()) == 2


@every_story
def test_bundle_and_request_give_the_same_answer(told: Story) -> None:
    from_bundle, from_request = by_bundle(told), by_request(told)
    assert as_json(from_bundle.decision) == as_json(from_request.decision)
    assert without_uuids(from_bundle.cards) == without_uuids(from_request.cards)


@every_story
def test_the_hook_answers_as_replay_does(client: TestClient, told: Story) -> None:
    answer = post(client, told.body).json()
    evaluation = by_bundle(told)
    assert without_uuids(answer["cards"]) == without_uuids(evaluation.cards)
    if answer["cards"]:
        assert answer["extension"][DECISION_EXTENSION] == without_empties(as_json(evaluation.decision))


@every_story
def test_the_story_ends_as_expected(told: Story) -> None:
    """Work-up and treatment in their order, the others as sets."""
    decision, expected = as_json(by_bundle(told).decision), told.expected
    for name in ("state", "workup", "treatment"):
        assert decision[name] == expected[name]
    for name in ("safety", "withhold"):
        assert sorted(decision[name]) == sorted(expected[name])


@every_story
def test_the_cards_are_those_expected(told: Story) -> None:
    """`python -m tests.support.update_expected` rewrites them; a change of them is a change of advice."""
    assert shown(by_bundle(told).cards) == told.expected["cards"]


@pytest.mark.parametrize(
    "told", [s for s in STORIES if not s.in_scope], ids=[s.name for s in STORIES if not s.in_scope]
)
def test_a_chart_that_is_not_ours_is_met_with_silence(client: TestClient, told: Story) -> None:
    assert post(client, told.body).content == b'{"cards":[]}'


@pytest.mark.parametrize("told", [s for s in STORIES if s.in_scope], ids=[s.name for s in STORIES if s.in_scope])
def test_a_chart_that_is_ours_is_never_met_with_silence(client: TestClient, told: Story) -> None:
    answer = post(client, told.body).json()
    assert answer["cards"]
    assert answer["extension"][DECISION_EXTENSION]["state"] == told.expected["state"]


def test_nothing_of_another_patient_is_in_the_answer(client: TestClient) -> None:
    told = story("other-patients-results")
    strangers = [r for r in told.chart if _subject(r) not in (None, f"Patient/{told.patient_id}")]
    assert len(strangers) == 2
    answer = post(client, told.body).json()
    cards = json.dumps(answer["cards"])
    for stranger in strangers:
        assert str(stranger["valueQuantity"]["value"]) not in _values(answer)
        assert f"{stranger['valueQuantity']['value']:g} {stranger['valueQuantity']['unit']}" not in cards
        assert str(_subject(stranger)).removeprefix("Patient/") not in cards.replace(f"Patient/{told.patient_id}", "")


def test_the_decision_says_that_another_patients_results_were_set_aside() -> None:
    inputs = as_json(by_bundle(story("other-patients-results")).decision)["inputs"]
    for name, reference in {
        "ki67_percent": "Observation/other-patients-results-ki67-of-another",
        "cga": "Observation/other-patients-results-cga-of-another",
    }.items():
        assert inputs[name]["unknown"] == "not_recorded"
        assert f"set aside: {reference} of another patient" in inputs[name]["note"]
        assert inputs[name]["sources"] == []


@pytest.mark.parametrize("renderer", RENDERERS.values(), ids=RENDERERS)
def test_markup_in_the_chart_never_comes_alive(client: TestClient, renderer: MarkdownIt) -> None:
    """Only our own emphasis is left: the card renders to the tags that it has without the chart's texts."""
    answer = post(client, MARKUP.body).json()
    assert answer["cards"]
    for card in answer["cards"]:
        rendered = renderer.render(card["detail"])
        for tag in ("<img", "<a ", "<a>", "<table", "<script", "<svg", "<iframe", "<s>", "<code", "<h1", "<b>"):
            assert tag not in rendered.lower()
        for hostile in ("onerror=", "javascript:", "alert\\(", "bold"):
            assert f"<em>{hostile}" not in rendered
            assert f"<strong>{hostile}" not in rendered


def test_the_markup_of_the_story_would_come_alive_if_it_were_let_through() -> None:
    """The test above would prove nothing of a harmless chart."""
    texts = " ".join(_texts(MARKUP.bundle))
    rendered = RENDERERS["raw HTML"].render(texts)
    assert "<img" in rendered
    assert "[" in texts


def _subject(resource: dict[str, Any]) -> str | None:
    reference = (resource.get("subject") or {}).get("reference")
    return reference if isinstance(reference, str) else None


def _values(answer: dict[str, Any]) -> set[str]:
    inputs = answer["extension"][DECISION_EXTENSION]["inputs"]
    return {str(fact.get("value")) for fact in inputs.values()}


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [
            t
            for name, v in value.items()
            for t in ([v] if name in ("text", "display") else _texts(v))
            if isinstance(t, str)
        ]
    return [text for member in value for text in _texts(member)] if isinstance(value, list) else []
