"""What senders do, one fixture each: the rows of `rows.toml`, the fixtures of `expected.toml`, and the page of both.

Run as a module it writes docs/reading-charts.md (`make docs`).
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from cds_service.cli.inputs import load
from cds_service.decide import Evaluation
from cds_service.http.answer import evaluate_request
from cds_service.http.wire import parse_request
from cds_service.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "test_fixtures/fhir"
EVALUATED_AT = "2026-03-02"
# A fixture is evaluated at its own date; one that was not would be far from every date in it, and be seen.
_LONG_AGO = datetime(1950, 1, 1, tzinfo=UTC)

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a reader of charts must get right, and why no fixture shows it, if none does."""

    id: str
    required: str
    without_fixture: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one subject."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Peculiarity:
    """One fixture: what its sender does, and the facts that must come of it."""

    file: str
    rows: tuple[str, ...]
    says: str
    told: Json

    @property
    def path(self) -> Path:
        """Where the fixture lies."""
        return FOLDER / self.file

    def facts(self) -> list[Json]:
        """The expected facts, each with its `input` and its `value` or the reason why it is `unknown`."""
        own = {key: self.told[key] for key in ("input", "value", "unknown", "note", "sources") if key in self.told}
        return ([own] if own else []) + list(self.told.get("also", ()))

    def outcome(self) -> str:
        """The expected facts in words."""
        if "refused" in self.told:
            return f"refused with status {self.told['refused']}"
        said = [f"`{fact['input']}` {_in_words(fact)}" for fact in self.facts()]
        said += [f"state `{self.told['state']}`"] if "state" in self.told else []
        said += [f"set aside: {item}" for item in self.told.get("unused", ())]
        said += [f"on a card: “{text}”" for text in self.told.get("cards", ())]
        said += [f"on no card: “{text}”" for text in self.told.get("never", ())]
        return "; ".join(said)


@cache
def groups() -> tuple[Group, ...]:
    """Every row, by its subject."""
    told = tomllib.loads((FOLDER / "rows.toml").read_text("utf-8"))
    return tuple(Group(part["title"], tuple(_rows(name, part))) for name, part in told.items())


def _rows(group: str, part: Json) -> Iterator[Row]:
    reasons = part.get("without_fixture", {})
    for name, required in part["rows"].items():
        yield Row(f"{group}.{name}", required, reasons.get(name))


def rows() -> list[Row]:
    """Every row, in order."""
    return [row for group in groups() for row in group.rows]


@cache
def peculiarities() -> tuple[Peculiarity, ...]:
    """Every fixture that is expected, in order of its name."""
    told = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))
    return tuple(Peculiarity(file, tuple(each["rows"]), each["says"], each) for file, each in sorted(told.items()))


def evaluate(fixture: Peculiarity) -> Evaluation:
    """Evaluate a fixture as `nelm-cds replay --as-of` does; raises RequestError where the hook answers an error."""
    local_codes = fixture.told.get("local_codes")
    settings = Settings.from_environ({"NELM_CDS_LOCAL_CODES": str(ROOT / local_codes)} if local_codes else {})
    request = parse_request(load(fixture.path, as_of=EVALUATED_AT).request)
    return evaluate_request(request, settings, _LONG_AGO)


def table() -> str:
    """The page: every row, its fixtures, and what becomes of each."""
    lines = [
        "# How charts are read",
        "",
        "<!-- Made by `make docs` from test_fixtures/fhir/*.toml; a test fails when it is stale. -->",
        "",
        "What senders of FHIR do, what is made of it, and the fixture that proves it. Each fixture is a small chart in",
        f"[test_fixtures/fhir](../test_fixtures/fhir/README.md), evaluated on {EVALUATED_AT}:",
        f"`.venv/bin/nelm-cds replay --explain --as-of {EVALUATED_AT} FILE` tells of every input and resource of one.",
    ]
    proving: dict[str, list[Peculiarity]] = {}
    for fixture in peculiarities():
        for proved in fixture.rows:
            proving.setdefault(proved, []).append(fixture)
    for group in groups():
        lines += [
            "",
            f"## {group.title}",
            "",
            "| row | what we do | the sender, its fixture | outcome |",
            "|---|---|---|---|",
        ]
        for row in group.rows:
            lines += _lines(row, proving.get(row.id, []))
    return "\n".join(lines) + "\n"


def _lines(row: Row, fixtures: list[Peculiarity]) -> list[str]:
    if not fixtures:
        return [f"| {row.id} | {row.required} | none | {row.without_fixture or 'NO REASON GIVEN'} |"]
    named = [f"{_cell(f.says)}: [{f.file}](../test_fixtures/fhir/{f.file}) | {_cell(f.outcome())} |" for f in fixtures]
    return [f"| {row.id} | {row.required} | {named[0]}", *(f"| | | {other}" for other in named[1:])]


def _cell(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "&#124;")


def _in_words(fact: Json) -> str:
    if "unknown" in fact:
        return f"unknown: {fact['unknown']}"
    value = fact["value"]
    if isinstance(value, bool):
        return "is true" if value else "is false"
    if isinstance(value, list):
        return f"is {', '.join(value) or 'empty'}"
    return f"is {value}"


if __name__ == "__main__":
    sys.stdout.write(table())
