"""SIGTERM in the middle of a call: the call is finished, what was shown is written, and nothing new is taken."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.benchmarks.slow_fhir_server import slow_fhir_server
from tests.integration.test_feedback_survives import free_port
from tests.support.service import JSON, SERVICE
from tests.support.stories import story

STORY = story("resectable")


def test_a_call_in_flight_is_finished_and_recorded(tmp_path: Path) -> None:
    fhir, port, store = free_port(), free_port(), tmp_path / "store.db"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NELM_CDS_")}
    environment |= {
        "NELM_CDS_FHIR_SERVERS": f"http://127.0.0.1:{fhir}/fhir",
        "NELM_CDS_DATABASE_URL": f"sqlite:///{store}",
    }
    request = STORY.request | {"fhirServer": f"http://127.0.0.1:{fhir}/fhir", "prefetch": {}}
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port)]
    with (
        slow_fhir_server(fhir, STORY.name),
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, stderr=log) as process,
        ThreadPoolExecutor(1) as calling,
    ):
        try:
            _until_ready(port, process)
            address = f"http://127.0.0.1:{port}"
            call = calling.submit(httpx.post, address + SERVICE, json=request, headers=JSON, timeout=20)
            threading.Event().wait(0.05)  # its queries take 100 ms
            assert not call.done()
            process.send_signal(signal.SIGTERM)
            assert len(call.result().json()["cards"]) == len(STORY.expected["cards"])
            assert process.wait(timeout=15) in (0, -signal.SIGTERM)  # uvicorn hands the signal on when it is done
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{address}/healthz")
        finally:
            process.kill()
    with sqlite3.connect(store) as kept:
        assert kept.execute("SELECT count(*) FROM shown_card").fetchone() == (len(STORY.expected["cards"]),)
    kept.close()


def _until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            threading.Event().wait(0.05)
        assert process.poll() is None
    raise AssertionError("the service did not become ready")
