"""How long an answer takes, as one table; `make bench`.

A machine's speed is told by a baseline of the same run: the same body parsed in full, and its entries counted. The
ratio to it can be compared between machines; the milliseconds cannot.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from cds_service.gather import gather
from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.intake import ChartReading, read_chart
from cds_service.http.answer import answer_call, evaluate_request
from cds_service.http.warm_up import warm_up
from cds_service.http.wire import parse_request
from cds_service.reasoning.decision import decide
from cds_service.settings import Settings
from fhir_mappings.select import build_chart
from fhir_mappings.terminology import load_terminology
from tests.support.stories import story

ROUNDS, LARGE_ROUNDS = 300, 20
SETTINGS = Settings()
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def main() -> None:
    """Measure and print."""
    warm_up()
    complete = story("resectable").body
    needs = evaluate_request(parse_request(complete), SETTINGS, NOW).reading.needs
    table = Table(title=f"median of {ROUNDS} runs in this process, without HTTP")
    for heading in ("what", "body", "median", "95th percentile", "baseline", "ratio"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    deciding = _measure(lambda: decide(NELM_2006, needs))
    table.add_row("decide(), complete chart", "", f"{deciding[0] * 1e6:.0f} µs", f"{deciding[1] * 1e6:.0f} µs", "", "")
    for name, body in {
        "request to response, resectable": complete,
        "request to response, out of scope": story("out-of-scope-diabetic").body,
        "request to response, out of scope, 500 Observations": _many_observations(500),
    }.items():
        _check(name, body)
        median, slow = _measure(partial(_answer, body))
        baseline, _ = _measure(partial(_baseline, body))
        table.add_row(
            name,
            f"{len(body) / 1024:.0f} KiB",
            f"{median * 1e3:.2f} ms",
            f"{slow * 1e3:.2f} ms",
            f"{baseline * 1e3:.2f} ms",
            f"{median / baseline:.1f}",
        )
    _add_reading(table)
    Console(width=130).print(table)


def _add_reading(table: Table) -> None:
    """From bytes to inputs, beside the parser alone: 5,000 Observations of which the story's own matter."""
    for name, story_name in (("in scope", "resectable"), ("out of scope", "out-of-scope-diabetic")):
        body = _many_observations(5_000, story_name)
        median, slow = _measure(partial(_read, body), LARGE_ROUNDS)
        baseline, _ = _measure(partial(orjson.loads, body), LARGE_ROUNDS)
        table.add_row(
            f"bytes to inputs, {name}, 5,000 Observations (baseline: orjson.loads)",
            f"{len(body) / 1024:.0f} KiB",
            f"{median * 1e3:.2f} ms",
            f"{slow * 1e3:.2f} ms",
            f"{baseline * 1e3:.2f} ms",
            f"{median / baseline:.2f}",
        )


def _read(body: bytes) -> ChartReading:
    request = parse_request(body)
    chart = build_chart(
        gather(request.prefetch),
        patient_id=request.context.patientId,
        fhir_server=request.fhirServer,
        as_of=NOW,
        terminology=load_terminology(),
    )
    return read_chart(chart)


def _measure(call: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median and 95th percentile in seconds, after a tenth of the rounds for nothing."""
    for _ in range(rounds // 10):
        call()
    gc.collect()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def _answer(body: bytes) -> bytes:
    return orjson.dumps(answer_call(body, SETTINGS, NOW))


def _baseline(body: bytes) -> int:
    """The least that any service does with a body: parse all of it and look at every entry."""
    request = orjson.loads(body)
    bundles = [value for value in request["prefetch"].values() if value and value["resourceType"] == "Bundle"]
    return sum(len(bundle.get("entry", ())) for bundle in bundles)


def _check(name: str, body: bytes) -> None:
    """A benchmark of the wrong answer would be worthless."""
    silent = answer_call(body, SETTINGS, NOW) == {"cards": []}
    if silent != ("out of scope" in name):
        raise SystemExit(f"{name}: not the answer that was to be measured")


def _many_observations(count: int, story_name: str = "out-of-scope-diabetic") -> bytes:
    """A story's chart with many more results that the protocol does not ask for, as verbose as servers send them."""
    request = story(story_name).request
    plain = story("out-of-scope-diabetic").request["prefetch"]["observations"]["entry"]
    template = next(entry["resource"] for entry in plain if "valueQuantity" in entry["resource"])
    patient = {"reference": f"Patient/{request['context']['patientId']}"}
    entries: list[dict[str, Any]] = request["prefetch"]["observations"].setdefault("entry", [])
    entries += [{"resource": template | {"id": f"o-{number}", "subject": patient}} for number in range(count)]
    request["prefetch"]["observations"].pop("total", None)
    return json.dumps(request).encode()


if __name__ == "__main__":
    main()
