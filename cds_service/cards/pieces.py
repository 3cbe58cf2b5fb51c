"""A section cut into pieces that each fit a card: guards go with what they guard, proposals with the first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from cds_service.reasoning.advice import DETAIL_LIMIT, SUMMARY_LIMIT, Block, Guard, Proposal, Section

_GAP = len("\n\n")


@dataclass(frozen=True, slots=True)
class Piece:
    """What one card holds: the section it comes from, its texts, the codes it speaks of, its proposals."""

    section: Section
    summary: str
    lead: str
    paragraphs: tuple[str, ...]
    codes: tuple[str, ...]
    proposals: tuple[Proposal, ...]
    fits: bool  # false where one block with its guards is longer than a card


@dataclass(slots=True)
class _Page:
    """The blocks and guards of a card that is being filled, and the characters that are left on it."""

    left: int
    brief: bool
    blocks: list[Block] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    guards: dict[str, tuple[Guard, str]] = field(default_factory=dict)

    def cost(self, text: str, guards: Iterable[Guard], said: set[str]) -> int:
        fresh = (self._wording(guard, said) for guard in guards if guard.name not in self.guards)
        return sum(len(part) + _GAP for part in (text, *fresh) if part)

    def _wording(self, guard: Guard, said: set[str]) -> str:
        whole, again = guard.brief if self.brief and guard.brief else (guard.text, guard.again)
        return again if guard.name in said else whole

    def add(self, block: Block, text: str, said: set[str]) -> None:
        self.left -= self.cost(text, block.guards, said)
        self.blocks.append(block)
        self.texts.append(text)
        for guard in block.guards:
            self.guards.setdefault(guard.name, (guard, self._wording(guard, said)))

    def paragraphs(self) -> tuple[str, ...]:
        opening = [text for guard, text in self.guards.values() if guard.opens]
        closing = [text for guard, text in self.guards.values() if not guard.opens]
        guarded = [n for n, block in enumerate(self.blocks) if any(not guard.opens for guard in block.guards)]
        after = guarded[-1] + 1 if guarded else 0
        listed = (*opening, *self.texts[:after], *closing, *self.texts[after:])
        return tuple(_joined(text for text in listed if text))


def cut(sections: Sequence[Section], room: int, *, brief: bool = False) -> list[Piece]:
    """All pieces of an answer; `room` is what every card needs beside them, `brief` asks for the short wording."""
    said: set[str] = set()  # the guards that an earlier card holds in full
    listed = _folded(sections) if brief else sections
    return [piece for section in listed for piece in _cut(section, room, said, brief=brief)]


def _folded(sections: Sequence[Section]) -> list[Section]:
    """Sections that may close the one before them put there, their first paragraph as one among others."""
    listed: list[Section] = []
    for section in sections:
        if section.folds and listed:
            blocks = (*listed[-1].blocks, Block(section.lead), *section.blocks)
            listed[-1] = replace(listed[-1], blocks=blocks)
        else:
            listed.append(section)
    return listed


def _cut(section: Section, room: int, said: set[str], *, brief: bool) -> list[Piece]:
    full = DETAIL_LIMIT - room
    lead = section.brief_lead or section.lead if brief else section.lead
    page = _Page(full - len(lead), brief)
    pages = [page]
    for block in section.blocks:
        text = block.text if block.brief is None or not brief else block.brief
        if brief and not block.guards and (earlier := _first_with_room(pages, text)):
            earlier.add(block, text, said)
            continue
        if page.cost(text, block.guards, said) > page.left and page.blocks:
            said |= set(page.guards)
            page = _Page(full - len(section.continued.lead), brief)
            pages.append(page)
        page.add(block, text, said)
    said |= set(page.guards)
    return [_piece(section, page, lead if page is pages[0] else None) for page in pages]


def _first_with_room(pages: Sequence[_Page], text: str) -> _Page | None:
    """Where the answer has to be brief, a paragraph that needs no guard fills the first card it fits on."""
    return next((page for page in pages if page.cost(text, (), set()) <= page.left), None)


def _piece(section: Section, page: _Page, lead: str | None) -> Piece:
    """The card of a page; one without a first paragraph of its own continues the section."""
    names = [block.name for block in page.blocks if block.name]
    first = lead is not None
    further = section.continued.named if names else section.continued.summary
    codes = dict.fromkeys(code for block in page.blocks for code in block.codes)
    codes |= dict.fromkeys(code for guard, text in page.guards.values() if text for code in guard.codes)
    return Piece(
        section=section,
        summary=named(section.summary if first else further, names),
        lead=section.continued.lead if lead is None else lead,
        paragraphs=page.paragraphs(),
        codes=tuple(codes),
        proposals=section.proposals if first else (),
        fits=page.left >= 0,
    )


def named(start: str, names: Sequence[str]) -> str:
    """`start: a, b, c`, or as many as a summary holds and how many more there are."""
    if not names:
        return start
    for shown in range(len(names), 0, -1):
        more = len(names) - shown
        text = f"{start}: {', '.join(names[:shown])}{f' and {more} more' if more else ''}"
        if len(text) <= SUMMARY_LIMIT:
            return text
    return start


def _joined(texts: Iterable[str]) -> list[str]:
    """List items stay together, without blank lines between them."""
    merged: list[str] = []
    for text in texts:
        if text.startswith("- ") and merged and merged[-1].rpartition("\n")[2].startswith("- "):
            merged[-1] += f"\n{text}"
        else:
            merged.append(text)
    return merged
