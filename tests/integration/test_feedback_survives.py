"""Feedback under the worst: the service killed while it is posted, restarted, and two replicas on one database.

What was acknowledged is stored, whatever happens to the process; what was not is sent again and counted once.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cds_service.store.database import make_engine, transaction
from cds_service.store.schema import feedback
from tests.support.service import SERVICE, running_service
from tests.support.signing import Issuer, make_key, public
from tests.support.stories import story

KILLS = int(os.environ.get("NELM_TEST_KILLS", "4"))
FEEDBACK = f"{SERVICE}/feedback"
AT = "2026-05-04T09:30:00Z"


class Poster(threading.Thread):
    """Posts feedback without pause until it is told to stop, and remembers what was acknowledged."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.address = f"http://127.0.0.1:{port}{FEEDBACK}"
        self.acknowledged: set[str] = set()
        self.stopping = threading.Event()

    def run(self) -> None:
        """One batch after the other, each of cards of its own."""
        with httpx.Client(trust_env=False, timeout=10) as http:
            while not self.stopping.is_set():
                cards = [str(uuid.uuid4()) for _ in range(3)]
                entries = [{"card": card, "outcome": "overridden", "outcomeTimestamp": AT} for card in cards]
                try:
                    answer = http.post(self.address, json={"feedback": entries})
                except httpx.HTTPError:
                    self.stopping.wait(0.02)
                    continue
                if answer.status_code == 200:
                    self.acknowledged |= set(cards)


@contextmanager
def serving(port: int, settings: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NELM_CDS_")} | dict(settings)
    with log.open("ab") as out, subprocess.Popen(command, env=environment, stderr=out) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def stored(url: str) -> list[str]:
    engine = make_engine(url)
    with transaction(engine) as connection:
        cards = [row[0] for row in connection.execute(select(feedback.c.card))]
    engine.dispose()
    return cards


def wait_for(poster: Poster, count: int, process: subprocess.Popen[bytes]) -> None:
    """Until so much was acknowledged since; the service must not have ended by itself."""
    wanted = len(poster.acknowledged) + count
    for _ in range(3000):
        if len(poster.acknowledged) >= wanted:
            return
        assert process.poll() is None, "the service ended by itself"
        threading.Event().wait(0.02)
    raise AssertionError("no feedback was acknowledged")


def test_what_was_acknowledged_outlives_kill_9(store_url: str, tmp_path: Path) -> None:
    port = free_port()
    posters = [Poster(port) for _ in range(3)]
    for poster in posters:
        poster.start()
    for kill in range(KILLS):
        with serving(port, {"NELM_CDS_DATABASE_URL": store_url}, tmp_path / "log") as process:
            wait_for(posters[kill % 3], 3 + 2 * kill, process)
            process.send_signal(signal.SIGKILL)
            process.wait()
    for poster in posters:
        poster.stopping.set()
        poster.join()
    acknowledged = set.union(*(poster.acknowledged for poster in posters))
    kept = stored(store_url)
    assert len(acknowledged) > 3 * KILLS
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))


def test_feedback_is_in_the_summary_after_a_restart(store_url: str, tmp_path: Path) -> None:
    settings = {"NELM_CDS_DATABASE_URL": store_url}
    with running_service(settings) as service:
        cards = httpx.post(service + SERVICE, content=story("resectable").body, headers=_JSON).json()["cards"]
        said = [{"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": AT} for card in cards]
        assert httpx.post(service + FEEDBACK, json={"feedback": said}).status_code == 200
    with running_service(settings) as service:
        for _ in range(2):  # a client that was not sure sends it again
            assert httpx.post(service + FEEDBACK, json={"feedback": said}).status_code == 200
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NELM_CDS_")} | settings
    command = [sys.executable, "-m", "cds_service", "feedback", "summary", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told = {row["code"]: row for row in json.loads(done.stdout)["recommendations"]}
    assert told["T-RESECT"] == {
        "code": "T-RESECT", "shown": 1, "accepted": 0, "overridden": 1, "without_feedback": 0, "commented": 0,
        "reasons": {"no reason": 1},
    }  # fmt: skip


@pytest.mark.parametrize("where", ["", FEEDBACK.removeprefix(SERVICE)], ids=["hook", "feedback"])
def test_a_token_is_used_once_on_all_replicas(store_url: str, tmp_path: Path, where: str) -> None:
    ehr = Issuer(make_key())
    (tmp_path / "keys.json").write_text(json.dumps(public(ehr.key)))
    clients = f'[[client]]\nname = "ehr"\niss = "{ehr.iss}"\njwks_file = "keys.json"\n'
    (tmp_path / "clients.toml").write_text(clients)
    settings = {
        "NELM_CDS_DATABASE_URL": store_url,
        "NELM_CDS_CLIENTS": str(tmp_path / "clients.toml"),
        "NELM_CDS_PUBLIC_URL": "https://cds.example.org",
    }
    bodies = {"": story("resectable").request, "/feedback": {"feedback": []}}
    with running_service(settings) as one, running_service(settings) as two:

        def call(replica: str, headers: dict[str, Any]) -> int:
            return httpx.post(f"{replica}{SERVICE}{where}", json=bodies[where], headers=headers).status_code

        for first, second in ((one, two), (two, one)):
            signed = ehr.authorization(f"https://cds.example.org{SERVICE}{where}")
            assert [call(first, signed), call(second, signed), call(first, signed)] == [200, 401, 401]


_JSON = {"Content-Type": "application/json"}
