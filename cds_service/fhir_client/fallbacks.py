"""The ways to ask one search, best first, and what each server was found to take.

A long code list goes by POST; where that is refused by GET in chunks; where that is refused too, for Observation, by
category. Servers that refuse an Observation search without code or category say so by the issue code `required`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, quote, urlencode

from cds_service.fhir_client.reading import Outcome

Parameters = list[tuple[str, str]]

_BETWEEN_VALUES = re.compile(r"(?<!\\),")  # a comma that is part of a code stands behind a backslash

# Where markers, pathology and this project's assessments are filed; vital signs are not among what is asked for.
_CATEGORIES = "laboratory,imaging,procedure,exam,survey,therapy,social-history"


class Way(StrEnum):
    """How a search is asked; BY_CATEGORY asks for something else than the query, so its answer is never whole."""

    GET = "GET"
    POST = "POST _search"
    CHUNKS = "GET in chunks"
    BY_CATEGORY = "GET by category"


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart: `Observation` and its parameters, or a read with none."""

    path: str = field(repr=False)
    parameters: Parameters = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Query:
        """Take a query of a prefetch template apart."""
        path, _, parameters = text.partition("?")
        return cls(path, parse_qsl(parameters, keep_blank_values=True))

    def url(self, base: str) -> str:
        """The address to GET."""
        # A raw `|` is refused by some servers; the rest may stand as it is.
        found = urlencode(self.parameters, safe=":/,", quote_via=quote)
        return f"{base}/{self.path}" + (f"?{found}" if found else "")

    def chunks(self, base: str, limit: int) -> Iterator[Query]:
        """The same query in several with part of its longest list each, every address within the limit if possible."""
        longest = max(self.parameters, key=lambda pair: pair[1].count(","))
        rest = [pair for pair in self.parameters if pair is not longest]
        name, values = longest[0], _BETWEEN_VALUES.split(longest[1])
        while values:
            taken = len(values)
            while taken > 1 and len(Query(self.path, [*rest, (name, ",".join(values[:taken]))]).url(base)) > limit:
                taken -= 1
            yield Query(self.path, [*rest, (name, ",".join(values[:taken]))])
            values = values[taken:]

    def by_category(self) -> Query:
        """All Observations of the categories that may hold what is asked for, whatever their code."""
        kept = [pair for pair in self.parameters if pair[0] not in ("code", "category")]
        return Query(self.path, [*kept, ("category", _CATEGORIES)])


class Ways:
    """What one server takes, remembered for a while: its next version may take more."""

    def __init__(self, remembered_seconds: float, monotonic: Callable[[], float]) -> None:
        self._remembered_seconds = remembered_seconds
        self._monotonic = monotonic
        self._found: dict[str, tuple[Way, float]] = {}

    def for_query(self, query: Query, base: str, limit: int) -> tuple[Way, ...]:
        """The ways for this query in their order, from the one that did last time."""
        observation = (Way.BY_CATEGORY,) if query.path == "Observation" else ()
        if len(query.url(base)) <= limit:
            ways: tuple[Way, ...] = (Way.GET, *observation)
        else:
            ways = (Way.POST, Way.CHUNKS, *observation)
        way, until = self._found.get(query.path, (ways[0], 0.0))
        return ways[ways.index(way) :] if way in ways and self._monotonic() < until else ways

    def remember(self, query: Query, way: Way) -> None:
        """The way that was taken, from when it was found: what is used often has to be found anew as well."""
        known, until = self._found.get(query.path, (None, 0.0))
        if known is not way or self._monotonic() >= until:
            self._found[query.path] = (way, self._monotonic() + self._remembered_seconds)


def asks_for_another_way(way: Way, outcome: Outcome) -> bool:
    """Whether a refusal is one of the way and not of the query.

    A plain GET is given up for categories only where the server misses a parameter: all else would be refused again.
    """
    if way is Way.GET:
        return outcome.way_refused and "required" in outcome.issues
    return outcome.way_refused and way is not Way.BY_CATEGORY
