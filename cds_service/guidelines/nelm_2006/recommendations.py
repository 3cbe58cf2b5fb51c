"""The texts of `recommendations.toml`, typed: what each code says, and the sentences that several cards share."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from cds_service.guidelines.nelm_2006.policy import DEFAULT, SitePolicy
from cds_service.reasoning.advice import Order


@dataclass(frozen=True, slots=True)
class Strength:
    """The paper's word, what stands instead where a step is inferred, and the rules it rests on."""

    word: str
    inferred: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One code: its name, the paper's strength word, what must stand beside it, and its draft order."""

    code: str
    title: str
    brief_title: str
    short: str
    strength: Strength
    must: str
    brief_must: str
    label: str
    order: Order | None
    in_context: Mapping[str, Strength] = field(repr=False)  # the paper's word where a branch has its own
    more: Mapping[str, str] = field(repr=False)  # further sentences, each for its condition

    @property
    def inferred(self) -> str:
        """What is shown for the paper's word where a step is inferred."""
        return self.strength.inferred


@dataclass(frozen=True, slots=True)
class SinceThen:
    """Where practice has moved since 2006: one dated note, and the codes (or `CODE:reason`) it stands beside."""

    note: str
    beside: frozenset[str]
    text: str
    with_syndrome: bool


@dataclass(frozen=True, slots=True)
class Texts:
    """All texts of the guideline."""

    recommendations: Mapping[str, Recommendation]
    sentences: Mapping[str, str]
    reasons: Mapping[str, str]
    reasons_of: Mapping[str, str]
    reasons_of_site: Mapping[str, str]
    withheld_names: Mapping[str, str]
    since_2006: tuple[SinceThen, ...]

    def of(self, code: str) -> Recommendation:
        """The recommendation of a code; every code the pathway can find has one (a test proves it)."""
        return self.recommendations[code]

    def reason(self, item: str, policy: SitePolicy = DEFAULT) -> str:
        """Why an option is withheld (`CODE:reason`), in words of its own where it has them."""
        reason = item.partition(":")[2]
        if policy.sets_ablation and reason in self.reasons_of_site:
            return with_limits(self.reasons_of_site[reason], policy)
        return self.reasons_of.get(item) or self.reasons[reason]


def with_limits(text: str, policy: SitePolicy) -> str:
    """The text with the limits in force where it names them, as a clinician writes them: 4 cm, 4.5 cm."""
    return text.format_map(policy.numbers)


_FIELDS = frozenset(
    {"title", "brief_title", "short", "strength", "inferred", "rules", "must", "brief_must", "label", "order"}
)
_TABLES = frozenset({"meta", "reasons", "reasons_of", "reasons_of_site", "withheld_names", "since_2006"})


@cache
def texts() -> Texts:
    """Read the packaged file once."""
    raw = tomllib.loads(files(__package__).joinpath("recommendations.toml").read_text("utf-8"))
    sentences: dict[str, str] = raw["meta"]
    return Texts(
        recommendations={
            code: _recommendation(code, table, sentences) for code, table in raw.items() if code not in _TABLES
        },
        sentences=sentences,
        reasons=raw["reasons"],
        reasons_of=raw["reasons_of"],
        reasons_of_site=raw["reasons_of_site"],
        withheld_names=raw["withheld_names"],
        since_2006=tuple(
            SinceThen(item["note"], frozenset(item["beside"]), item["text"], item.get("with_syndrome", False))
            for item in raw["since_2006"]
        ),
    )


def _recommendation(code: str, table: Mapping[str, object], sentences: Mapping[str, str]) -> Recommendation:
    order = table.get("order")
    extra = {name: value for name, value in table.items() if name not in _FIELDS}
    return Recommendation(
        code=code,
        title=str(table["title"]),
        brief_title=str(table.get("brief_title", table["title"])),
        short=str(table["short"]),
        strength=_strength(table),
        must=str(table["must"]).format_map(sentences),
        brief_must=str(table.get("brief_must", table["must"])).format_map(sentences),
        label=str(table.get("label", "")),
        order=Order(**order) if isinstance(order, dict) else None,
        in_context={name: _strength(value) for name, value in extra.items() if isinstance(value, dict)},
        more={name: value for name, value in extra.items() if isinstance(value, str)},
    )


def _strength(table: Mapping[str, object]) -> Strength:
    rules = table["rules"]
    word = str(table["strength"])
    return Strength(word, str(table.get("inferred", word)), tuple(rules) if isinstance(rules, list) else ())
