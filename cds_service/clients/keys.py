"""Clients' public keys: from files, or fetched from the addresses that are registered for them, and kept for a while.

JWK sets: RFC 7517. A fetch goes to registered addresses alone, follows no redirect, and is limited in bytes and time;
tokens with unknown key ids cause no storm of them, and a rotated key is found at once.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey
from joserfc.util import urlsafe_b64decode

_log = logging.getLogger("nelm_cds")

Key = ECKey | RSAKey
_FRESH_SECONDS = 600.0
_USABLE_SECONDS = 3600.0
_PAUSE_AFTER_FAILURE = 5.0
_PAUSE_WHILE_USABLE = 60.0
_MOST_REFRESHES, _PER_SECONDS = 3, 60.0
_FETCH_SECONDS = 2.0
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_MOST_BYTES = 256 * 1024
_LEAST_RSA_BITS = 2048
_CURVES = frozenset({"P-256", "P-384", "P-521"})
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # each tells the private key, or is one


class UnusableKeySetError(Exception):
    """Something that is no set of public signing keys; the message holds nothing of a key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Public signing keys by their `kid`."""

    by_kid: Mapping[str | None, tuple[Key, ...]] = field(repr=False)

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key of this id that may sign by this algorithm; without an id, the only key there is."""
        if kid is None:
            every = [key for keys in self.by_kid.values() for key in keys]
            candidates: tuple[Key, ...] = tuple(every) if len(every) == 1 else ()
        else:
            candidates = self.by_kid.get(kid, ())
        return next((key for key in candidates if _signs(key, algorithm)), None)


def read_key_set(content: bytes, *, strict: bool) -> Keys:
    """The public signing keys of a JWK set.

    `strict`, for a file of the operator's: whatever in it is no such key is an error. A set that a client publishes may
    hold others beside, which are passed over. Raises UnusableKeySetError.
    """
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise UnusableKeySetError("is not JSON") from error
    entries = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(entries, list):
        raise UnusableKeySetError("is not a JWK set: an object with 'keys' is needed")
    found: dict[str | None, tuple[Key, ...]] = {}
    for number, entry in enumerate(entries, 1):
        try:
            key = _public_key(entry)
        except UnusableKeySetError as error:
            if strict:
                raise UnusableKeySetError(f"key {number} {error}") from error
            continue
        found[key.kid] = (*found.get(key.kid, ()), key)
    if strict and (not found or (len(entries) > 1 and None in found)):
        raise UnusableKeySetError("holds no key" if not found else "every key needs a 'kid' where there are several")
    return Keys(found)


def _public_key(entry: Any) -> Key:
    if not isinstance(entry, dict) or entry.get("kty") not in ("EC", "RSA"):
        raise UnusableKeySetError("is not an EC or RSA key")
    if not _PRIVATE.isdisjoint(entry):
        raise UnusableKeySetError("is a private key, which must not leave its owner")
    try:
        if entry.get("use", "sig") != "sig" or "verify" not in entry.get("key_ops", ["verify"]):
            raise UnusableKeySetError("is not for signatures")
        if entry["kty"] == "RSA" and _bits(entry["n"]) < _LEAST_RSA_BITS:
            raise UnusableKeySetError(f"is an RSA key of less than {_LEAST_RSA_BITS} bits")
        key = JWKRegistry.import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnusableKeySetError("cannot be read") from error
    if not isinstance(key, (ECKey, RSAKey)) or (isinstance(key, ECKey) and key.curve_name not in _CURVES):
        raise UnusableKeySetError("is of a curve that is not used here")
    return key


def _bits(modulus: str) -> int:
    return int.from_bytes(urlsafe_b64decode(modulus.encode()), "big").bit_length()


def _signs(key: Key, algorithm: str) -> bool:
    """Whether type, curve and declared algorithm of the key fit; the token alone never decides."""
    if key.alg not in (None, algorithm):
        return False
    if isinstance(key, RSAKey):
        return algorithm[:2] in ("RS", "PS")
    return {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(algorithm) == key.curve_name


@dataclass(slots=True)
class _Address:
    """What is remembered of one address."""

    keys: Keys | None = None
    fetched_at: float = 0.0
    failed_at: float = float("-inf")
    refreshed_at: list[float] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class KeySets:
    """The key sets of the registered addresses; an asynchronous context."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._addresses: dict[str, _Address] = {}
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> KeySets:
        """Nothing is opened before the first fetch: there may never be one."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def find(self, address: str, kid: str | None, algorithm: str) -> Key | None:
        """A key of a registered address, fetched anew where that is old or lacks the id; None if there is none."""
        known = self._addresses.setdefault(address, _Address())
        if (key := self._known(known, kid, algorithm)) is not None and self._is_fresh(known):
            return key
        async with known.turn:  # one fetch at a time; who waited finds what it brought
            if (key := self._known(known, kid, algorithm)) is not None and self._is_fresh(known):
                return key
            if self._may_fetch(known):
                await self._fetch(address, known)
        return self._known(known, kid, algorithm)

    def _known(self, known: _Address, kid: str | None, algorithm: str) -> Key | None:
        if known.keys is None or self._monotonic() - known.fetched_at > _USABLE_SECONDS:
            return None
        return known.keys.find(kid, algorithm)

    def _is_fresh(self, known: _Address) -> bool:
        return known.keys is not None and self._monotonic() - known.fetched_at < _FRESH_SECONDS

    def _may_fetch(self, known: _Address) -> bool:
        now = self._monotonic()
        usable = known.keys is not None and now - known.fetched_at <= _USABLE_SECONDS
        # While there are keys to go by, calls must not wait again and again for an address that does not answer.
        if now - known.failed_at < (_PAUSE_WHILE_USABLE if usable else _PAUSE_AFTER_FAILURE):
            return False
        known.refreshed_at = [at for at in known.refreshed_at if now - at < _PER_SECONDS]
        return len(known.refreshed_at) < _MOST_REFRESHES

    async def _fetch(self, address: str, known: _Address) -> None:
        if self._is_fresh(known):
            known.refreshed_at.append(self._monotonic())
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                known.keys = read_key_set(await self._read(address), strict=False)
        except (httpx.HTTPError, httpx.InvalidURL, UnusableKeySetError, TimeoutError, UnicodeError) as error:
            # UnicodeError: a name that no resolver could take
            known.failed_at = self._monotonic()
            _log.warning("the keys of %s could not be fetched (%s)", address, type(error).__name__)
        else:
            known.fetched_at = self._monotonic()

    async def _read(self, address: str) -> bytes:
        if self._http is None:
            # The system's certificates (and SSL_CERT_FILE), as a hospital's own authority is known there.
            trusted = ssl.create_default_context()
            self._http = httpx.AsyncClient(
                verify=trusted, trust_env=False, follow_redirects=False, timeout=_FETCH_SECONDS
            )
        async with self._http.stream("GET", address, headers=_HEADERS) as answer:
            if answer.status_code != 200:
                raise UnusableKeySetError(f"status {answer.status_code}")
            content = b""
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise UnusableKeySetError("is too large")
            return content
