"""A FHIR server on a loopback port that holds one story's chart and has the manners of a vendor."""

from __future__ import annotations

import gzip
import json
import secrets
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from tests.support.stories import Story
from tests.support.vendors import Refusal, Vendor

Json = dict[str, Any]
TOKEN = "the-token-of-this-vendor"  # noqa: S105 - of a server that is played
_STORIES_SERVER = "https://ehr.example.org/fhir"
_HTML = b"<html><body>Nothing at this address</body></html>"
_SECONDS = 10  # for which a connection may be idle


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    target: str
    authorization: str | None
    form: str = ""

    @property
    def path(self) -> str:
        """The path of the address."""
        return urlsplit(self.target).path

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the address and of the form."""
        return dict(parse_qsl(urlsplit(self.target).query) + parse_qsl(self.form))


@dataclass(frozen=True)
class Reply:
    """A status with its body; `media_type` is the vendor's own unless told otherwise."""

    body: Json | bytes
    status: int = 200
    media_type: str | None = None


class VendorServer:
    """One story's chart behind one base; remembers what it was asked."""

    def __init__(self, vendor: Vendor, told: Story, origin: str) -> None:
        self.vendor = vendor
        self.base = origin + vendor.path
        self.requests: list[Asked] = []
        scheme, _, host = origin.partition("://")
        self._spelled = vendor.spelled.format(scheme=scheme, host=host, HOST=host.upper(), path=vendor.path)
        self._chart = _moved(told, self.base, absolute=vendor.absolute_references)
        self._pages: dict[str, tuple[str, list[Json], int]] = {}

    def answer(self, asked: Asked) -> Reply:
        """What the vendor makes of a request."""
        self.requests.append(asked)
        if asked.authorization != f"Bearer {TOKEN}":
            return Reply({"detail": "Unauthorized"}, 401, "application/json")
        page = next((value for value in asked.parameters.values() if value in self._pages), None)
        if page is not None:
            return Reply(self._bundle(*self._pages[page], asked.parameters))
        if not asked.path.lower().startswith(f"{self.vendor.path}/".lower()):
            return Reply(_HTML, 404, "text/html")
        resource_type, _, rest = asked.path[len(self.vendor.path) + 1 :].partition("/")
        refusal = self._refusal(resource_type, asked)
        if refusal is not None:
            return _refused(refusal)
        if rest and rest != "_search":
            return self._read(resource_type, rest)
        return Reply(self._bundle(resource_type, self._found(resource_type, asked.parameters), 0, asked.parameters))

    def _refusal(self, resource_type: str, asked: Asked) -> Refusal | None:
        if resource_type in self.vendor.lacks:
            return self.vendor.lacks[resource_type]
        if asked.method == "POST" and self.vendor.post:
            return self.vendor.post
        codes = asked.parameters.get("code", "")
        if self.vendor.codes is not None and len(codes.split(",")) > self.vendor.codes:
            return self.vendor.too_many_codes
        if resource_type == "Observation" and not codes and "category" not in asked.parameters:
            return self.vendor.bare
        return None

    def _read(self, resource_type: str, resource_id: str) -> Reply:
        found = [r for r in self._chart if (r["resourceType"], r["id"]) == (resource_type, resource_id)]
        return Reply(found[0]) if found else _refused(Refusal(404, "not-found"))

    def _found(self, resource_type: str, parameters: Mapping[str, str]) -> list[Json]:
        patient = f"Patient/{parameters['patient']}"
        rows = [r for r in self._chart if r["resourceType"] == resource_type and self._subject(r) == patient]
        if "code" in parameters:
            codes = set(parameters["code"].split(","))
            rows = [r for r in rows if codes & {f"{c.get('system')}|{c.get('code')}" for c in _codings(r["code"])}]
        if "category" in parameters:
            categories = set(parameters["category"].split(","))
            rows = [r for r in rows if categories & {c["code"] for one in r["category"] for c in _codings(one)}]
        return rows

    def _subject(self, resource: Json) -> str:
        """Whose it is, in whatever form the reference has: relative, absolute, of one version."""
        reference: str = (resource.get("subject") or resource.get("patient") or {}).get("reference", "")
        return reference.removeprefix(f"{self.base}/").partition("/_history/")[0]

    def _bundle(self, resource_type: str, rows: list[Json], start: int, parameters: Mapping[str, str]) -> Json:
        vendor, end = self.vendor, start + self.vendor.rows
        entries = [self._entry(row, "match") for row in rows[start:end]]
        entries += [self._entry(_beside(included), "include") for included in vendor.includes if entries]
        if vendor.beside and (vendor.beside_types is None or resource_type in vendor.beside_types):
            entries.append(self._entry(_outcome(*vendor.beside), "outcome"))
        bundle: Json = {"resourceType": "Bundle", "type": "searchset", "link": []}
        if vendor.total:
            bundle["total"] = len(rows) if vendor.total == "all" else len(rows[start:end])
        if end < len(rows) and vendor.keeps_pages:
            key = secrets.token_urlsafe(12) + "=="
            self._pages[key] = (resource_type, rows, end)
            url = vendor.next_page.format(
                base=self._spelled, type=resource_type, key=quote(key), patient=parameters.get("patient", ""), start=end
            )
            bundle["link"].append({"relation": "next", "url": url})
        # A list without members is no FHIR, and servers leave it out.
        return {name: value for name, value in (bundle | {"entry": entries}).items() if value != []}

    def _entry(self, resource: Json, mode: str) -> Json:
        full_url = f"{self._spelled}/{resource['resourceType']}/{resource.get('id', 'of-this-answer')}"
        return {"fullUrl": full_url, "resource": resource, "search": {"mode": mode}}


