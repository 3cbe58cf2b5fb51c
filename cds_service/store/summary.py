"""How often each recommendation was shown, accepted and overridden, and why; read from the store as it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from cds_service.store import schema
from cds_service.store.database import make_engine, transaction

NO_REASON = "no reason"


@dataclass(frozen=True, slots=True)
class Standing:
    """One recommendation: cards that showed it, what became of them, and the reasons with their counts."""

    code: str
    shown: int
    accepted: int
    overridden: int
    commented: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def without_feedback(self) -> int:
        """Cards that nobody accepted or overrode, or nobody reported."""
        return self.shown - self.accepted - self.overridden


@dataclass(frozen=True, slots=True)
class Summary:
    """All recommendations, over the time that was asked for; feedback on cards that nobody recorded stands apart."""

    since: datetime | None
    first_shown: datetime | None
    last_shown: datetime | None
    answers: int
    cards: int
    unknown_cards: int
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class _Outcome:
    card: str
    outcome: str
    reason: str
    commented: bool


def summarise(url: str, since: datetime | None = None) -> Summary:
    """The summary of what was shown from `since` on; raises StoreUnavailableError."""
    engine = make_engine(url)
    try:
        with transaction(engine) as connection:
            return _summary(connection, since)
    finally:
        engine.dispose()


def _summary(connection: Connection, since: datetime | None) -> Summary:
    card = schema.shown_card.c
    wanted = [card.shown_at >= since] if since is not None else []
    counted = select(
        func.min(card.shown_at), func.max(card.shown_at), func.count(card.hook_instance.distinct()), func.count()
    ).where(*wanted)
    first, last, answers, cards = connection.execute(counted).one()
    shown = schema.shown_recommendation.c
    by_code = (
        select(shown.code, func.count())
        .join_from(schema.shown_recommendation, schema.shown_card, shown.card == card.card)
        .where(*wanted)
        .group_by(shown.code)
    )
    times_shown = {row[0]: row[1] for row in connection.execute(by_code)}
    outcomes = {outcome.card: outcome for outcome in _latest(connection, since)}
    codes_of: dict[str, list[str]] = {}
    with_feedback = select(schema.feedback.c.card)
    for on, code in connection.execute(select(shown.card, shown.code).where(shown.card.in_(with_feedback))):
        codes_of.setdefault(on, []).append(code)
    return Summary(
        since=since,
        first_shown=first,
        last_shown=last,
        answers=answers,
        cards=cards,
        unknown_cards=_unknown(connection, since),
        standings=tuple(
            _standing(code, times, [o for o in outcomes.values() if code in codes_of.get(o.card, ())])
            for code, times in sorted(times_shown.items())
        ),
    )


def _latest(connection: Connection, since: datetime | None) -> Iterable[_Outcome]:
    """The latest outcome of every card, as its own client reported it."""
    said, card = schema.feedback.c, schema.shown_card.c
    rows = connection.execute(
        select(said.card, said.outcome, said.reason_system, said.reason_code, said.reason_display, said.commented)
        .join_from(schema.feedback, schema.shown_card, (card.card == said.card) & (card.client == said.client))
        .where(*([card.shown_at >= since] if since is not None else []))
        .order_by(said.outcome_at, said.received_at)
    ).all()
    # Clients often send a code without its display: what one of them called it holds for all.
    displays = {(system, code): display for _, _, system, code, display, _ in rows if code and display}
    latest: dict[str, _Outcome] = {}
    for on, outcome, system, code, display, commented in rows:
        worded = _worded(system, code, displays.get((system, code), display))
        latest[on] = _Outcome(on, outcome, worded, commented)
    return latest.values()


def _worded(system: str | None, code: str | None, display: str | None) -> str:
    coded = "|".join(part for part in (system, code) if part) if code else ""
    if display:
        return f"{display} ({coded})" if coded else display
    return coded or NO_REASON


def _unknown(connection: Connection, since: datetime | None) -> int:
    """Cards that feedback names and nobody recorded, or recorded for another client."""
    said, card = schema.feedback.c, schema.shown_card.c
    known = select(card.card).where(card.card == said.card, card.client == said.client).exists()
    when = [said.received_at >= since] if since is not None else []
    counted = select(func.count(said.card.distinct())).where(~known, *when)
    return connection.execute(counted).scalar_one()


def _standing(code: str, shown: int, outcomes: list[_Outcome]) -> Standing:
    overridden = [outcome for outcome in outcomes if outcome.outcome == "overridden"]
    return Standing(
        code=code,
        shown=shown,
        accepted=len(outcomes) - len(overridden),
        overridden=len(overridden),
        commented=sum(outcome.commented for outcome in overridden),
        reasons=tuple(Counter(outcome.reason for outcome in overridden).most_common()),
    )
