"""How much of a long list is shown: a chart with thousands of recordings must not become an answer of megabytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from cds_service.guidelines.nelm_2006.needs import Needs
from fhir_mappings.facts import Fact, Known, Source

MOST_SOURCES = 20
_MOST_NAMED = 3


def with_latest_sources(needs: Needs) -> Needs:
    """The needs with at most the 20 latest sources a fact; its note says how many more there are."""
    long: dict[str, Any] = {name: _shortened(fact) for name, fact in needs.facts() if len(fact.sources) > MOST_SOURCES}
    return replace(needs, **long) if long else needs


def few(items: Sequence[str], most: int = _MOST_NAMED) -> str:
    """The first items, and how many more there are: `a; b; c and 5 more`."""
    more = len(items) - most
    return "; ".join(items[:most]) + (f" and {more} more" if more > 0 else "")


def joined(*notes: str | None) -> str | None:
    """Several remarks as one note; None if there is none."""
    return "; ".join(note for note in notes if note) or None


def _shortened(fact: Fact[Any]) -> Fact[Any]:
    latest = frozenset(sorted(fact.sources, key=_by_date, reverse=True)[:MOST_SOURCES])
    kept = tuple(source for source in fact.sources if source in latest)[:MOST_SOURCES]
    note = joined(fact.note, f"and {len(fact.sources) - len(kept)} more sources")
    if isinstance(fact, Known):
        return Known(fact.value, kept, note)
    return replace(fact, sources=kept, note=note)


def _by_date(source: Source) -> tuple[str, str]:
    return source.date or "", source.reference
