"""Calls and feedback that go on while something breaks, as EHRs send them; every answer is looked at and counted.

An answered hook call is one whose cards are those of a quiet moment; one that leaves them out shows as "other cards".
Feedback that is not acknowledged is sent again, as docs/feedback.md asks for, with a token of its own each time.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx

from tests.drills.site import FEEDBACK, HOOK, Site
from tests.support.stories import story, without_uuids

ANSWERED, ACKNOWLEDGED, WRONG, ODD_SHAPE = "answered", "acknowledged", "other cards", "in no shape of ours"
AT = "2026-05-04T09:30:00Z"
_IN_SCOPE, _OUT_OF_SCOPE = "resectable", "out-of-scope-diabetic"
_GIVES_UP_AFTER = 30  # seconds without acknowledgement, once the traffic ends


def body_of(name: str) -> bytes:
    """A story as production takes it: evaluated now."""
    request = story(name).request
    request.pop("extension", None)
    return json.dumps(request, separators=(",", ":")).encode()


def entry_of(card: str) -> dict[str, Any]:
    """Feedback on a card."""
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": AT}


def refusal(answer: httpx.Response) -> str:
    """An answer that is none: its status, and whether it has the shape of our errors."""
    try:
        told = answer.json()
        ours = told["resourceType"] == "OperationOutcome" and answer.headers["content-type"] == "application/fhir+json"
    except (ValueError, KeyError, TypeError):
        ours = False
    return f"{answer.status_code}" if ours else f"{answer.status_code} {ODD_SHAPE}"


@dataclass
class Traffic:
    """What was seen so far; `phase` names what is going on around it."""

    site: Site
    clock_wrong_by: int = 0
    phase: str = "before"
    seen: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    answered_at: dict[str, list[float]] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ending: threading.Event = field(default_factory=threading.Event)
    _expected: dict[str, Any] = field(default_factory=dict)

    def turn(self, phase: str) -> None:
        """Something else goes on from now on."""
        self.began[phase] = time.monotonic()
        self.phase = phase

    def of(self, phase: str, kind: str) -> dict[str, int]:
        """How often each was seen."""
        return dict(sorted(self.seen.get(phase, {}).get(kind, Counter()).items()))

    def longest_pause(self, phase: str, until: str) -> float:
        """The longest time within a phase without an answered hook call, in seconds."""
        first, last = self.began[phase], self.began[until]
        moments = [first, *(m for m in sorted(self.answered_at.get(phase, [])) if m <= last), last]
        return max(later - earlier for earlier, later in pairwise(moments))

    def learn(self) -> None:
        """See what the cards of a quiet moment are, from an instance itself."""
        for name in (_IN_SCOPE, _OUT_OF_SCOPE):
            with self.site.caller(self.site.instances[0].address) as http:
                answer = http.post(HOOK, content=body_of(name), headers=self.site.signed(HOOK)).raise_for_status()
                self.shown |= {card["uuid"] for card in answer.json()["cards"]}
            self._expected[name] = without_uuids(answer.json())
        silent = not self._expected[_OUT_OF_SCOPE]["cards"]
        assert silent and self._expected[_IN_SCOPE]["cards"], "the stories do not tell cards from silence"

    def hooks(self, pause: float) -> None:
        """One hook call after the other, two of a patient in scope to one out of scope."""
        bodies = {name: body_of(name) for name in (_IN_SCOPE, _OUT_OF_SCOPE)}
        with self.site.caller() as http:
            while not self._ending.wait(pause):
                for name in (_IN_SCOPE, _IN_SCOPE, _OUT_OF_SCOPE):
                    self._hook(http, name, bodies[name])

    def feedback(self, pause: float) -> None:
        """One batch of feedback after the other, each until it is acknowledged."""
        with self.site.caller() as http:
            while not self._ending.wait(pause):
                cards = {str(uuid.uuid4()) for _ in range(3)}
                body = json.dumps({"feedback": [entry_of(card) for card in cards]}).encode()
                with self._lock:
                    self.sent |= cards
                if self._until_acknowledged(http, body):
                    with self._lock:
                        self.acknowledged |= cards

    def _until_acknowledged(self, http: httpx.Client, body: bytes) -> bool:
        given_up = None
        while given_up is None or time.monotonic() < given_up:
            answer = self._post(http, FEEDBACK, body)
            good = isinstance(answer, httpx.Response) and answer.status_code == 200
            self._count("feedback", ACKNOWLEDGED if good else _result(answer))
            if good:
                return True
            if self.clock_wrong_by and self._ending.is_set():
                return False  # its clock will not be right
            if given_up is None and self._ending.is_set():
                given_up = time.monotonic() + _GIVES_UP_AFTER
            threading.Event().wait(0.1)
        return False

    def _hook(self, http: httpx.Client, name: str, body: bytes) -> None:
        phase = self.phase
        answer = self._post(http, HOOK, body)
        if not isinstance(answer, httpx.Response) or answer.status_code != 200:
            self._count("hook", _result(answer))
            return
        told = answer.json()
        good = without_uuids(told) == self._expected[name]
        self._count("hook", ANSWERED if good else WRONG)
        with self._lock:
            self.shown |= {card["uuid"] for card in told["cards"]}
            if good:
                self.answered_at.setdefault(phase, []).append(time.monotonic())

    def _post(self, http: httpx.Client, path: str, body: bytes) -> httpx.Response | httpx.HTTPError:
        try:
            return http.post(path, content=body, headers=self.site.signed(path, self.clock_wrong_by))
        except httpx.HTTPError as error:
            return error

    def _count(self, kind: str, result: str) -> None:
        with self._lock:
            self.seen.setdefault(self.phase, {}).setdefault(kind, Counter())[result] += 1

    def end(self) -> None:
        """Begin nothing more."""
        self._ending.set()


def _result(answer: httpx.Response | httpx.HTTPError) -> str:
    return refusal(answer) if isinstance(answer, httpx.Response) else f"no answer ({type(answer).__name__})"


@contextmanager
def going_on(site: Site, *, clock_wrong_by: int = 0, callers: int = 3, pause: float = 0.05) -> Iterator[Traffic]:
    """Traffic of so many callers of hooks, and two that send feedback; at the end nothing of it is in flight."""
    traffic = Traffic(site, clock_wrong_by)
    traffic.learn()
    traffic.turn("before")
    works = [traffic.hooks] * callers + [traffic.feedback] * 2
    threads = [threading.Thread(target=work, args=(pause,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        traffic.end()
        for thread in threads:
            thread.join(60)


def summary(traffic: Traffic, phases: Mapping[str, str]) -> list[dict[str, Any]]:
    """What callers saw in each phase, under the name that the page gives it."""
    return [
        {"phase": told, "hook": traffic.of(phase, "hook"), "feedback": traffic.of(phase, "feedback")}
        for phase, told in phases.items()
    ]
