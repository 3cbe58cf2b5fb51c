"""One card per section, more where its text is too long for one; at most four in an answer.

CDS Hooks 2.0.1: https://cds-hooks.hl7.org/2.0/#card-attributes (summary under 140 characters, here at most 100).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from cds_service.cards.orders import draft_order
from cds_service.cards.pieces import Cut, Piece, cut
from cds_service.reasoning.advice import LEAD_LIMIT, MOST_CARDS, SUMMARY_LIMIT, Block, Proposal, Section

CARD_SYSTEM = "https://nelm-cds.github.io/fhir/CodeSystem/nelm-card"
OVERRIDE_SYSTEM = "https://nelm-cds.github.io/fhir/CodeSystem/nelm-override-reason"
EXTENSION = "io.github.nelm-cds.recommendations"

OVERRIDE_REASONS = (
    ("done-elsewhere", "Done already; the result is not in this chart"),
    ("chart-wrong", "The chart data behind this card are wrong or outdated"),
    ("team-decided", "The tumour board has decided otherwise"),
    ("patient-declines", "The patient does not want this"),
    ("not-applicable", "Does not apply to this patient"),
)


def codes_of(spoken: Mapping[str, Any]) -> tuple[str, ...]:
    """The recommendations that a card or a suggestion speaks of; what a card withholds is none."""
    return tuple(code for code in spoken.get("extension", {}).get(EXTENSION, ()) if ":" not in code)


class TooMuchToSayError(RuntimeError):
    """An answer needs more than four cards: a fault of the texts, never of a chart (a test covers every decision)."""


def make_cards(
    sections: Sequence[Section],
    *,
    source: Mapping[str, str],
    patient_id: str,
    patient_line: str,
    reasons: tuple[str, ...],
    new_uuid: Callable[[], str],
) -> list[dict[str, Any]]:
    """Build the cards of an answer; packed where that saves a card, in the brief wording only where nothing else fits.

    `patient_line` names the patient on every card: a late answer shown under another chart must be seen to be wrong.
    Raises TooMuchToSayError rather than leave something out.
    """
    room = len(patient_line) + len("\n\n")
    answer = _fewest(sections, room)
    if not _fits(answer):
        answer = cut(sections, room, brief=True)
    if not _fits(answer):
        raise TooMuchToSayError(f"{answer.cards} cards")
    return [_card(piece, source, patient_id, patient_line, reasons, new_uuid) for piece in answer.pieces()]


def _fewest(sections: Sequence[Section], room: int) -> Cut:
    """The answer in as few cards as its shortest spare lines allow, and of these ways the one that says most."""
    levels = max((len(block.spare) for section in sections for block in section.blocks), default=0)
    answers = [_cut(sections, room)]
    for level in range(levels):
        if _fits(answers[-1]) and answers[-1].cards <= len(sections):
            return answers[-1]  # no section does with less than a card
        answers.append(_cut(_spare(sections, level), room))
    return min(answers, key=_cards_needed)  # of equally many, the first one says most


def _cut(sections: Sequence[Section], room: int) -> Cut:
    # One more card is one more interruption; of equally many, the ones in their own order read better.
    in_order = cut(sections, room)
    if _fits(in_order) and in_order.cards <= len(sections):
        return in_order
    return min(in_order, cut(sections, room, packed=True), key=_cards_needed)


def _spare(sections: Sequence[Section], level: int) -> list[Section]:
    return [replace(section, blocks=tuple(_spared(block, level) for block in section.blocks)) for section in sections]


def _spared(block: Block, level: int) -> Block:
    return replace(block, text=block.spare[min(level, len(block.spare) - 1)]) if block.spare else block


def _cards_needed(answer: Cut) -> tuple[bool, int]:
    return not answer.fits, answer.cards


def _fits(answer: Cut) -> bool:
    return answer.fits and answer.cards <= MOST_CARDS


def _card(
    piece: Piece,
    source: Mapping[str, str],
    patient_id: str,
    patient_line: str,
    reasons: tuple[str, ...],
    new_uuid: Callable[[], str],
) -> dict[str, Any]:
    section = piece.section
    card: dict[str, Any] = {
        "uuid": new_uuid(),
        "summary": limited(piece.summary, SUMMARY_LIMIT),
        "detail": "\n\n".join((limited(piece.lead, LEAD_LIMIT), *piece.paragraphs, patient_line)),
        "indicator": section.indicator,
        "source": dict(source) | {"topic": {"system": CARD_SYSTEM, "code": section.topic}},
        "overrideReasons": [
            {"system": OVERRIDE_SYSTEM, "code": code, "display": display} for code, display in OVERRIDE_REASONS
        ],
    }
    if piece.proposals:
        card["suggestions"] = [_suggestion(p, patient_id, reasons, new_uuid) for p in piece.proposals]
        card["selectionBehavior"] = "any"
    if piece.codes:
        card["extension"] = {EXTENSION: list(piece.codes)}
    return card


def _suggestion(
    proposal: Proposal, patient_id: str, reasons: tuple[str, ...], new_uuid: Callable[[], str]
) -> dict[str, Any]:
    suggestion: dict[str, Any] = {
        "uuid": new_uuid(),
        "label": proposal.label,
        "extension": {EXTENSION: [proposal.code]},
        "actions": [
            {
                "type": "create",
                "description": proposal.description,
                "resource": draft_order(proposal.order, patient_id, reasons),
            }
        ],
    }
    if proposal.recommended:
        suggestion["isRecommended"] = True
    return suggestion


def limited(text: str, longest: int) -> str:
    """The text, shortened where it is too long; only text from a chart ever is."""
    return text if len(text) <= longest else text[: longest - 1].rstrip(" ,;:") + "…"
