"""Overridden recommendations on the next visit: quieter where the site wants it, on the same inputs and patient."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cds_service.cards.quieter import QUIETER
from cds_service.settings import Settings
from cds_service.store import Store, StoreUnavailableError
from cds_service.store.migrate import upgrade
from tests.support.service import SERVICE, TestClient, make_client, post
from tests.support.stories import story

STORY = story("srs-missing")
FEEDBACK = f"{SERVICE}/feedback"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    upgrade(url)
    return Settings(database_url=url, patient_hash_key=b"k" * 32, quieter_days=30)


@pytest.fixture
def service(settings: Settings) -> Iterator[TestClient]:
    with make_client(settings) as client:
        yield client


def cards(service: TestClient, request: Any = STORY.request) -> list[dict[str, Any]]:
    answer = post(service, request)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["cards"]
    _until_recorded(service)
    return found


def _until_recorded(service: TestClient) -> None:
    """What was shown is written off the answer's path."""
    for _ in range(500):
        lines = service.get("/metrics").text.splitlines()
        if "nelm_cds_shown_queue_length 0.0" in lines:
            return
        asyncio.run(asyncio.sleep(0.01))
    raise AssertionError("what was shown was not recorded")


def override(service: TestClient, shown: list[dict[str, Any]], at: datetime | None = None) -> None:
    at = at or datetime.now(UTC)
    entries = [{"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": at.isoformat()} for card in shown]
    assert service.post(FEEDBACK, json={"feedback": entries}).status_code == 200


def quiet(shown: list[dict[str, Any]]) -> list[bool]:
    return [QUIETER in card.get("extension", {}) for card in shown]


def test_the_next_visit_is_quieter(service: TestClient) -> None:
    first = cards(service)
    assert any(card["indicator"] == "warning" for card in first)
    override(service, first)
    second = cards(service)
    assert any(quiet(second))
    for before, after in zip(first, second, strict=True):
        if QUIETER in after["extension"]:
            assert after["indicator"] == "info"
            assert set(before["detail"].split("\n\n")) < set(after["detail"].split("\n\n"))
            assert not any("isRecommended" in suggestion for suggestion in after.get("suggestions", ()))
        else:
            assert after["indicator"] == before["indicator"]


def test_another_patient_hears_it_as_before(service: TestClient) -> None:
    override(service, cards(service))
    body = STORY.body.replace(STORY.patient_id.encode(), b"another")
    assert not any(quiet(cards(service, body)))


def test_when_an_input_changes_it_is_loud_again(service: TestClient) -> None:
    override(service, cards(service))
    request = copy.deepcopy(STORY.request)
    entries = request["prefetch"]["observations"]["entry"]
    ki67 = next(e["resource"] for e in entries if "29593-1" in str(e["resource"]["code"]))
    ki67["valueQuantity"]["value"] = 1
    assert not any(quiet(cards(service, request)))


def test_an_override_of_long_ago_counts_no_more(service: TestClient) -> None:
    override(service, cards(service), at=datetime.now(UTC) - timedelta(days=31))
    assert not any(quiet(cards(service)))


def test_what_was_accepted_since_is_loud_again(service: TestClient) -> None:
    first = cards(service)
    override(service, first, at=datetime.now(UTC) - timedelta(hours=1))
    suggestion = next(card for card in first if card.get("suggestions"))
    said = {
        "card": suggestion["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": suggestion["suggestions"][0]["uuid"]}],
        "outcomeTimestamp": datetime.now(UTC).isoformat(),
    }
    assert service.post(FEEDBACK, json={"feedback": [said]}).status_code == 200
    again = cards(service)
    codes = [set(card["extension"].get("io.github.nelm-cds.recommendations", ())) for card in again]
    accepted = set(suggestion["extension"]["io.github.nelm-cds.recommendations"])
    assert not any(hushed and accepted & spoken for hushed, spoken in zip(quiet(again), codes, strict=True))


def test_an_emergency_stays_loud(service: TestClient) -> None:
    crisis = story("carcinoid-crisis").request
    first = cards(service, crisis)
    override(service, first)
    assert [card["indicator"] for card in cards(service, crisis)] == [card["indicator"] for card in first]


def test_it_is_off_unless_it_is_configured(settings: Settings) -> None:
    with make_client(replace(settings, quieter_days=0)) as service:
        override(service, cards(service))
        assert not any(quiet(cards(service)))


def test_a_store_that_does_not_answer_makes_nothing_quieter(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    override(service, cards(service))

    async def fail(*_: object) -> None:
        raise StoreUnavailableError

    monkeypatch.setattr(Store, "overridden", fail)
    assert not any(quiet(cards(service)))
