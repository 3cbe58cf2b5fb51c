"""An EHR with several keys that signs its calls of the service under test, known by its public address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.service import JSON, SERVICE
from tests.support.signing import ISSUER, Key, KeyServer, key_server, make_key, sign
from tests.support.signing import Issuer as Signing

__all__ = ["ISSUER", "PUBLIC_URL", "Issuer", "issuing", "registered", "sign", "signed", "signed_with_a_secret"]

PUBLIC_URL = "https://cds.example.org"
_ALGORITHMS = {"ec": "ES384", "rsa": "RS384"}


@dataclass
class Issuer:
    """The EHR: private keys by their id, and the server that publishes the public ones."""

    server: KeyServer
    keys: dict[str, Key] = field(default_factory=dict)

    @property
    def jku(self) -> str:
        """Where its key set is."""
        return self.server.address

    @property
    def fetched(self) -> int:
        """How often that was asked for."""
        return self.server.requests

    def add(self, kid: str) -> None:
        """A new key, which the key set shows from now on."""
        self.keys[kid] = make_key(_ALGORITHMS.get(kid, "ES384"), kid)
        self.server.publish(*self.keys.values())

    def claims(self, path: str = SERVICE, changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The claims of a good token for a path, but for what is told otherwise; one that is None is left out."""
        return Signing(self.keys["ec"]).claims(PUBLIC_URL + path, **dict(changed or {}))

    def token(
        self, path: str = SERVICE, *, header: Mapping[str, Any] | None = None, claims: Mapping[str, Any] | None = None
    ) -> str:
        """A token with these claims, signed with the key that its header names."""
        told = {"alg": "ES384", "kid": "ec", "typ": "JWT", "jku": self.jku} | dict(header or {})
        return sign(told, self.claims(path, claims), self.keys[told["kid"]])

    def headers(self, path: str = SERVICE) -> dict[str, str]:
        """The headers of a call that it signs."""
        return signed(self.token(path))


def signed(token: str) -> dict[str, str]:
    """The headers of a call with this token."""
    return JSON | {"Authorization": f"Bearer {token}"}


def signed_with_a_secret(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """A token by hand, with an HMAC, or with no signature where its algorithm is none."""
    content = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(header["alg"])
    signature = hmac.new(secret, content, digest).digest() if digest else b""
    return b".".join((content, _encoded(signature))).decode()


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An EHR with a key of each recommended kind, whose key set can be fetched."""
    with key_server() as server:
        issuer = Issuer(server)
        for kid in _ALGORITHMS:
            issuer.add(kid)
        yield issuer


def registered(jku: str, servers: list[str], *, name: str = "ehr", iss: str = ISSUER, profile: str = "generic") -> str:
    """A client of the registry; what is a list or a text in TOML is one in JSON."""
    members = {"name": name, "iss": iss, "jku": jku, "fhir_servers": servers, "profile": profile}
    return "[[client]]\n" + "".join(f"{member} = {json.dumps(value)}\n" for member, value in members.items())
