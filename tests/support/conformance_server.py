"""The service under test as a process of its own: `nelm-cds serve`, or an application of `conformance_app`.

It writes its log into a file, so that no pipe fills up, and ends with the block that started it.
"""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
_LIKE_SERVE = (
    "--factory", "--host", "127.0.0.1", "--loop", "uvloop", "--http", "httptools", "--ws", "none",
    "--log-level", "warning", "--no-access-log", "--no-server-header",
)  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A running service: its address, and what can be seen of its process from outside."""

    host: str
    port: int
    pid: int
    folder: Path

    @property
    def address(self) -> str:
        """What its URLs begin with."""
        return f"http://{self.host}:{self.port}"

    @property
    def log(self) -> str:
        """All that it has written so far."""
        return (self.folder / "service.log").read_text("utf-8")

    def stored(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Rows of its store."""
        with closing(sqlite3.connect(self.folder / "store.db")) as store:
            return store.execute(query, values).fetchall()

    @property
    def peak_memory(self) -> int:
        """The most bytes that were ever resident."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        (kibibytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return int(kibibytes) * 1024


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def command(port: int, application: str = "") -> list[str]:
    """What starts the service on a port, or one of the applications of `conformance_app`."""
    if application:
        target = f"tests.support.conformance_app:{application}"
        return [sys.executable, "-m", "uvicorn", target, *_LIKE_SERVE, "--port", str(port)]
    return [sys.executable, "-m", "cds_service", "serve", "--port", str(port)]


def environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment with these settings and no others; the store is a file in the folder."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NELM_CDS_")}
    return plain | {"NELM_CDS_DATABASE_URL": f"sqlite:///{folder / 'store.db'}"} | dict(settings)


@contextmanager
def serving(folder: Path, settings: Mapping[str, str] | None = None, application: str = "") -> Iterator[Server]:
    """The service with these settings on a free port, once it is ready."""
    port = free_port()
    with (
        (folder / "service.log").open("wb") as log,
        subprocess.Popen(
            command(port, application), cwd=ROOT, env=environment(folder, settings or {}), stdout=log, stderr=log
        ) as process,
    ):
        server = Server("127.0.0.1", port, process.pid, folder)
        try:
            _wait_until_ready(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get(f"{server.address}/readyz").is_success:
                    return
            except httpx.TransportError:
                threading.Event().wait(0.05)
    raise AssertionError(f"the service did not become ready: {server.log}")
