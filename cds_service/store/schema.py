"""The tables. Rows are added and never changed; nothing of a patient but a pseudonym, no text that a user typed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, Column, DateTime, Dialect, ForeignKey, Index, MetaData, String, Table
from sqlalchemy.types import TypeDecorator

from cds_service.store.records import as_utc


class Moment(TypeDecorator[datetime]):
    """A moment, in UTC on its way in and on its way out: SQLite keeps no offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC; one without an offset is UTC already."""
        return value if value is None else as_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC, whatever the time zone of the database's session."""
        return value if value is None else as_utc(value)


class Text(TypeDecorator[str]):
    """Text as it was sent, so that every database takes it: bounded, without NUL and without halves of a character."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        """Text of at most so many characters."""
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What can be stored of the text, always the same of the same."""
        if value is None:
            return None
        if len(value) <= self.length and value.isascii() and "\0" not in value:
            return value  # nearly all text is plain: nothing to mend
        return value[: self.length].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_DIGEST, _NAME, _TEXT, _MOMENT = String(64), Text(128), Text(255), Moment()

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
    Column("code", _NAME, nullable=False),
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
