"""Observations whose name looks like one of our markers and whose code means nothing to us.

They are named so that nobody takes a marker for missing that stands in the chart under a code of the laboratory's own.
A name is never enough for a value: neither the result nor its elevation is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from fhir_mappings.assessment import codes_of
from fhir_mappings.facts import Source
from fhir_mappings.meanings import codes_in
from fhir_mappings.observation import COUNTED, source, when
from fhir_mappings.select import Chart
from fhir_mappings.sifting import Alike
from fhir_mappings.wire import UNREADABLE, Coded

# Whole words, in any case. CGA also stands for a geriatric assessment: naming one too many costs a line, no value.
WORDS: Final = (
    r"chromogranine?", r"cga", r"serotonine?(?!\s+(?:release|re-?uptake|transporter|receptor))", r"5-?ht", r"5-?hiaa",
    r"(?:5-?)?hydroxy-?indole?-?acet\w+", r"ki[- ]?67", r"mib[- ]?1",
)  # fmt: skip
# In lower case, one of these is in every name in plain letters that looks like ours; few others have one.
STEMS: Final = (
    b"chromogranin", b"cga", b"serotonin", b"5ht", b"5-ht", b"5hiaa", b"5-hiaa", b"hydroxy", b"ki", b"mib",
)  # fmt: skip
# An underscore parts words here: LAB_CGA is a name that laboratories give.
_LOOKS_LIKE_OURS = re.compile(rf"(?<![^\W_])(?:{'|'.join(WORDS)})(?![^\W_])", re.IGNORECASE)


class NotUnderstood(Struct, frozen=True):
    """One result as the chart names it, and where it stands."""

    label: str
    source: Source


def not_understood(chart: Chart) -> tuple[NotUnderstood, ...]:
    """Every such name once, with the latest Observation that bears it; the latest first."""
    latest: dict[str, NotUnderstood] = {}
    labels_of: dict[bytes, Sequence[str]] = {}  # thousands of results share a few dozen codes
    for codes, resource in chart.every_observation(_that_may_be_ours):
        if resource.status not in COUNTED:
            continue
        if codes not in labels_of:
            labels_of[codes] = tuple(_labels(codes_in(resource), chart))
        for label in labels_of[codes]:
            found = NotUnderstood(label, source(resource, when(resource)))
            latest[label] = max(latest.get(label, found), found, key=_age)
    return tuple(sorted(latest.values(), key=lambda found: (*_age(found), found.label), reverse=True))


def _that_may_be_ours(groups: Sequence[Alike]) -> Sequence[Alike]:
    written = b"\0".join([part for alike in groups for part in (alike.code, alike.component)])
    # Where nothing is escaped, every name stands there as it is: mostly no code has to be decoded to find none.
    if written.isascii() and b"\\" not in written and not any(map(written.lower().__contains__, STEMS)):
        return ()
    # One search over all names. NUL, neither a blank nor a letter, keeps two names from matching as one.
    return [alike for alike in groups if _looks_like_ours("\0".join(_names(alike)))]


def _looks_like_ours(name: str) -> bool:
    return _LOOKS_LIKE_OURS.search(name) is not None


def _age(found: NotUnderstood) -> tuple[str, str]:
    return found.source.date or "", found.source.reference


def _labels(codes: Iterable[Coded | None], chart: Chart) -> Iterator[str]:
    for coded in codes:
        if coded is None or chart.concepts(coded) or codes_of(coded):
            continue
        name = next(filter(_looks_like_ours, coded.names()), None)
        if name is not None:
            yield name


class _Part(Struct, frozen=True, gc=False):
    code: Coded | None = None


_CODED = msgspec.json.Decoder(Coded | None)
_PARTS = msgspec.json.Decoder(list[_Part] | None)


def _names(alike: Alike) -> list[str]:
    """Every name that an Observation's codes have, the codes themselves included; none where they cannot be read."""
    try:
        coded = [_CODED.decode(alike.code) if alike.code else None]
        coded += [part.code for part in (_PARTS.decode(alike.component) if alike.component else None) or ()]
    except UNREADABLE:
        return []
    return [name for each in coded if each is not None for name in each.names()]
