"""Where practice has moved since 2006: one dated line beside what it concerns, never a change of the advice."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.advice import Block


def since_2006(said: Iterable[str], needs: Needs) -> list[Block]:
    """The notes that stand beside the codes and the `CODE:reason` items of a card, on one line; none, no line."""
    named = set(said)
    symptomatic = rules.syndrome(needs).yes
    found = [
        note for note in texts().since_2006 if note.beside & named and (symptomatic or not note.with_syndrome)
    ]  # fmt: skip
    if not found:
        return []
    start = texts().sentences["since_2006"]
    full = f"{start} {'; '.join(note.text for note in found)}."
    numbers = f"{start} {', '.join(note.note for note in found)}."
    return [Block(full, brief="", spare=(numbers, ""), movable=True)]
