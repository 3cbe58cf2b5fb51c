"""One card per section, more where its text is too long for one; at most four in an answer.

CDS Hooks 2.0.1: https://cds-hooks.hl7.org/2.0/#card-attributes (summary under 140 characters, here at most 100).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cds_service.cards.orders import draft_order
from cds_service.reasoning.advice import (
    DETAIL_LIMIT,
    LEAD_LIMIT,
    MOST_CARDS,
    SUMMARY_LIMIT,
    Block,
    Proposal,
    Section,
)

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
    """Build the cards of an answer.

    `patient_line` names the patient on every card: a late answer shown under another chart must be seen to be wrong.
    Raises TooMuchToSayError rather than leave something out.
    """
    said: set[str] = set()
    parts = [part for section in sections for part in _parts(section, patient_line, said)]
    if len(parts) > MOST_CARDS:
        raise TooMuchToSayError(f"{len(parts)} cards")
    return [_card(part, source, patient_id, reasons, new_uuid) for part in parts]


@dataclass(frozen=True, slots=True)
class _Part:
    """What one card holds: the section it comes from, its text, the codes it speaks of, its proposals."""

    section: Section
    summary: str
    detail: str
    codes: tuple[str, ...]
    proposals: tuple[Proposal, ...]


def _parts(section: Section, patient_line: str, said: set[str]) -> list[_Part]:
    """The section cut into pieces that each fit a card; guards go with what they guard, proposals with the first."""
    frame = len(patient_line) + 4
    pieces: list[tuple[list[Block], dict[str, str]]] = [([], {})]
    left = DETAIL_LIMIT - frame - len(_limited(section.lead, LEAD_LIMIT))
    room = DETAIL_LIMIT - frame - len(section.continued.lead)
    for block in section.blocks:
        blocks, guards = pieces[-1]
        fresh = _fresh_guards(block, guards, said)
        cost = _cost(block, fresh)
        if cost > left and blocks:
            if block.optional:
                continue
            said |= set(guards)
            pieces.append(([], {}))
            blocks, guards = pieces[-1]
            fresh = _fresh_guards(block, guards, said)
            cost, left = _cost(block, fresh), room
        blocks.append(block)
        guards |= fresh
        left -= cost
    said |= set(pieces[-1][1])
    return [
        _part(section, blocks, guards, patient_line, first=number == 0)
        for number, (blocks, guards) in enumerate(pieces)
    ]


def _fresh_guards(block: Block, present: Mapping[str, str], said: set[str]) -> dict[str, str]:
    return {g.code: g.again if g.code in said else g.text for g in block.guards if g.code not in present}


def _cost(block: Block, fresh: Mapping[str, str]) -> int:
    return len(block.text) + 2 + sum(len(text) + 2 for text in fresh.values())


def _part(section: Section, blocks: list[Block], guards: Mapping[str, str], patient_line: str, *, first: bool) -> _Part:
    summary = section.summary if first else section.continued.summary
    lead = _limited(section.lead, LEAD_LIMIT) if first else section.continued.lead
    guarded = [n for n, block in enumerate(blocks) if block.guards]
    after = guarded[-1] + 1 if guarded else 0
    texts = [*_texts(blocks[:after]), *guards.values(), *_texts(blocks[after:])]
    detail = "\n\n".join(text for text in (lead, *texts, patient_line) if text)
    codes = dict.fromkeys(code for block in blocks for code in block.codes)
    return _Part(section, summary, detail, (*codes, *guards), section.proposals if first else ())


def _texts(blocks: list[Block]) -> list[str]:
    """List items stay together without blank lines between them."""
    merged: list[str] = []
    for block in blocks:
        if block.text.startswith("- ") and merged and merged[-1].startswith("- "):
            merged[-1] += f"\n{block.text}"
        else:
            merged.append(block.text)
    return merged


def _card(
    part: _Part,
    source: Mapping[str, str],
    patient_id: str,
    reasons: tuple[str, ...],
    new_uuid: Callable[[], str],
) -> dict[str, Any]:
    card: dict[str, Any] = {
        "uuid": new_uuid(),
        "summary": _limited(part.summary, SUMMARY_LIMIT),
        "detail": part.detail,
        "indicator": part.section.indicator,
        "source": dict(source) | {"topic": {"system": CARD_SYSTEM, "code": part.section.topic}},
        "overrideReasons": [
            {"system": OVERRIDE_SYSTEM, "code": code, "display": display} for code, display in OVERRIDE_REASONS
        ],
    }
    if part.proposals:
        card["suggestions"] = [_suggestion(p, patient_id, reasons, new_uuid) for p in part.proposals]
        card["selectionBehavior"] = "any"
    if part.codes:
        card["extension"] = {EXTENSION: list(part.codes)}
    return card


def _suggestion(
    proposal: Proposal, patient_id: str, reasons: tuple[str, ...], new_uuid: Callable[[], str]
) -> dict[str, Any]:
    suggestion: dict[str, Any] = {
        "uuid": new_uuid(),
        "label": proposal.label,
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


def _limited(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip(" ,;:") + "…"
