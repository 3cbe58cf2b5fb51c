"""Answers that were shown and feedback on them, made up for the tests of the store."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from cds_service.store import Feedback, Reason, Shown, ShownCard, ShownSuggestion

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
SAID = Reason("https://nelm-cds.github.io/fhir/CodeSystem/nelm-override-reason", "team-decided", "Decided otherwise")


def shown(*codes: str, client: str = "ehr", patient: str = "p" * 64, digest: str = "d" * 64, **changed: Any) -> Shown:
    """An answer of one card with these recommendations."""
    card = ShownCard(
        str(uuid.uuid4()), "workup", "warning", codes, (ShownSuggestion(str(uuid.uuid4()), codes[0]),), digest
    )
    told: dict[str, Any] = {"hook_instance": str(uuid.uuid4()), "at": AT, "guideline": "nelm-2006", "edition": "1"}
    return Shown(client=client, patient=patient, cards=(card,), **(told | changed))


def overridden(answer: Shown, minutes: int = 5, reason: Reason | None = None, *, commented: bool = False) -> Feedback:
    """Its card overridden so much later."""
    return Feedback(answer.cards[0].uuid, "overridden", AT + timedelta(minutes=minutes), (), reason, commented)


def accepted(answer: Shown, minutes: int = 5) -> Feedback:
    """Its suggestion, which is for its first recommendation, accepted so much later."""
    card = answer.cards[0]
    return Feedback(
        card.uuid, "accepted", AT + timedelta(minutes=minutes), (card.suggestions[0].uuid,), None, commented=False
    )
