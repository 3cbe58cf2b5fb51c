"""`nelm-cds replay`: every input evaluated through the functions of the hook, or posted to a running service."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import requests
from rich.console import Console
from rich.progress import track

from cds_service.cli.inputs import Input, UnreadableInputError, find, load
from cds_service.cli.render import show
from cds_service.clock import now
from cds_service.decide import DECISION_EXTENSION, Evaluation, as_json, inputs_as_json
from cds_service.errors import RequestError
from cds_service.gather import gather_all, read_prefetch
from cds_service.guidelines.nelm_2006.intake import ChartReading, read
from cds_service.guidelines.nelm_2006.intake.account import Account, account
from cds_service.http.answer import evaluate_request
from cds_service.http.services import SERVICE_ID
from cds_service.http.wire import parse_request
from cds_service.reasoning.markdown import printable
from cds_service.settings import Settings
from cds_service.telemetry.logs import place
from fhir_mappings.local_codes import with_local_codes
from fhir_mappings.select import Chart, build_chart
from fhir_mappings.terminology import load_terminology

_MANY = 20
_TIMEOUT_SECONDS = 60
_EXAMPLE = "http://127.0.0.1:8000"


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
    sent: tuple[str, ...] | None = None  # what came along, where it was a file
    alone: tuple[Chart, ChartReading] | None = None  # what a file without its Patient says, where that is asked for

    def account(self) -> Account | None:
        """What became of every resource; None where the evaluation was elsewhere, or came to nothing."""
        read = (self.evaluation.chart, self.evaluation.reading) if self.evaluation else self.alone
        return account(*read, self.sent) if read else None

    def as_json(self, *, explain: bool = False) -> dict[str, Any]:
        """The result as one object of `--json`, with the account of every resource where it is asked for."""
        told = self.account() if explain else None
        explained: dict[str, dict[str, Any]] = {}
        if told is not None:
            explained["explain"] = {"used": told.used, "not_used": [asdict(item) for item in told.not_used]}
            explained["explain"] |= {"silent": told.silent} if told.silent else {}
        if explained and self.alone:
            explained["explain"]["inputs"] = inputs_as_json(dict(self.alone[1].needs.facts()))
        return {
            "input": str(self.path),
            "patient": self.patient,
            "status": self.status,
            "decision": self.decision,
            "cards": self.cards,
            "error": self.error,
            **explained,
        }


def run(
    paths: list[Path], settings: Settings, *, as_json: bool, explain: bool, as_of: str | None, url: str | None
) -> int:
    """Evaluate every input and print its result; 0 if all could be read and got an answer, else 1."""
    messages = Console(stderr=True)
    out = Console(highlight=False)
    failed = 0
    states: Counter[str] = Counter()
    inputs = Inputs(paths, messages, as_of=as_of, prefer_request=url is not None)
    for item in inputs:
        result = post(item, url) if url else evaluated(item, settings, explain=explain)
        failed += result.status is None
        states[_became(result)] += 1
        put_out(result, out, as_json=as_json, explain=explain)
    inputs.tell(states)
    return 1 if failed or inputs.unread else 0


class Inputs:
    """Every input below the paths that can be read, one after the other; the others are told of, and counted."""

    def __init__(self, paths: list[Path], messages: Console, *, as_of: str | None, prefer_request: bool) -> None:
        self.unread = 0
        self._found = find(paths)
        self._messages = messages
        self._as_of, self._prefer_request = as_of, prefer_request

    def __iter__(self) -> Iterator[Input]:
        quiet = len(self._found) <= _MANY or not self._messages.is_terminal
        for path in track(self._found, "Replaying", console=self._messages, transient=True, disable=quiet):
            try:
                item = load(path, prefer_request=self._prefer_request, as_of=self._as_of)
            except UnreadableInputError as error:
                self.unread += 1
                self._messages.print(printable(f"nelm-cds: {error}"), markup=False, soft_wrap=True)
                continue
            yield item

    def tell(self, counted: Counter[str]) -> None:
        """Say how many there were of each kind, where there is more than one input."""
        if not self._found:
            self._messages.print("nelm-cds: no *.json and no story below the given paths", markup=False)
        if len(self._found) > 1:
            unread = f"; {self.unread} could not be read" if self.unread else ""
            counts = ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items()))
            text = f"{len(self._found)} inputs: {counts}{unread}"
            self._messages.print(text, markup=False, highlight=False, soft_wrap=True)


def _became(result: Result) -> str:
    if result.status is None:
        return "without an answer"
    if result.status != requests.codes.ok:
        return f"refused ({result.status})"
    return str(result.decision["state"]) if result.decision else "silent"


def put_out(result: Result, out: Console, *, as_json: bool, explain: bool) -> None:
    """Print one result, as a line of JSON or for a reader."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(result.as_json(explain=explain)) + b"\n")
        sys.stdout.flush()
    else:
        show(out, result, explain=explain)


