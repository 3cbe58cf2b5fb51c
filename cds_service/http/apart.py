"""Work that would hold up the other calls, done in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

# Above any of these a chart takes more than some milliseconds; other calls must not wait for it. Below, a thread would
# help little: Python lets another one run every five milliseconds. A body is mostly results, which are scanned and no
# more; what a FHIR server sent is decoded all of it, and resources that matter are what takes the time.
MOST_BYTES = 1024 * 1024
MOST_BYTES_FETCHED = 64 * 1024
MOST_RESOURCES = 150
# One large chart after the other: two at the same time take as long together, and the memory of both.
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="nelm-cds-chart")


async def apart(takes_long: bool, work: Callable[[], T]) -> T:
    """Do the work, in a thread if it would hold up the others."""
    if not takes_long:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_THREAD, copy_context().run, work)
