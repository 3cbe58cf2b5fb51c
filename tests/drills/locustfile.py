"""Fifty users of an EHR, as locust runs them: they open charts, and report on the cards that they are shown.

What is called, and what has to come of it, stands in the folder that `tests.drills.load` names; each call's time and
result goes back there. A call whose answer is not the expected one is an error, whatever its status.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey
from locust import FastHttpUser, between, events  # type: ignore[import-not-found,import-untyped,unused-ignore]

from tests.drills.site import DISCOVERY, FEEDBACK, HOOK, PUBLIC_URL
from tests.drills.traffic import entry_of
from tests.support.signing import Issuer
from tests.support.stories import without_uuids

FOLDER = Path(os.environ["DRILLS_FOLDER"])
_TOLD = json.loads((FOLDER / "told.json").read_text("utf-8"))
_EHR = Issuer(ECKey.import_key(_TOLD["key"]), "ES256")
_CHARTS = [chart | {"body": (FOLDER / chart["file"]).read_bytes()} for chart in _TOLD["charts"]]
_WEIGHTS = [chart["weight"] for chart in _CHARTS]
_CHOICE = random.Random(2006)  # noqa: S311 - whose chart is next, no secret
calls: list[tuple[str, float, str]] = []
shown: list[str] = []
acknowledged: list[str] = []


def _signed(path: str) -> dict[str, str]:
    issuer = replace(_EHR, at=int(time.time()))
    return {"Content-Type": "application/json"} | issuer.authorization(PUBLIC_URL + path)


class User(FastHttpUser):  # type: ignore[misc,unused-ignore]
    """Opens one chart after the other, looks at the cards for a moment, and overrides some."""

    wait_time = between(0.2, 0.8)

    def open_chart(self) -> None:
        """A hook call; every other answer with cards is followed by feedback on the first."""
        (chart,) = _CHOICE.choices(_CHARTS, _WEIGHTS)
        answer = self._call(
            chart["name"], "POST", HOOK, chart["body"], lambda told: without_uuids(told) == chart["expected"]
        )
        cards = [card["uuid"] for card in answer["cards"]] if answer else []
        shown.extend(cards)
        if cards and _CHOICE.random() < 0.5:
            body = json.dumps({"feedback": [entry_of(cards[0])]}).encode()
            if self._call("feedback", "POST", FEEDBACK, body, lambda told: told is None) is not False:
                acknowledged.append(cards[0])

    def discover(self) -> None:
        """Discovery."""
        self._call("discovery", "GET", DISCOVERY, None, lambda told: bool(told["services"]))

    def _call(self, name: str, method: str, path: str, body: bytes | None, good: Callable[[Any], bool]) -> Any:
        """The answer's JSON, None where it has none, False where it is not what it has to be."""
        headers = _signed(path)
        with self.client.request(method, path, data=body, headers=headers, name=name, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} {answer.error or ''}".strip())
                return False
            told = json.loads(answer.text) if answer.text else None
            if not good(told):
                answer.failure("not the expected answer")
                return False
            answer.success()
            return told

    tasks = {open_chart: 30, discover: 1}  # noqa: RUF012 - locust's own way to weigh them


def _keep(name: str, response_time: float, exception: BaseException | str | None = None, **_: Any) -> None:
    calls.append((name, response_time, str(exception or "")))


def _write(**_: Any) -> None:
    found = {"calls": calls, "shown": shown, "acknowledged": acknowledged}
    (FOLDER / "found.json").write_text(json.dumps(found), "utf-8")


events.request.add_listener(_keep)
events.quitting.add_listener(_write)
