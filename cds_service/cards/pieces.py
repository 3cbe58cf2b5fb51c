"""Sections cut into pieces that each fit a card: guards go with what they guard, proposals with the first.

Where that takes many cards, the answer is packed: paragraphs that need no guard fill whatever room there is, on
whichever card; and where even that is too long, it is packed in the brief wording.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from cds_service.reasoning.advice import DETAIL_LIMIT, SUMMARY_LIMIT, Block, Guard, Proposal, Section

_GAP = len("\n\n")


class Piece(Struct, frozen=True):
    """What one card holds: the section it comes from, its texts, the codes it speaks of, its proposals."""

    section: Section
    summary: str
    lead: str
    paragraphs: tuple[str, ...]
    codes: tuple[str, ...]
    proposals: tuple[Proposal, ...]


class _Page(Struct):
    """The blocks and guards of a card that is being filled, and the characters that are left on it."""

    section: Section
    first: bool
    brief: bool
    left: int
    placed: list[tuple[int, Block]] = field(default_factory=list)  # with the place in the section
    guards: dict[str, tuple[Guard, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, section: Section, room: int, *, first: bool, brief: bool) -> _Page:
        page = cls(section, first, brief, 0)
        page.left = DETAIL_LIMIT - room - len(page.lead)
        return page

    @property
    def lead(self) -> str:
        if not self.first:
            return self.section.continued.lead
        return self.section.brief_lead if self.brief and self.section.brief_lead else self.section.lead

    def text(self, block: Block) -> str:
        return block.brief if self.brief and block.brief is not None else block.text

    def cost(self, block: Block, said: Collection[str]) -> int:
        text = self.text(block)
        cost = len(text) + _GAP if text else 0
        for guard in block.guards:
            if guard.name not in self.guards:
                wording = self._wording(guard, said)
                cost += len(wording) + _GAP if wording else 0
        return cost

    def add(self, block: Block, said: Collection[str], number: int, cost: int) -> None:
        self.left -= cost
        self.placed.append((number, block))
        for guard in block.guards:
            if guard.name not in self.guards:
                self.guards[guard.name] = (guard, self._wording(guard, said))

    def _wording(self, guard: Guard, said: Collection[str]) -> str:
        whole, again = guard.brief if self.brief and guard.brief else (guard.text, guard.again)
        return again if guard.name in said else whole

    def reserve(self, *, given_back: bool = False) -> None:
        """Keep room for the last words of the answer, or give it back."""
        cost = len(self.section.closing) + _GAP if self.section.closing else 0
        self.left += cost if given_back else -cost

    def piece(self, *, last: bool) -> Piece:
        """The card; the last one of its section ends with the last words of the answer, if they are the section's."""
        blocks = [block for _, block in sorted(self.placed, key=lambda item: item[0])]
        names = [block.name for block in blocks if block.name]
        further = self.section.continued.named if names else self.section.continued.summary
        codes = dict.fromkeys(code for block in blocks for code in block.codes)
        codes |= dict.fromkeys(code for guard, text in self.guards.values() if text for code in guard.codes)
        return Piece(
            section=self.section,
            summary=named(self.section.summary if self.first else further, names),
            lead=self.lead,
            paragraphs=(*self._paragraphs(blocks), *([self.section.closing] if last and self.section.closing else [])),
            codes=tuple(codes),
            proposals=self.section.proposals if self.first else (),
        )

    def _paragraphs(self, blocks: Sequence[Block]) -> tuple[str, ...]:
        opening = [text for guard, text in self.guards.values() if guard.opens]
        closing = [text for guard, text in self.guards.values() if not guard.opens]
        guarded = [n for n, block in enumerate(blocks) if any(not guard.opens for guard in block.guards)]
        after = guarded[-1] + 1 if guarded else 0
        texts = [self.text(block) for block in blocks]
        return tuple(_joined(text for text in (*opening, *texts[:after], *closing, *texts[after:]) if text))


class Cut:
    """An answer cut into cards; how many there are and whether each fits is known before any is written out."""

    def __init__(self, filled: Sequence[Sequence[_Page]]) -> None:
        self._filled = filled
        self.cards = sum(map(len, filled))
        self.fits = all(page.left >= 0 for own in filled for page in own)

    def pieces(self) -> list[Piece]:
        """What each card holds."""
        return [page.piece(last=page is own[-1]) for own in self._filled for page in own]


def cut(sections: Sequence[Section], room: int, *, packed: bool = False, brief: bool = False) -> Cut:
    """An answer cut into cards; `room` is what every card needs beside its text.

    `packed` lets paragraphs that may stand anywhere fill the room there is, `brief` asks for the short wording as well.
    """
    packed = packed or brief
    said: set[str] = set()  # the guards that an earlier card holds in full
    listed = _folded(sections) if brief else sections  # a warning keeps its own card as long as it can
    filled = [_filled(section, room, said, packed=packed, brief=brief) for section in listed]
    if packed:
        for section, own in zip(listed, filled, strict=True):
            _place_movable(section, own, filled, room, brief=brief)
    return Cut(filled)


def _filled(section: Section, room: int, said: set[str], *, packed: bool, brief: bool) -> list[_Page]:
    """The cards of a section, without what may stand anywhere."""
    pages = [_Page.of(section, room, first=True, brief=brief)]
    for number, block in enumerate(section.blocks):
        if packed and block.movable:
            continue
        page = pages[-1]
        cost = page.cost(block, said)
        if cost > page.left and page.placed:
            said |= set(page.guards)
            page = _Page.of(section, room, first=False, brief=brief)
            pages.append(page)
            cost = page.cost(block, said)
        page.add(block, said, number, cost)
    said |= set(pages[-1].guards)
    pages[-1].reserve()
    if pages[-1].left < 0 and section.closing:
        pages[-1].reserve(given_back=True)
        pages.append(_Page.of(section, room, first=False, brief=brief))
        pages[-1].reserve()
    return pages


def _place_movable(
    section: Section, own: list[_Page], filled: Sequence[list[_Page]], room: int, *, brief: bool
) -> None:
    """What may stand anywhere, the longest first: where it fits, if need be on the cards of another section."""
    movable = [(number, block) for number, block in enumerate(section.blocks) if block.movable]
    for number, block in sorted(movable, key=lambda item: -len(own[0].text(item[1]))):
        anywhere = [(page, page.cost(block, ())) for pages in (own, *filled) for page in pages]
        fitting = [(page, cost) for page, cost in anywhere if cost <= page.left]
        if fitting:
            page, cost = min(fitting, key=lambda each: (each[0].section is not section, each[0].left))
        else:
            own[-1].reserve(given_back=True)
            page = _Page.of(section, room, first=False, brief=brief)
            cost = page.cost(block, ())
            own.append(page)
            page.reserve()
        page.add(block, (), number, cost)


def _folded(sections: Sequence[Section]) -> list[Section]:
    """Sections that may close the one before them put there, their first paragraph as one among others."""
    listed: list[Section] = []
    for section in sections:
        if section.folds and listed:
            lead = Block(section.brief_lead or section.lead, movable=True)
            blocks = (*listed[-1].blocks, lead, *section.blocks)
            listed[-1] = replace(listed[-1], blocks=blocks, closing=section.closing)
        else:
            listed.append(section)
    return listed


def named(start: str, names: Sequence[str]) -> str:
    """`start: a, b, c`, or as many as a summary holds and how many more there are."""
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
