"""`nelm-cds replay --compare`: what changes in the decisions between two services, or two settings files."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cds_service.cli.inputs import Input
from cds_service.cli.replay import Inputs, Result, outcome, post
from cds_service.clock import now
from cds_service.decide import DECISION_EXTENSION
from cds_service.errors import ConfigurationError
from cds_service.http.answer import evaluate_request
from cds_service.http.wire import parse_request
from cds_service.reasoning.markdown import printable
from cds_service.settings import PREFIX, Settings

_LISTS = ("workup", "treatment", "info", "safety", "follow_up", "withhold", "unread", "path")
# Settings whose value is a file.
_FILES = frozenset({f"{PREFIX}{name}" for name in ("SITE_POLICY", "LOCAL_CODES", "CLIENTS")})
# A service that answers with these has not looked at the input at all.
_NOT_ANSWERED = frozenset({401, 403, 404, 405, 407, 429})

Side = Callable[[Input], Result]


def run(sides: tuple[str, str], paths: list[Path], *, as_json: bool, as_of: str | None) -> int:
    """Compare every input and print what differs; 0 whatever differs, 1 if something failed, 2 for bad settings."""
    messages = Console(stderr=True)
    try:
        moment = now()  # one for both sides, however long the first takes
        one, other = (_side(side, moment) for side in sides)
    except ConfigurationError as error:
        for problem in error.problems:
            messages.print(printable(f"nelm-cds: {problem}"), markup=False, soft_wrap=True, highlight=False)
        return 2
    out = Console(highlight=False)
    counted: Counter[str] = Counter()
    # Both get the very same bytes, as a service gets them.
    inputs = Inputs(paths, messages, as_of=as_of, prefer_request=True)
    for item in inputs:
        results = (one(item), other(item))
        failures = [result for result in results if _failed(result)]
        for result in failures:
            text = f"nelm-cds: {item.path}: {result.status or 'no answer'}: {result.error}"
            messages.print(printable(text), markup=False, soft_wrap=True, highlight=False)
        found = {} if failures else differences(*map(told, results))
        counted["failed" if failures else "changed" if found else "unchanged"] += 1
        if found:
            _put_out(item.path, found, out, as_json=as_json)
    inputs.tell(counted)
    return 1 if counted["failed"] or inputs.unread else 0


def _side(side: str, moment: datetime) -> Side:
    """A running service by its address, or the settings of a file; raises ConfigurationError for neither."""
    if side.startswith(("http://", "https://")):
        return partial(post, url=side)
    settings = Settings.from_environ(read_settings_file(Path(side)))
    # Nobody is served here: an input brings its own date, which a production service would refuse.
    return partial(_evaluate, settings=replace(settings, environment="development"), moment=moment)


def read_settings_file(file: Path) -> dict[str, str]:
    """The settings of a file of NAME=VALUE lines; a relative path in it is relative to the file.

    Raises ConfigurationError naming every line that is none, by its number: what is wrong with it may be a password.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{file}: cannot be read ({type(error).__name__})"]) from error
    settings: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        name, found, value = line.partition("=")
        if not line or line.startswith("#"):
            continue
        if not found or not name.isidentifier():
            problems.append(f"{file}: line {number}: must be NAME=VALUE")
            continue
        settings[name] = str(file.parent / value) if name in _FILES else value
    if problems:
        raise ConfigurationError(problems)
    return settings


def _evaluate(item: Input, settings: Settings, moment: datetime) -> Result:
    result = outcome(item.path, item.patient, lambda: evaluate_request(parse_request(item.request), settings, moment))
    # What is compared is what a service would send.
    body = result.evaluation.response() if result.evaluation else {}
    return replace(result, decision=body.get("extension", {}).get(DECISION_EXTENSION))


def _failed(result: Result) -> bool:
    return result.status is None or result.status in _NOT_ANSWERED or result.status >= 500


def told(result: Result) -> dict[str, Any]:
    """What is compared of a result: its status, and the state, lists, path and inputs of its decision."""
    if result.status != 200:
        return {"status": result.status}
    decision = result.decision
    if decision is None:
        return {"status": 200, "state": "undecided" if result.cards else "silent"}
    inputs = decision.get("inputs")
    facts = inputs if isinstance(inputs, dict) else {}
    return {
        "status": 200,
        "state": decision.get("state"),
        **{name: decision.get(name, []) for name in _LISTS},  # an empty list is left out on the wire
        **{f"inputs.{name}": fact for name, fact in facts.items()},
    }


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The members that differ, each with both values; None where one side has none."""
    names = dict.fromkeys((*one, *other))
    return {name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)}


def _put_out(path: Path, found: Mapping[str, tuple[Any, Any]], out: Console, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(orjson.dumps({"input": str(path), "differs": found}) + b"\n")
        sys.stdout.flush()
        return
    out.print(Text(printable(str(path)), style="bold"), overflow="ignore", no_wrap=True, crop=False)
    table = Table.grid(padding=(0, 2))
    for name, values in found.items():
        first, second = map(_brief, values)
        if first == second:  # the same value from other records
            first, second = (orjson.dumps(value).decode() for value in values)
        table.add_row(Text(f"  {name}"), Text(printable(first)), Text("->"), Text(printable(second)))
    out.print(table)


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return f"unknown: {value['unknown']}" if "unknown" in value else _brief(value.get("value"))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)
