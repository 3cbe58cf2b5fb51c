"""What FHIR servers do wrong, as acts of the fault server, and what has to become of each: the table of the tests.

`optional` is what an optional query of the type at fault becomes, `required` the status of the hook where a required
one is at fault. Every other query is answered soundly, and stays so.
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass

from fhir_mappings.answer import Availability
from tests.support.fault_server import Act, Connection, Request, bundle, soundly

FAILED, PARTIAL, COMPLETE = Availability.FAILED, Availability.PARTIAL, Availability.COMPLETE
SECONDS = 30.0  # longer than any budget: what waits for it has been cut off
_MEBIBYTE = b" " * 1024 * 1024


@dataclass(frozen=True)
class Fault:
    """A fault, and what comes of it; `others` is what the sound queries become."""

    act: Act
    optional: Availability
    required: int = 412
    says: str = ""
    others: Availability = COMPLETE


def status(number: int, body: object = b"", **headers: str) -> Act:
    """An answer with this status."""

    async def act(request: Request, connection: Connection) -> None:
        await connection.answer(body, number, **headers)

    return act


def once(first: Act) -> Act:
    """A fault that has passed when the same is asked again."""
    seen: set[str] = set()

    async def act(request: Request, connection: Connection) -> None:
        again = request.target in seen
        seen.add(request.target)
        await (soundly if again else first)(request, connection)

    return act


def second_page(then: Act, url: str = "{base}?page=2") -> Act:
    """A first page with a link to a second, and then this."""

    async def act(request: Request, connection: Connection) -> None:
        if request.page > 1:
            await then(request, connection)
            return
        here = f"http://{request.headers['host']}/fhir/{request.resource_type}"
        link = [{"relation": "next", "url": url.format(base=here)}]
        await connection.answer(bundle(request, 1, link=link))

    return act


async def late(request: Request, connection: Connection) -> None:
    """No answer for a long time."""
    await asyncio.sleep(SECONDS)


async def hanging(request: Request, connection: Connection) -> None:
    """Half an answer, and then nothing."""
    await connection.head(content_length="1000")
    await connection.send(b'{"resourceType": "Bundle", ')
    await asyncio.sleep(SECONDS)


async def dripping(request: Request, connection: Connection) -> None:
    """A byte now and then, so that no read takes long."""
    await connection.head(content_length="100000")
    while True:
        await connection.send(b" ")
        await asyncio.sleep(0.02)


async def reset(request: Request, connection: Connection) -> None:
    """The connection dropped instead of an answer."""
    connection.reset()


async def cut(request: Request, connection: Connection) -> None:
    """The connection dropped in the middle of an answer."""
    await connection.head(content_length="1000")
    await connection.send(b'{"resourceType": "Bundle", ')
    connection.reset()


async def huge(request: Request, connection: Connection) -> None:
    """100 MB of blanks before anything else, as a stream of unknown length."""
    await connection.head(transfer_encoding="chunked")
    for _ in range(100):
        await connection.send(f"{len(_MEBIBYTE):x}\r\n".encode() + _MEBIBYTE + b"\r\n")


async def endless(request: Request, connection: Connection) -> None:
    """A next page for ever, each at a new address."""
    here = f"http://{request.headers['host']}/fhir/{request.resource_type}?page={request.page + 1}"
    await connection.answer(bundle(request, request.page, link=[{"relation": "next", "url": here}]))


async def another_patients(request: Request, connection: Connection) -> None:
    """The patient lost on the way to the second page."""
    await connection.answer(bundle(request, 2, patient="somebody-else"))


async def another_row(request: Request, connection: Connection) -> None:
    """A sound second page."""
    await connection.answer(bundle(request, 2))


async def one_of_five(request: Request, connection: Connection) -> None:
    """Less than was announced."""
    await connection.answer(bundle(request, 1, total=5))


def with_issue(severity: str, code: str) -> Act:
    """A searchset with an OperationOutcome among its entries."""

    async def act(request: Request, connection: Connection) -> None:
        found = bundle(request, 1)
        found["entry"].append({"resource": outcome(severity, code), "search": {"mode": "outcome"}})
        await connection.answer(found)

    return act


def outcome(severity: str, code: str) -> dict[str, object]:
    """An OperationOutcome with one issue."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


_BOMB = gzip.compress(b'{"resourceType": "Bundle", "x": "' + 100 * _MEBIBYTE + b'"}')
_EMPTY = b'{"resourceType": "Bundle", "type": "searchset"}'
_HTML = b"<html><body>Sign in</body></html>"

