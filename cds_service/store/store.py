"""The store as the service uses it: what was shown, feedback, used tokens, and what was overridden before.

Nothing here raises but StoreUnavailableError, and only feedback waits for the database as long as it takes, within a
limit. While the database is down, calls do without it at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, delete

from cds_service.store import schema
from cds_service.store.database import (
    RecordRefusedError,
    StoreUnavailableError,
    identity_of_file,
    insert_if_new,
    insert_once,
    is_sqlite,
    make_engine,
    transaction,
)
from cds_service.store.outcomes import OVERRIDDEN, latest_outcomes
from cds_service.store.records import Feedback, Overridden, Shown
from cds_service.store.writer import Writer

T = TypeVar("T")

_ROOM = 10_000
_DRAIN_SECONDS = 5.0
_FEEDBACK_SECONDS = 3.0
_TOKEN_SECONDS = 0.5
_LOOK_UP_SECONDS = 0.2
# After a failure, calls that can do without the database do not try it for this long.
_PAUSE_SECONDS = 1.0
_PURGE_SECONDS = 600.0
# Longer than a clock is ever wrong: one that is ahead must not forget tokens that are still good elsewhere.
_LONG_EXPIRED = timedelta(days=2)
_MOST_WAITING = 200
_MOST_REMEMBERED = 100_000


class Store:
    """The store of one process; an asynchronous context, whose end writes what is still queued."""

    def __init__(
        self, url: str, now: Callable[[], datetime], *, room: int = _ROOM, drain_seconds: float = _DRAIN_SECONDS
    ) -> None:
        self._url = url
        self._now = now
        self._engine: Engine = make_engine(url)
        self._file = identity_of_file(url)
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="nelm-cds-store")
        self._writer: Writer[Shown] = Writer(
            self._write_shown, room=room, drain_seconds=drain_seconds, between=self._keep_tokens
        )
        self._used: dict[str, datetime] = {}
        self._unshared: dict[str, datetime] = {}
        self._waiting = 0
        self._failed_at = float("-inf")
        self._purged_at = time.monotonic()
        self.reachable = True
        self.tokens_unshared = 0

    async def __aenter__(self) -> Store:
        """Start the writer."""
        self._writer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is queued, and close."""
        await asyncio.to_thread(self._writer.end)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    @property
    def queued(self) -> int:
        """Answers that are not recorded yet."""
        return self._writer.queued

    @property
    def dropped(self) -> int:
        """Answers that never will be."""
        return self._writer.dropped

    @property
    def written(self) -> int:
        """Answers that are."""
        return self._writer.written

    def shown(self, record: Shown) -> None:
        """Record an answer, later; never waits, never raises."""
        self._writer.put(record)

    async def feedback(self, client: str, entries: Sequence[Feedback], received_at: datetime) -> None:
        """Store all of it or nothing; entries that are stored already change nothing.

        Raises StoreUnavailableError if it is not known to be stored.
        """
        await self._within(_FEEDBACK_SECONDS, lambda c: _insert_feedback(c, client, entries, received_at))

    async def first_use(self, issuer: str, token_id: str, until: datetime) -> bool:
        """Whether a token was never used before, by any process on this database; from now on it is.

        While the database does not answer, this process's own memory has to do.
        """
        digest = hashlib.sha256(f"{len(issuer)}:{issuer}{token_id}".encode("utf-8", "surrogatepass")).hexdigest()
        if not self._use_here(digest, until):
            return False
        row = {"digest": digest, "until": until}
        if not self._pausing:
            try:
                return await self._within(_TOKEN_SECONDS, lambda c: insert_if_new(c, schema.used_token, row))
            except StoreUnavailableError:
                pass
        self.tokens_unshared += 1
        if len(self._unshared) < _MOST_REMEMBERED:
            self._unshared[digest] = until
        return True

    async def overridden(self, client: str, patient: str) -> tuple[Overridden, ...]:
        """The recommendations whose latest outcome for this patient is `overridden`; raises StoreUnavailableError."""
        if self._pausing:
            raise StoreUnavailableError("the database did not answer a moment ago")
        return await self._within(_LOOK_UP_SECONDS, lambda c: _select_overridden(c, client, patient))

    @property
    def _pausing(self) -> bool:
        return self._waiting >= _MOST_WAITING or time.monotonic() - self._failed_at < _PAUSE_SECONDS

    def _use_here(self, digest: str, until: datetime) -> bool:
        known_until = self._used.pop(digest, None)
        if known_until is not None and known_until > self._now():
            self._used[digest] = known_until
            return False
        if len(self._used) >= _MOST_REMEMBERED:
            del self._used[next(iter(self._used))]  # the oldest, which expires soonest
        self._used[digest] = until
        return True

    async def _within(self, seconds: float, work: Callable[[Connection], T]) -> T:
        """Work in a transaction, in a thread; what is not done in time may still be done, and counts as failed."""
        self._waiting += 1
        job = asyncio.get_running_loop().run_in_executor(self._threads, self._transact, work)
        job.add_done_callback(self._one_less)
        try:
            return await asyncio.wait_for(asyncio.shield(job), seconds)
        except TimeoutError as error:
            self._fail()
            raise StoreUnavailableError("the database did not answer in time") from error

    def _one_less(self, job: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not job.cancelled():
            job.exception()  # looked at, so that one nobody waits for any more is not told as lost

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            self._require_file()
            with transaction(self._engine) as connection:
                result = work(connection)
        except RecordRefusedError:
            self.reachable = True
            raise
        except StoreUnavailableError:
            self._fail()
            raise
        self.reachable = True
        return result

    def _require_file(self) -> None:
        """Raise where SQLite's file was deleted: what is written to the open one would be acknowledged and lost."""
        now = identity_of_file(self._url)
        if now != self._file:
            self._engine.dispose()
            self._file = now
        if now is None and is_sqlite(self._url):
            raise StoreUnavailableError("the file of the database is gone")

    def _fail(self) -> None:
        self._failed_at = time.monotonic()
        self.reachable = False

    def _write_shown(self, batch: Sequence[Shown]) -> None:
        self._transact(lambda c: _insert_shown(c, batch))

    def _keep_tokens(self) -> None:
        """Tell the database the tokens that only this process knows, and forget the expired; and see if it is back."""
        unshared = dict(self._unshared)
        purge = time.monotonic() - self._purged_at > _PURGE_SECONDS
        if self._pausing or not (unshared or purge or not self.reachable):
            return
        try:
            self._transact(lambda c: _insert_tokens(c, unshared))
            if purge:
                self._purged_at = time.monotonic()
                expired = delete(schema.used_token).where(schema.used_token.c.until < self._now() - _LONG_EXPIRED)
                self._transact(lambda c: c.execute(expired))
        except StoreUnavailableError:
            return
        for digest in unshared:
            self._unshared.pop(digest, None)


def _insert_shown(connection: Connection, batch: Sequence[Shown]) -> None:
    cards = [(shown, card) for shown in batch for card in shown.cards]
    insert_once(
        connection,
        schema.shown_card,
        [
            {
                "card": card.uuid,
                "client": shown.client,
                "patient": shown.patient,
                "hook_instance": shown.hook_instance,
                "shown_at": shown.at,
                "guideline": shown.guideline,
                "edition": shown.edition,
                "topic": card.topic,
                "indicator": card.indicator,
                "inputs_digest": card.inputs_digest,
            }
            for shown, card in cards
        ],
    )
    codes = [{"card": card.uuid, "code": code} for _, card in cards for code in card.recommendations]
    insert_once(connection, schema.shown_recommendation, codes)
    suggestions = [
        {"card": card.uuid, "suggestion": suggestion.uuid, "code": suggestion.code}
        for _, card in cards
        for suggestion in card.suggestions
    ]
    insert_once(connection, schema.shown_suggestion, suggestions)


def _insert_tokens(connection: Connection, tokens: Mapping[str, datetime]) -> None:
    rows = [{"digest": digest, "until": until} for digest, until in tokens.items()]
    insert_once(connection, schema.used_token, rows)


def _insert_feedback(connection: Connection, client: str, entries: Sequence[Feedback], received_at: datetime) -> None:
    # In one order everywhere: the same entries from two sides at once would wait for each other in two.
    digests = sorted({entry.digest(client): entry for entry in entries}.items())
    insert_once(
        connection,
        schema.feedback,
        [
            {
                "digest": digest,
                "card": entry.card,
                "client": client,
                "outcome": entry.outcome,
                "outcome_at": min(entry.outcome_at, received_at),  # nobody decides in the future
                "received_at": received_at,
                "reason_system": entry.reason.system if entry.reason else None,
                "reason_code": entry.reason.code if entry.reason else None,
                "reason_display": entry.reason.display if entry.reason else None,
                "commented": entry.commented,
            }
            for digest, entry in digests
        ],
    )
    accepted = [
        {"digest": digest, "suggestion": uuid}
        for digest, entry in digests
        for uuid in sorted(set(entry.accepted_suggestions))
    ]
    insert_once(connection, schema.feedback_suggestion, accepted)


def _select_overridden(connection: Connection, client: str, patient: str) -> tuple[Overridden, ...]:
    card = schema.shown_card.c
    latest = latest_outcomes(connection, card.client == client, card.patient == patient, per_answer=False)
    return tuple(Overridden(o.code, o.at, o.inputs_digest) for o in latest if o.outcome == OVERRIDDEN)
