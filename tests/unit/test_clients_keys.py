"""Clients' keys: what a key set may hold, how they are fetched, kept and rotated, and how rarely they are asked for."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from cds_service.clients import keys
from cds_service.clients.keys import KeySets, UnusableKeySetError, read_key_set
from tests.support.signing import KeyServer, key_server, make_key, public

FIRST, SECOND = make_key(kid="first"), make_key(kid="second")
RSA = make_key("RS384", kid="rsa")


class Clock:
    """A monotonic clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server(FIRST) as told:
        yield told


def find(server: KeyServer, *kids: str | None, clock: Clock | None = None, at_once: bool = False) -> list[bool]:
    """Whether each key is found, asked one after the other or all at once."""

    async def run() -> list[bool]:
        async with KeySets(monotonic=clock or Clock()) as sets:
            if at_once:
                found = await asyncio.gather(*(sets.find(server.address, kid, "ES384") for kid in kids))
                return [key is not None for key in found]
            return [await sets.find(server.address, kid, "ES384") is not None for kid in kids]

    return asyncio.run(run())


def test_a_key_is_fetched_once_and_kept(server: KeyServer) -> None:
    assert find(server, *["first"] * 20) == [True] * 20
    assert server.requests == 1


def test_who_asks_at_the_same_time_waits_for_one_fetch(server: KeyServer) -> None:
    assert find(server, *["first"] * 50, at_once=True) == [True] * 50
    assert server.requests == 1


def test_a_rotated_key_is_found_at_once_and_unknown_ones_cause_no_storm(server: KeyServer) -> None:
    async def run() -> None:
        async with KeySets(monotonic=Clock()) as sets:
            assert await sets.find(server.address, "first", "ES384")
            server.publish(FIRST, SECOND)
            assert await sets.find(server.address, "second", "ES384")
            assert server.requests == 2
            for number in range(100):
                assert await sets.find(server.address, f"unknown-{number}", "ES384") is None
            assert server.requests == 4
            assert await sets.find(server.address, "first", "ES384")

    asyncio.run(run())


def test_after_a_minute_it_may_be_asked_again(server: KeyServer) -> None:
    clock = Clock()

    async def run() -> None:
        async with KeySets(monotonic=clock) as sets:
            for number in range(10):
                await sets.find(server.address, f"unknown-{number}", "ES384")
            assert server.requests == 4
            clock.now += 61
            server.publish(SECOND)
            assert await sets.find(server.address, "second", "ES384")

    asyncio.run(run())


def test_keys_are_refreshed_so_that_a_withdrawn_one_ends(server: KeyServer) -> None:
    clock = Clock()

    async def run() -> None:
        async with KeySets(monotonic=clock) as sets:
            assert await sets.find(server.address, "first", "ES384")
            server.publish(SECOND)
            clock.now += 599
            assert await sets.find(server.address, "first", "ES384")
            clock.now += 2
            assert await sets.find(server.address, "first", "ES384") is None

    asyncio.run(run())


def test_while_the_address_fails_the_keys_are_good_for_an_hour(server: KeyServer) -> None:
    clock = Clock()

    async def run() -> None:
        async with KeySets(monotonic=clock) as sets:
            assert await sets.find(server.address, "first", "ES384")
            server.status = 500
            clock.now += 3500
            assert await sets.find(server.address, "first", "ES384")
            clock.now += 200
            assert await sets.find(server.address, "first", "ES384") is None

    asyncio.run(run())


def test_an_address_that_fails_is_left_alone_for_some_seconds(server: KeyServer) -> None:
    clock, server.status = Clock(), 503

    async def run() -> None:
        async with KeySets(monotonic=clock) as sets:
            for _ in range(50):
                assert await sets.find(server.address, "first", "ES384") is None
            assert server.requests == 1
            for tries in range(2, 8):
                clock.now += 6
                assert await sets.find(server.address, "first", "ES384") is None
                assert server.requests == tries
            server.status, clock.now = 200, clock.now + 6
            assert await sets.find(server.address, "first", "ES384")

    asyncio.run(run())


def test_who_goes_away_while_the_keys_are_fetched_leaves_them_to_the_next(server: KeyServer) -> None:
    async def run() -> None:
        async with KeySets(monotonic=Clock()) as sets:
            for _ in range(10):
                asking = asyncio.ensure_future(sets.find(server.address, "first", "ES384"))
                await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait({asking})
                assert asking.cancelled()
            assert await sets.find(server.address, "first", "ES384")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "status", "headers"),
    [
        (b"", 200, {}),
        (b"{", 200, {}),
        (b"[]", 200, {}),
        (b'{"keys":{}}', 200, {}),
        (b"[" * 100_000, 200, {}),
        (json.dumps(public(FIRST)).encode() + b" " * 300_000, 200, {}),
        (gzip.compress(json.dumps(public(FIRST)).encode() + b" " * 10_000_000), 200, {"Content-Encoding": "gzip"}),
        (b"not gzip", 200, {"Content-Encoding": "gzip"}),
        (json.dumps(public(FIRST)).encode(), 404, {}),
        (json.dumps(public(FIRST)).encode(), 203, {}),
    ],
)
def test_an_answer_that_is_no_key_set_brings_nothing(
    server: KeyServer, answer: bytes, status: int, headers: dict[str, str]
) -> None:
    server.answer, server.status, server.headers = answer, status, headers
    assert find(server, "first") == [False]


