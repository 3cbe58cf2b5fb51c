"""An EHR on a loopback port: an authorization server that insists on PKCE, and the FHIR server of one story."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.stories import Story, resources

CLIENT_ID = "nelm-cds-pages"
LAUNCH = "launch-of-this-test"


@dataclass
class Ehr:
    """What the EHR holds, what it was asked, and what it objected to."""

    story: Story
    base: str = ""
    refuses: frozenset[str] = frozenset()  # resource types
    authorized: dict[str, str] = field(default_factory=dict)
    issued: dict[str, str] = field(default_factory=dict)  # code to code_challenge
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    asked: list[str] = field(default_factory=list)
    objections: list[str] = field(default_factory=list)

    def authorize(self, query: dict[str, str]) -> str:
        """The address to send the browser back to."""
        self.authorized = query
        wanted = {"response_type": "code", "client_id": CLIENT_ID, "aud": self.base, "launch": LAUNCH}
        wanted["code_challenge_method"] = "S256"
        self.objections += [name for name, value in wanted.items() if query.get(name) != value]
        code = secrets.token_urlsafe(12)
        self.issued[code] = query.get("code_challenge", "")
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The token for a code; None unless the verifier is the one that the code was asked for with."""
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if self.issued.pop(form.get("code", ""), None) != challenge:
            self.objections.append("code_verifier")
            return None
        if form.get("redirect_uri") != self.authorized["redirect_uri"]:
            self.objections.append("redirect_uri")
        patient = self.story.request["context"]["patientId"]
        return {"access_token": self.token, "token_type": "Bearer", "expires_in": 300, "patient": patient}

    def resources_of(self, kind: str) -> list[dict[str, Any]]:
        """The story's resources of one type."""
        return [r for r in resources(self.story.request["prefetch"]) if r["resourceType"] == kind]


@contextmanager
def ehr_of(story: Story, *refuses: str) -> Iterator[Ehr]:
    """An EHR that holds this story and refuses to be searched for some types of resource."""
    ehr = Ehr(story, refuses=frozenset(refuses))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(ehr))
    ehr.base = f"http://127.0.0.1:{server.server_port}/fhir"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield ehr
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(ehr: Ehr) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has in the base class
            """Say nothing: a test's output is its result."""

        def do_OPTIONS(self) -> None:
            self._answer(204, None)

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            origin = ehr.base.removesuffix("/fhir")
            if address.path == "/chart":
                self._show(query["app"])
            elif address.path == "/authorize":
                self._answer(302, None, Location=ehr.authorize(query))
            elif address.path == "/fhir/.well-known/smart-configuration":
                endpoints = {"authorization_endpoint": f"{origin}/authorize", "token_endpoint": f"{origin}/token"}
                self._answer(200, endpoints | {"code_challenge_methods_supported": ["S256"]})
            elif self.headers["Authorization"] != f"Bearer {ehr.token}":
                ehr.objections.append(f"no token: {address.path}")
                self._answer(401, None)
            else:
                ehr.asked.append(self.path)
                self._read(address.path.removeprefix("/fhir/"), query)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            token = ehr.exchange({name: values[0] for name, values in parse_qs(sent).items()})
            self._answer(400 if token is None else 200, token)

        def _read(self, path: str, query: dict[str, str]) -> None:
            kind, _, identity = path.partition("/")
            if kind in ehr.refuses:
                self._answer(403, {"resourceType": "OperationOutcome", "issue": []})
            elif identity:
                self._answer(200, next(r for r in ehr.resources_of(kind) if r["id"] == identity))
            else:
                self._answer(200, self._page(ehr.resources_of(kind), int(query.get("from", "0"))))

        def _page(self, found: list[dict[str, Any]], start: int, size: int = 10) -> dict[str, Any]:
            entries = [{"resource": resource} for resource in found[start : start + size]]
            bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
            if start + size < len(found):
                kind = found[0]["resourceType"]
                bundle["link"] = [{"relation": "next", "url": f"{ehr.base}/{kind}?from={start + size}"}]
            return bundle

        def _show(self, app: str) -> None:
            """The EHR's own page, with an app in a frame."""
            content = f'<!doctype html><title>EHR</title><iframe src="{html.escape(app)}"></iframe>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _answer(self, status: int, body: Any, **headers: str) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", "authorization, content-type, accept")
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    return Handler
