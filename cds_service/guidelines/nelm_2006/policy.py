"""What a site may set differently from the protocol or from our defaults; every departure is said on the cards.

A TOML file (docs/configuration.md) names only what differs. Where that is one of the paper's own numbers, every option
and reason that rests on it says whose number it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType

from cds_service.guidelines.nelm_2006 import thresholds as limit


class PolicyError(ValueError):
    """A site policy that cannot be used; names every problem at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, kw_only=True)
class SitePolicy:
    """The site's values; the defaults are the paper's where it gives one (the limits of ablation), else ours.

    Centimetres, completed years, days, percent. `extended_ablation`: multi-fibre LITT or bipolar RFA exists here (R22).
    `platelet_serotonin`: the test exists here; where it does not, urinary 5-HIAA answers W-SEROT.
    `switched_off`: options that are withheld from everybody, for that reason. `new_edition_since`: the day on which
    this site took the edition of the rules that is running; cards say so for a month.
    """

    ablation_limit_cm: Decimal = limit.ABLATION_LIMIT_CM
    extended_ablation_limit_cm: Decimal = limit.EXTENDED_ABLATION_LIMIT_CM
    ablation_most_lesions: Decimal = limit.ABLATION_MOST_LESIONS
    extended_ablation: bool = True
    transplant_age_limit: Decimal = limit.TRANSPLANT_AGE_AT_MOST_YEARS
    imaging_counts_days: Decimal = Decimal(limit.IMAGING_COUNTS_DAYS)
    symptoms_count_days: Decimal = Decimal(limit.SYMPTOMS_COUNT_DAYS)
    marker_change_percent: Decimal = limit.MARKER_CHANGE_PERCENT
    platelet_serotonin: bool = True
    switched_off: tuple[str, ...] = ()
    new_edition_since: date | None = None

    @property
    def largest_ablatable_cm(self) -> Decimal:
        """The largest lesion that can be ablated with what the site has."""
        return self.extended_ablation_limit_cm if self.extended_ablation else self.ablation_limit_cm

    @cached_property
    def numbers(self) -> Mapping[str, str]:
        """Its limits by name, as a clinician writes them: 4, 4.5."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        numbers = {name: f"{value.normalize():f}" for name, value in values.items() if isinstance(value, Decimal)}
        return MappingProxyType(numbers)

    @cached_property
    def sets_ablation(self) -> bool:
        """Whether a limit of ablation is the site's and not the paper's."""
        return not ABLATION_LIMITS.isdisjoint(self.departures)

    @cached_property
    def departures(self) -> Mapping[str, Decimal | bool | tuple[str, ...]]:
        """What the site has set differently, by name; the day of a new edition is no departure."""
        names = (f for f in fields(self) if f.name != _EDITION_DAY)
        return MappingProxyType({f.name: getattr(self, f.name) for f in names if getattr(self, f.name) != f.default})

    def announces_edition(self, day: date) -> bool:
        """Whether the edition is new here on that day."""
        since = self.new_edition_since
        return since is not None and 0 <= (day - since).days < limit.EDITION_IS_NEW_DAYS

    @classmethod
    def from_toml(cls, text: str) -> SitePolicy:
        """Read a policy; raises PolicyError naming every problem."""
        try:
            given = tomllib.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError) as error:  # tomllib's own error is a ValueError
            raise PolicyError([f"not TOML: {error}"]) from error
        problems: list[str] = []
        values: dict[str, Decimal | bool | tuple[str, ...] | date] = {}
        for name, value in given.items():
            if name in _SWITCHES and isinstance(value, bool):
                values[name] = value
            elif name == _SWITCHED_OFF and isinstance(value, list):
                problems += [_not_an_option(code) for code in value if not (isinstance(code, str) and code in OPTIONS)]
                values[name] = tuple(dict.fromkeys(map(str, value)))
            elif name == _EDITION_DAY and type(value) is date:
                values[name] = value
            elif name in _RANGES and isinstance(value, int | Decimal) and not isinstance(value, bool):
                low, high = _RANGES[name]
                if not _is_plain(value):
                    problems.append(f"{name}: must lie from {low} to {high}")
                elif name in _WHOLE and value != int(value):
                    problems.append(f"{name}: must be a whole number")
                elif low <= value <= high:
                    values[name] = Decimal(value)
                else:
                    problems.append(f"{name}: must lie from {low} to {high}")
            else:
                problems.append(f"{name}: {_allowed(name)}")
        policy = cls(**values)  # type: ignore[arg-type]  # each value was checked by name
        if policy.ablation_limit_cm > policy.extended_ablation_limit_cm:
            problems.append("ablation_limit_cm: must not exceed extended_ablation_limit_cm")
        if problems:
            raise PolicyError(problems)
        return policy


ABLATION_LIMITS = frozenset({
    "ablation_limit_cm", "extended_ablation_limit_cm", "ablation_most_lesions", "extended_ablation",
})  # fmt: skip

# What can be switched off: the options that are ever offered. The work-up asks what is missing, and an emergency or a
# warning must never be silenced.
OPTIONS = frozenset({
    "T-RESECT", "T-RESECT-POSTEMBO", "T-ABLATE", "T-ABLATE-EXT", "T-ABLATE-PALL", "T-DEBULK", "T-RADIO-ADJ", "T-EMBO",
    "T-EMBO-AGAIN", "T-OCT", "T-MIBG", "T-PRRT", "T-OLT-EVAL",
})  # fmt: skip

_SWITCHED_OFF, _EDITION_DAY = "switched_off", "new_edition_since"
_SWITCHES = frozenset({"extended_ablation", "platelet_serotonin"})
_WHOLE = frozenset({"ablation_most_lesions"})
# Wide enough for any site, narrow enough to catch a slip (180 months for days).
_RANGES = {
    "ablation_limit_cm": (1, 10),
    "extended_ablation_limit_cm": (1, 15),
    "ablation_most_lesions": (1, 20),
    "transplant_age_limit": (18, 100),
    "imaging_counts_days": (14, 730),
    "symptoms_count_days": (7, 365),
    "marker_change_percent": (5, 100),
}

_CODE = re.compile(r"[A-Z0-9-]{1,24}")

DEFAULT = SitePolicy()


def _is_plain(value: int | Decimal) -> bool:
    """A finite number that is written in a few digits: arithmetic on 1e9999999 would never end."""
    return abs(value) < 10**6 if isinstance(value, int) else value.is_finite() and abs(value.adjusted()) <= 6


def _allowed(name: str) -> str:
    if name in _SWITCHES:
        return "must be true or false"
    if name in _RANGES:
        return "must be a number"
    if name == _SWITCHED_OFF:
        return 'must be a list of codes, such as ["T-OLT-EVAL"]'
    if name == _EDITION_DAY:
        return "must be a day, written as 2026-12-01 without quotation marks"
    return (
        f"no setting of this name; known are {', '.join((*_RANGES, *sorted(_SWITCHES), _SWITCHED_OFF, _EDITION_DAY))}"
    )


def _not_an_option(code: object) -> str:
    shown = code if isinstance(code, str) and _CODE.fullmatch(code) else "an entry"
    return f"{_SWITCHED_OFF}: {shown} is no option that can be switched off; these are {', '.join(sorted(OPTIONS))}"
