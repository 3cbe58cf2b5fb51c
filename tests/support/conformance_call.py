"""Calls of the service under test over HTTP; every 200 of a hook is held against rows 55 to 73 where it is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.cds_hooks import check
from tests.support.conformance_answer import violations
from tests.support.conformance_server import Server
from tests.support.service import JSON, SERVICE

__all__ = ["JSON", "SERVICE", "Caller", "calling"]


class Caller:
    """A client of one service, as an EHR would be one."""

    def __init__(self, client: httpx.Client, address: str) -> None:
        self._client = client
        self._address = address
        self.seen: set[str] = set()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """GET, never following a redirect."""
        return self.request("GET", path, headers=dict(headers or {}))

    def request(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Any other call, to the path as it is: `//x` is no host."""
        return self._client.request(method, self._address + path, **how)

    def post(self, body: Any, headers: Mapping[str, str] = JSON, path: str = SERVICE) -> httpx.Response:
        """Post to the hook; what is no bytes is written as JSON. A 200 is checked before it is given back."""
        content = body if isinstance(body, (bytes, Iterator)) else json.dumps(body).encode()
        answer = self.request("POST", path, content=content, headers=dict(headers))
        if answer.status_code == 200 and isinstance(content, bytes):
            self._check(answer, content)
        return answer

    def cards(self, body: Any, headers: Mapping[str, str] = JSON) -> Any:
        """The answer's body to a call that has to succeed."""
        answer = self.post(body, headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def feedback(self, body: Any, headers: Mapping[str, str] = JSON, path: str = SERVICE) -> httpx.Response:
        """Post to the hook's feedback."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", f"{path}/feedback", content=content, headers=dict(headers))

    def _check(self, answer: httpx.Response, content: bytes) -> None:
        assert answer.headers["content-type"] == "application/json"
        request = json.loads(content)
        body = json.loads(answer.content.decode("utf-8"))
        assert [f"row {row}: {text}" for row, text in violations(body, request)] == []
        check(body, request["context"]["patientId"], self.seen)


@contextmanager
def calling(server: Server) -> Iterator[Caller]:
    """A caller with connections of its own."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    with httpx.Client(trust_env=False, timeout=60, limits=limits) as client:
        yield Caller(client, server.address)
