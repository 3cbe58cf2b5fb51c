"""Feedback on cards that were really shown. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.support.conformance_call import Caller, calling
from tests.support.conformance_server import Server, serving
from tests.support.stories import story

REASON = {"system": "https://nelm-cds.github.io/fhir/CodeSystem/nelm-override-reason", "code": "team-decided"}
SAID = "Mrs Example does not want this"
MOMENT = "2026-05-04T09:30:00Z"


@pytest.fixture
def card(service: Caller) -> dict[str, Any]:
    """A card that was just shown, with something to accept."""
    return next(card for card in service.cards(story("imaging-missing").request)["cards"] if "suggestions" in card)


@pytest.mark.row(74)
def test_an_accepted_suggestion_is_stored(service: Caller, server: Server, card: dict[str, Any]) -> None:
    _accept(service, _accepted(card))
    assert _stored(server, card) == [("accepted", None, None, 0)]
    (suggestion,) = server.stored(
        "select suggestion from feedback_suggestion join feedback using (digest) where card = ?", card["uuid"]
    )
    assert suggestion == (card["suggestions"][0]["uuid"],)


@pytest.mark.row(75)
def test_overridden_without_a_reason_is_stored(service: Caller, server: Server, card: dict[str, Any]) -> None:
    _accept(service, _overridden(card))
    assert _stored(server, card) == [("overridden", None, None, 0)]


@pytest.mark.row(76)
def test_of_a_reason_with_a_comment_the_comment_itself_is_not_kept(
    service: Caller, server: Server, card: dict[str, Any]
) -> None:
    """The reason comes without its display, as the sandbox sends it; a comment may name a patient."""
    _accept(service, _overridden(card, overrideReason={"reason": REASON, "userComment": SAID}))
    assert _stored(server, card) == [("overridden", REASON["system"], REASON["code"], 1)]
    assert SAID not in server.log
    assert not [row for row in server.stored("select * from feedback") if SAID in row]


@pytest.mark.row(77)
def test_a_comment_alone_is_accepted(service: Caller, server: Server, card: dict[str, Any]) -> None:
    _accept(service, _overridden(card, overrideReason={"userComment": SAID}))
    assert _stored(server, card) == [("overridden", None, None, 1)]


@pytest.mark.row(78)
def test_a_reason_of_the_clients_own_is_stored(service: Caller, server: Server, card: dict[str, Any]) -> None:
    reason = {"system": "https://ehr.example.org/reasons", "code": "17", "display": "Not now"}
    _accept(service, _overridden(card, overrideReason={"reason": reason}))
    assert _stored(server, card) == [("overridden", reason["system"], "17", 0)]


@pytest.mark.row(79)
def test_several_cards_in_one_call_are_all_stored(service: Caller, server: Server) -> None:
    cards = [card for _ in range(2) for card in service.cards(story("imaging-missing").request)["cards"]]
    assert len(cards) > 1
    _accept(service, *(_overridden(card) for card in cards))
    assert [_stored(server, card) for card in cards] == [[("overridden", None, None, 0)]] * len(cards)


@pytest.mark.row(80)
def test_what_is_sent_again_does_not_count_twice(service: Caller, server: Server, card: dict[str, Any]) -> None:
    """In a call of its own, and within one; the same outcome at another moment is another one."""
    _accept(service, _accepted(card))
    _accept(service, _accepted(card), _accepted(card))
    assert len(_stored(server, card)) == 1
    _accept(service, _accepted(card) | {"outcomeTimestamp": "2026-05-04T09:31:00Z"})
    assert len(_stored(server, card)) == 2


@pytest.mark.row(81)
def test_an_unknown_card_does_not_fail_the_others(service: Caller, server: Server, card: dict[str, Any]) -> None:
    """A client of another time, or a card whose record is still queued."""
    for unknown in (str(uuid.uuid4()), "no-uuid"):
        _accept(service, _overridden(card | {"uuid": unknown}), _overridden(card))
    assert _stored(server, card) == [("overridden", None, None, 0)]


BAD: dict[str, tuple[int, dict[str, Any]]] = {
    "accepted nothing": (82, {"outcome": "accepted"}),
    "accepted an empty list": (82, {"outcome": "accepted", "acceptedSuggestions": []}),
    "accepted texts": (82, {"outcome": "accepted", "acceptedSuggestions": ["s-1"]}),
    "accepted without an id": (82, {"outcome": "accepted", "acceptedSuggestions": [{}]}),
    "ignored": (83, {"outcome": "ignored"}),
    "no outcome": (83, {"outcome": None}),
    "no moment": (84, {"outcomeTimestamp": "yesterday"}),
    "no card": (84, {"card": ""}),
}


@pytest.mark.parametrize(
    "changed", [pytest.param(changed, marks=pytest.mark.row(row), id=name) for name, (row, changed) in BAD.items()]
)
def test_an_entry_that_is_wrong_is_400_and_nothing_of_the_call_is_stored(
    service: Caller, server: Server, card: dict[str, Any], changed: dict[str, Any]
) -> None:
    answer = service.feedback({"feedback": [_overridden(card), _overridden(card) | changed]})
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["diagnostics"].startswith("/feedback/1/")
    assert _stored(server, card) == []


@pytest.mark.row(84)
@pytest.mark.parametrize("body", [{}, [], None, {"feedback": {}}, {"feedback": None}, b"{", b""], ids=str)
def test_feedback_that_is_no_array_is_400(service: Caller, body: object) -> None:
    assert service.feedback(body).status_code == 400


@pytest.mark.row(84)
def test_a_bare_entry_is_400(service: Caller, server: Server, card: dict[str, Any]) -> None:
    assert service.feedback(_overridden(card)).status_code == 400
    assert _stored(server, card) == []


@pytest.mark.row(85)
@pytest.mark.parametrize(
    "moment", [MOMENT, "2026-05-04T09:30:00.123456Z", "2026-05-04T11:30:00+02:00", "2026-05-04T09:30:00.1-00:00"]
)
def test_a_moment_in_any_notation_is_accepted(
    service: Caller, server: Server, card: dict[str, Any], moment: str
) -> None:
    _accept(service, _overridden(card) | {"outcomeTimestamp": moment})
    ((stored,),) = server.stored("select outcome_at from feedback where card = ?", card["uuid"])
    assert stored.startswith("2026-05-04 09:30:00")


EPIC = "com.epic.cdshooks.feedback.override-reason"


@pytest.mark.row(86)
@pytest.mark.parametrize(
    "told",
    [
        {"overrideReasons": [{"reason": REASON}]},
        {"overrideReasons": {"reason": REASON}},
        {"overrideReason": {"extension": {EPIC: {"code": REASON["code"], "system": REASON["system"]}}}},
        {"extension": {EPIC: {"code": REASON["code"], "system": REASON["system"], "title": "Decided"}}},
    ],
    ids=["plural", "plural, of one", "in an extension", "in an extension of the entry"],
)
def test_epics_dialect_is_understood(
    service: Caller, server: Server, card: dict[str, Any], told: dict[str, Any]
) -> None:
    _accept(service, _overridden(card, **told))
    assert _stored(server, card) == [("overridden", REASON["system"], REASON["code"], 0)]


@pytest.mark.row(87)
def test_feedback_to_a_service_that_takes_none_is_404(tmp_path: Path) -> None:
    """And the service itself is unaffected."""
    with serving(tmp_path, application="without_feedback") as server, calling(server) as caller:
        (card, *_) = caller.cards(story("resectable").request)["cards"]
        assert caller.feedback({"feedback": [_overridden(card)]}).status_code == 404
        assert caller.cards(story("resectable").request)["cards"]


@pytest.mark.row(87)
def test_feedback_to_a_service_that_does_not_exist_is_404(service: Caller, card: dict[str, Any]) -> None:
    answer = service.feedback({"feedback": [_overridden(card)]}, path="/cds-services/none")
    assert answer.status_code == 404


def _accepted(card: dict[str, Any]) -> dict[str, Any]:
    taken = [{"id": card["suggestions"][0]["uuid"]}]
    return {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": taken, "outcomeTimestamp": MOMENT}


def _overridden(card: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": MOMENT} | members


def _accept(service: Caller, *entries: dict[str, Any]) -> None:
    answer = service.feedback({"feedback": list(entries)})
    assert (answer.status_code, answer.content) == (200, b"")


def _stored(server: Server, card: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What the store holds about a card, once the call is acknowledged."""
    query = "select outcome, reason_system, reason_code, commented from feedback where card = ?"
    return server.stored(query, card["uuid"])
