"""What a guideline wants to be said: sections of plain facts and sentences, before they become cards."""

from msgspec import Struct

# interfaces of the cards: characters of a summary, of the first paragraph, of the whole detail; cards of an answer
SUMMARY_LIMIT, LEAD_LIMIT, DETAIL_LIMIT, MOST_CARDS = 100, 300, 1200, 4


class Order(Struct, frozen=True):
    """A draft order: what is asked for, with a verified code where one fits without choosing for the clinician."""

    text: str
    system: str | None = None
    code: str | None = None
    display: str | None = None


class Proposal(Struct, frozen=True):
    """One suggestion of a card: a button, what it does in words, the draft order and the code it is for."""

    code: str
    label: str
    description: str
    order: Order
    recommended: bool = False


class Guard(Struct, frozen=True):
    """A sentence that must stand on every card that holds what it guards: whole once, then in its short form."""

    name: str  # one sentence of a name on a card, whoever asks for it
    text: str
    again: str  # on a further card; empty where saying it once is enough
    codes: tuple[str, ...] = ()
    opens: bool = False  # stands before everything else on its card
    brief: tuple[str, str] | None = None  # `text` and `again` where an answer would otherwise be too long


class Block(Struct, frozen=True):
    """One paragraph or list item, with the guards that its card must carry.

    `brief` stands instead of `text` where an answer would otherwise be too long, an empty one leaves the block out; a
    movable block then goes wherever there is room. `spare` holds what may stand instead of `text`, ever
    shorter, where the text would cost a card of its own: for what is worth a line, but not another interruption.
    """

    text: str
    codes: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    brief: str | None = None
    spare: tuple[str, ...] = ()
    movable: bool = False
    name: str = ""  # how the summary of its card names it


class Continuation(Struct, frozen=True):
    """How a section goes on where it is too long for one card: a summary and a first sentence of its own.

    `named` starts the summary where the card holds blocks that have names.
    """

    summary: str
    lead: str
    named: str = ""


class Section(Struct, frozen=True):
    """One subject of the advice, which becomes one card or, where it is too long for one, several.

    A summary that names the blocks of its card is a start only; the names follow it.
    """

    topic: str
    indicator: str
    summary: str
    lead: str
    blocks: tuple[Block, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    continued: Continuation = Continuation("More of the same card", "Continued.")
    closing: str = ""  # the last words of the answer, on its last card
    brief_lead: str = ""  # stands instead of `lead` where an answer would otherwise be too long
    folds: bool = False  # where an answer would otherwise be too long, it closes the section before it
