"""Pseudonyms, digests, and how text and moments go into a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from cds_service.store import Feedback, Reason, keyed_digest, pseudonym
from cds_service.store.schema import Moment, Text

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
SAID = Feedback("card", "overridden", AT, ("a", "b"), Reason("system", "code", "display"), commented=False)
ANY_TEXT = st.text(st.characters(), max_size=300)  # halves of characters included
DIALECT = sqlite.dialect()


def test_a_pseudonym_is_the_same_for_the_same_patient_of_the_same_server_and_client() -> None:
    made = pseudonym(b"key", "ehr", "https://ehr.example.org/R4", "p1")
    assert made == pseudonym(b"key", "ehr", "https://ehr.example.org/R4", "p1")
    assert len(made) == 64
    assert "p1" not in made


@pytest.mark.parametrize(
    "other",
    [
        (b"other", "ehr", "https://a", "p1"),
        (b"key", "other", "https://a", "p1"),
        (b"key", "ehr", "https://b", "p1"),
        (b"key", "ehr", None, "p1"),
        (b"key", "ehr", "https://a", "p2"),
        (b"key", "ehr", "https://ap", "1"),
        (b"key", "ehrh", "ttps://a", "p1"),
    ],
    ids=str,
)
def test_a_pseudonym_is_another_for_any_other(other: tuple[bytes, str, str | None, str]) -> None:
    assert pseudonym(*other) != pseudonym(b"key", "ehr", "https://a", "p1")


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_has_a_digest(one: str, two: str) -> None:
    assert (keyed_digest(b"key", one, two) == keyed_digest(b"key", one + two)) is False
    assert (keyed_digest(b"key", one) == keyed_digest(b"key", two)) is (one == two)


@pytest.mark.parametrize(
    "changed",
    [
        {"card": "other"},
        {"outcome": "accepted"},
        {"outcome_at": AT + timedelta(microseconds=1)},
        {"accepted_suggestions": ("a",)},
        {"reason": None},
        {"reason": Reason("system", "code", None)},
        {"reason": Reason("other", "code", "display")},
    ],
    ids=str,
)
def test_what_is_told_anew_is_another_entry(changed: dict[str, Any]) -> None:
    assert replace(SAID, **changed).digest("ehr") != SAID.digest("ehr")
    assert SAID.digest("other") != SAID.digest("ehr")


@pytest.mark.parametrize(
    "changed",
    [{}, {"accepted_suggestions": ("b", "a")}, {"outcome_at": AT.astimezone(timezone(timedelta(hours=2)))}],
    ids=str,
)
def test_the_same_told_again_is_the_same_entry(changed: dict[str, Any]) -> None:
    assert replace(SAID, **changed).digest("ehr") == SAID.digest("ehr")


@given(ANY_TEXT)
@example("a\0b")
@example("\ud800")
@example("a" * 256)
def test_any_text_becomes_one_that_every_database_takes(text: str) -> None:
    stored = Text(255).process_bind_param(text, DIALECT)
    assert stored is not None
    assert len(stored) <= 255
    assert "\0" not in stored
    assert stored.encode().decode() == stored
    assert Text(255).process_bind_param(stored, DIALECT) == stored


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=255))
def test_text_without_oddities_stays_as_it_is(text: str) -> None:
    assert Text(255).process_bind_param(text, DIALECT) == text


@pytest.mark.parametrize(
    ("given_moment", "stored"),
    [
        (datetime(2026, 5, 4, 11, 30, tzinfo=timezone(timedelta(hours=2))), AT),
        (datetime(2026, 5, 4, 9, 30), AT),  # noqa: DTZ001 - as SQLite gives it back
        (AT, AT),
        (None, None),
    ],
)
def test_moments_are_utc(given_moment: datetime | None, stored: datetime | None) -> None:
    for moment in (
        Moment().process_bind_param(given_moment, DIALECT),
        Moment().process_result_value(given_moment, DIALECT),
    ):
        assert moment == stored
        assert moment is None or moment.utcoffset() == timedelta(0)
