"""The service and the baseline as processes of their own, and what the kernel tells of a process; Linux."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_STARTS_WITHIN = 120  # seconds; on a machine that is busy with other work


@dataclass(frozen=True)
class Process:
    """A server that answers on a port."""

    port: int
    pid: int
    ready_after: float

    @property
    def address(self) -> str:
        """What its URLs begin with."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """What it has had of the processor so far, in all its threads, those that have ended included."""
        return time.clock_gettime((~self.pid << 3) | 2)  # CPUCLOCK_SCHED of a process, as clock_getcpuclockid gives it

    def resident(self) -> float:
        """MB of its memory that are resident now."""
        return self._memory("VmRSS")

    def most_resident(self) -> float:
        """The most MB that were ever resident."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        (kibibytes,) = re.findall(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
        return int(kibibytes) * 1024 / 1e6


@contextmanager
def core_for_servers() -> Iterator[int | None]:
    """The core that the servers share; meanwhile this process, their caller, has another one. None: there is but one.

    Why: docs/performance.md, "Cores".
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == 1:
        yield None
        return
    os.sched_setaffinity(0, allowed[:1])
    try:
        yield allowed[1]
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def service(folder: Path | None = None, core: int | None = None) -> Iterator[Process]:
    """`nelm-cds serve` with its settings as they are by default; its store and its log stand in the folder.

    With a `core`, that is the only one it has.
    """
    with tempfile.TemporaryDirectory() as own:
        store = {"NELM_CDS_DATABASE_URL": f"sqlite:///{folder or own}/store.db"}
        port = _free_port()
        command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port)]
        with _started(command, port, folder or Path(own), store, core) as process:
            yield process


@contextmanager
def baseline(core: int | None = None) -> Iterator[Process]:
    """The baseline's server."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        command = [sys.executable, str(FOLDER / "baseline.py"), str(port)]
        with _started(command, port, Path(folder), {}, core) as process:
            yield process


@contextmanager
def _started(
    command: Sequence[str], port: int, folder: Path, settings: dict[str, str], core: int | None
) -> Iterator[Process]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NELM_CDS_")} | settings
    with (folder / "log").open("wb") as log:
        begun = time.perf_counter()
        with subprocess.Popen(command, env=environment, stderr=log) as running:
            if core is not None:
                os.sched_setaffinity(running.pid, {core})  # at once: the threads that it starts later inherit it
            try:
                _wait_until_ready(port, running, folder / "log")
                yield Process(port, running.pid, time.perf_counter() - begun)
            finally:
                running.terminate()


def _wait_until_ready(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as asking:
                asking.sendall(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                if asking.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            threading.Event().wait(0.005)
    raise SystemExit(f"a server did not become ready: {log.read_text('utf-8')}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
