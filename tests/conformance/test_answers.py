"""Rows 55 to 73 of the CDS Hooks checklist, on every 200 that the stories and their variants give."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.support.cds_hooks import check, complaints
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


GOOD: dict[str, Any] = {
    "cards": [
        {
            "uuid": "5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f11",
            "summary": "Something to say",
            "detail": "Why.",
            "indicator": "info",
            "source": {
                "label": "A paper",
                "url": "https://example.org/paper",
                "topic": {"system": "https://nelm-cds.github.io/fhir/CodeSystem/nelm-card", "code": "workup"},
            },
            "overrideReasons": [{"system": "https://example.org", "code": "no", "display": "No"}],
            "suggestions": [
                {
                    "uuid": "5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f12",
                    "label": "Order",
                    "actions": [
                        {
                            "type": "create",
                            "description": "An order",
                            "resource": {
                                "resourceType": "ServiceRequest",
                                "status": "draft",
                                "intent": "proposal",
                                "subject": {"reference": "Patient/p1"},
                            },
                        }
                    ],
                }
            ],
            "selectionBehavior": "any",
        }
    ],
    "extension": {"io.github.nelm-cds.decision": {"state": "workup"}},
}

_CARD = "cards/0"
_SUGGESTION = f"{_CARD}/suggestions/0"
_ACTION = f"{_SUGGESTION}/actions/0"

# what is spoiled: the place, and what stands there instead (None leaves it out)
SPOILED: dict[str, tuple[str, Any]] = {
    "null": ("extension/io.github.nelm-cds.decision", {"state": ...}),
    "empty text": ("extension/io.github.nelm-cds.decision/state", ""),
    "empty array": (f"{_CARD}/overrideReasons", []),
    "empty object": ("extension/io.github.nelm-cds.decision", {}),
    "system actions": ("systemActions", [{"type": "create"}]),
    "no uuid": (f"{_CARD}/uuid", None),
    "upper-case uuid": (f"{_CARD}/uuid", "5F7A1E52-6A52-4B1D-8A0C-1D2F0F0A7F11"),
    "repeated uuid": (f"{_SUGGESTION}/uuid", "5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f11"),
    "long summary": (f"{_CARD}/summary", "x" * 101),
    "long detail": (f"{_CARD}/detail", "x\n\n" + "y" * 1200),
    "long lead": (f"{_CARD}/detail", "x" * 301),
    "indicator": (f"{_CARD}/indicator", "hard-stop"),
    "no source label": (f"{_CARD}/source/label", None),
    "relative source": (f"{_CARD}/source/url", "/paper"),
    "relative icon": (f"{_CARD}/source/icon", "icon.png"),
    "topic without a system": (f"{_CARD}/source/topic/system", None),
    "topic with a hyphen": (f"{_CARD}/source/topic/code", "work-up"),
    "override without display": (f"{_CARD}/overrideReasons/0/display", None),
    "suggestions without behaviour": (f"{_CARD}/selectionBehavior", None),
    "unknown behaviour": (f"{_CARD}/selectionBehavior", "all"),
    "behaviour without suggestions": (f"{_CARD}/suggestions", None),
    "no label": (f"{_SUGGESTION}/label", None),
    "recommended is text": (f"{_SUGGESTION}/isRecommended", "yes"),
    "action selection": (f"{_SUGGESTION}/actionSelectionBehavior", "any"),
    "no description": (f"{_ACTION}/description", None),
    "delete": (f"{_ACTION}/type", "delete"),
    "not FHIR": (f"{_ACTION}/resource/status", "proposed-by-us"),
    "an active order": (f"{_ACTION}/resource/status", "active"),
    "a drug": (f"{_ACTION}/resource/resourceType", "MedicationRequest"),
    "another patient": (f"{_ACTION}/resource/subject/reference", "Patient/p2"),
    "relative link": (f"{_CARD}/links", [{"label": "x", "url": "/x", "type": "absolute"}]),
    "appContext": (f"{_CARD}/links", [{"label": "x", "url": "https://x.org", "type": "absolute", "appContext": "x"}]),
    "autolaunchable": (f"{_CARD}/links", [{"label": "x", "url": "https://x.org", "type": "smart", "autolaunchable": True}]),
    "local extension": (f"{_CARD}/extension", {"recommendations": ["x"]}),
    "unknown member": (f"{_CARD}/priority", 1),
}  # fmt: skip


def test_the_check_passes_what_is_right() -> None:
    assert list(complaints(GOOD, "p1", set())) == []
    assert list(complaints({"cards": []}, "p1", set())) == []


@pytest.mark.parametrize(("place", "value"), SPOILED.values(), ids=SPOILED)
def test_the_check_finds_what_is_wrong(place: str, value: Any) -> None:
    """The tests above prove nothing if this check could not fail."""
    answer = deepcopy(GOOD)
    *path, last = place.split("/")
    holder: Any = answer
    for name in path:
        holder = holder[int(name)] if isinstance(holder, list) else holder[name]
    if value is None:
        del holder[last]
    else:
        holder[last] = (
            {name: None for name in value} if ... in (value.values() if isinstance(value, dict) else ()) else value
        )
    assert list(complaints(answer, "p1", set()))


def test_the_check_finds_too_many_cards_and_no_cards_member() -> None:
    five = [GOOD["cards"][0] | {"uuid": f"5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f0{n}"} for n in range(5)]
    assert "5 cards" in list(complaints({"cards": five}, "p1", set()))
    assert list(complaints({}, "p1", set()))
    assert list(complaints([], "p1", set()))


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
