"""The queue and its thread: order, a database that is down, a record that is refused, and the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from cds_service.store.database import RecordRefusedError, StoreUnavailableError
from cds_service.store.writer import Writer


class Database:
    """Takes batches once it is up; refuses what it is told to."""

    def __init__(self) -> None:
        self.up = threading.Event()
        self.up.set()
        self.refused: set[int] = set()
        self.batches: list[list[int]] = []
        self.tried = threading.Event()
        self.rounds = 0

    def write(self, batch: Sequence[int]) -> None:
        self.tried.set()
        if not self.up.is_set():
            raise StoreUnavailableError("down")
        if self.refused & set(batch):
            raise RecordRefusedError("refused")
        self.batches.append(list(batch))

    def between(self) -> None:
        self.rounds += 1

    @property
    def taken(self) -> list[int]:
        return [record for batch in self.batches for record in batch]


@pytest.fixture
def database() -> Iterator[Database]:
    yield Database()


def writer(database: Database, room: int = 1000, drain_seconds: float = 5) -> Writer[int]:
    return Writer(database.write, room=room, drain_seconds=drain_seconds, between=database.between)


def test_all_is_written_in_order_and_in_batches(database: Database) -> None:
    queue = writer(database)
    for record in range(500):
        queue.put(record)
    assert (queue.queued, queue.written) == (500, 0)
    queue.start()
    queue.end()
    assert database.taken == list(range(500))
    assert len(database.batches) == 3
    assert (queue.queued, queue.written, queue.dropped) == (0, 500, 0)
    assert database.rounds >= len(database.batches)


def test_what_finds_no_room_is_dropped_the_newest_first(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    queue = writer(database, room=3)
    for record in range(12):
        queue.put(record)
    assert (queue.queued, queue.dropped) == (3, 9)
    assert "1 were not recorded so far" in caplog.text
    queue.start()
    queue.end()
    assert database.taken == [0, 1, 2]


def test_a_database_that_is_down_is_waited_for(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.up.clear()
    queue = writer(database)
    queue.start()
    queue.put(1)
    assert database.tried.wait(10)
    assert queue.queued == 1
    database.up.set()
    queue.end()
    assert database.taken == [1]
    assert caplog.text.count("waits to be recorded: down") == 1


def test_what_is_left_at_the_end_is_counted_and_told(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.up.clear()
    queue = writer(database, drain_seconds=0.2)
    for record in range(5):
        queue.put(record)
    queue.start()
    queue.end()
    assert (database.taken, queue.written, queue.dropped) == ([], 0, 5)
    assert "5 answers were not recorded" in caplog.text


def test_a_record_that_is_refused_costs_no_other(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.refused = {1, 3}
    queue = writer(database)
    for record in range(5):
        queue.put(record)
    queue.start()
    queue.end()
    assert database.taken == [0, 2, 4]
    assert (queue.queued, queue.written, queue.dropped) == (0, 3, 2)
    assert caplog.text.count("an answer was not recorded: refused") == 2


def test_a_database_that_goes_down_among_records_that_are_refused(database: Database) -> None:
    """What was not tried yet is counted as not recorded, what was is not counted twice."""
    database.refused = {0}
    written = database.write

    def write(batch: Sequence[int]) -> None:
        if len(batch) == 1 and batch[0] == 2:
            database.up.clear()
        written(batch)

    queue = Writer(write, room=10, drain_seconds=0.2)
    for record in range(5):
        queue.put(record)
    queue.start()
    queue.end()
    assert database.taken == [1]
    assert (queue.written, queue.dropped) == (1, 4)


def test_nothing_to_write_ends_at_once(database: Database) -> None:
    queue = writer(database)
    queue.start()
    queue.end()
    assert (database.batches, queue.written, queue.dropped) == ([], 0, 0)
    assert database.rounds
