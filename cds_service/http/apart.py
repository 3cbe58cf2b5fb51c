"""Work that would hold up the other calls, done in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

T = TypeVar("T")

# Above this a body takes more than a few milliseconds; other calls must not wait for it.
_OFF_THE_EVENT_LOOP = 64 * 1024


async def apart(size: int, work: Callable[[], T]) -> T:
    """Do the work, in a thread if it is on that many bytes that it would hold up the others."""
    return await run_in_threadpool(work) if size > _OFF_THE_EVENT_LOOP else work()
