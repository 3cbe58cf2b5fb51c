"""What the other tests of this folder rest on passes what is right and finds what is wrong: two checks and a table."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.support.cds_hooks import complaints
from tests.support.conformance_answer import ROWS, violations
from tests.support.conformance_table import Run, page_of, read_rows
from tests.support.conformance_table import complaints as complaints_about_the_table

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
                    "extension": {"io.github.nelm-cds.recommendations": ["W-CGA"]},
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

GONE = object()
LINK = {"label": "A page", "url": "https://example.org", "type": "absolute"}

_CARD = "cards/0"
_SUGGESTION = f"{_CARD}/suggestions/0"
_ACTION = f"{_SUGGESTION}/actions/0"

# what is spoiled: the place, and what stands there instead (GONE leaves it out)
SPOILED: dict[str, tuple[str, Any]] = {
    "null": ("extension/io.github.nelm-cds.decision/state", None),
    "empty text": ("extension/io.github.nelm-cds.decision/state", ""),
    "empty array": (f"{_CARD}/overrideReasons", []),
    "empty object": ("extension/io.github.nelm-cds.decision", {}),
    "system actions": ("systemActions", [{"type": "create"}]),
    "no uuid": (f"{_CARD}/uuid", GONE),
    "upper-case uuid": (f"{_CARD}/uuid", "5F7A1E52-6A52-4B1D-8A0C-1D2F0F0A7F11"),
    "repeated uuid": (f"{_SUGGESTION}/uuid", "5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f11"),
    "long summary": (f"{_CARD}/summary", "x" * 101),
    "long detail": (f"{_CARD}/detail", "x\n\n" + "y" * 1200),
    "long lead": (f"{_CARD}/detail", "x" * 301),
    "indicator": (f"{_CARD}/indicator", "hard-stop"),
    "no source label": (f"{_CARD}/source/label", GONE),
    "relative source": (f"{_CARD}/source/url", "/paper"),
    "relative icon": (f"{_CARD}/source/icon", "icon.png"),
    "topic without a system": (f"{_CARD}/source/topic/system", GONE),
    "topic with a hyphen": (f"{_CARD}/source/topic/code", "work-up"),
    "override without display": (f"{_CARD}/overrideReasons/0/display", GONE),
    "suggestions without behaviour": (f"{_CARD}/selectionBehavior", GONE),
    "unknown behaviour": (f"{_CARD}/selectionBehavior", "all"),
    "behaviour without suggestions": (f"{_CARD}/suggestions", GONE),
    "no label": (f"{_SUGGESTION}/label", GONE),
    "suggestion for nothing": (f"{_SUGGESTION}/extension", GONE),
    "recommended is text": (f"{_SUGGESTION}/isRecommended", "yes"),
    "action selection": (f"{_SUGGESTION}/actionSelectionBehavior", "any"),
    "no description": (f"{_ACTION}/description", GONE),
    "delete": (f"{_ACTION}/type", "delete"),
    "not FHIR": (f"{_ACTION}/resource/status", "proposed-by-us"),
    "an active order": (f"{_ACTION}/resource/status", "active"),
    "a drug": (f"{_ACTION}/resource/resourceType", "MedicationRequest"),
    "another patient": (f"{_ACTION}/resource/subject/reference", "Patient/p2"),
    "relative link": (f"{_CARD}/links", [LINK | {"url": "/x"}]),
    "appContext": (f"{_CARD}/links", [LINK | {"appContext": "x"}]),
    "autolaunchable": (f"{_CARD}/links", [LINK | {"type": "smart", "autolaunchable": True}]),
    "local extension": (f"{_CARD}/extension", {"recommendations": ["x"]}),
    "unknown member": (f"{_CARD}/priority", 1),
}  # fmt: skip


def test_the_check_passes_what_is_right() -> None:
    assert list(complaints(GOOD, "p1", set())) == []
    assert list(complaints({"cards": []}, "p1", set())) == []


@pytest.mark.parametrize(("place", "value"), SPOILED.values(), ids=SPOILED)
def test_the_check_finds_what_is_wrong(place: str, value: Any) -> None:
    """The other tests of this folder prove nothing if this check could not fail."""
    answer = _spoiled(place, value)
    assert list(complaints(answer, "p1", set()))


def test_the_check_finds_too_many_cards_and_no_cards_member() -> None:
    five = [GOOD["cards"][0] | {"uuid": f"5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f0{n}"} for n in range(5)]
    assert "5 cards" in list(complaints({"cards": five}, "p1", set()))
    assert list(complaints({}, "p1", set()))
    assert list(complaints([], "p1", set()))


REQUEST = {"prefetch": {"conditions": {"entry": [{"resource": {"resourceType": "Condition", "id": "c1"}}]}}}
_REMOVAL = {"type": "delete", "description": "Remove", "resourceId": "Condition/c1"}
_CHANGE = {"type": "update", "description": "Change", "resource": {"resourceType": "Condition", "id": "c1"}}
_SMART = LINK | {"type": "smart", "appContext": "x"}
_LAUNCHING = LINK | {"type": "smart", "autolaunchable": True}
_TWICE = [{"label": "A", "isRecommended": True}, {"label": "B", "isRecommended": True}]

# what is spoiled, and the row that has to be broken by it
BROKEN_ROWS: list[tuple[int, str, Any]] = [
    (55, f"{_CARD}/summary", GONE),
    (55, f"{_CARD}/indicator", GONE),
    (55, f"{_CARD}/source/label", GONE),
    (55, _CARD, "text"),
    (55, "cards", GONE),
    (56, f"{_CARD}/summary", "x" * 140),
    (57, f"{_CARD}/indicator", "hard-stop"),
    (58, f"{_CARD}/source/icon", "icon.png"),
    (59, f"{_CARD}/source/topic/system", GONE),
    (60, f"{_CARD}/selectionBehavior", "all"),
    (61, f"{_CARD}/suggestions", _TWICE),
    (62, f"{_ACTION}/resource/resourceType", GONE),
    (62, f"{_ACTION}/type", "replace"),
    (62, _ACTION, _CHANGE | {"resource": {"resourceType": "Condition"}}),
    (63, _ACTION, _REMOVAL | {"resource": {"resourceType": "Condition"}}),
    (63, _ACTION, _REMOVAL | {"resourceId": "c1"}),
    (64, f"{_ACTION}/description", GONE),
    (65, f"{_CARD}/overrideReasons/0/display", GONE),
    (66, f"{_CARD}/links", [LINK | {"url": "/x"}]),
    (67, f"{_CARD}/links", [LINK | {"appContext": "x"}]),
    (68, f"{_CARD}/links", [_LAUNCHING]),
    (69, f"{_CARD}/links", []),
    (70, "systemActions", [_CHANGE]),
    (71, f"{_SUGGESTION}/actionSelectionBehavior", "any"),
    (72, f"{_CARD}/detail", "<img src=x>"),
    (72, f"{_CARD}/detail", "[x](https://evil.example)"),
    (72, f"{_CARD}/detail", "![x](https://evil.example)"),
    (73, _ACTION, _CHANGE | {"resource": {"resourceType": "Condition", "id": "c2"}}),
    (73, _ACTION, _REMOVAL | {"resourceId": "Condition/c2"}),
]  # fmt: skip


def test_the_rows_are_kept_by_what_is_right() -> None:
    """By what this service does not send, too."""
    assert list(violations(GOOD, REQUEST)) == []
    for place, value in ((_ACTION, _REMOVAL), (_ACTION, _CHANGE), (f"{_CARD}/links", [LINK, _SMART])):
        assert list(violations(_spoiled(place, value), REQUEST)) == []


@pytest.mark.parametrize(("row", "place", "value"), BROKEN_ROWS)
def test_a_row_that_is_broken_is_found(row: int, place: str, value: Any) -> None:
    selecting = {"selectionBehavior": "at-most-one"} if row == 61 else {}
    answer = _spoiled(place, value)
    for card in answer.get("cards", []):
        if isinstance(card, dict):
            card |= selecting
    assert {found for found, _ in violations(answer, REQUEST)} == {row}


def test_every_row_about_answers_is_known_to_be_found() -> None:
    assert {row for row, _, _ in BROKEN_ROWS} == set(ROWS)


def test_the_table_is_complained_about_unless_every_row_passes_and_is_told_so() -> None:
    rows, run = read_rows(), Run()
    for row in rows:
        if not row.left_out:
            run.add(row.number, "test_a", "passed")
    page = page_of(rows, run)
    assert list(complaints_about_the_table(rows, run, page)) == []
    assert list(complaints_about_the_table(rows, run, page.replace("passes", "fails", 1)))
    run.add(13, "test_b", "failed")
    assert "| normative | **fails** | `test_a`<br>`test_b` |" in page_of(rows, run)
    assert len(list(complaints_about_the_table(rows, run, page_of(rows, run)))) == 0
    del run.outcomes[13]
    run.add(42, "test_a", "passed")
    run.add(200, "test_a", "passed")
    found = list(complaints_about_the_table(rows, run, page_of(rows, run)))
    assert [line.split(" ")[1] for line in found] == ["200", "13", "42"]


def _spoiled(place: str, value: Any) -> dict[str, Any]:
    """What is right with another value at this place, or with none."""
    answer = deepcopy(GOOD)
    *path, last = place.split("/")
    holder: Any = answer
    for name in path:
        holder = holder[int(name)] if isinstance(holder, list) else holder[name]
    key: Any = int(last) if isinstance(holder, list) else last
    if value is GONE:
        del holder[key]
    else:
        holder[key] = value
    return answer
