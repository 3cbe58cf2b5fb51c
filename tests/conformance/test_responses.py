"""Rows 55 to 73 of the checklist, on the answers to every story and to what can be made of a story.

Every other 200 of these tests is held against the same rows where it is seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from markdown_it import MarkdownIt

from tests.support.cds_hooks import check
from tests.support.conformance_answer import ROWS, violations
from tests.support.conformance_call import Caller
from tests.support.conformance_server import Server
from tests.support.service import JSON, SERVICE
from tests.support.stories import STORIES, resources, story

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
Exchange = tuple[str, dict[str, Any], Any]


@pytest.fixture(scope="module")
def exchanges(server: Server) -> list[Exchange]:
    """What was asked, and the answer: every story whole, with each key left out, and with texts of great length."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        found: list[Exchange] = []
        for name, request in _requests():
            answer = client.post(server.address + SERVICE, content=json.dumps(request).encode(), headers=JSON)
            assert answer.status_code == 200, name
            found.append((name, request, answer.json()))
    return found


@pytest.mark.parametrize("row", [pytest.param(row, marks=pytest.mark.row(row)) for row in ROWS])
def test_every_answer_keeps_the_row(exchanges: list[Exchange], row: int) -> None:
    broken = [
        (name, text) for name, request, answer in exchanges for n, text in violations(answer, request) if n == row
    ]
    assert broken == []


def test_every_answer_keeps_the_narrower_limits_of_this_service(exchanges: list[Exchange]) -> None:
    """Four cards at most, shorter texts, new drafts for this patient only; and no uuid is ever used twice."""
    seen: set[str] = set()
    for _, request, answer in exchanges:
        check(answer, request["context"]["patientId"], seen)


@pytest.mark.row(55, 60, 65)
def test_the_answers_hold_what_these_rows_speak_of(exchanges: list[Exchange]) -> None:
    """Cards, suggestions, actions and override reasons: rows that nothing is held against would prove nothing."""
    cards = [card for _, _, answer in exchanges for card in answer["cards"]]
    assert {card["indicator"] for card in cards} == {"info", "warning", "critical"}
    suggestions = [suggestion for card in cards for suggestion in card.get("suggestions", [])]
    assert [action for suggestion in suggestions for action in suggestion.get("actions", [])]
    assert all(card["overrideReasons"] for card in cards)


@pytest.mark.row(72)
@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("renderer", CLIENTS.values(), ids=CLIENTS)
def test_markup_in_a_name_stays_text(service: Caller, renderer: MarkdownIt, name: str) -> None:
    """The card renders as with a plain name."""
    assert _tags(service, renderer, name) == _tags(service, renderer, "Plain Name")


@pytest.mark.row(72)
@pytest.mark.parametrize("patient_id", ["a&b", "<img>", 'p"1', "x" * 200, "é", "*a*_b_"])
def test_an_odd_patient_id_is_answered_and_stays_text(service: Caller, patient_id: str) -> None:
    """For a patient without a name, whom the card calls by the id."""
    request = json.loads(RESECTABLE.body.replace(b"p-resectable", b"ODD-ID"))
    del request["prefetch"]["patient"]["name"]
    text = json.dumps(request).replace("ODD-ID", json.dumps(patient_id)[1:-1])
    assert service.cards(text.encode())["cards"]


def _requests() -> Iterator[tuple[str, dict[str, Any]]]:
    for told in STORIES:
        yield told.name, told.request
        for key in ("observations", "imaging", "procedures", "diagnosticReports"):
            request = told.request
            request["prefetch"].pop(key, None)
            yield f"{told.name} without {key}", request
        request = told.request
        for resource in resources(request["prefetch"]):
            _stretch(resource)
        yield f"{told.name}, very long", request


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


def _tags(service: Caller, renderer: MarkdownIt, name: str) -> list[list[str]]:
    """The kinds of token that each card's detail renders to."""
    request = RESECTABLE.request
    request["prefetch"]["patient"]["name"] = [{"use": "official", "text": name}]
    cards = service.cards(request)["cards"]
    assert all("Chart of" in card["detail"] for card in cards)
    parsed = [renderer.parse(card["detail"]) for card in cards]
    kinds = {"text", "text_special", "softbreak"}  # escaped and plain characters are text alike
    return [
        [token.type for block in blocks for token in [block, *(block.children or ())] if token.type not in kinds]
        for blocks in parsed
    ]
