"""deploy/proxy/nginx.conf with the real nginx, in front of instances that fail, and of callers that dribble."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

import httpx
import pytest

from tests.drills.traffic import refusal
from tests.support.conformance_server import free_port
from tests.support.fake_instance import ANSWERS, BUSY, HANGS_UP, ITS_OWN_WORDS, SILENT, FakeInstance, fake_instance
from tests.support.nginx import INSTALL, Proxy, program, running_nginx

ADDRESSES = (
    "forwarded", "proxy", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix",
    "x-forwarded-proto", "x-real-ip", "x-request-id",
)  # fmt: skip


@dataclass(frozen=True)
class Behind:
    """nginx, and the two it has behind it."""

    proxy: Proxy
    instances: tuple[FakeInstance, ...]

    @property
    def paths(self) -> list[str]:
        """What either was sent."""
        return [path for instance in self.instances for path in instance.paths]

    def post(self, path: str, **options: object) -> httpx.Response:
        """An answer of the proxy."""
        with httpx.Client(verify=self.proxy.trusting, trust_env=False, timeout=60) as http:
            return http.post(self.proxy.address + path, content=b"{}", **options)  # type: ignore[arg-type]

    def connection(self) -> ssl.SSLSocket:
        """A connection of a caller who writes it by hand."""
        plain = create_connection(("127.0.0.1", self.proxy.port), timeout=60)
        return self.proxy.trusting.wrap_socket(plain, server_hostname="127.0.0.1")


def behind(stack: ExitStack, folder: Path, *, dead: int = 0) -> Behind:
    """Two instances, or one and an address where nobody listens, behind nginx."""
    if program() is None:
        pytest.skip(INSTALL)
    instances = tuple(stack.enter_context(fake_instance()) for _ in range(2 - dead))
    ports = [free_port() for _ in range(dead)] + [instance.port for instance in instances]
    return Behind(stack.enter_context(running_nginx(folder, ports)), instances)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Behind]:
    with ExitStack() as stack:
        yield behind(stack, tmp_path)


def test_what_was_not_sent_is_sent_to_the_other(tmp_path: Path) -> None:
    with ExitStack() as stack:
        one = behind(stack, tmp_path, dead=1)
        assert [one.post(ANSWERS).status_code for _ in range(6)] == [200] * 6
        assert one.paths == [ANSWERS] * 6


def test_what_was_sent_is_never_sent_again(two: Behind) -> None:
    """An instance that takes a call and dies may have stored its feedback; its token is used up in any case."""
    assert refusal(two.post(HANGS_UP)) == "502"
    assert two.paths == [HANGS_UP]


def test_what_an_instance_says_itself_is_passed_on_as_it_is(two: Behind) -> None:
    answer = two.post(BUSY)
    assert (answer.status_code, answer.content) == (503, ITS_OWN_WORDS)
    assert answer.headers.get_list("retry-after") == ["10"]
    assert two.paths == [BUSY]


def test_what_a_caller_says_of_addresses_counts_for_nothing(two: Behind) -> None:
    said = dict.fromkeys(ADDRESSES, "198.51.100.7")
    answer = two.post(ANSWERS, headers=said | {"traceparent": "00-1-2-01", "connection": "close, x-kept"})
    (headers,) = [instance.headers for instance in two.instances if instance.headers]
    assert "198.51.100.7" not in headers.values()
    assert {name: headers[name] for name in said if name in headers} == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
        "x-request-id": answer.headers["x-request-id"],
    }
    assert headers["traceparent"] == "00-1-2-01"


def test_a_caller_has_a_hundred_calls_at_once_and_no_more(two: Behind) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(two.connection()) for _ in range(100)]
        request = f"POST {SILENT} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
        for connection in held:
            connection.sendall(request)
        for _ in range(500):
            if len(two.paths) == len(held):
                break
            threading.Event().wait(0.02)
        answer = two.post(ANSWERS)
        assert (refusal(answer), answer.headers["retry-after"]) == ("429", "5")
        assert answer.json()["issue"][0]["code"] == "throttled"
        for instance in two.instances:
            instance.released.set()


def test_whoever_is_too_slow_is_ended(two: Behind) -> None:
    """An instance that never answers is a 504 in our shape; a caller that never ends what he began is cut off."""

    def dribbling(begun: bytes) -> Callable[[], bytes]:
        def cut_off() -> bytes:
            with two.connection() as connection:
                connection.sendall(begun)
                try:
                    return connection.recv(1000)
                except (ConnectionResetError, ssl.SSLEOFError):
                    return b""

        return cut_off

    headers = dribbling(b"POST /answers HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    body = dribbling(b"POST /answers HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    with ThreadPoolExecutor(3) as pool:
        waiting = pool.submit(two.post, SILENT)
        ended = [pool.submit(headers), pool.submit(body)]
        answer = waiting.result()
        assert [one.result() for one in ended] == [b"", b""]
    assert (refusal(answer), answer.headers["retry-after"]) == ("504", "5")
    assert two.paths == [SILENT]  # nothing of the others, and the silent one was not sent twice
