"""The service for the tests: in this process through a client, or as a process of its own on a free port."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from httpx import Response

from cds_service.app import create_app
from cds_service.http.services import SERVICE_ID
from cds_service.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette asks for a newer client library than the one that is pinned
    from starlette.testclient import TestClient

SERVICE = f"/cds-services/{SERVICE_ID}"
ORIGIN = "https://sandbox.cds-hooks.org"
JSON = {"Content-Type": "application/json"}

__all__ = ["JSON", "ORIGIN", "SERVICE", "TestClient", "make_client", "post", "running_service"]


def make_client(settings: Settings | None = None) -> TestClient:
    """A client of the application in this process; a fault of the service is an answer, not an exception."""
    return TestClient(create_app(settings or Settings()), raise_server_exceptions=False)


def post(client: TestClient, request: bytes | Any, headers: Mapping[str, str] = JSON, path: str = SERVICE) -> Response:
    """Post a request to the hook; what is not bytes is written as JSON."""
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    response: Response = client.post(path, content=body, headers=dict(headers))
    return response


@contextmanager
def running_service(settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """`nelm-cds serve` as a process on a free port; gives its address once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NELM_CDS_")} | dict(settings or {})
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+b") as log:
        environment.setdefault("NELM_CDS_DATABASE_URL", f"sqlite:///{folder}/store.db")
        with subprocess.Popen(command, env=environment, stderr=log) as process:
            try:
                _wait_until_ready(f"http://127.0.0.1:{port}/readyz", process, Path(folder) / "log")
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(address, timeout=1).ok:
                return
        except requests.ConnectionError:
            threading.Event().wait(0.05)  # time.sleep fails under a shifted clock (libfaketime)
    process.terminate()
    raise AssertionError(f"the service did not become ready: {log.read_text()}")
