"""An EHR that signs its calls: keys, tokens, the address where its public keys are, and who it is taken for."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from cds_service.clients import Client, InMemoryUsedTokens, open_client
from cds_service.clients.keys import read_key_set
from cds_service.clients.tokens import Authenticator

ISSUER = "https://ehr.example.org"
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
Key = ECKey | RSAKey


def make_key(algorithm: str = "ES384", kid: str | None = None) -> Key:
    """A fresh private key for an algorithm."""
    parameters: KeyParameters = {"kid": kid or str(uuid.uuid4()), "use": "sig"}
    if algorithm in _CURVES:
        return ECKey.generate_key(_CURVES[algorithm], parameters)
    return RSAKey.generate_key(2048, parameters)


def public(*keys: Key) -> dict[str, Any]:
    """Their JWK set, as an EHR publishes it."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


@dataclass(frozen=True)
class Issuer:
    """An EHR with one key; every token is fresh and good unless told otherwise."""

    key: Key = field(default_factory=make_key)
    algorithm: str = "ES384"
    iss: str = ISSUER
    jku: str | None = None
    at: int | None = None  # seconds since the epoch; None: now

    def claims(self, audience: Any, **changed: Any) -> dict[str, Any]:
        """The claims of a good token; a member that is None is left out."""
        now = int(time.time()) if self.at is None else self.at
        told = {"iss": self.iss, "aud": audience, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())} | changed
        return {name: value for name, value in told.items() if value is not None}

    def header(self, **changed: Any) -> dict[str, Any]:
        """The header of a good token; a member that is None is left out."""
        told = {"alg": self.algorithm, "typ": "JWT", "kid": self.key.kid, "jku": self.jku} | changed
        return {name: value for name, value in told.items() if value is not None}

    def token(self, audience: Any, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token for an address."""
        return sign(self.header(**(header or {})), self.claims(audience, **claims), self.key)

    def authorization(self, audience: Any, header: Mapping[str, Any] | None = None, **claims: Any) -> dict[str, str]:
        """The header of a request to an address."""
        return {"Authorization": f"Bearer {self.token(audience, header, **claims)}"}


def sign(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, key: Any) -> str:
    """A token of any header and claims, however wrong."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    registry = jws.JWSRegistry(algorithms=[str(header["alg"])], strict_check_header=False)
    return jws.serialize_compact(dict(header), payload, key, registry=registry)


def client_of(issuer: Issuer, **changed: Any) -> Client:
    """The EHR as it is registered, its key exchanged as a file unless told otherwise."""
    keys = read_key_set(json.dumps(public(issuer.key)).encode(), strict=True)
    made = replace(open_client(()), name="ehr", iss=issuer.iss, keys=keys)
    return replace(made, **changed)


def name_caller(
    authorization: str | None,
    *clients: Client,
    base: str,
    paths: tuple[str, ...],
    now: Callable[[], datetime],
    used: InMemoryUsedTokens | None = None,
) -> Client:
    """Who the service at `base` takes the caller for; raises what it raises."""

    async def run() -> Client:
        async with Authenticator(clients, base, used or InMemoryUsedTokens(now), now) as authenticator:
            return await authenticator.client(authorization, paths)

    return asyncio.run(run())


@dataclass
class KeyServer:
    """Where an EHR's public keys are: what it answers, and how often it was asked."""

    address: str
    answer: bytes
    status: int = 200
    requests: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    def publish(self, *keys: Key) -> None:
        """Answer with these keys from now on."""
        self.answer = json.dumps(public(*keys)).encode()


@contextmanager
def key_server(*keys: Key) -> Iterator[KeyServer]:
    """A server on loopback; it ends with the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.requests += 1
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.answer)))
            self.end_headers()
            self.wfile.write(told.answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that it overrides
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = KeyServer(f"http://127.0.0.1:{server.server_port}/jwks.json", b"")
        told.publish(*keys)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield told
        finally:
            server.shutdown()
