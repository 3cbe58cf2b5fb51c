"""A circuit breaker for one server: when whole calls fail in a row, further ones fail at once for some seconds.

Only silence counts: a server that answers, with whatever status, is there. What one patient or one resource type may
be the cause of opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto


class Admission(Enum):
    """Whether a call may go to the server; a PROBE is the one that finds out whether it is back."""

    NORMAL = auto()
    PROBE = auto()
    REFUSED = auto()


@dataclass(slots=True)
class CallRecord:
    """What became of the requests of one call, as far as it tells something about the server."""

    patient_id: str = field(repr=False)
    types: frozenset[str]
    answered: bool = False
    sent: bool = False
    unconnected: bool = False

    @property
    def failed(self) -> bool:
        """True if requests were sent, and none of them was answered."""
        return self.sent and not self.answered


class Breaker:
    """Closed while the server answers; open after `failures` failed calls in a row; half open after `pause`."""

    def __init__(self, failures: int, pause: float, monotonic: Callable[[], float]) -> None:
        self._failures = failures
        self._pause = pause
        self._monotonic = monotonic
        self._opened_at: float | None = None
        self._probing = False
        self._unconnected = 0
        self._silent_for: set[int] = set()
        self._silent_types: set[str] = set()

    @property
    def is_open(self) -> bool:
        """True while calls are refused, but for a probe."""
        return self._opened_at is not None

    @property
    def refuses(self) -> bool:
        """True if the next call would not be let through."""
        return self._opened_at is not None and (self._probing or self._monotonic() - self._opened_at < self._pause)

    def admit(self) -> Admission:
        """Let a call through, or not; every call that was let through is settled or released."""
        if self._opened_at is None:
            return Admission.NORMAL
        if self.refuses:
            return Admission.REFUSED
        self._probing = True
        return Admission.PROBE

    def release(self, admission: Admission) -> None:
        """Take back an admission of which nothing came: the call was cancelled, or nothing was sent."""
        if admission is Admission.PROBE:
            self._probing = False

    def settle(self, admission: Admission, record: CallRecord) -> None:
        """Learn from a call that has ended."""
        self.release(admission)
        if record.answered:
            self._close()
        elif record.failed and self._opened_at is None:
            self._count(record)
        elif record.failed and admission is Admission.PROBE:
            self._opened_at = self._monotonic()

    def _count(self, record: CallRecord) -> None:
        if record.unconnected:
            self._unconnected += 1
        else:
            self._silent_for.add(hash(record.patient_id))
            self._silent_types |= record.types
        # One huge chart, or one search that always hangs, is no reason to leave a server alone.
        silent = len(self._silent_for) if len(self._silent_types) > 1 else 0
        if self._unconnected + silent >= self._failures:
            self._opened_at = self._monotonic()

    def _close(self) -> None:
        self._opened_at = None
        self._unconnected = 0
        self._silent_for.clear()
        self._silent_types.clear()
