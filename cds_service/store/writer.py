"""Writing off the answer's path: a bounded queue and one thread, which waits out a database that is down."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from cds_service.store.database import RecordRefusedError, StoreUnavailableError

T = TypeVar("T")

_log = logging.getLogger("nelm_cds")
_BATCH = 200
# A transaction costs much more than a record in it.
_COLLECTS_FOR_SECONDS = 0.2
_LOOKS_EVERY_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class Writer(Generic[T]):
    """Takes records without waiting and writes them in batches; what finds no room is dropped and counted.

    `write` raises StoreUnavailableError alone; `between` is done after each batch and every now and then, and raises
    nothing.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], None],
        *,
        room: int,
        drain_seconds: float,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self._write = write
        self._between = between
        self._queue: queue.Queue[T] = queue.Queue(room)
        self._drain_seconds = drain_seconds
        self._ending = threading.Event()
        self._give_up_at = float("inf")
        self._in_hand = 0
        self._thread = threading.Thread(target=self._run, name="nelm-cds-writer", daemon=True)
        self.dropped = 0
        self.written = 0

    @property
    def queued(self) -> int:
        """Records that are not written yet."""
        return self._queue.qsize() + self._in_hand

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, record: T) -> None:
        """Take a record; never waits, never raises."""
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1
            if self.dropped in (1, 10, 100) or self.dropped % 1000 == 0:
                _log.error("the queue of answers to record is full: %d were not recorded so far", self.dropped)

    def end(self) -> None:
        """Write what is queued, within the time for that, and end; what is left is counted and told."""
        self._give_up_at = time.monotonic() + self._drain_seconds
        self._ending.set()
        self._thread.join(self._drain_seconds + 5)
        left = self.queued
        if left:
            self.dropped += left
            _log.error("the database did not answer: %d answers were not recorded", left)

    def _run(self) -> None:
        while batch := self._next():
            self._in_hand = len(batch)
            if not self._write_out(batch):
                return
            self._between()

    def _next(self) -> list[T]:
        """What is queued, a batch at most; empty only at the end."""
        while True:
            try:
                batch = [self._queue.get(timeout=_LOOKS_EVERY_SECONDS)]
            except queue.Empty:
                self._between()
                if self._ending.is_set():
                    return []
                continue
            self._in_hand = len(batch)
            self._ending.wait(_COLLECTS_FOR_SECONDS)
            while len(batch) < _BATCH:
                try:
                    batch.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            return batch

    def _write_out(self, batch: Sequence[T]) -> bool:
        """Write a batch, trying again until it is written; false when the time to end has come."""
        pause = _FIRST_PAUSE
        while True:
            try:
                self._write(batch)
            except RecordRefusedError as error:
                if len(batch) > 1:  # one bad record costs no other
                    return all(self._write_out([record]) for record in batch)
                self._in_hand -= 1
                self.dropped += 1
                _log.error("an answer was not recorded: %s", error)
                return True
            except StoreUnavailableError as error:
                if time.monotonic() + pause > self._give_up_at:
                    return False
                if pause == _FIRST_PAUSE and not self._ending.is_set():
                    _log.warning("what is shown waits to be recorded: %s", error)
                # At the end there is no time for long pauses.
                self._ending.wait(pause) if not self._ending.is_set() else time.sleep(_FIRST_PAUSE)
                pause = _FIRST_PAUSE if self._ending.is_set() else min(2 * pause, _LONGEST_PAUSE)
            else:
                self._in_hand -= len(batch)
                self.written += len(batch)
                return True
