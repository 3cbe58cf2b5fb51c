"""Cards that a patient's team has overridden, shown quieter: what changes, and what never does."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cds_service.cards.make import EXTENSION
from cds_service.cards.quieter import QUIETER, quieten

DAY = date(2026, 5, 4)
PATIENT_LINE = "Chart of A."


def card(*codes: str, topic: str = "workup", detail: str = f"Advice.\n\n{PATIENT_LINE}") -> dict[str, Any]:
    made: dict[str, Any] = {
        "uuid": "c",
        "summary": "s",
        "indicator": "warning",
        "detail": detail,
        "source": {"label": "l", "topic": {"code": topic}},
        "suggestions": [{"uuid": "s", "label": "l", "isRecommended": True, "actions": [{"type": "create"}]}],
    }
    return made | ({"extension": {EXTENSION: list(codes)}} if codes else {})


def test_a_card_whose_every_recommendation_was_overridden_is_quieter() -> None:
    (quiet,) = quieten([card("W-CGA", "W-SRS")], {"W-CGA": date(2026, 5, 1), "W-SRS": DAY})
    assert quiet["indicator"] == "info"
    assert quiet["extension"][QUIETER] == {"since": "2026-05-04"}
    assert quiet["extension"][EXTENSION] == ["W-CGA", "W-SRS"]
    assert "Overridden here on 2026-05-04" in quiet["detail"]
    assert "isRecommended" not in quiet["suggestions"][0]


def test_no_word_of_the_advice_is_taken_away() -> None:
    loud = card("W-CGA", "T-RESECT:multiple")
    (quiet,) = quieten([loud], {"W-CGA": DAY})
    assert quiet["detail"].split("\n\n")[::2] == loud["detail"].split("\n\n")
    assert quiet["detail"].endswith(PATIENT_LINE)
    assert [s["actions"] for s in quiet["suggestions"]] == [s["actions"] for s in loud["suggestions"]]
    assert loud == card("W-CGA", "T-RESECT:multiple")  # and the card that was made is left as it is


@pytest.mark.parametrize(
    ("loud", "overridden"),
    [
        (card("W-CGA", "W-SRS"), {"W-CGA": DAY}),  # one of its recommendations is new
        (card("W-CGA"), {}),
        (card("S-OCT-CRISIS", topic="emergency"), {"S-OCT-CRISIS": DAY}),
        (card("T-RESECT", topic="emergency"), {"T-RESECT": DAY}),
        (card("T-RESECT", "S-OCT-PERI"), {"T-RESECT": DAY, "S-OCT-PERI": DAY}),
        (card(topic="unread"), {"W-CGA": DAY}),
    ],
    ids=["something new", "nothing overridden", "emergency", "any emergency", "safety", "no recommendation"],
)
def test_these_stay_as_they_are(loud: dict[str, Any], overridden: dict[str, date]) -> None:
    assert quieten([loud], overridden) == [loud]


@pytest.mark.parametrize(("length", "said"), [(1000, "stays the same"), (1160, "2026-05-04 (ours).")])
def test_it_is_said_in_the_room_there_is(length: int, said: str) -> None:
    (quiet,) = quieten([card("W-CGA", detail=f"{'x' * (length - 13)}\n\n{PATIENT_LINE}")], {"W-CGA": DAY})
    assert said in quiet["detail"]
    assert len(quiet["detail"]) <= 1200


def test_a_card_that_cannot_say_it_stays_as_it_is() -> None:
    full = card("W-CGA", detail=f"{'x' * 1180}\n\n{PATIENT_LINE}")
    assert quieten([full], {"W-CGA": DAY}) == [full]


def test_cards_keep_their_order() -> None:
    """The last card of an answer holds its last words."""
    cards = [card("W-CGA"), card("T-RESECT", topic="treatment")]
    assert [c["extension"][EXTENSION] for c in quieten(cards, {"W-CGA": DAY})] == [["W-CGA"], ["T-RESECT"]]
