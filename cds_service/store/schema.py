"""The tables. Rows are added and never changed; nothing of a patient but a pseudonym, no text that a user typed."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, MetaData, String, Table

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_DIGEST, _NAME, _TEXT = String(64), String(128), String(255)
_MOMENT = DateTime(timezone=True)

shown_card = Table(
    "shown_card",
    metadata,
    Column("card", _TEXT, primary_key=True),
    Column("client", _NAME, nullable=False),
    Column("patient", _DIGEST, nullable=False),
    Column("hook_instance", _TEXT, nullable=False),
    Column("shown_at", _MOMENT, nullable=False),
    Column("guideline", _NAME, nullable=False),
    Column("edition", _NAME, nullable=False),
    Column("topic", _NAME, nullable=False),
    Column("indicator", _NAME, nullable=False),
    Column("inputs_digest", _DIGEST, nullable=True),
    Index(None, "client", "patient"),
    Index(None, "shown_at"),
)
shown_recommendation = Table(
    "shown_recommendation",
    metadata,
    Column("card", _TEXT, ForeignKey("shown_card.card"), primary_key=True),
    Column("code", _NAME, primary_key=True),
)
shown_suggestion = Table(
    "shown_suggestion",
    metadata,
    Column("suggestion", _TEXT, primary_key=True),
    Column("card", _TEXT, ForeignKey("shown_card.card"), nullable=False),
)
feedback = Table(
    "feedback",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    # As it was sent: it may come before the card is recorded, or be of a card that nobody knows.
    Column("card", _TEXT, nullable=False),
    Column("client", _NAME, nullable=False),
    Column("outcome", _NAME, nullable=False),
    Column("outcome_at", _MOMENT, nullable=False),
    Column("received_at", _MOMENT, nullable=False),
    Column("reason_system", _TEXT, nullable=True),
    Column("reason_code", _TEXT, nullable=True),
    Column("reason_display", _TEXT, nullable=True),
    Column("commented", Boolean, nullable=False),
    Index(None, "card"),
)
feedback_suggestion = Table(
    "feedback_suggestion",
    metadata,
    Column("digest", _DIGEST, ForeignKey("feedback.digest"), primary_key=True),
    Column("suggestion", _TEXT, primary_key=True),
)
used_token = Table(
    "used_token",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("until", _MOMENT, nullable=False),
    Index(None, "until"),
)
