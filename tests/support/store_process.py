"""Replicas as processes of their own, forked from one that has all of it imported.

A replica says `ready`, waits for a word, and works: `once` stores the same feedback as every other, in an order of its
own; `token` says whether a token was unused; `forever` stores feedback from many sides at once until it is killed, and
says each digest once it is acknowledged.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from cds_service.store import Feedback, Store, StoreUnavailableError
from tests.support.shown import AT, shown

SIDES = 8
TRIES = 10
Say = Callable[[str], None]


class Replica:
    """A replica, started; it works once it is told to."""

    def __init__(self, work: str, url: str, seed: int = 0) -> None:
        """Start it."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._here, there = context.Pipe()
        self.process: BaseProcess = context.Process(target=_run, args=(work, url, seed, there), daemon=True)
        self.process.start()
        there.close()

    def go(self) -> None:
        """Wait until it is ready, and let it work."""
        assert self._here.recv() == "ready"
        self._here.send("go")

    def said(self) -> list[str]:
        """All that it says until its end; closes it."""
        words: list[str] = []
        with self._here:
            try:
                while True:
                    words.append(self._here.recv())
            except (EOFError, ConnectionResetError):
                self.process.join()
                return words


def entry(number: int) -> Feedback:
    """One of the entries that all processes know."""
    return Feedback(f"card-{number}", "accepted", AT, (f"suggestion-{number}",), None, commented=False)


async def once(store: Store, seed: int, say: Say) -> None:
    """All entries from four sides at once, in an order of each side's own."""
    orders = random.Random(seed)  # noqa: S311 - an order, no secret
    batches = [[entry(number) for number in orders.sample(range(200), 200)] for _ in range(4)]

    async def send(batch: list[Feedback]) -> None:
        for _ in range(TRIES):
            try:
                return await store.feedback("ehr", batch, AT)
            except StoreUnavailableError:  # a busy machine: sent again, as clients do
                continue
        raise TimeoutError

    await asyncio.gather(*map(send, batches))
    say("stored")


async def token(store: Store, seed: int, say: Say) -> None:
    """The same token as every other process."""
    say(str(await store.first_use("https://ehr.example.org", "jti", AT + timedelta(hours=1))))


async def forever(store: Store, seed: int, say: Say) -> None:
    """Feedback, with answers to record as load beside it."""

    async def side() -> None:
        while True:
            batch = [Feedback(str(uuid.uuid4()), "overridden", AT, (), None, commented=False) for _ in range(3)]
            store.shown(shown("W-CGA"))
            await store.feedback("ehr", batch, AT)
            for one in batch:
                say(one.digest("ehr"))

    await asyncio.gather(*(side() for _ in range(SIDES)))


def _run(work: str, url: str, seed: int, there: Connection) -> None:
    async def main() -> None:
        async with Store(url, lambda: AT) as store:
            there.send("ready")
            there.recv()
            await {"once": once, "token": token, "forever": forever}[work](store, seed, there.send)

    asyncio.run(main())
