"""Which connection a request goes by, and what becomes of it afterwards."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable

import httpcore
import pytest

from cds_service.fhir_client.connections import Connections

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Stream(httpcore.AsyncNetworkStream):
    """A connection to a server that gives the same answer to everything."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.hung_up = False
        self.closed = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The whole answer at once."""
        await asyncio.sleep(0)
        return self.answer

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take the request."""

    async def aclose(self) -> None:
        """Remember it."""
        self.closed = True

    def get_extra_info(self, info: str) -> object:
        """A connection on which there is something to read although nothing was asked has been given up."""
        return self.hung_up if info == "is_readable" else None


class Network(httpcore.AsyncNetworkBackend):
    """Every connection that was made, in order."""

    def __init__(self, answer: bytes = ANSWER) -> None:
        self.answer = answer
        self.made: list[Stream] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect."""
        self.made.append(Stream(self.answer))
        return self.made[-1]


async def ask(connections: Connections, host: str = "a", *, read: bool = True) -> None:
    """One request, with its answer read to the end or left."""
    request = httpcore.Request("GET", f"http://{host}.example.org/fhir/Patient/1", headers=[("Host", host)])
    response = await connections.handle_async_request(request)
    if read:
        assert await response.aread() == b"{}"
    await response.aclose()


def run(network: Network, steps: Callable[[Connections], Awaitable[None]]) -> None:
    """The steps with fresh connections."""

    async def whole() -> None:
        async with Connections(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), network) as connections:
            await steps(connections)

    asyncio.run(whole())


def test_a_request_goes_by_the_connection_of_the_one_before() -> None:
    network = Network()

    async def steps(connections: Connections) -> None:
        await ask(connections)
        await ask(connections)
        assert not network.made[0].closed

    run(network, steps)
    assert len(network.made) == 1


def test_requests_at_once_have_a_connection_each_and_all_are_kept() -> None:
    network = Network()

    async def steps(connections: Connections) -> None:
        await asyncio.gather(*(ask(connections) for _ in range(3)))
        await asyncio.gather(*(ask(connections) for _ in range(3)))

    run(network, steps)
    assert len(network.made) == 3


def test_no_connection_is_used_for_another_server() -> None:
    network = Network()

    async def steps(connections: Connections) -> None:
        await ask(connections, "a")
        await ask(connections, "b")

    run(network, steps)
    assert len(network.made) == 2


def test_a_connection_whose_answer_was_not_read_is_closed() -> None:
    network = Network()

    async def steps(connections: Connections) -> None:
        await ask(connections, read=False)
        assert network.made[0].closed
        await ask(connections)

    run(network, steps)
    assert len(network.made) == 2


@pytest.mark.parametrize("given_up", [0, 1], ids=["the oldest", "the last used"])
def test_a_connection_that_the_server_has_given_up_is_closed_and_passed_over(given_up: int) -> None:
    network = Network()

    async def steps(connections: Connections) -> None:
        await asyncio.gather(ask(connections), ask(connections))
        network.made[given_up].hung_up = True
        await ask(connections)
        assert [stream.closed for stream in network.made] == [number == given_up for number in range(2)]

    run(network, steps)


def test_where_every_connection_was_given_up_a_new_one_is_made() -> None:
    network = Network()

    async def steps(connections: Connections) -> None:
        await ask(connections)
        network.made[0].hung_up = True
        await ask(connections)

    run(network, steps)
    assert len(network.made) == 2
    assert network.made[0].closed


def test_a_connection_that_failed_is_closed() -> None:
    network = Network(b"no HTTP\r\n\r\n")

    async def steps(connections: Connections) -> None:
        with pytest.raises(httpcore.RemoteProtocolError):
            await ask(connections)
        assert network.made[0].closed

    run(network, steps)


def test_a_request_that_is_cancelled_leaves_no_connection_open() -> None:
    network = Network()

    async def steps(connections: Connections) -> None:
        for turns in range(12):
            task = asyncio.create_task(ask(connections))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(network, steps)
    assert network.made
    assert all(stream.closed for stream in network.made)


def test_what_is_kept_is_closed_at_the_end() -> None:
    network = Network()
    run(network, ask)
    assert network.made[0].closed
