"""`nelm-cds feedback summary`: what became of the recommendations, from the store as it stands."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from cds_service.reasoning.markdown import printable
from cds_service.settings import PREFIX, Settings
from cds_service.store import StoreUnavailableError
from cds_service.store.migrate import SchemaState, state
from cds_service.store.summary import Standing, Summary, summarise

_NOT_READY = {
    SchemaState.EMPTY: f"there is no store at {PREFIX}DATABASE_URL yet; `nelm-cds migrate` makes it",
    SchemaState.BEHIND: f"the store at {PREFIX}DATABASE_URL is of an older version; run `nelm-cds migrate`",
    SchemaState.AHEAD: f"the store at {PREFIX}DATABASE_URL is of a newer version; use that version's nelm-cds",
    SchemaState.UNREACHABLE: f"the database of {PREFIX}DATABASE_URL does not answer, or refuses",
}
_COLUMNS = ("code", "shown", "accepted", "overridden", "without_feedback", "commented", "reasons")


def summary(settings: Settings, *, since: datetime | None, as_csv: bool, as_json: bool) -> int:
    """Print the summary to standard output; 1 if there is no store to read."""
    url = settings.database_url or ""
    try:
        ready = state(url)
        if ready is not SchemaState.CURRENT:
            return _fail(_NOT_READY[ready])
        found = summarise(url, since)
    except StoreUnavailableError:
        return _fail(_NOT_READY[SchemaState.UNREACHABLE])
    if as_json:
        sys.stdout.write(orjson.dumps(_plain(found)).decode() + "\n")
    elif as_csv:
        _write_csv(found)
    else:
        _print_table(found)
    return 0


def _fail(why: str) -> int:
    sys.stderr.write(f"nelm-cds: {why}\n")
    return 1


def _plain(found: Summary) -> dict[str, Any]:
    return {
        "since": found.since,
        "first_shown": found.first_shown,
        "last_shown": found.last_shown,
        "answers": found.answers,
        "cards": found.cards,
        "unknown_cards": found.unknown_cards,
        "recommendations": [_row(standing) | {"reasons": dict(standing.reasons)} for standing in found.standings],
    }


def _row(standing: Standing) -> dict[str, Any]:
    return {name: getattr(standing, name) for name in _COLUMNS[:-1]}


def _reasons(standing: Standing, between: str = "; ") -> str:
    return between.join(f"{times} x {printable(reason)}" for reason, times in standing.reasons)


def _write_csv(found: Summary) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for standing in found.standings:
        # A client's text at the start of a cell must not be a formula to a spreadsheet; a count comes first.
        writer.writerow([*_row(standing).values(), _reasons(standing)])


def _print_table(found: Summary) -> None:
    table = Table(title=_title(found), title_justify="left")
    for name in _COLUMNS:
        table.add_column(name.replace("_", " "), justify="left" if name in ("code", "reasons") else "right")
    for standing in found.standings:
        table.add_row(*(str(value) for value in _row(standing).values()), _reasons(standing, "\n"))
    console = Console(highlight=False, markup=False)
    console.print(table if found.standings else _title(found))
    if found.unknown_cards:
        console.print(f"Feedback named {found.unknown_cards} cards that are not on record here.")


def _title(found: Summary) -> str:
    if found.first_shown is None or found.last_shown is None:
        return "No card with a recommendation was recorded yet."
    span = f"{found.first_shown:%Y-%m-%d} to {found.last_shown:%Y-%m-%d}"
    return f"{found.cards} cards in {found.answers} answers, {span}"
