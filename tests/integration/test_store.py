"""The store on SQLite and on a real PostgreSQL: schema, recording, feedback, used tokens, and what a failure costs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, inspect, select, text

from cds_service.store import Feedback, Overridden, Store, StoreUnavailableError
from cds_service.store.database import make_engine, transaction
from cds_service.store.migrate import downgrade, upgrade
from cds_service.store.schema import metadata
from cds_service.store.state import SchemaState, state
from cds_service.store.summary import NO_REASON, Summary, summarise
from tests.support.postgresql import PostgreSQL
from tests.support.shown import AT, SAID, accepted, overridden, shown

T = TypeVar("T")
PATIENT = "p" * 64


def now() -> datetime:
    return AT + timedelta(hours=1)


def with_store(url: str, work: Callable[[Store], Awaitable[T]], **limits: float) -> T:
    async def run() -> T:
        async with Store(url, now, **limits) as store:  # type: ignore[arg-type]
            return await work(store)

    return asyncio.run(run())


async def written(store: Store, count: int) -> None:
    async with asyncio.timeout(20):
        while store.written < count:
            await asyncio.sleep(0.01)


def keep(url: str, *records: object, client: str = "ehr") -> None:
    """Answers and feedback, in this order."""

    async def work(store: Store) -> None:
        for record in records:
            if isinstance(record, Feedback):
                await store.feedback(client, [record], now())
            else:
                store.shown(record)  # type: ignore[arg-type]
                await written(store, store.written + store.queued)

    with_store(url, work)


def counts(url: str) -> dict[str, int]:
    engine = make_engine(url)
    with transaction(engine) as connection:
        counted = [(name, select(func.count()).select_from(table)) for name, table in metadata.tables.items()]
        found = {name: connection.execute(count).scalar_one() for name, count in counted}
    engine.dispose()
    return found


class TestSchema:
    def test_it_is_made_and_unmade(self, url: str) -> None:
        assert state(url) is SchemaState.EMPTY
        assert upgrade(url).before is None
        assert state(url) is SchemaState.CURRENT
        downgrade(url)
        assert state(url) is SchemaState.EMPTY
        engine = make_engine(url)
        assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
        engine.dispose()
        assert upgrade(url).after is not None

    def test_the_migrations_make_the_schema_of_the_code(self, store_url: str) -> None:
        engine = make_engine(store_url)
        with transaction(engine) as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        engine.dispose()

    def test_several_may_migrate_at_once(self, url: str) -> None:
        async def run() -> None:
            await asyncio.gather(*(asyncio.to_thread(upgrade, url) for _ in range(4)))

        asyncio.run(run())
        assert state(url) is SchemaState.CURRENT

    def test_a_newer_one_is_known_as_such(self, store_url: str) -> None:
        engine = make_engine(store_url)
        with transaction(engine) as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()
        assert state(store_url) is SchemaState.AHEAD


class TestRecording:
    def test_an_answer_is_kept_with_its_codes_and_suggestions(self, store_url: str) -> None:
        keep(store_url, shown("W-CGA", "W-SRS"))
        found = counts(store_url)
        assert (found["shown_card"], found["shown_recommendation"], found["shown_suggestion"]) == (1, 2, 1)

    def test_what_is_queued_at_the_end_is_written(self, store_url: str) -> None:
        async def work(store: Store) -> None:
            for _ in range(500):
                store.shown(shown("W-CGA"))

        with_store(store_url, work)
        assert counts(store_url)["shown_card"] == 500

    def test_a_full_queue_drops_and_counts_and_says_so(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """On a database that is not there: the caller notices nothing."""

        async def work(store: Store) -> int:
            for _ in range(60):
                store.shown(shown("W-CGA"))
            return store.dropped

        dropped = with_store(f"sqlite:///{tmp_path / 'none' / 'x.db'}", work, room=5, drain_seconds=0.3)
        assert dropped >= 60 - 5 - 200
        assert dropped > 0
        assert "were not recorded so far" in caplog.text
        assert "answers were not recorded" in caplog.text

    def test_a_wrong_answer_costs_no_other(self, store_url: str) -> None:
        """The same card twice is one card."""
        twice = shown("W-CGA")
        keep(store_url, twice, twice, shown("W-SRS"))
        assert counts(store_url)["shown_card"] == 2


class TestFeedback:
    def test_it_is_kept_once_however_often_it_is_sent(self, store_url: str) -> None:
        answer = shown("W-CGA")
        said = accepted(answer)
        keep(store_url, answer, said, said, said)
        found = counts(store_url)
        assert (found["feedback"], found["feedback_suggestion"]) == (1, 1)

    def test_a_resend_from_many_sides_at_once(self, store_url: str) -> None:
        said = [overridden(shown("W-CGA"), minutes) for minutes in range(20)]

        async def work(store: Store) -> None:
            await asyncio.gather(*(store.feedback("ehr", said, now()) for _ in range(8)))

        with_store(store_url, work)
        assert counts(store_url)["feedback"] == 20

    def test_all_of_a_batch_or_nothing(self, store_url: str) -> None:
        good = overridden(shown("W-CGA"))
        bad = Feedback(None, "overridden", AT, (), None, commented=False)  # type: ignore[arg-type]

        async def work(store: Store) -> None:
            with pytest.raises(StoreUnavailableError):
                await store.feedback("ehr", [good, bad], now())

        with_store(store_url, work)
        assert counts(store_url)["feedback"] == 0

    def test_of_cards_that_nobody_knows(self, store_url: str) -> None:
        keep(store_url, overridden(shown("W-CGA")))
        assert summarise(store_url).unknown_cards == 1

    def test_a_file_that_was_deleted_takes_none(self, tmp_path: Path) -> None:
        """SQLite would go on writing into the deleted file, and say that it had."""
        url = f"sqlite:///{tmp_path / 'store.db'}"
        upgrade(url)

        async def work(store: Store) -> None:
            await store.feedback("ehr", [overridden(shown("W-CGA"))], now())
            for file in tmp_path.glob("store.db*"):
                file.unlink()
            with pytest.raises(StoreUnavailableError):
                await store.feedback("ehr", [overridden(shown("W-CGA"))], now())
            assert not store.reachable
            upgrade(url)
            await store.feedback("ehr", [overridden(shown("W-CGA"))], now())

        with_store(url, work)
        assert counts(url)["feedback"] == 1

    def test_a_moment_to_come_counts_as_now(self, store_url: str) -> None:
        """Else it would outlive every later outcome."""
        answer = shown("W-CGA")
        to_come = overridden(answer, minutes=60 * 24 * 365)
        keep(store_url, answer, to_come, accepted(answer, minutes=60))
        assert with_store(store_url, lambda store: store.overridden("ehr", PATIENT)) == ()


class TestSummary:
    def test_what_became_of_each_recommendation(self, store_url: str) -> None:
        one, two, three = shown("W-CGA", "W-SRS"), shown("W-CGA"), shown("W-CGA")
        keep(store_url, one, two, three, overridden(one, reason=SAID), accepted(two))
        found = summarise(store_url)
        assert (found.answers, found.cards) == (3, 3)
        cga, srs = found.standings
        assert (cga.code, cga.shown, cga.accepted, cga.overridden, cga.without_feedback) == ("W-CGA", 3, 1, 1, 1)
        assert (srs.code, srs.shown, srs.accepted, srs.overridden) == ("W-SRS", 1, 0, 1)
        assert cga.reasons == ((f"Decided otherwise ({SAID.system}|team-decided)", 1),)

    def test_the_latest_outcome_of_a_card_counts(self, store_url: str) -> None:
        answer = shown("W-CGA")
        keep(store_url, answer, accepted(answer, minutes=10), overridden(answer, minutes=5, commented=True))
        (cga,) = summarise(store_url).standings
        assert (cga.accepted, cga.overridden) == (1, 0)

    def test_reasons_are_counted(self, store_url: str) -> None:
        answers = [shown("W-CGA") for _ in range(3)]
        keep(store_url, *answers, overridden(answers[0]), overridden(answers[1], commented=True))
        (cga,) = summarise(store_url).standings
        assert (cga.reasons, cga.commented, cga.without_feedback) == (((NO_REASON, 2),), 1, 1)

    def test_a_hook_instance_that_comes_twice_is_two_answers(self, store_url: str) -> None:
        one = shown("W-CGA")
        two = shown("W-CGA", hook_instance=one.hook_instance, at=AT + timedelta(minutes=1))
        keep(store_url, one, two, overridden(one), overridden(two))
        found = summarise(store_url)
        assert (found.answers, found.standings[0].shown, found.standings[0].overridden) == (2, 2, 2)

    def test_a_suggestion_speaks_for_its_own_recommendation_alone(self, store_url: str) -> None:
        answer = shown("W-CGA", "W-SRS")
        keep(store_url, answer, accepted(answer))
        cga, srs = summarise(store_url).standings
        assert (cga.accepted, srs.accepted, srs.without_feedback) == (1, 0, 1)

    def test_another_client_has_no_say(self, store_url: str) -> None:
        answer = shown("W-CGA", client="north")
        keep(store_url, answer)
        keep(store_url, overridden(answer), client="south")
        found = summarise(store_url)
        assert (found.standings[0].overridden, found.unknown_cards) == (0, 1)

    def test_since(self, store_url: str) -> None:
        keep(store_url, shown("W-CGA"), shown("W-CGA", at=AT + timedelta(days=1)))
        found = summarise(store_url, since=AT + timedelta(hours=12))
        assert (found.cards, found.standings[0].shown) == (1, 1)
        assert found.first_shown == found.last_shown == AT + timedelta(days=1)

    def test_an_empty_store(self, store_url: str) -> None:
        assert summarise(store_url) == Summary(None, None, None, 0, 0, 0, ())


class TestOverridden:
    def look_up(self, url: str, client: str = "ehr", patient: str = PATIENT) -> tuple[Overridden, ...]:
        return with_store(url, lambda store: store.overridden(client, patient))

    def test_the_latest_outcome_for_the_patient_counts(self, store_url: str) -> None:
        one, two = shown("W-CGA", "W-SRS"), shown("W-SRS")
        keep(store_url, one, two, overridden(one, 5), accepted(two, 10))
        assert self.look_up(store_url) == (Overridden("W-CGA", AT + timedelta(minutes=5), "d" * 64),)

    def test_of_this_client_and_this_patient_alone(self, store_url: str) -> None:
        answer = shown("W-CGA")
        keep(store_url, answer, overridden(answer))
        assert len(self.look_up(store_url)) == 1
        assert self.look_up(store_url, client="other") == ()
        assert self.look_up(store_url, patient="q" * 64) == ()


class TestUsedTokens:
    def test_once_in_all_processes_on_the_database(self, store_url: str) -> None:
        until = now() + timedelta(minutes=5)

        async def work(store: Store) -> list[bool]:
            async with Store(store_url, now) as replica:
                uses = [one.first_use("iss", "jti", until) for one in (store, replica, store, replica)]
                return [await use for use in uses]

        assert with_store(store_url, work) == [True, False, False, False]

    def test_at_the_same_moment_one_of_them_wins(self, store_url: str) -> None:
        until = now() + timedelta(minutes=5)

        async def work(store: Store) -> int:
            async with Store(store_url, now) as replica:
                uses = await asyncio.gather(*(one.first_use("i", "t", until) for one in (store, replica) * 10))
                return sum(uses)

        assert with_store(store_url, work) == 1

    def test_without_a_database_this_process_remembers(self, tmp_path: Path) -> None:
        until = now() + timedelta(minutes=5)

        async def work(store: Store) -> tuple[list[bool], int, bool]:
            used = [await store.first_use("iss", token, until) for token in ("a", "b", "a")]
            return used, store.tokens_unshared, store.reachable

        nowhere = f"sqlite:///{tmp_path / 'none' / 'x.db'}"
        assert with_store(nowhere, work, drain_seconds=0.1) == ([True, True, False], 2, False)


class TestAServerThatFails:
    """PostgreSQL stopped, started, and frozen, while the service goes on."""

    def test_nothing_acknowledged_is_lost_and_the_queue_catches_up(self, postgresql: PostgreSQL) -> None:
        url = postgresql.url("stopped-and-started")
        upgrade(url)
        acknowledged: list[str] = []

        async def say(store: Store, count: int) -> int:
            refused = 0
            for _ in range(count):
                said = overridden(shown("W-CGA"))
                try:
                    await store.feedback("ehr", [said], now())
                    acknowledged.append(said.digest("ehr"))
                except StoreUnavailableError:
                    refused += 1
            return refused

        async def work(store: Store) -> None:
            assert await say(store, 5) == 0
            await asyncio.to_thread(postgresql.stop)
            for _ in range(50):
                store.shown(shown("W-CGA"))
            assert await say(store, 3) == 3
            assert not store.reachable
            await asyncio.to_thread(postgresql.start)
            await written(store, 50)
            assert await say(store, 5) == 0
            assert (store.queued, store.dropped, store.reachable) == (0, 0, True)

        with_store(url, work)
        found = counts(url)
        assert (found["shown_card"], found["feedback"]) == (50, len(acknowledged))

    def test_a_frozen_server_holds_up_nobody(self, postgresql: PostgreSQL) -> None:
        url = postgresql.url("frozen")
        upgrade(url)

        async def work(store: Store) -> None:
            await store.overridden("ehr", PATIENT)
            postgresql.freeze()
            try:
                with pytest.raises(StoreUnavailableError):
                    await store.feedback("ehr", [overridden(shown("W-CGA"))], now())
                with pytest.raises(StoreUnavailableError):
                    await store.overridden("ehr", PATIENT)
                assert await store.first_use("iss", "jti", now() + timedelta(minutes=5))
                assert store.tokens_unshared == 1
            finally:
                postgresql.thaw()

        with_store(url, work)

    def test_no_error_shows_an_address_or_a_value(
        self, postgresql: PostgreSQL, caplog: pytest.LogCaptureFixture
    ) -> None:
        url = postgresql.url("secrets").replace("nelm@", "nelm:s3cret@")  # and without a schema

        async def work(store: Store) -> StoreUnavailableError:
            with pytest.raises(StoreUnavailableError) as error:
                await store.feedback("ehr", [overridden(shown("W-CGA"), reason=SAID)], now())
            return error.value

        with caplog.at_level(logging.DEBUG):
            error: BaseException | None = with_store(url, work, drain_seconds=0.1)
        told = caplog.text
        while error is not None:
            told += f"{error!s}{error!r}"
            error = error.__cause__ or error.__context__
        assert "s3cret" not in told
        assert "team-decided" not in told


def test_times_come_back_as_utc(store_url: str) -> None:
    keep(store_url, shown("W-CGA", at=datetime(2026, 5, 4, 11, 30, tzinfo=UTC)))
    assert summarise(store_url).first_shown == datetime(2026, 5, 4, 11, 30, tzinfo=UTC)
