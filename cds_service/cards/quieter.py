"""Cards about what this patient's team has overridden already, shown quieter. Pure.

Quieter is an indicator of `info` and nothing pre-selected; not a word of the advice is taken away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cds_service.cards.make import EXTENSION
from cds_service.reasoning.advice import DETAIL_LIMIT

QUIETER = "io.github.nelm-cds.quieter"
_NEVER = frozenset({"emergency"})  # topics
_SAFETY = "S-"  # what the codes of protective measures begin with


def quieten(cards: Sequence[dict[str, Any]], overridden: Mapping[str, date]) -> list[dict[str, Any]]:
    """The cards, those quieter whose every recommendation was overridden, with the day that was.

    Emergencies, safety, and cards that speak of no recommendation stay as they are.
    """
    return [_quieter(card, overridden) for card in cards]


def _quieter(card: dict[str, Any], overridden: Mapping[str, date]) -> dict[str, Any]:
    codes = card.get("extension", {}).get(EXTENSION, [])
    if card["source"]["topic"]["code"] in _NEVER or any(code.startswith(_SAFETY) for code in codes):
        return card
    if not codes or not all(code in overridden for code in codes):
        return card
    since = max(overridden[code] for code in codes).isoformat()
    said = f"\n\nOverridden here on {since}: shown quieter while what it rests on stays the same (ours)."
    quiet = card | {"indicator": "info", "extension": card["extension"] | {QUIETER: {"since": since}}}
    if len(card["detail"]) + len(said) <= DETAIL_LIMIT:
        quiet["detail"] = card["detail"] + said
    if "suggestions" in card:
        quiet["suggestions"] = [_not_recommended(suggestion) for suggestion in card["suggestions"]]
    return quiet


def _not_recommended(suggestion: dict[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in suggestion.items() if name != "isRecommended"}