FAULTS: dict[str, Fault] = {
    "no answer": Fault(late, FAILED, says="did not answer in time"),
    "hangs in the middle of its answer": Fault(hanging, FAILED, says="did not answer in time"),
    "drips: a byte now and then": Fault(dripping, FAILED, says="did not answer in time"),
    "connection reset": Fault(reset, FAILED, says="broke off its answer"),
    "connection reset in the middle of its answer": Fault(cut, FAILED, says="broke off its answer"),
    "connection reset once": Fault(once(reset), COMPLETE, required=200),
    "JSON that breaks off": Fault(status(200, _EMPTY[:-9]), FAILED, says="answered with an error or no FHIR resource"),
    "400": Fault(status(400, outcome("error", "invalid")), FAILED, says="refused the query"),
    "400 `not-supported`": Fault(status(400, outcome("error", "not-supported")), FAILED, says="refused the query"),
    "400 that cannot be read": Fault(status(400, b"no", content_encoding="gzip"), FAILED, says="refused the query"),
    "401": Fault(status(401), FAILED, says="refused the access token (401)", others=FAILED),
    "403": Fault(status(403), FAILED, says="does not allow it (403)"),
    "404": Fault(status(404, outcome("error", "not-found")), FAILED, says="does not have it (404 or 410)"),
    "404 as HTML": Fault(status(404, _HTML, content_type="text/html"), FAILED, says="does not have it (404 or 410)"),
    "410": Fault(status(410), FAILED, says="does not have it (404 or 410)"),
    "429, come back in two minutes": Fault(status(429, retry_after="120"), FAILED, says="is overloaded (429 or 503)"),
    "429 once, come back at once": Fault(once(status(429, retry_after="0")), COMPLETE, required=200),
    "500": Fault(status(500, _HTML, content_type="text/html"), FAILED, says="failed on it (5xx)"),
    "503": Fault(status(503), FAILED, says="is overloaded (429 or 503)"),
    "503 once": Fault(once(status(503)), COMPLETE, required=200),
    "redirect to loopback": Fault(
        status(302, location="http://127.0.0.1:1/fhir"), FAILED, says="answered with a redirect, which is not followed"
    ),
    "HTML": Fault(status(200, _HTML, content_type="text/html"), FAILED, says="something else than FHIR JSON"),
    "XML": Fault(
        status(200, b"<Bundle/>", content_type="application/fhir+xml"), FAILED, says="something else than FHIR JSON"
    ),
    "another character set": Fault(
        status(200, _EMPTY, content_type="application/fhir+json; charset=iso-8859-1"),
        FAILED,
        says="something else than FHIR JSON",
    ),
    "no content": Fault(status(204), FAILED, says="something else than FHIR JSON"),
    "100 MB": Fault(huge, FAILED, says="answered with more than is read"),
    "gzip bomb": Fault(
        status(200, _BOMB, content_encoding="gzip"), FAILED, says="answered with more than is read"
    ),
    "gzip that breaks off": Fault(
        status(200, gzip.compress(_EMPTY)[:-12], content_encoding="gzip"), FAILED, says="broke off its answer"
    ),
    "an encoding nobody asked for": Fault(
        status(200, _EMPTY, content_encoding="br"), FAILED, says="something else than FHIR JSON"
    ),
    "OperationOutcome instead of an answer": Fault(
        status(200, outcome("error", "exception")), FAILED, says="answered with an error or no FHIR resource"
    ),
    "error among the entries": Fault(
        with_issue("error", "exception"), FAILED, says="answered with an error or no FHIR resource"
    ),
    "warning among the entries": Fault(with_issue("warning", "not-found"), COMPLETE, required=200),
    "results withheld (`suppressed`)": Fault(with_issue("warning", "suppressed"), PARTIAL, says="only in part"),
    "less than its `total`": Fault(one_of_five, PARTIAL, says="only in part"),
    "two pages, no `total`": Fault(second_page(another_row), COMPLETE, required=200),
    "two pages, relative `next`": Fault(second_page(another_row, "?page=2"), COMPLETE, required=200),
    "endless pages": Fault(endless, PARTIAL, says="only in part"),
    "pages in a circle": Fault(second_page(second_page(another_row), "{base}?page=1"), PARTIAL, says="only in part"),
    "`next` on another host": Fault(
        second_page(another_row, "http://elsewhere.example.org/fhir?page=2"), PARTIAL, says="only in part"
    ),
    "`next` on another port": Fault(
        second_page(another_row, "http://127.0.0.1:1/fhir?page=2"), PARTIAL, says="only in part"
    ),
    "`next` expired (410)": Fault(second_page(status(410)), PARTIAL, says="only in part"),
    "another patient on page 2": Fault(second_page(another_patients), PARTIAL, says="only in part"),
}  # fmt: skip
