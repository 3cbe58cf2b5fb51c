"""Several replicas, each a process of its own, on one database; and what PostgreSQL refuses, odd text included."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cds_service.store import Feedback, Reason, Store, StoreUnavailableError
from cds_service.store.database import RecordRefusedError, make_engine, transaction
from cds_service.store.migrate import upgrade
from cds_service.store.schema import metadata, shown_card
from cds_service.store.state import SchemaState, state
from tests.support.postgresql import PostgreSQL
from tests.support.shown import AT, overridden, shown
from tests.support.store_process import Replica

REPLICAS = 4
ODD = ["a\0b", "\ud800", "é" * 300, "\U0001f9ec" * 256, "'; drop table feedback; --", "\u202e%s{}"]


def replicas(work: str, url: str) -> list[str]:
    """What processes say that begin at the same moment."""
    started = [Replica(work, url, seed) for seed in range(REPLICAS)]
    for replica in started:
        replica.go()
    return [word for replica in started for word in replica.said()]


def rows(url: str, table: str) -> int:
    engine = make_engine(url)
    with transaction(engine) as connection:
        count: int = connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()
    engine.dispose()
    return count


def test_the_same_feedback_from_all_of_them_counts_once(store_url: str) -> None:
    """In a different order from each: none waits for another that waits for it."""
    assert replicas("once", store_url) == ["stored"] * REPLICAS
    assert (rows(store_url, "feedback"), rows(store_url, "feedback_suggestion")) == (200, 200)


def test_a_token_is_taken_by_one_of_them(store_url: str) -> None:
    assert sorted(replicas("token", store_url)) == ["False"] * (REPLICAS - 1) + ["True"]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_odd_text_costs_neither_itself_nor_others(store_url: str, odd: str) -> None:
    """No text of a caller may stop the queue or make a batch of feedback fail for ever."""
    said = overridden(shown("W-CGA"))

    async def work() -> Store:
        async with Store(store_url, lambda: AT, drain_seconds=1) as store:
            store.shown(shown("W-CGA", hook_instance=odd))
            store.shown(shown("W-SRS"))
            told = [replace(said, card=odd), replace(said, accepted_suggestions=(odd,), reason=Reason(odd, odd, odd))]
            for _ in range(2):
                await store.feedback("ehr", told, AT)
            assert await store.first_use(odd, odd, AT + timedelta(hours=1))
        return store

    store = asyncio.run(work())
    assert (store.written, store.dropped, store.tokens_unshared) == (2, 0, 0)
    assert (rows(store_url, "shown_card"), rows(store_url, "feedback")) == (2, 2)


def test_feedback_finds_its_card_whatever_its_name(store_url: str) -> None:
    """A name that is cut is cut alike where it is stored and where it is looked for."""
    answer = shown("W-CGA")
    odd = replace(answer, cards=(replace(answer.cards[0], uuid="x\0" * 200),))

    async def work() -> int:
        async with Store(store_url, lambda: AT) as store:
            store.shown(odd)
        async with Store(store_url, lambda: AT) as store:
            await store.feedback("ehr", [overridden(odd)], AT)
            return len(await store.overridden("ehr", odd.patient))

    assert asyncio.run(work()) == 1


def test_a_record_that_is_refused_costs_no_other_and_its_error_shows_nothing_of_it(
    postgresql: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL tells the whole row; the driver's words go no further."""
    url = postgresql.url("refused")
    upgrade(url)
    bad = shown("W-CGA", patient="secret-pseudonym", guideline=None)
    said = replace(overridden(shown("W-CGA")), outcome=None)  # type: ignore[arg-type]

    async def work() -> Store:
        async with Store(url, lambda: AT) as store:
            for record in (shown("W-CGA"), bad, shown("W-SRS")):
                store.shown(record)
            with pytest.raises(RecordRefusedError) as refused:
                await store.feedback("secret-client", [said], AT)
            assert str(refused.value) == "the database refuses a record (NotNullViolation)"
            assert refused.value.__cause__ is None
            assert refused.value.__suppress_context__
            assert store.reachable
        return store

    store = asyncio.run(work())
    assert (store.written, store.dropped) == (2, 1)
    assert rows(url, "shown_card") == 2
    assert "an answer was not recorded: the database refuses a record (NotNullViolation)" in caplog.text
    assert "secret" not in caplog.text


def test_times_are_utc_whatever_the_session_of_the_database(postgresql: PostgreSQL) -> None:
    url = postgresql.url("times")
    upgrade(url)

    async def work() -> None:
        async with Store(url, lambda: AT) as store:
            store.shown(shown("W-CGA"))

    asyncio.run(work())
    engine = make_engine(url)
    with transaction(engine) as connection:
        connection.exec_driver_sql("SET TIME ZONE 'Asia/Kathmandu'")
        (moment,) = connection.execute(select(shown_card.c.shown_at)).one()
    engine.dispose()
    assert moment.isoformat() == AT.isoformat()


def test_a_server_that_is_gone_is_told_from_one_without_a_schema(postgresql: PostgreSQL) -> None:
    url = postgresql.url("states")
    assert state(url) is SchemaState.EMPTY
    postgresql.stop()
    try:
        assert state(url) is SchemaState.UNREACHABLE
        with pytest.raises(StoreUnavailableError):
            upgrade(url)
    finally:
        postgresql.start()


def test_tokens_of_an_outage_are_shared_when_the_server_is_back(postgresql: PostgreSQL) -> None:
    url = postgresql.url("tokens-of-an-outage")
    upgrade(url)
    until = AT + timedelta(hours=1)

    async def work() -> bool:
        async with Store(url, lambda: AT) as store, Store(url, lambda: AT) as replica:
            await asyncio.to_thread(postgresql.stop)
            try:
                assert await store.first_use("iss", "jti", until)
            finally:
                await asyncio.to_thread(postgresql.start)
            async with asyncio.timeout(20):
                while not store.reachable:  # without any other call: the writer looks after it
                    await asyncio.sleep(0.05)
            return await replica.first_use("iss", "jti", until)

    assert asyncio.run(work()) is False


def test_feedback_of_a_batch_that_repeats_itself_counts_once(store_url: str) -> None:
    said: list[Feedback] = [overridden(shown("W-CGA"))] * 3

    async def work() -> None:
        async with Store(store_url, lambda: AT) as store:
            await store.feedback("ehr", said, AT)

    asyncio.run(work())
    assert rows(store_url, "feedback") == 1
