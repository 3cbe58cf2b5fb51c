"""What the store does without its database: used tokens in memory, told to it later; what is refused; the end."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select

from cds_service.store import Store, StoreUnavailableError
from cds_service.store import store as module
from cds_service.store.database import make_engine, transaction
from cds_service.store.migrate import upgrade
from cds_service.store.schema import feedback, used_token
from tests.support.shown import AT, overridden, shown

SOON = AT + timedelta(minutes=5)


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'later' / 'store.db'}"


async def _until_shared(store: Store, url: str, count: int) -> None:
    async with asyncio.timeout(20):
        while _kept(url) != count or not store.reachable:
            await asyncio.sleep(0.05)


def _kept(url: str, table: Table = used_token) -> int:
    engine = make_engine(url)
    with transaction(engine) as connection:
        count = len(connection.execute(select(table)).all())
    engine.dispose()
    return count


def test_tokens_used_without_a_database_are_told_to_it_once_it_is_there(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first tries to tell it are in vain."""
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0)

    async def run() -> list[bool]:
        async with Store(url, Clock()) as store:
            first = [await store.first_use("iss", token, SOON) for token in ("a", "b")]
            assert (store.tokens_unshared, store.reachable) == (2, False)
            await asyncio.sleep(0.5)
            upgrade(url)
            await _until_shared(store, url, 2)
            async with Store(url, Clock()) as replica:
                return [*first, *[await replica.first_use("iss", token, SOON) for token in ("a", "b", "c")]]

    assert asyncio.run(run()) == [True, True, False, False, True]


def test_a_token_of_another_issuer_is_another(url: str) -> None:
    upgrade(url)

    async def run() -> list[bool]:
        async with Store(url, Clock()) as store:
            uses = (("a", "bc"), ("ab", "c"), ("", "abc"), ("a", "bc"))
            return [await store.first_use(issuer, token, SOON) for issuer, token in uses]

    assert asyncio.run(run()) == [True, True, True, False]


def test_the_memory_forgets_the_oldest_where_it_is_full(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 2)

    async def run() -> list[bool]:
        async with Store(url, Clock(), drain_seconds=0.1) as store:
            return [await store.first_use("iss", token, SOON) for token in ("a", "b", "c", "c", "b", "a")]

    assert asyncio.run(run()) == [True, True, True, False, False, True]


def test_the_memory_forgets_what_has_expired(url: str) -> None:
    async def run() -> list[bool]:
        clock = Clock()
        async with Store(url, clock, drain_seconds=0.1) as store:
            used = [await store.first_use("iss", "a", SOON) for _ in range(2)]
            clock.now = SOON
            return [*used, await store.first_use("iss", "a", SOON)]

    assert asyncio.run(run()) == [True, False, True]


def test_the_database_forgets_what_has_expired(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(url)
    monkeypatch.setattr(module, "_PURGE_SECONDS", 0)

    async def run() -> None:
        clock = Clock()
        async with Store(url, clock) as store:
            assert await store.first_use("iss", "old", SOON)
            assert await store.first_use("iss", "new", SOON + timedelta(hours=1))
            clock.now = SOON + timedelta(hours=2)
            await asyncio.sleep(0.5)
            await _until_shared(store, url, 2)  # a clock may be ahead: what has just expired here may be good elsewhere
            clock.now = SOON + timedelta(days=2, minutes=1)
            await _until_shared(store, url, 1)

    asyncio.run(run())


def test_without_a_database_nothing_but_feedback_and_the_look_up_is_refused(url: str) -> None:
    async def run() -> Store:
        async with Store(url, Clock(), drain_seconds=0.1) as store:
            store.shown(shown("W-CGA"))
            assert await store.first_use("iss", "a", SOON)
            with pytest.raises(StoreUnavailableError):
                await store.overridden("ehr", "p" * 64)
            with pytest.raises(StoreUnavailableError):
                await store.feedback("ehr", [], AT)
        return store

    store = asyncio.run(run())
    assert (store.queued, store.dropped, store.written) == (1, 1, 0)


def test_what_still_waits_for_a_thread_at_the_end_is_not_acknowledged(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(url)
    go_on = threading.Event()
    transact = Store._transact

    def slow(store: Store, work: Any) -> Any:
        go_on.wait(20)
        return transact(store, work)

    monkeypatch.setattr(Store, "_transact", slow)

    async def run() -> list[object]:
        async with Store(url, Clock()) as store:
            calls = [asyncio.create_task(store.feedback("ehr", [overridden(shown("W-CGA"))], AT)) for _ in range(6)]
            await asyncio.sleep(0.05)
        go_on.set()
        return list(await asyncio.gather(*calls, return_exceptions=True))

    ends = asyncio.run(run())
    assert [type(end) for end in ends] == [type(None)] * 4 + [asyncio.CancelledError] * 2
    assert _kept(url, feedback) == 4
