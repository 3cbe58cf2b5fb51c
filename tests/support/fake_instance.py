"""What a proxy may find where an instance should be: one that answers, hangs up without a word, or never answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWERS, HANGS_UP, SILENT, BUSY = "/answers", "/hangs-up", "/silent", "/busy"
ITS_OWN_WORDS = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"transient"}]}'


@dataclass
class FakeInstance:
    """Where it listens, and what it was sent: paths, and the headers of the last request."""

    port: int = 0
    paths: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


@contextmanager
def fake_instance() -> Iterator[FakeInstance]:
    """An instance on loopback, which does what the path says; it ends with the block."""
    told = FakeInstance()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            path = self.path.partition("?")[0]
            told.paths.append(path)
            told.headers = {name.lower(): value for name, value in self.headers.items()}
            if path == SILENT:
                told.released.wait(60)
            if path in (SILENT, HANGS_UP):
                self.close_connection = True
                return
            self.send_response(503 if path == BUSY else 200)
            if path == BUSY:
                self.send_header("Retry-After", "10")
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(ITS_OWN_WORDS)))
            self.end_headers()
            self.wfile.write(ITS_OWN_WORDS)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that it overrides
            """Say nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_port
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield told
        finally:
            told.released.set()
            server.shutdown()
