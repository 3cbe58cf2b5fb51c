"""`nelm-cds replay`: every input evaluated through the functions of the hook, or posted to a running service."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import requests
from rich.console import Console
from rich.progress import track

from cds_service.cli.inputs import Input, UnreadableInputError, find, load
from cds_service.cli.render import show
from cds_service.clock import now
from cds_service.decide import DECISION_EXTENSION, Evaluation, as_json
from cds_service.errors import RequestError
from cds_service.http.answer import evaluate_request
from cds_service.http.discovery import HOOK, SERVICE_ID
from cds_service.http.shell import place
from cds_service.http.wire import parse_request
from cds_service.settings import Settings

_MANY = 20
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one input; `evaluation` only where it was evaluated here."""

    path: Path
    patient: str | None
    status: int | None
    decision: dict[str, Any] | None
    cards: list[dict[str, Any]]
    error: str | None
    evaluation: Evaluation | None = None

    def as_json(self) -> dict[str, Any]:
        """The result as one object of `--json`."""
        return {
            "input": str(self.path),
            "patient": self.patient,
            "status": self.status,
            "decision": self.decision,
            "cards": self.cards,
            "error": self.error,
        }


def run(
    paths: list[Path], settings: Settings, *, as_json: bool, explain: bool, as_of: str | None, url: str | None
) -> int:
    """Evaluate every input and print its result; 0 if all could be read and got an answer, else 1."""
    messages = Console(stderr=True)
    out = Console(highlight=False)
    found = find(paths)
    failed = 0
    steps = track(found, "Replaying", console=messages, transient=True, disable=not _wants_progress(found, messages))
    for path in steps:
        try:
            item = load(path, prefer_request=url is not None, as_of=as_of)
        except UnreadableInputError as error:
            failed += 1
            messages.print(f"nelm-cds: {error}", markup=False, soft_wrap=True)
            continue
        result = _post(item, url) if url else _evaluate(item, settings)
        failed += result.status is None
        put_out(result, out, as_json=as_json, explain=explain)
    if not found:
        messages.print("nelm-cds: no *.json and no story below the given paths", markup=False)
    return 1 if failed else 0


def put_out(result: Result, out: Console, *, as_json: bool, explain: bool) -> None:
    """Print one result, as a line of JSON or for a reader."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(result.as_json()) + b"\n")
        sys.stdout.flush()
    else:
        show(out, result, explain=explain)


def _wants_progress(found: list[Path], messages: Console) -> bool:
    return len(found) > _MANY and messages.is_terminal


def _evaluate(item: Input, settings: Settings) -> Result:
    def evaluate() -> Evaluation:
        return evaluate_request(parse_request(item.request, hook=HOOK), settings, now())

    return outcome(item.path, item.patient, evaluate)


def outcome(path: Path, patient: str | None, evaluate: Callable[[], Evaluation]) -> Result:
    """What becomes of one input, whatever happens: an error of one never ends the others."""
    try:
        evaluation = evaluate()
    except RequestError as error:
        return Result(path, patient, error.status, None, [], str(error))
    except Exception as error:  # the outermost handler of one input: the hook answers 500, and the others go on
        fault = f"a fault of this program: {type(error).__name__} at {place(error)}"
        return Result(path, patient, 500, None, [], fault)
    return Result(path, patient, 200, as_json(evaluation.decision), evaluation.cards, None, evaluation)


def _post(item: Input, url: str) -> Result:
    address = f"{url.rstrip('/')}/cds-services/{SERVICE_ID}"
    try:
        response = requests.post(
            address, data=item.request, headers={"Content-Type": "application/json"}, timeout=_TIMEOUT_SECONDS
        )
    except (requests.RequestException, ValueError) as error:  # ValueError: a URL that urllib3 cannot read
        return Result(item.path, item.patient, None, None, [], f"{address}: {type(error).__name__}")
    try:
        body = response.json()
    except requests.JSONDecodeError:
        body = None
    if response.status_code != requests.codes.ok or not isinstance(body, dict):
        return Result(item.path, item.patient, response.status_code, None, [], _diagnostics(body))
    extension = body.get("extension")
    decision = extension.get(DECISION_EXTENSION) if isinstance(extension, dict) else None
    return Result(item.path, item.patient, 200, decision, list(body.get("cards") or []), None)


def _diagnostics(body: Any) -> str:
    issues = body.get("issue") if isinstance(body, dict) else None
    texts = [i.get("diagnostics") for i in issues if isinstance(i, dict)] if isinstance(issues, list) else []
    return "; ".join(text for text in texts if isinstance(text, str)) or "no reason given"
