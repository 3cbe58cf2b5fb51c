"""Sections made into cards: cut where they are too long, guards beside what they guard, proposals on the first."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from cds_service.cards import make_cards
from cds_service.cards.make import EXTENSION, TooMuchToSayError, limited
from cds_service.cards.pieces import cut, named
from cds_service.reasoning.advice import (
    DETAIL_LIMIT,
    LEAD_LIMIT,
    MOST_CARDS,
    SUMMARY_LIMIT,
    Block,
    Continuation,
    Guard,
    Order,
    Proposal,
    Section,
)

PATIENT = "Chart of Ada Example."
CONTINUED = Continuation("More", "Continued.", "Further")
COVER = Guard("cover", "Cover it in full.", "Cover it too.", ("S-OCT-PERI",))
ASK = Proposal("W-CT", "Order liver CT", "CT of the liver", Order("CT of the liver"))


def long(word: str, length: int = 700) -> str:
    return (f"{word} " * length)[:length].strip()


def section(*blocks: Block, **more: Any) -> Section:
    return Section(**{"topic": "treatment", "indicator": "info", "summary": "Options", "lead": "Lead.",
                      "blocks": blocks, "continued": CONTINUED, **more})  # fmt: skip


def cards(*sections: Section) -> list[dict[str, Any]]:
    numbers = itertools.count(1)
    return make_cards(
        sections, source={"label": "Paper"}, patient_id="p1", patient_line=PATIENT, reasons=("Condition/1",),
        new_uuid=lambda: f"uuid-{next(numbers)}",
    )  # fmt: skip


def paragraphs(card: dict[str, Any]) -> list[str]:
    return str(card["detail"]).split("\n\n")


def test_a_short_section_is_one_card_that_names_the_patient_last() -> None:
    (card,) = cards(section(Block("One.", ("T-OCT",)), Block("Two.")))
    assert paragraphs(card) == ["Lead.", "One.", "Two.", PATIENT]
    assert card["summary"] == "Options"
    assert card["extension"] == {EXTENSION: ["T-OCT"]}
    assert card["source"]["topic"]["code"] == "treatment"
    assert {reason["code"] for reason in card["overrideReasons"]} >= {"done-elsewhere", "chart-wrong"}


def test_a_long_section_goes_on_under_a_summary_of_its_own() -> None:
    first, second = cards(section(Block(long("one")), Block(long("two"))))
    assert (first["summary"], second["summary"]) == ("Options", "More")
    assert paragraphs(second)[0] == "Continued."
    assert max(len(first["detail"]), len(second["detail"])) <= DETAIL_LIMIT


def test_a_block_is_never_torn_apart_and_none_is_lost() -> None:
    blocks = [Block(long(f"b{number}", 200 + 37 * number)) for number in range(9)]
    shown = [text for card in cards(section(*blocks)) for text in paragraphs(card)]
    assert [text for text in shown if text.startswith("b")] == [block.text for block in blocks]


def test_a_section_that_fits_to_the_letter_stays_one_card() -> None:
    frame = len("Lead.") + len(PATIENT) + 2 * len("\n\n")
    assert len(cards(section(Block("x" * (DETAIL_LIMIT - frame))))) == 1
    assert len(cards(section(Block("x" * (DETAIL_LIMIT - frame - 10)), Block("y" * 9)))) == 2


def test_a_guard_stands_once_on_a_card_after_the_last_it_guards() -> None:
    (card,) = cards(section(Block("One.", guards=(COVER,)), Block("Two.", guards=(COVER,)), Block("Three.")))
    assert paragraphs(card)[1:-1] == ["One.", "Two.", "Cover it in full.", "Three."]
    assert card["extension"] == {EXTENSION: ["S-OCT-PERI"]}


def test_a_guard_is_short_on_the_next_card_that_needs_it() -> None:
    one, two, three = cards(section(*(Block(long(word), guards=(COVER,)) for word in ("one", "two", "three"))))
    assert [paragraphs(card)[2] for card in (one, two, three)] == [
        "Cover it in full.",
        "Cover it too.",
        "Cover it too.",
    ]
    assert all(card["extension"] == {EXTENSION: ["S-OCT-PERI"]} for card in (one, two, three))


def test_a_guard_is_short_in_a_later_section_too() -> None:
    _, later = cards(section(Block("One.", guards=(COVER,))), section(Block("Two.", guards=(COVER,))))
    assert "Cover it too." in later["detail"]


def test_a_guard_is_counted_before_its_block_is_placed() -> None:
    cover = Guard("cover", long("cover", 500), long("cover", 500))
    first, second = cards(section(Block(long("one", 600)), Block(long("two", 300), guards=(cover,))))
    assert "two" not in first["detail"]
    assert cover.text in second["detail"]


def test_an_opening_guard_comes_before_everything_else() -> None:
    opening = Guard("opening", "First of all.", "First of all.", opens=True)
    (card,) = cards(section(Block("One."), Block("Two.", guards=(COVER, opening))))
    assert paragraphs(card) == ["Lead.", "First of all.", "One.", "Two.", "Cover it in full.", PATIENT]


def test_proposals_stand_on_the_first_card_only() -> None:
    first, second = cards(section(Block(long("one")), Block(long("two")), proposals=(ASK,)))
    (suggestion,) = first["suggestions"]
    assert suggestion["label"] == "Order liver CT"
    assert suggestion["actions"][0]["resource"]["subject"] == {"reference": "Patient/p1"}
    assert first["selectionBehavior"] == "any"
    assert not {"suggestions", "selectionBehavior"} & set(second)


def test_a_recommended_proposal_says_so() -> None:
    recommended = Proposal("W-CT", "Order liver CT", "CT", Order("CT"), recommended=True)
    (card,) = cards(section(proposals=(recommended, ASK)))
    assert [suggestion.get("isRecommended") for suggestion in card["suggestions"]] == [True, None]


def test_a_card_is_named_after_its_blocks() -> None:
    blocks = (Block(long("one"), name="resection"), Block(long("two"), name="ablation"), Block(long("three")))
    assert [card["summary"] for card in cards(section(*blocks))] == ["Options: resection", "Further: ablation", "More"]


def test_a_summary_counts_the_names_it_has_no_room_for() -> None:
    names = [f"option number {number}" for number in range(9)]
    text = named("Options", names)
    assert text.startswith("Options: option number 0, ")
    assert text.endswith(" more")
    assert len(text) <= 100
    assert named("Options", []) == "Options"
    assert named("Options", ["x" * 200]) == "Options"


def test_list_items_stay_together() -> None:
    (card,) = cards(section(Block("Text."), Block("- one"), Block("- two"), Block("Text."), Block("- three")))
    assert paragraphs(card)[1:-1] == ["Text.", "- one\n- two", "Text.", "- three"]


def test_the_last_words_close_the_last_card() -> None:
    shown = cards(section(Block(long("one")), Block(long("two", 400)), closing=long("closing", 390)))
    assert [card["detail"].count("closing ") > 0 for card in shown] == [False, True]
    shown = cards(section(Block(long("one", 1000)), closing=long("closing", 390)))
    assert paragraphs(shown[1]) == ["Continued.", long("closing", 390), PATIENT]


BRIEF_COVER = Guard("cover", long("cover", 300), long("again", 300), ("S-OCT-PERI",), brief=("Cover.", "Again."))


def test_the_brief_wording_is_used_only_where_the_full_one_needs_too_many_cards() -> None:
    block = Block(long("full"), ("T-OCT",), (BRIEF_COVER,), brief="Brief.")
    assert "full" in cards(section(block))[0]["detail"]
    (card,) = cards(section(*[block] * (MOST_CARDS + 1), brief_lead="In brief."))
    assert paragraphs(card) == ["In brief.", *["Brief."] * (MOST_CARDS + 1), "Cover.", PATIENT]


def test_the_brief_wording_is_used_where_one_block_is_longer_than_a_card() -> None:
    (card,) = cards(section(Block(long("full", 1300), brief="Brief."), Block("Rest.", brief="")))
    assert paragraphs(card) == ["Lead.", "Brief.", PATIENT]


@pytest.mark.parametrize(("first", "second", "page"), [(700, 900, 1), (900, 700, 0)])
def test_of_two_cards_with_room_the_fuller_one_is_filled(first: int, second: int, page: int) -> None:
    blocks = [Block(long("first", first)), Block(long("second", second)), Block("Anywhere.", movable=True)]
    pieces = cut([section(*blocks)], len(PATIENT), packed=True).pieces()
    assert ["Anywhere." in piece.paragraphs for piece in pieces] == [number == page for number in range(2)]


def test_in_brief_what_may_move_fills_the_room_there_is_the_longest_first() -> None:
    fixed = [Block(long(word, 800)) for word in ("one", "two", "three", "four")]
    loose = [Block(long("short", 100), movable=True), Block(long("longer", 330), movable=True)]
    shown = cards(section(*fixed[:1], *loose, *fixed[1:]))
    assert len(shown) == MOST_CARDS
    assert sum(long("longer", 330) in card["detail"] for card in shown) == 1
    assert sum(long("short", 100) in card["detail"] for card in shown) == 1


def test_in_brief_what_may_move_goes_to_another_section_rather_than_to_a_further_card() -> None:
    full = [Block(long(word, 1100)) for word in ("one", "two", "three")]
    shown = cards(
        section(*full, Block(long("loose", 600), movable=True, brief=long("loose", 500))), section(Block("x"))
    )
    assert len(shown) == MOST_CARDS
    assert "loose" in shown[3]["detail"]


def test_in_brief_a_section_that_folds_closes_the_one_before_it() -> None:
    full = [Block(long(word, 1100)) for word in ("one", "two", "three")]
    unread = section(topic="unread", lead="Not read: x.", folds=True, closing="The end.")
    shown = cards(section(*full), section(Block("- CT")), unread)
    assert len(shown) == MOST_CARDS
    assert paragraphs(shown[-1]) == ["Lead.", "- CT", "Not read: x.", "The end.", PATIENT]
    assert [card["source"]["topic"]["code"] for card in cards(section(), unread)] == ["treatment", "unread"]


def test_in_brief_a_further_card_takes_the_last_words_with_it() -> None:
    full = Block(long("one", 2000), brief=long("one", 600))
    shown = cards(section(full, Block(long("loose", 700), movable=True), closing="The end."))
    assert [("The end." in card["detail"], "loose" in card["detail"]) for card in shown] == [
        (False, False),
        (True, True),
    ]


def test_too_much_to_say_is_an_error_not_an_omission() -> None:
    blocks = [Block(long(f"b{number}", 1000)) for number in range(MOST_CARDS + 1)]
    with pytest.raises(TooMuchToSayError, match="5 cards"):
        cards(section(*blocks))
    with pytest.raises(TooMuchToSayError):
        cards(section(Block(long("one", DETAIL_LIMIT))))


def test_no_section_is_no_card() -> None:
    assert cards() == []


def test_text_from_a_chart_is_shortened_at_a_word() -> None:
    assert limited("short", 10) == "short"
    assert limited("one, two, three", 10) == "one, two…"


def test_the_limits_are_those_promised_to_clients() -> None:
    """Characters of a summary, of the first paragraph, of the whole detail; cards of an answer."""
    assert (SUMMARY_LIMIT, LEAD_LIMIT, DETAIL_LIMIT, MOST_CARDS) == (100, 300, 1200, 4)


@pytest.mark.parametrize(
    ("taken", "shown"),
    [(600, "whole line" + " more" * 60), (1000, "short line"), (1100, "")],
)
def test_a_spare_line_is_shortened_or_left_out_before_it_costs_a_card(taken: int, shown: str) -> None:
    line = Block("whole line" + " more" * 60, spare=("short line " + "x" * 60, ""), movable=True)
    found = cards(section(Block(long("one", taken)), line))
    assert len(found) == 1
    said = paragraphs(found[0])[2:-1]
    assert [text.removesuffix(" " + "x" * 60) for text in said] == ([shown] if shown else [])


def test_a_spare_line_stands_whole_where_a_further_card_is_there_anyway() -> None:
    line = Block("whole line", spare=("short line", ""), movable=True)
    found = cards(section(Block(long("one", 1000)), Block(long("two", 1000)), line))
    assert len(found) == 2
    assert any("whole line" in card["detail"] for card in found)
