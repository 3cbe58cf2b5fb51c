"""Clients that break the rules, by accident or on purpose: they are refused, and everybody else is served as before.

After each, the service is alive, answers a good call rightly, has logged no stack trace and has not outgrown its limit.
"""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.conformance_call import SERVICE, Caller
from tests.support.conformance_ehr import Ehr
from tests.support.conformance_raw import chunk, connected, head, talk, whole
from tests.support.conformance_server import Server, serving
from tests.support.fault_server import Connection, Request
from tests.support.stories import story, without_uuids

RESECTABLE = story("resectable")
BODY = RESECTABLE.body
MEBIBYTE = 1024 * 1024
# After each: alive, right, no stack trace, no larger than it may become.
pytestmark = pytest.mark.usefixtures("unharmed")


@pytest.mark.parametrize(
    "begin",
    [b"POST " + SERVICE.encode() + b" HTTP/1.1\r\nX-Slow: ", head(Content_Length=len(BODY))],
    ids=["headers", "body"],
)
def test_clients_that_dribble_keep_nobody_waiting(
    default_server: Server, default_service: Caller, right: Any, begin: bytes
) -> None:
    stop = threading.Event()
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(default_server)) for _ in range(100)]
        for connection in slow:
            connection.sendall(begin)

        def dribble() -> None:
            while not stop.wait(0.01):
                for connection in slow:
                    connection.sendall(b" ")

        thread = threading.Thread(target=dribble)
        thread.start()
        try:
            for _ in range(20):
                assert without_uuids(default_service.cards(BODY)) == right
        finally:
            stop.set()
            thread.join()


def test_a_body_that_does_not_arrive_is_given_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory.mktemp("brief"), application="that_waits_briefly") as server:
        received = talk(server, [head(Content_Length=len(BODY)) + BODY[:100]])
    assert received.statuses == [408]
    assert json.loads(received.body)["issue"][0]["code"] == "timeout"


@pytest.mark.row(52)
def test_a_body_that_says_it_is_beyond_the_limit_is_not_waited_for(default_server: Server) -> None:
    """Refused before any of it is sent."""
    assert talk(default_server, [head(Content_Length=50 * MEBIBYTE)]).statuses == [413]


@pytest.mark.row(52)
@pytest.mark.parametrize("declared", [True, False], ids=["by its length", "in chunks"])
def test_fifty_megabytes_are_refused_and_the_connection_is_still_understood(
    default_server: Server, declared: bool
) -> None:
    """Nothing of a body is taken for the next request, which stands behind it and is answered."""
    smuggled = whole(BODY, Connection="keep-alive").ljust(MEBIBYTE)
    if declared:
        pieces = [head(Content_Length=50 * MEBIBYTE, Connection="keep-alive"), *[smuggled] * 50]
    else:
        start = head(Transfer_Encoding="chunked", Connection="keep-alive")
        pieces = [start, *[chunk(smuggled)] * 50, chunk(b"")]
    assert talk(default_server, [*pieces, head("GET", "/healthz")]).statuses == [413, 200]


def test_ten_thousand_headers_and_one_of_a_megabyte_do_no_harm(default_server: Server) -> None:
    many = {f"X_{number}": "y" for number in range(10_000)}
    for headers in (many, {"X_Long": "y" * MEBIBYTE}):
        received = talk(default_server, [whole(BODY, **headers)])
        assert received.statuses in ([200], [431])  # all of it at once in one piece is not without end


BROKEN_HTTP = {
    "a length that is too small": head(Content_Length=len(BODY) - 10) + BODY,
    "a negative length": head(Content_Length=-1) + BODY,
    "a length that is no number": head(Content_Length="many") + BODY,
    "two lengths": head(Content_Length=len(BODY), Content_length=3) + BODY,
    "a length and chunks": head(Content_Length=3, Transfer_Encoding="chunked") + chunk(BODY) + chunk(b""),
    "a chunk that is none": head(Transfer_Encoding="chunked") + b"zz\r\n" + BODY,
    "a chunk of a size beyond all bounds": head(Transfer_Encoding="chunked") + b"f" * 20 + b"\r\n" + BODY,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500 + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an address of a megabyte": head("GET", "/" + "a" * MEBIBYTE),
}


@pytest.mark.parametrize("sent", BROKEN_HTTP.values(), ids=BROKEN_HTTP)
def test_what_is_no_http_is_refused_and_hung_up_on(default_server: Server, sent: bytes) -> None:
    """A first answer to what could be understood may come before; no cards come of what is ambiguous."""
    received = talk(default_server, [sent])
    assert received.statuses[-1:] in ([400], [431])
    assert b"cards" not in received.content
    assert b"<" not in received.content


@pytest.mark.parametrize(
    "sent",
    [
        head(Content_Length=len(BODY) + 10) + BODY,
        head(Transfer_Encoding="chunked") + chunk(BODY)[:1000],
        head(Content_Length=len(BODY)),
        b"POST " + SERVICE.encode(),
    ],
    ids=["a length that is too large", "half a chunk", "no body", "half a line"],
)
def test_a_client_that_hangs_up_in_the_middle_is_forgotten(default_server: Server, sent: bytes) -> None:
    with connected(default_server) as connection:
        connection.sendall(sent)


def test_a_caller_that_hangs_up_ends_the_fetch(server: Server, ehr: Ehr) -> None:
    """Its connection to the FHIR server is closed, and nobody goes on for a caller that has gone."""
    begun, closed = threading.Event(), threading.Event()

    async def until_closed(request: Request, connection: Connection) -> None:
        begun.set()
        await connection.closed()
        closed.set()

    ehr.faults["Condition"] = until_closed
    with connected(server) as connection:
        connection.sendall(whole(json.dumps(ehr.told("conditions")).encode()))
        assert begun.wait(20)
    assert closed.wait(20)


def test_requests_in_one_go_are_answered_in_their_order(default_server: Server) -> None:
    names = ["Name One", "Name Two", "Name Three"]
    bodies = [BODY.replace(b"Anna Example", name.encode()) for name in names]
    last = [{}, {}, {"Connection": "close"}]
    sent = b"".join(whole(body, **{"Connection": "keep-alive"} | how) for body, how in zip(bodies, last, strict=True))
    received = talk(default_server, [sent])
    assert received.statuses == [200, 200, 200]
    found = [received.content.index(name.encode()) for name in names]
    assert found == sorted(found)


def test_a_client_of_http_1_0_is_answered_and_hung_up_on(default_server: Server, right: Any) -> None:
    sent = head(version="1.0", Content_Length=len(BODY), Connection="close") + BODY
    received = talk(default_server, [sent])
    assert received.statuses == [200]
    assert without_uuids(json.loads(received.body)) == right


def test_a_client_that_asks_first_is_told_to_go_on(default_server: Server, right: Any) -> None:
    with connected(default_server) as connection:
        connection.sendall(head(Content_Length=len(BODY), Expect="100-continue"))
        assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
        connection.sendall(BODY)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert without_uuids(json.loads(received.rpartition(b"\r\n\r\n")[2])) == right


def test_a_client_that_asks_first_for_too_much_is_told_no(default_server: Server) -> None:
    assert talk(default_server, [head(Content_Length=50 * MEBIBYTE, Expect="100-continue")]).statuses == [413]
