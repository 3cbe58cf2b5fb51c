"""Rows 55 to 73 of the CDS Hooks checklist, on every 200 that the stories and their variants give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.support.cds_hooks import check
from tests.support.service import TestClient, post
from tests.support.stories import NAMES, STORIES, Story, resources, story

RESECTABLE = story("resectable")
CLIENTS = {
    "raw HTML": MarkdownIt("commonmark", {"html": True}),
    "GitHub": MarkdownIt("gfm-like", {"html": True, "linkify": False}),
}
HOSTILE_NAMES = (
    "<img src=x onerror=alert(1)>",
    "[x](javascript:1)",
    "</p><script>alert(1)</script>",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example www.evil.example a@evil.example",
    "| a | b |\n|---|---|\n| c | d |",
    "**bold** _em_ ~~gone~~ `code`",
    "&lt;b&gt; &#60;b&#62;",
)


@pytest.mark.parametrize("told", STORIES, ids=NAMES)
def test_the_answer_to_a_story_keeps_every_rule(client: TestClient, told: Story) -> None:
    """Rows 55 to 73."""
    answer = post(client, told.body)
    assert answer.status_code == 200
    check(answer.json(), told.patient_id)


@pytest.mark.parametrize("key", ["observations", "imaging", "procedures", "diagnosticReports"])
@pytest.mark.parametrize("told", STORIES, ids=NAMES)
def test_the_answer_to_half_a_story_keeps_every_rule(client: TestClient, told: Story, key: str) -> None:
    """Rows 55 to 73, where a search could not be had."""
    request = told.request
    request["prefetch"].pop(key, None)
    answer = post(client, request)
    assert answer.status_code == 200
    check(answer.json(), told.patient_id)


@pytest.mark.parametrize("told", STORIES, ids=NAMES)
def test_the_limits_hold_when_every_text_is_very_long(client: TestClient, told: Story) -> None:
    """Row 56: names, displays, texts and units of thousands of characters."""
    request = told.request
    for resource in resources(request["prefetch"]):
        _stretch(resource)
    answer = post(client, request)
    assert answer.status_code == 200
    check(answer.json(), told.patient_id)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("renderer", CLIENTS.values(), ids=CLIENTS)
def test_markup_in_a_name_stays_text(client: TestClient, renderer: MarkdownIt, name: str) -> None:
    """Row 72: the card renders as with a plain name."""
    markup = _tags(client, renderer, name)
    assert markup == _tags(client, renderer, "Plain Name")


@pytest.mark.parametrize("patient_id", ["a&b", "<img>", 'p"1', "x" * 200, "é", "*a*_b_"])
def test_an_odd_patient_id_is_answered_and_stays_text(client: TestClient, patient_id: str) -> None:
    """Row 72 for a patient without a name, whom the card calls by the id."""
    request = json.loads(RESECTABLE.body.replace(b"p-resectable", b"ODD-ID"))
    del request["prefetch"]["patient"]["name"]
    text = json.dumps(request).replace("ODD-ID", json.dumps(patient_id)[1:-1])
    answer = post(client, text.encode())
    assert answer.status_code == 200
    check(answer.json(), patient_id)
    for card in answer.json()["cards"]:
        assert "<img" not in card["detail"]


def _stretch(value: Any) -> None:
    """Make every text for readers very long, and leave codes and references as they are."""
    if isinstance(value, list):
        for member in value:
            _stretch(member)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name in ("text", "display", "family", "unit") and isinstance(member, str):
                value[name] = f"{member} " + "long <b>&*text " * 300
            else:
                _stretch(member)


def _tags(client: TestClient, renderer: MarkdownIt, name: str) -> list[list[str]]:
    """The kinds of token that each card's detail renders to."""
    request = RESECTABLE.request
    request["prefetch"]["patient"]["name"] = [{"use": "official", "text": name}]
    answer = post(client, request).json()
    check(answer, RESECTABLE.patient_id)
    assert all("Chart of" in card["detail"] for card in answer["cards"])
    parsed = [renderer.parse(card["detail"]) for card in answer["cards"]]
    kinds = {"text", "text_special", "softbreak"}  # escaped and plain characters are text alike
    return [
        [token.type for block in blocks for token in [block, *(block.children or ())] if token.type not in kinds]
        for blocks in parsed
    ]
