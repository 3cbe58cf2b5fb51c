"""A client's signed token: header, keys, signature, claims, and that it is used once.

CDS Hooks 2.0.1: https://cds-hooks.hl7.org/2.0/#trusting-cds-clients; JWT best practice: RFC 8725. Claims that
would not be taken even if signed refuse a token before a key is looked for, nothing is fetched before issuer and key
address are known to be registered, and a token's id is used up last, so that a forged token can use up nobody's. Of a
member that stands twice the last counts, for every check alike. The caller learns nothing of the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from msgspec import Struct

from cds_service.clients.keys import Key, KeySets
from cds_service.clients.refusal import NotAuthenticated, Reason
from cds_service.clients.registry import Client
from cds_service.clients.used_tokens import UsedTokens

ALGORITHMS = frozenset({"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
LEEWAY = timedelta(seconds=60)
LONGEST_LIFE = timedelta(hours=24)
_MOST_CHARACTERS = 16 * 1024
_LONGEST_ID = 512


class _Header(Struct, frozen=True):
    alg: str
    kid: str | None = None
    typ: str | None = None
    jku: str | None = None
    crit: Any = msgspec.UNSET
    b64: Any = msgspec.UNSET


class _Claims(Struct, frozen=True):
    iss: str
    aud: str | list[str]
    exp: float
    iat: float
    jti: str
    nbf: float | None = None
    tenant: str | None = None


_CLAIMS = msgspec.json.Decoder(_Claims)


class _Registry(jws.JWSRegistry):
    max_header_length = _MOST_CHARACTERS
    max_payload_length = _MOST_CHARACTERS
    max_signature_length = _MOST_CHARACTERS


_REGISTRY = _Registry(algorithms=sorted(ALGORITHMS), strict_check_header=False)


class Authenticator:
    """Names the client that signed a call; an asynchronous context, because it fetches keys."""

    def __init__(
        self,
        clients: Sequence[Client],
        public_url: str,
        used_tokens: UsedTokens,
        now: Callable[[], datetime],
        key_sets: KeySets | None = None,
    ) -> None:
        self._by_issuer = {client.iss: client for client in clients}
        self._public_url = public_url.rstrip("/")
        self._used_tokens = used_tokens
        self._now = now
        self._key_sets = key_sets or KeySets()

    async def __aenter__(self) -> Authenticator:
        """Open what fetches keys."""
        await self._key_sets.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self._key_sets.__aexit__(kind, error, trace)

    async def client(self, authorization: str | None, paths: Collection[str]) -> Client:
        """The client that signed the token of this Authorization header for one of these paths of ours.

        Raises NotAuthenticated, whatever the header holds.
        """
        signed = _extracted(_bearer(authorization))
        header, claims = _header(signed), _claims(signed)
        client = self._by_issuer.get(claims.iss)
        if client is None:
            raise NotAuthenticated(Reason.ISSUER)
        self._check(claims, client, paths)
        _verify(signed, await self._key(client, header))
        until = datetime.fromtimestamp(claims.exp, UTC) + LEEWAY
        if not await self._used_tokens.first_use(claims.iss, claims.jti, until):
            raise NotAuthenticated(Reason.REPLAYED)
        return client

    async def _key(self, client: Client, header: _Header) -> Key:
        if header.jku is not None and header.jku not in client.jku:
            raise NotAuthenticated(Reason.JKU)
        if client.keys is not None and (key := client.keys.find(header.kid, header.alg)) is not None:
            return key
        for address in client.jku if header.jku is None else (header.jku,):
            if (found := await self._key_sets.find(address, header.kid, header.alg)) is not None:
                return found
        raise NotAuthenticated(Reason.KEY)

    def _check(self, claims: _Claims, client: Client, paths: Collection[str]) -> None:
        now, leeway = self._now().timestamp(), LEEWAY.total_seconds()
        if claims.exp <= now - leeway:
            raise NotAuthenticated(Reason.EXPIRED)
        if claims.iat > now + leeway or (claims.nbf is not None and claims.nbf > now + leeway):
            raise NotAuthenticated(Reason.NOT_YET)
        # Its id has to be remembered as long as it could be used again.
        longest = LONGEST_LIFE.total_seconds() + leeway
        if claims.exp > now + longest or claims.exp - claims.iat > longest or not 0 < len(claims.jti) <= _LONGEST_ID:
            raise NotAuthenticated(Reason.CLAIMS)
        audiences = {claims.aud} if isinstance(claims.aud, str) else set(claims.aud)
        if {audience.rstrip("/") for audience in audiences}.isdisjoint(self._public_url + path for path in paths):
            raise NotAuthenticated(Reason.AUDIENCE)
        if client.tenants and claims.tenant not in client.tenants:
            raise NotAuthenticated(Reason.TENANT)


def _bearer(authorization: str | None) -> bytes:
    if not authorization:
        raise NotAuthenticated(Reason.NO_TOKEN)
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated(Reason.NO_TOKEN)
    if len(token) > _MOST_CHARACTERS or not token.isascii():
        raise NotAuthenticated(Reason.NOT_A_TOKEN)
    return token.strip().encode()


def _extracted(token: bytes) -> jws.CompactSignature:
    if token.count(b".") != 2:
        raise NotAuthenticated(Reason.NOT_A_TOKEN)
    try:
        return jws.extract_compact(token, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NotAuthenticated(Reason.NOT_A_TOKEN) from error


def _header(signed: jws.CompactSignature) -> _Header:
    """The header, before anything of it is believed."""
    try:
        header = msgspec.convert(signed.headers(), _Header)
    except (msgspec.ValidationError, RecursionError) as error:
        raise NotAuthenticated(Reason.NOT_A_TOKEN) from error
    if header.alg not in ALGORITHMS:
        raise NotAuthenticated(Reason.ALGORITHM)
    odd = header.crit is not msgspec.UNSET or header.b64 is not msgspec.UNSET
    if odd or (header.typ is not None and header.typ.upper() != "JWT"):
        raise NotAuthenticated(Reason.NOT_A_TOKEN)
    return header


def _claims(signed: jws.CompactSignature) -> _Claims:
    """The claims, before anything of them is believed."""
    try:
        return _CLAIMS.decode(signed.payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise NotAuthenticated(Reason.CLAIMS) from error


def _verify(signed: jws.CompactSignature, key: Key) -> None:
    try:
        good = jws.validate_compact(signed, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError) as error:
        raise NotAuthenticated(Reason.SIGNATURE) from error
    if not good:
        raise NotAuthenticated(Reason.SIGNATURE)
