"""What is counted: from a request's bytes to the answer's, on fixed inputs. Run by `counting.py`, under callgrind.

Callgrind counts nothing but what runs inside PyEval_EvalCode, which is `exec`, and starts counting only after the
warm-up, which would take minutes otherwise.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from fhir.resources.R4B.observation import Observation

from cds_service.http.answer import answer_request, read_call
from cds_service.http.warm_up import warm_up
from cds_service.settings import Settings
from tests.benchmarks.bodies import Scenario

SETTINGS = Settings()
NOW = datetime(2026, 3, 2, tzinfo=UTC)
TIMES = 3  # one call's share of caches and of memory that is given back differs a little from the next one's
_CODE = compile("work()", "counted", "exec")


def answer(body: bytes) -> bytes:
    """The answer as it is sent."""
    call = read_call(body)
    return orjson.dumps(answer_request(call.request, SETTINGS, NOW, sent=call.sent).body())


def answer_slowed_down(body: bytes) -> bytes:
    """The same, with the slip that the gate is for: every Observation of the chart as a full model."""
    for entry in orjson.loads(body)["prefetch"]["observations"]["entry"]:
        Observation.model_validate(entry["resource"])
    return answer(body)


SLOWED_DOWN = "with a full model per Observation"
COUNTED: dict[str, Callable[[], Any]] = {
    **{
        scenario.name: partial(answer, scenario.body())
        for scenario in (Scenario(10, False), Scenario(10, True), Scenario(100, False), Scenario(100, True))
    },
    SLOWED_DOWN: partial(answer_slowed_down, Scenario(100, True).body()),
}


def main() -> None:
    """Run everything once to warm up, then once to be counted, in the order of COUNTED."""
    warm_up()
    for work in COUNTED.values():
        for _ in range(3):
            work()
    gc.collect()
    gc.freeze()
    gc.disable()  # when it runs depends on what ran before
    _switch_on()
    for work in COUNTED.values():
        exec(_CODE, {"work": partial(_repeat, work)})  # noqa: S102 - our own code: the one function callgrind looks for


def _repeat(work: Callable[[], Any]) -> None:
    for _ in range(TIMES):
        work()


def _switch_on() -> None:
    command = ["vgdb", f"--pid={os.getpid()}", "instrumentation", "on"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asking:
        # Valgrind looks for what it is asked only while the program runs: waiting in the kernel it never would.
        while asking.poll() is None:
            pass
    if asking.returncode:
        sys.exit("callgrind could not be switched on")


if __name__ == "__main__":
    main()
