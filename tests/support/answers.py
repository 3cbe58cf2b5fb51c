"""From plain facts to the whole answer without FHIR: needs, a reading around them, decision, sections, cards."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis.vendor.pretty import RepresentationPrinter
from msgspec.structs import replace

from cds_service.cards import make_cards
from cds_service.cards.make import EXTENSION
from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.advice import advise
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.intake.medicines import Medicines
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.advice import Section
from cds_service.reasoning.decision import Decision, decide
from fhir_mappings.facts import Source
from fhir_mappings.not_understood import NotUnderstood
from fhir_mappings.trend import Trend
from tests.support.facts import chart

ALL_READ = Medicines(read=True, incomplete=False)
PATIENT_LINE = "Chart of Ada Example, born 1967-03-02."


@dataclass(frozen=True)
class Beside:
    """What a chart holds beside the needs."""

    histology_from_codes: bool = False
    other_malignancies: tuple[str, ...] = ()
    beside: tuple[tuple[str, Source], ...] = ()
    set_aside: str = ""
    unread_keys: tuple[str, ...] = ()
    patient_line: str = PATIENT_LINE
    medicines: Medicines = ALL_READ
    not_understood: tuple[NotUnderstood, ...] = ()
    earlier_crisis: str | None = None
    trends: tuple[Trend, ...] = ()
    new_edition_since: str | None = None


@dataclass(frozen=True)
class Card:
    """One card, as a test wants to ask about it."""

    raw: Mapping[str, Any] = field(repr=False)
    summary: str
    detail: str

    @property
    def lead(self) -> str:
        return self.detail.partition("\n\n")[0]

    @property
    def text(self) -> str:
        return f"{self.summary}\n{self.detail}"

    @property
    def topic(self) -> str:
        return str(self.raw["source"]["topic"]["code"])

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self.raw.get("extension", {}).get(EXTENSION, ()))

    @property
    def suggestions(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.raw.get("suggestions", [])
        return found

    @property
    def labels(self) -> list[str]:
        return [str(suggestion["label"]) for suggestion in self.suggestions]

    @property
    def orders(self) -> list[str]:
        """The texts of the draft orders."""
        return [str(s["actions"][0]["resource"]["code"]["text"]) for s in self.suggestions]


@dataclass(frozen=True, repr=False)
class Answer:
    """A decision with its cards."""

    reading: ChartReading
    decision: Decision
    sections: list[Section]
    cards: list[Card]

    def __repr__(self) -> str:
        """The needs in short: a falsified example has to be readable."""
        facts = {name: getattr(fact, "value", getattr(fact, "why", None)) for name, fact in self.reading.needs.facts()}
        return f"Answer({facts!r}, {self.reading.histology_from_codes=})"

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def text(self) -> str:
        """Everything a reader sees, all cards together."""
        return "\n\n".join(card.text for card in self.cards)

    @property
    def labels(self) -> list[str]:
        return [label for card in self.cards for label in card.labels]

    @property
    def orders(self) -> list[str]:
        return [order for card in self.cards for order in card.orders]

    def card_with(self, code: str) -> Card:
        """The one card that speaks of a code."""
        (card,) = [card for card in self.cards if code in card.codes]
        return card


def answer_to(needs: Needs, beside: Beside | None = None) -> Answer:
    """What the service would say about these needs."""
    around = beside or Beside()
    reading = ChartReading(
        needs=needs,
        histology_from_codes=around.histology_from_codes,
        other_malignancies=around.other_malignancies,
        beside=around.beside,
        unused=(),
        set_aside=around.set_aside,
        unread_keys=around.unread_keys,
        medicines=around.medicines,
        not_understood=around.not_understood,
        earlier_crisis=around.earlier_crisis,
        new_edition_since=around.new_edition_since,
        trends=around.trends,
    )
    decision = decide(NELM_2006, needs)
    sections = advise(decision, reading)
    numbers = itertools.count(1)
    cards = make_cards(
        sections,
        source={"label": texts().sentences["source_label"], "url": texts().sentences["source_url"]},
        patient_id="p1",
        patient_line=around.patient_line,
        reasons=("Condition/1",),
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
    )
    return Answer(reading, decision, sections, [Card(raw, raw["summary"], raw["detail"]) for raw in cards])


def answer(*differences: Mapping[str, Any], beside: Beside | None = None, **more: Any) -> Answer:
    """What the service would say about the complete chart with these changes."""
    return answer_to(chart(*differences, **more), beside)


def recorded(needs: Needs, day: str, names: Iterable[str] | None = None, note: str | None = None) -> Needs:
    """The same needs, as read from records of one day, with a remark beside each."""
    chosen = set(names) if names is not None else {name for name, _ in needs.facts()}
    changed: dict[str, Any] = {
        name: replace(fact, sources=(Source(f"Observation/{name}", day),), note=note)
        for name, fact in needs.facts()
        if name in chosen
    }
    return replace(needs, **changed)
