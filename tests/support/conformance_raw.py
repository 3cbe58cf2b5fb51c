"""HTTP by hand over a socket, for clients that no HTTP library would be."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.conformance_server import Server
from tests.support.service import SERVICE

_PATIENCE = 30


@dataclass(frozen=True)
class Received:
    """All that came back until the service closed the connection."""

    content: bytes

    @property
    def statuses(self) -> list[int]:
        """The status of every answer, those that say to go on included."""
        return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", self.content)]

    @property
    def body(self) -> bytes:
        """What stands after the headers of the last answer."""
        return self.content.rpartition(b"\r\n\r\n")[2]


def head(method: str = "POST", path: str = SERVICE, version: str = "1.1", **headers: object) -> bytes:
    """The lines before the body; without a `Connection` of its own it asks to be hung up on after the answer."""
    lines = {"Host": "localhost", "Content_Type": "application/json", "Connection": "close"} | headers
    text = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/{version}\r\n{text}\r\n".encode()


def whole(body: bytes, **headers: object) -> bytes:
    """A call of the hook with its right length."""
    return head("POST", SERVICE, "1.1", **{"Content_Length": len(body)} | headers) + body


def chunk(content: bytes) -> bytes:
    """One chunk of a body of unknown length; an empty one is its end."""
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """A connection to the service."""
    with socket.create_connection((server.host, server.port), timeout=_PATIENCE) as connection:
        yield connection


def talk(server: Server, pieces: Iterable[bytes]) -> Received:
    """Send the pieces whatever comes back meanwhile, then read until the service hangs up."""
    with connected(server) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except ConnectionError:
            pass  # hung up on before all was sent: what was said about it has still come in
        return Received(b"".join(_until_closed(connection)))


def _until_closed(connection: socket.socket) -> Iterator[bytes]:
    try:
        while received := connection.recv(65536):
            yield received
    except ConnectionResetError:
        return
