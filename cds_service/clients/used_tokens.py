"""Ids of tokens that were used: a second use is a replay. A process's own memory, where nothing is shared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class UsedTokens(Protocol):
    """Remembers token ids until the tokens expire."""

    async def first_use(self, issuer: str, token_id: str, until: datetime) -> bool:
        """Whether this is the first use of an issuer's token; from now on it is used."""
        ...


class InMemoryUsedTokens:
    """Remembers them in this process; when it is full, the one that expires first is forgotten first."""

    def __init__(self, now: Callable[[], datetime], most: int = 100_000) -> None:
        self._now = now
        self._most = most
        self._used: dict[tuple[str, str], datetime] = {}

    async def first_use(self, issuer: str, token_id: str, until: datetime) -> bool:
        """Whether this is the first use; from now on it is used."""
        return self.use(issuer, token_id, until)

    def use(self, issuer: str, token_id: str, until: datetime) -> bool:
        """The same, without waiting."""
        now = self._now()
        known = self._used.get((issuer, token_id))
        if known is not None and known >= now:
            return False
        if len(self._used) >= self._most:
            self._forget(now)
        self._used[issuer, token_id] = until
        return True

    def _forget(self, now: datetime) -> None:
        self._used = {used: until for used, until in self._used.items() if until >= now}
        if len(self._used) >= self._most:
            by_end = sorted(self._used.items(), key=lambda item: item[1])
            self._used = dict(by_end[self._most // 10 :])