def evaluated(item: Input, settings: Settings, *, explain: bool = False) -> Result:
    """What becomes of one input that is evaluated here."""

    def evaluate() -> Evaluation:
        return evaluate_request(parse_request(item.request), settings, now())

    result = replace(outcome(item.path, item.patient, evaluate), sent=item.sent)
    if explain and result.status == requests.codes.precondition_failed and item.stand_in:
        return replace(result, alone=_read_alone(item.stand_in, settings))
    return result


def _read_alone(body: bytes, settings: Settings) -> tuple[Chart, ChartReading]:
    """What is read of a file without its Patient, as if the chart were ours: no advice comes of it."""
    request = parse_request(body)
    terminology = with_local_codes(load_terminology(), settings.local_codes)
    chart = build_chart(
        gather_all(read_prefetch(request.prefetch, terminology)),
        patient_id=request.context.patientId,
        fhir_server=request.fhirServer,
        as_of=request.as_of() or settings.as_of or now(),
        terminology=terminology,
    )
    return read(chart, settings.policy, whole=True)


def outcome(path: Path, patient: str | None, evaluate: Callable[[], Evaluation]) -> Result:
    """What becomes of one input, whatever happens: an error of one never ends the others."""
    try:
        evaluation = evaluate()
    except RequestError as error:
        return Result(path, patient, error.status, None, [], str(error))
    except Exception as error:  # the outermost handler of one input: the hook answers 500, and the others go on
        fault = f"a fault of this program: {type(error).__name__} at {place(error.__traceback__)}"
        return Result(path, patient, 500, None, [], fault)
    return Result(path, patient, 200, as_json(evaluation.decision), evaluation.cards, None, evaluation)


def post(item: Input, url: str) -> Result:
    """What a running service makes of one input; no status where it gives no answer, or one that is no hook's."""
    address = f"{url.rstrip('/')}/cds-services/{SERVICE_ID}"
    try:
        response = requests.post(
            address, data=item.request, headers={"Content-Type": "application/json"}, timeout=_TIMEOUT_SECONDS
        )
    except (requests.RequestException, ValueError) as error:  # ValueError: a URL that urllib3 cannot read
        reason = f"{address}: {type(error).__name__}; --url takes the address of the service, such as {_EXAMPLE}"
        return Result(item.path, item.patient, None, None, [], reason)
    try:
        body = response.json()
    except requests.JSONDecodeError:
        body = None
    if response.status_code != requests.codes.ok:
        return Result(item.path, item.patient, response.status_code, None, [], _diagnostics(body))
    if not isinstance(body, dict) or not isinstance(body.get("cards"), list):
        # Without a list of cards it is not a service that has nothing to say.
        reason = f"{address}: answered without cards; --url takes the address of the service, such as {_EXAMPLE}"
        return Result(item.path, item.patient, None, None, [], reason)
    extension = body.get("extension")
    decision = extension.get(DECISION_EXTENSION) if isinstance(extension, dict) else None
    return Result(item.path, item.patient, 200, decision, body["cards"], None)


def _diagnostics(body: Any) -> str:
    issues = body.get("issue") if isinstance(body, dict) else None
    texts = [i.get("diagnostics") for i in issues if isinstance(i, dict)] if isinstance(issues, list) else []
    return "; ".join(text for text in texts if isinstance(text, str)) or "no reason given"
