"""Work that would hold up the other calls, done in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

# Above this a body takes more than a few milliseconds; other calls must not wait for it. Below, a thread would help
# nobody: Python lets another one run every five milliseconds.
_OFF_THE_EVENT_LOOP = 1024 * 1024
# One large chart after the other: two at the same time take as long together, and the memory of both.
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="nelm-cds-chart")


async def apart(size: int, work: Callable[[], T]) -> T:
    """Do the work, in a thread if it is on that many bytes that it would hold up the others."""
    if size <= _OFF_THE_EVENT_LOOP:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_THREAD, copy_context().run, work)
