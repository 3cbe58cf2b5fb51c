"""`nelm-cds assess`: plain facts in, decision out; no FHIR on the way."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.plain_facts import BadFactError, read_facts
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from cds_service.reasoning.decision import Decision, decide

_LISTS = ("workup", "treatment", "info", "safety", "follow_up", "withhold", "path")


class BadCaseError(Exception):
    """A file or a case that cannot be assessed; the message names the case, the field and what is allowed."""


def run(file: Path, policy: SitePolicy, *, as_json: bool) -> int:
    """Assess every case of a file and print the decisions; 2, and no decision, if anything in it is wrong."""
    messages = Console(stderr=True)
    try:
        assessed = [(case, decide(NELM_2006, needs)) for case, needs in _cases(file, policy)]
    except BadCaseError as error:
        messages.print(f"nelm-cds: {error}", markup=False, soft_wrap=True, highlight=False)
        return 2
    if as_json:
        sys.stdout.buffer.write(orjson.dumps([_plain(case, d) for case, d in assessed], option=orjson.OPT_INDENT_2))
        sys.stdout.buffer.write(b"\n")
        sys.stdout.flush()
    else:
        out = Console(highlight=False)
        for case, decision in assessed:
            _show(out, case, decision)
    return 0


def _cases(file: Path, policy: SitePolicy) -> Iterator[tuple[str, Any]]:
    content = _read(file)
    cases = content if isinstance(content, list) else [content]
    for number, case in enumerate(cases, start=1):
        name = case.get("id") if isinstance(case, dict) else None
        label = name if isinstance(name, str) else f"case {number}"
        if not isinstance(case, dict) or not isinstance(case.get("facts"), dict):
            raise BadCaseError(f"{file}: {label}: needs an object 'facts'")
        try:
            yield label, read_facts(case["facts"], policy)
        except BadFactError as error:
            raise BadCaseError(f"{file}: {label}: {error}") from error


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise BadCaseError(f"{file}: line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise BadCaseError(f"{file}: cannot be read ({type(error).__name__})") from error


def _plain(case: str, decision: Decision) -> Mapping[str, Any]:
    return {"id": case, "state": decision.state} | {name: list(getattr(decision, name)) for name in _LISTS}


def _show(out: Console, case: str, decision: Decision) -> None:
    out.print(Text(f"{case}: {decision.state}", style="bold"))
    table = Table.grid(padding=(0, 2))
    for name in _LISTS:
        if items := getattr(decision, name):
            table.add_row(Text(f"  {name}"), Text(", ".join(items)))
    out.print(table)
