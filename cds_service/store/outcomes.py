"""What became of each recommendation: the card it stood on was overridden, or the suggestion for it was accepted.

A card speaks of several recommendations, and its suggestions are each for one: overriding the card overrides all that
it says, accepting a suggestion accepts that one thing and says nothing of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from cds_service.store import schema

OVERRIDDEN = "overridden"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One recommendation of one answer, and what was last said of it; the reason is of an override."""

    code: str
    hook_instance: str
    shown_at: datetime
    outcome: str
    at: datetime
    inputs_digest: str | None
    reason_system: str | None
    reason_code: str | None
    reason_display: str | None
    commented: bool


def latest_outcomes(connection: Connection, *wanted: ColumnElement[bool], per_answer: bool = True) -> list[Outcome]:
    """The latest outcome of every recommendation, for each answer or of all of them together.

    `wanted` are conditions on shown_card. Feedback counts only where the client that sent it was shown the card.
    """
    said = [*_rows(connection, _overridden(), wanted), *_rows(connection, _accepted(), wanted)]
    latest: dict[tuple[object, ...], Outcome] = {}
    for _, outcome in sorted(said, key=lambda row: row[0]):
        # A hookInstance may come twice: with its time it is one answer.
        answer = (outcome.hook_instance, outcome.shown_at) if per_answer else ()
        latest[outcome.code, *answer] = outcome
    return list(latest.values())


def _columns(code: ColumnElement[str]) -> Sequence[ColumnElement[Any]]:
    card, said = schema.shown_card.c, schema.feedback.c
    return (
        code, card.hook_instance, card.shown_at, said.outcome, said.outcome_at, card.inputs_digest, said.reason_system,
        said.reason_code, said.reason_display, said.commented, said.received_at,
    )  # fmt: skip


def _overridden() -> Select[Any]:
    card, said, shown = schema.shown_card.c, schema.feedback.c, schema.shown_recommendation.c
    return (
        select(*_columns(shown.code))
        .join_from(schema.shown_card, schema.feedback, (card.card == said.card) & (card.client == said.client))
        .join(schema.shown_recommendation, shown.card == card.card)
        .where(said.outcome == OVERRIDDEN)
    )


def _accepted() -> Select[Any]:
    card, said = schema.shown_card.c, schema.feedback.c
    taken, offered = schema.feedback_suggestion.c, schema.shown_suggestion.c
    return (
        select(*_columns(offered.code))
        .join_from(schema.shown_card, schema.feedback, (card.card == said.card) & (card.client == said.client))
        .join(schema.feedback_suggestion, taken.digest == said.digest)
        .join(schema.shown_suggestion, (offered.suggestion == taken.suggestion) & (offered.card == card.card))
        .where(said.outcome != OVERRIDDEN)
    )


def _rows(
    connection: Connection, statement: Select[Any], wanted: Sequence[ColumnElement[bool]]
) -> list[tuple[tuple[datetime, datetime, bool], Outcome]]:
    found = []
    for *members, received_at in connection.execute(statement.where(*wanted)):
        outcome = Outcome(*members)
        # At one and the same moment what was accepted counts: it hushes nothing.
        found.append(((outcome.at, received_at, outcome.outcome != OVERRIDDEN), outcome))
    return found
