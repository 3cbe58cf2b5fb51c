"""The table of the checklist: `tests/conformance/rows.toml` joined with what a run of the tests found.

A row is proved by every test that is marked with its number, and holds only if all of these passed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROWS_FILE = Path(__file__).parents[1] / "conformance" / "rows.toml"
PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
KINDS = ("normative", "best practice", "recommended")
LAST_ROW = 116

_HEAD = """\
# Conformance with CDS Hooks

Every row of the project's black-box checklist for a CDS Hooks 2.0.1 service, and what proves it: tests that call a
running service over HTTP, in a process of its own. *Normative* rows are the specification's, *best practice* rows those
of its page of best practices, *recommended* rows ours, where the specification is silent. Made by `make docs` from a
run of `tests/conformance`, which fails if this page says anything else than the run found.

| row | what is asked | kind | result | proved by |
|---:|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """A row of the checklist; `left_out` says why it has no test."""

    number: int
    name: str
    kind: str
    left_out: str = ""


@dataclass
class Run:
    """What a run found: the outcomes of every test of a row, by the test's name."""

    outcomes: dict[int, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, row: int, test: str, outcome: str) -> None:
        """Note the outcome of one call of a test: passed, failed or skipped."""
        self.outcomes.setdefault(row, {}).setdefault(test, []).append(outcome)

    def passed(self, row: int) -> bool:
        """Whether the row was tested, and every one of its tests passed."""
        tests = self.outcomes.get(row, {})
        return bool(tests) and all(outcome == "passed" for found in tests.values() for outcome in found)


def read_rows() -> tuple[Row, ...]:
    """The rows in their order; raises ValueError if the file is not what it should be."""
    rows = tuple(Row(**row) for row in tomllib.loads(ROWS_FILE.read_text("utf-8"))["row"])
    if [row.number for row in rows] != list(range(1, LAST_ROW + 1)):
        raise ValueError(f"rows.toml does not number its rows from 1 to {LAST_ROW}")
    if odd := [row.number for row in rows if row.kind not in KINDS or not row.name]:
        raise ValueError(f"rows.toml: no name or an unknown kind at {odd}")
    return rows


def complaints(rows: Sequence[Row], run: Run, page: str) -> Iterator[str]:
    """What is wrong after a run of all tests; `page` is what is published."""
    yield from (f"row {row} is none of the checklist" for row in sorted(run.outcomes.keys() - {r.number for r in rows}))
    for row in rows:
        tested = row.number in run.outcomes
        if tested == bool(row.left_out):
            has = "a test and a reason for having none" if tested else "neither a test nor a reason for having none"
            yield f"row {row.number} has {has}"
    if page != page_of(rows, run):
        yield f"{PAGE.name} is not what this run found: run `make docs`"


def page_of(rows: Sequence[Row], run: Run) -> str:
    """The page that tells what a run found."""
    return _HEAD + "".join(f"{_line(row, run)}\n" for row in rows)


def _line(row: Row, run: Run) -> str:
    result, tests = _result(row, run), _tests(run.outcomes.get(row.number, {}))
    return f"| {row.number} | {row.name} | {row.kind} | {result} | {tests} |"


def _result(row: Row, run: Run) -> str:
    if row.left_out:
        return f"left out: {row.left_out}"
    return "passes" if run.passed(row.number) else "**fails**"


def _tests(tests: Mapping[str, object]) -> str:
    return "<br>".join(f"`{test}`" for test in sorted(tests))
