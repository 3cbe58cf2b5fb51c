"""`nelm-cds feedback summary`: what became of the recommendations, from the store as it stands."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from typing import Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cds_service.cli.migrate import NOT_READY
from cds_service.reasoning.markdown import printable
from cds_service.settings import Settings
from cds_service.store import StoreUnavailableError
from cds_service.store.state import SchemaState, state
from cds_service.store.summary import Standing, Summary, summarise

_COLUMNS = ("code", "shown", "accepted", "overridden", "without_feedback", "commented", "reasons")
_HEADERS = ("code", "shown", "accepted", "over-\nridden", "without\nfeedback", "with a\ncomment")


def summary(settings: Settings, *, since: datetime | None, as_csv: bool, as_json: bool) -> int:
    """Print the summary to standard output; 1 if there is no store to read."""
    url = settings.database_url or ""
    try:
        ready = state(url)
        if ready is not SchemaState.CURRENT:
            return _fail(NOT_READY[ready])
        found = summarise(url, since)
    except StoreUnavailableError:
        return _fail(NOT_READY[SchemaState.UNREACHABLE])
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


def _reasons(standing: Standing) -> str:
    return "; ".join(f"{times} x {printable(reason)}" for reason, times in standing.reasons)


def _write_csv(found: Summary) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for standing in found.standings:
        # A client's text at the start of a cell must not be a formula to a spreadsheet; a count comes first.
        writer.writerow([*_row(standing).values(), _reasons(standing)])
    if found.unknown_cards:
        sys.stderr.write(f"nelm-cds: {_unknown(found)}\n")


def _print_table(found: Summary) -> None:
    """The counts, and the reasons below them: beside them, a terminal of 80 columns has no room."""
    console = Console(highlight=False, markup=False)
    console.print(_title(found))
    counts = _table(*_HEADERS)
    for standing in found.standings:
        counts.add_row(*map(str, _row(standing).values()))
    if counts.row_count:
        console.print(counts)
    reasons = _table("code", "times", "reason")
    for standing in found.standings:
        for reason, times in standing.reasons:
            reasons.add_row(standing.code, str(times), printable(reason))
    if reasons.row_count:
        console.print("Why overridden")
        console.print(reasons)
    if found.unknown_cards:
        console.print(_unknown(found))


def _table(*headers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for header in headers:
        words = header in ("code", "reason")
        table.add_column(header, justify="left" if words else "right", no_wrap=not words, overflow="fold")
    return table


def _unknown(found: Summary) -> str:
    return f"Cards that feedback named and that are not on record here: {found.unknown_cards}."


def _title(found: Summary) -> str:
    if found.first_shown is None or found.last_shown is None:
        return "No card with a recommendation was recorded yet."
    span = f"{found.first_shown:%Y-%m-%d} to {found.last_shown:%Y-%m-%d}"
    return f"Shown: {found.cards} cards in {found.answers} answers, {span}"
