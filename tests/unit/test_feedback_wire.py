"""Feedback as clients send it: CDS Hooks 2.0.1, the sandbox, Epic; what is wrong with the rest, without its values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cds_service.errors import BodyTooLarge, MalformedRequest
from cds_service.http.feedback import parse_feedback
from cds_service.store import Feedback, Reason

CARD, SUGGESTION = "6a0f4f1a-52a1-4c43-8a0b-7c8a1f0c9d01", "b7e2d0aa-3f0c-4a52-9a0e-0d3a5f1f7c02"
AT = "2026-05-04T09:30:00Z"
MOMENT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
OVERRIDDEN = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": AT}
ACCEPTED = OVERRIDDEN | {"outcome": "accepted", "acceptedSuggestions": [{"id": SUGGESTION}]}
TOO_EARLY = "0001-01-01T00:00:00+23:59"
CODED = {"system": "https://dose.example.org/reasons", "code": "already-known"}
OURS = {"system": "https://nelm-cds.github.io/fhir/CodeSystem/nelm-override-reason", "code": "team-decided"}
OUR_WORDS = "The tumour board has decided otherwise"
SAID = Reason("https://dose.example.org/reasons", "already-known", None)


def parse(*entries: Any) -> list[Feedback]:
    return parse_feedback(json.dumps({"feedback": entries}).encode())


def test_accepted_names_its_suggestions() -> None:
    assert parse(ACCEPTED) == [Feedback(CARD, "accepted", MOMENT, (SUGGESTION,), None, commented=False)]


def test_overridden_needs_no_reason() -> None:
    assert parse(OVERRIDDEN) == [Feedback(CARD, "overridden", MOMENT, (), None, commented=False)]


@pytest.mark.parametrize(
    ("said", "reason", "commented"),
    [
        ({"overrideReason": {"reason": CODED}}, SAID, False),
        ({"overrideReason": {"reason": CODED, "userComment": "eGFR 80 last week"}}, SAID, True),
        ({"overrideReason": {"userComment": "seen already"}}, None, True),
        ({"overrideReason": {}}, None, False),
        ({"overrideReason": {"reason": {"code": "r1"}}}, Reason(None, "r1", None), False),
        ({"overrideReason": {"reason": {"display": "Known"}}}, Reason(None, "worded-by-the-client", None), False),
        (
            {"overrideReason": {"reason": OURS | {"display": "Mrs Example said so"}}},
            Reason(OURS["system"], OURS["code"], OUR_WORDS),
            False,
        ),
        # Epic: the plural, as a list or as one, with the reason or with an extension of its own.
        ({"overrideReasons": [{"reason": CODED}]}, SAID, False),
        ({"overrideReasons": {"reason": CODED}}, SAID, False),
        ({"overrideReasons": []}, None, False),
        ({"overrideReasons": [{"userComment": "x"}, {"reason": CODED}]}, SAID, True),
        (
            {
                "overrideReasons": [
                    {"extension": {"com.epic.override-reason": {"category": "7", "title": "Not now", "display": ""}}}
                ]
            },
            Reason("com.epic.override-reason", "7", None),
            False,
        ),
        (
            {"extension": {"com.epic.reason": {"code": "3", "display": "Will do it later"}, "other": 1}},
            Reason("com.epic.reason", "3", None),
            False,
        ),
        ({"extension": {"com.example.unrelated": {"code": "3"}}}, None, False),
        ({"extension": "text"}, None, False),
    ],
)
def test_reasons_in_every_dialect(said: dict[str, Any], reason: Reason | None, commented: bool) -> None:
    (entry,) = parse(OVERRIDDEN | said)
    assert (entry.reason, entry.commented) == (reason, commented)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-04T09:30:00Z", MOMENT),
        ("2026-05-04T09:30:00.123Z", MOMENT.replace(microsecond=123000)),
        ("2026-05-04T09:30:00.123456789Z", MOMENT.replace(microsecond=123456)),
        ("2026-05-04T11:30:00+02:00", MOMENT),
        ("2026-05-04T09:30:00", MOMENT),
        ("2026-05-04t09:30:00z", MOMENT),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse(OVERRIDDEN | {"outcomeTimestamp": text})[0].outcome_at == moment


def test_a_user_comment_is_not_kept() -> None:
    """It is free text, and may name the patient."""
    (entry,) = parse(OVERRIDDEN | {"overrideReason": {"reason": CODED, "userComment": "Anna Example, eGFR 80"}})
    assert "Anna" not in repr(entry)
    assert entry.commented


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "/: "),
        ([], "/: "),
        (OVERRIDDEN, "/: "),
        ({"feedback": OVERRIDDEN}, "/feedback: "),
        ({"feedback": ["Anna Example"]}, "/feedback/"),
        ({"feedback": [OVERRIDDEN | {"outcome": "Anna Example"}]}, "/feedback/0/outcome: "),
        ({"feedback": [OVERRIDDEN, OVERRIDDEN | {"outcome": "ignored"}]}, "/feedback/1/outcome: "),
        ({"feedback": [OVERRIDDEN | {"outcome": "accepted"}]}, "/feedback/0/acceptedSuggestions: "),
        ({"feedback": [ACCEPTED | {"acceptedSuggestions": []}]}, "/feedback/0/acceptedSuggestions: "),
        ({"feedback": [ACCEPTED | {"acceptedSuggestions": ["Anna Example"]}]}, "/feedback/"),
        ({"feedback": [ACCEPTED | {"acceptedSuggestions": [{"id": ""}]}]}, "/feedback/0/acceptedSuggestions: "),
        ({"feedback": [OVERRIDDEN | {"card": ""}]}, "/feedback/0/card: "),
        ({"feedback": [OVERRIDDEN | {"card": "x" * 256}]}, "/feedback/0/card: "),
        ({"feedback": [OVERRIDDEN | {"outcomeTimestamp": "Anna Example"}]}, "/feedback/0/outcomeTimestamp: "),
        ({"feedback": [OVERRIDDEN | {"outcomeTimestamp": TOO_EARLY}]}, "/feedback/0/outcomeTimestamp: "),
        ({"feedback": [{"card": CARD}]}, "/feedback/"),
        ({"feedback": [OVERRIDDEN | {"outcomeTimestamp": "20260504"}]}, "/feedback/0/outcomeTimestamp: "),
        ({"feedback": [OVERRIDDEN | {"outcomeTimestamp": "2026-W01-1"}]}, "/feedback/0/outcomeTimestamp: "),
        ({"feedback": [OVERRIDDEN | {"outcomeTimestamp": "2026-05-04"}]}, "/feedback/0/outcomeTimestamp: "),
    ],
)  # fmt: skip
def test_a_malformed_body_is_told_where_and_never_what(body: Any, where: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse_feedback(json.dumps(body).encode())
    assert str(refused.value).startswith(where)
    assert "Anna" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"feedback":NaN}', b"[" * 100_000])
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_feedback(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"feedback":[{"card":"c","outcome":"overridden","outcomeTimestamp":"2026-05-04T09:30:00Z"}],"feedback":[]}',
        b'{"feedback":[{"card":"c","card":"d","outcome":"overridden","outcomeTimestamp":"2026-05-04T09:30:00Z"}]}',
    ],
)
def test_a_member_that_stands_twice_is_refused(body: bytes) -> None:
    """Half of what was sent would be acknowledged and lost."""
    with pytest.raises(MalformedRequest, match="twice"):
        parse_feedback(body)


def test_accepted_suggestions_have_a_limit() -> None:
    with pytest.raises(BodyTooLarge):
        parse(*[ACCEPTED | {"acceptedSuggestions": [{"id": SUGGESTION}] * 1000}] * 6)


def test_an_empty_batch_is_nothing_to_store() -> None:
    assert parse() == []


def test_a_batch_has_a_limit() -> None:
    assert len(parse(*[OVERRIDDEN] * 1000)) == 1000
    with pytest.raises(BodyTooLarge):
        parse(*[OVERRIDDEN] * 1001)
