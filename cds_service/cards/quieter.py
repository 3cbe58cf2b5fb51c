"""Cards about what this patient's team has overridden already, shown quieter. Pure.

Quieter is an indicator of `info` and nothing pre-selected; not a word of the advice is taken away, and the card says
why. A card with no room to say it stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cds_service.cards.make import codes_of
from cds_service.reasoning.advice import DETAIL_LIMIT

QUIETER = "io.github.nelm-cds.quieter"
_NEVER = frozenset({"emergency"})  # topics
_SAFETY = "S-"  # what the codes of protective measures begin with
_WHY = (
    "Overridden here on {since}: shown quieter while what it rests on stays the same (ours).",
    "Overridden here on {since} (ours).",
)


def quieten(cards: Sequence[dict[str, Any]], overridden: Mapping[str, date]) -> list[dict[str, Any]]:
    """The cards, those quieter whose every recommendation was overridden, with the day that was.

    Emergencies, safety, and cards that speak of no recommendation stay as they are.
    """
    return [_quieter(card, overridden) for card in cards]


def _quieter(card: dict[str, Any], overridden: Mapping[str, date]) -> dict[str, Any]:
    codes = codes_of(card)
    if card["source"]["topic"]["code"] in _NEVER or any(code.startswith(_SAFETY) for code in codes):
        return card
    if not codes or not all(code in overridden for code in codes):
        return card
    since = max(overridden[code] for code in codes).isoformat()
    detail = _said(card["detail"], since)
    if detail is None:
        return card
    quiet = card | {"indicator": "info", "detail": detail}
    quiet["extension"] = card["extension"] | {QUIETER: {"since": since}}
    if "suggestions" in card:
        quiet["suggestions"] = [_not_recommended(suggestion) for suggestion in card["suggestions"]]
    return quiet


def _said(detail: str, since: str) -> str | None:
    """The detail with why it is quieter, before its last line, which names the patient; None where there is no room."""
    advice, gap, patient = detail.rpartition("\n\n")
    for why in _WHY:
        told = f"{advice}\n\n{why.format(since=since)}{gap}{patient}"
        if len(told) <= DETAIL_LIMIT:
            return told
    return None


def _not_recommended(suggestion: dict[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in suggestion.items() if name != "isRecommended"}
