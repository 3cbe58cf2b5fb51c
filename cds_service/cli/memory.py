"""What the C library does with memory that a large call gives back: keep it for the next one."""

from __future__ import annotations

import ctypes
import sys

# malloc.h of glibc
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 32 * 1024 * 1024  # a few charts of 5,000 resources; the largest threshold that glibc takes


def keep_what_is_given_back() -> None:
    """Keep up to 32 MiB in one place for all threads, where the C library is glibc; elsewhere do nothing.

    Left to itself it gives the pages of every large body back to the kernel, and takes them again one by one for the
    next: a third of what such a call costs.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