def test_a_large_set_within_the_limit_is_read(server: KeyServer) -> None:
    server.answer += b" " * 250_000
    assert find(server, "first") == [True]


def test_a_redirect_is_not_followed(server: KeyServer) -> None:
    with key_server(FIRST) as elsewhere:
        server.status, server.headers = 302, {"Location": elsewhere.address}
        assert find(server, "first") == [False]
        assert elsewhere.requests == 0


@pytest.mark.parametrize(("seconds", "found"), [(0.4, False), (30.0, True)])
def test_a_set_that_trickles_in_has_a_time_limit_in_all(
    monkeypatch: pytest.MonkeyPatch, seconds: float, found: bool
) -> None:
    monkeypatch.setattr(keys, "_FETCH_SECONDS", seconds)
    content = json.dumps(public(FIRST)).encode()

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content))
            for at in range(0, len(content), 10):
                await asyncio.sleep(0.03)
                writer.write(content[at : at + 10])
        finally:
            writer.close()
            ended.set()

    async def run() -> bool:
        async with await asyncio.start_server(trickle, "127.0.0.1", 0) as slow, KeySets() as sets:
            address = f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}/jwks.json"
            key = await sets.find(address, "first", "ES384")
            await ended.wait()
            return key is not None

    ended = asyncio.Event()
    assert asyncio.run(run()) is found


def test_a_closed_port_brings_nothing() -> None:
    with key_server(FIRST) as server:
        pass
    assert find(server, "first") == [False]


def test_a_name_that_no_host_can_have_brings_nothing() -> None:
    assert find(KeyServer("https://xn--/jwks.json", b""), "first") == [False]


def test_what_else_a_published_set_holds_is_passed_over(server: KeyServer) -> None:
    others: list[Any] = [
        7,
        {},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "first"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "first"},
        make_key("ES256", kid="first").as_dict(private=True),
        SECOND.as_dict(private=False) | {"use": "enc", "kid": "first"},
        SECOND.as_dict(private=False) | {"key_ops": ["sign"], "kid": "first"},
        SECOND.as_dict(private=False) | {"key_ops": 7, "kid": "first"},
        SECOND.as_dict(private=False) | {"key_ops": None, "kid": "first"},
        RSA.as_dict(private=False) | {"p": RSA.as_dict(private=True)["p"], "kid": "first"},
        SECOND.as_dict(private=False) | {"kid": 7},
    ]
    server.answer = json.dumps({"keys": others}).encode()
    assert find(server, "first") == [False]
    server.answer = json.dumps({"keys": [*others, FIRST.as_dict(private=False)]}).encode()
    assert find(server, "first") == [True]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not JSON"),
        (b"{}", "is not a JWK set"),
        (b'{"keys":[]}', "holds no key"),
        (json.dumps({"keys": [FIRST.as_dict(private=True)]}).encode(), "key 1 is a private key"),
        (json.dumps({"keys": [RSA.as_dict(private=False) | {"p": "AQAB"}]}).encode(), "key 1 is a private key"),
        (json.dumps({"keys": [FIRST.as_dict(private=False) | {"key_ops": 7}]}).encode(), "key 1 cannot be read"),
        (json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}).encode(), "key 1 is not an EC or RSA key"),
        (json.dumps({"keys": [{"kty": "EC", "crv": "P-384"}]}).encode(), "key 1 cannot be read"),
        (json.dumps({"keys": [FIRST.as_dict(private=False) | {"use": "enc"}]}).encode(), "key 1 is not for signatures"),
    ],
)
def test_a_file_of_the_operators_is_read_strictly(content: bytes, why: str) -> None:
    with pytest.raises(UnusableKeySetError) as error:
        read_key_set(content, strict=True)
    assert why in str(error.value)
    assert str(FIRST.as_dict(private=True)["d"]) not in str(error.value)


def test_several_keys_of_a_file_need_their_names() -> None:
    nameless = {name: member for name, member in FIRST.as_dict(private=False).items() if name != "kid"}
    assert read_key_set(json.dumps({"keys": [nameless]}).encode(), strict=True).find(None, "ES384")
    with pytest.raises(UnusableKeySetError, match="every key needs a 'kid'"):
        read_key_set(json.dumps({"keys": [nameless, SECOND.as_dict(private=False)]}).encode(), strict=True)


def test_a_small_rsa_key_is_refused() -> None:
    small = {"kty": "RSA", "e": "AQAB", "n": base64.urlsafe_b64encode(b"\xc1" * 128).rstrip(b"=").decode()}
    with pytest.raises(UnusableKeySetError, match="less than 2048 bits"):
        read_key_set(json.dumps({"keys": [small]}).encode(), strict=True)


def test_a_key_signs_by_its_own_type_curve_and_algorithm_alone() -> None:
    read = read_key_set(json.dumps(public(FIRST, RSA)).encode(), strict=True)
    assert read.find("first", "ES384")
    assert all(read.find("first", algorithm) is None for algorithm in ("ES256", "ES512", "RS384", "HS384", "none"))
    assert read.find("rsa", "RS384")
    assert read.find("rsa", "PS384")
    assert all(read.find("rsa", algorithm) is None for algorithm in ("ES384", "HS384", "none"))
    declared = read_key_set(json.dumps({"keys": [RSA.as_dict(private=False) | {"alg": "RS384"}]}).encode(), strict=True)
    assert declared.find("rsa", "RS384")
    assert declared.find("rsa", "PS384") is None
