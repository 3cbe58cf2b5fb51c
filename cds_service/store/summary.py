"""How often each recommendation was shown, accepted and overridden, and why; read from the store as it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from cds_service.store import schema
from cds_service.store.database import make_engine, transaction
from cds_service.store.outcomes import OVERRIDDEN, Outcome, latest_outcomes

NO_REASON = "no reason"


@dataclass(frozen=True, slots=True)
class Standing:
    """One recommendation: answers that showed it, what became of it in them, and the reasons with their counts."""

    code: str
    shown: int
    accepted: int
    overridden: int
    commented: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def without_feedback(self) -> int:
        """Answers in which nobody accepted or overrode it, or nobody reported that."""
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


def summarise(url: str, since: datetime | None = None) -> Summary:
    """The summary of what was shown from `since` on; raises StoreUnavailableError."""
    engine = make_engine(url)
    try:
        with transaction(engine) as connection:
            return _summary(connection, since)
    finally:
        engine.dispose()


def _summary(connection: Connection, since: datetime | None) -> Summary:
    card, shown = schema.shown_card.c, schema.shown_recommendation.c
    wanted = [card.shown_at >= since] if since is not None else []
    counted = select(func.min(card.shown_at), func.max(card.shown_at), func.count()).where(*wanted)
    first, last, cards = connection.execute(counted).one()
    # A hookInstance may come twice: with its time it is one answer.
    answer = (card.hook_instance, card.shown_at)
    each = select(*answer).where(*wanted).distinct().subquery()
    answers = connection.execute(select(func.count()).select_from(each)).scalar_one()
    showing = (
        select(shown.code, *answer)
        .join_from(schema.shown_recommendation, schema.shown_card, shown.card == card.card)
        .where(*wanted)
        .distinct()
        .subquery()
    )
    by_code = select(showing.c.code, func.count()).group_by(showing.c.code)
    times_shown = {row[0]: row[1] for row in connection.execute(by_code)}
    outcomes: dict[str, list[Outcome]] = {}
    for outcome in latest_outcomes(connection, *wanted):
        outcomes.setdefault(outcome.code, []).append(outcome)
    return Summary(
        since=since,
        first_shown=first,
        last_shown=last,
        answers=answers,
        cards=cards,
        unknown_cards=_unknown(connection, since),
        standings=tuple(_standing(code, times, outcomes.get(code, [])) for code, times in sorted(times_shown.items())),
    )


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


def _standing(code: str, shown: int, outcomes: Sequence[Outcome]) -> Standing:
    overridden = [outcome for outcome in outcomes if outcome.outcome == OVERRIDDEN]
    # Clients often send a code without its display: what one of them called it holds for all.
    displays = {(o.reason_system, o.reason_code): o.reason_display for o in overridden if o.reason_display}
    reasons = [
        _worded(o.reason_system, o.reason_code, displays.get((o.reason_system, o.reason_code), o.reason_display))
        for o in overridden
    ]
    return Standing(
        code=code,
        shown=shown,
        accepted=len(outcomes) - len(overridden),
        overridden=len(overridden),
        commented=sum(outcome.commented for outcome in overridden),
        reasons=tuple(Counter(reasons).most_common()),
    )