def _moved(told: Story, base: str, *, absolute: bool) -> list[Json]:
    """The chart as a server of this base keeps it: what pointed inside the Bundle points at resources."""
    text = json.dumps([r for r in told.chart if r["resourceType"] != "OperationOutcome"])
    for entry in told.bundle["entry"]:
        if entry["fullUrl"].startswith("urn:"):
            text = text.replace(entry["fullUrl"], f"{entry['resource']['resourceType']}/{entry['resource']['id']}")
    chart: list[Json] = json.loads(text.replace(_STORIES_SERVER, base))
    return [_with_absolute_references(resource, base) for resource in chart] if absolute else chart


def _with_absolute_references(value: Any, base: str) -> Any:
    if isinstance(value, list):
        return [_with_absolute_references(member, base) for member in value]
    if not isinstance(value, dict):
        return value
    moved = {name: _with_absolute_references(member, base) for name, member in value.items()}
    reference = moved.get("reference")
    if isinstance(reference, str) and not reference.startswith(("#", "http")):
        moved["reference"] = f"{base}/{reference}"
    return moved


def _codings(concept: Mapping[str, Any]) -> list[Json]:
    return list(concept.get("coding", ()))


def _outcome(*issues: tuple[str, str]) -> Json:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code} for severity, code in issues],
    }


def _beside(resource_type: str) -> Json:
    """A resource that stands beside the hits, though nobody asked for it."""
    return {"resourceType": resource_type, "id": f"beside-the-hits-{resource_type.lower()}"}


def _refused(refusal: Refusal) -> Reply:
    if not refusal.code:
        return Reply(_HTML, refusal.status, "text/html")
    return Reply(_outcome(("information", "informational"), ("fatal", refusal.code)), refusal.status)


class _Listening(ThreadingHTTPServer):
    """The port; with a context it speaks TLS, each handshake in the thread of its connection."""

    daemon_threads = False  # so that closing waits for them
    request_queue_size = 50  # a call opens many connections at once
    vendor: VendorServer

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._context = context

    def get_request(self) -> tuple[socket, Any]:
        connection, address = super().get_request()
        if self._context is None:
            return connection, address
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up, as one does that does not trust us."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 on one connection."""

    protocol_version = "HTTP/1.1"
    timeout = _SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Listening

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, form: str) -> None:
        vendor = self.server.vendor.vendor
        reply = self.server.vendor.answer(Asked(self.command, self.path, self.headers["Authorization"], form))
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        if vendor.byte_order_mark:
            body = b"\xef\xbb\xbf" + body
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.media_type or vendor.media_type)
        if vendor.gzipped:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Say nothing: the address names the patient."""


@contextmanager
def vendor_server(
    vendor: Vendor, told: Story, *, host: str = "localhost", context: ssl.SSLContext | None = None
) -> Iterator[VendorServer]:
    """A server of this vendor with this story's chart, in threads of its own; with a context it speaks TLS."""
    with _Listening(context) as listening:
        scheme = "http" if context is None else "https"
        listening.vendor = VendorServer(vendor, told, f"{scheme}://{host}:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield listening.vendor
        finally:
            listening.shutdown()
            thread.join()
