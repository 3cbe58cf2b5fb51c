"""A replica as a process of its own: `python -m tests.support.store_process WORK URL SEED`.

It says `ready`, waits for a line on standard input, and works: `once` stores the same feedback as every other process,
in an order of its own, and says what it stored; `token` says whether a token was unused; `forever` stores feedback from
many sides at once until it is killed, and says each digest once it is acknowledged.
"""

from __future__ import annotations

import asyncio
import random
import sys
import uuid
from datetime import datetime, timedelta

from cds_service.store import Feedback, Store
from tests.support.shown import AT, shown

SIDES = 8


def entry(number: int) -> Feedback:
    """One of the entries that all processes know."""
    return Feedback(f"card-{number}", "accepted", AT, (f"suggestion-{number}",), None, commented=False)


async def once(store: Store, seed: int) -> None:
    """All entries in batches, several at a time, in an order of this process's own."""
    numbers = list(range(200))
    random.Random(seed).shuffle(numbers)  # noqa: S311 - an order, no secret
    batches = [[entry(number) for number in numbers[start : start + 40]] for start in range(0, 200, 40)]
    await asyncio.gather(*(store.feedback("ehr", batch, AT) for batch in batches))
    _say("stored")


async def token(store: Store, seed: int) -> None:
    """The same token as every other process."""
    _say(str(await store.first_use("https://ehr.example.org", "jti", AT + timedelta(hours=1))))


async def forever(store: Store, seed: int) -> None:
    """Feedback, with answers to record as load beside it."""

    async def side() -> None:
        while True:
            batch = [Feedback(str(uuid.uuid4()), "overridden", AT, (), None, commented=False) for _ in range(3)]
            store.shown(shown("W-CGA"))
            await store.feedback("ehr", batch, AT)
            for one in batch:
                _say(one.digest("ehr"))

    await asyncio.gather(*(side() for _ in range(SIDES)))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def main(work: str, url: str, seed: str) -> None:
    """Do the work named."""

    def now() -> datetime:
        return AT

    async with Store(url, now) as store:
        _say("ready")
        sys.stdin.readline()
        await {"once": once, "token": token, "forever": forever}[work](store, int(seed))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
