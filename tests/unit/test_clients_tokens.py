"""Tokens of clients: what is taken, and every way in which one is not; the reason is for us, never for the caller."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cds_service.clients import Client, InMemoryUsedTokens, NotAuthenticated, Reason
from cds_service.clients.keys import read_key_set
from cds_service.clients.tokens import ALGORITHMS, LEEWAY, LONGEST_LIFE
from tests.support import signing
from tests.support.signing import ISSUER, client_of, make_key, public, sign

BASE = "https://cds.example.org/base"
PATH = "/cds-services/nelm-patient-view"
AUDIENCE = BASE + PATH
NOW = datetime.now(UTC)
STAMP = int(NOW.timestamp())
Issuer = partial(signing.Issuer, at=STAMP)
EHR = Issuer()
CLIENT = client_of(EHR)


def name_caller(
    authorization: str | None,
    *clients: Client,
    paths: tuple[str, ...] = (PATH,),
    used: InMemoryUsedTokens | None = None,
    now: Callable[[], datetime] = lambda: NOW,
) -> Client:
    return signing.name_caller(authorization, *(clients or (CLIENT,)), base=BASE + "/", paths=paths, now=now, used=used)


def refused(authorization: str | None, *clients: Client, **known: Any) -> Reason:
    with pytest.raises(NotAuthenticated) as error:
        name_caller(authorization, *clients, **known)
    return error.value.reason


def bearer(token: str) -> str:
    return f"Bearer {token}"


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_of_the_list_is_taken(algorithm: str) -> None:
    issuer = Issuer(make_key(algorithm), algorithm)
    assert name_caller(bearer(issuer.token(AUDIENCE)), client_of(issuer)).name == "ehr"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": AUDIENCE + "/"},
        {"aud": ["https://elsewhere.example.org", AUDIENCE]},
        {"sub": "client", "nbf": STAMP - 300, "tenant": "north", "https://x.example.org/own": {"a": [1]}},
        {"nbf": STAMP + 30},
        {"iat": STAMP + 30},
        {"iat": STAMP - 86_000},
        {"exp": STAMP - 30},
        {"exp": float(STAMP) + 300.5},
        {"exp": STAMP + 86_000},
        {"jti": "x" * 512},
    ],
    ids=repr,
)
def test_what_is_taken(claims: dict[str, Any]) -> None:
    token = EHR.token(claims.pop("aud", AUDIENCE), **claims)
    assert name_caller(bearer(token)) == CLIENT


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(scheme: str) -> None:
    assert name_caller(f"{scheme} {EHR.token(AUDIENCE)}") == CLIENT


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, Reason.NO_TOKEN),
        ("", Reason.NO_TOKEN),
        ("Bearer", Reason.NO_TOKEN),
        ("Bearer ", Reason.NO_TOKEN),
        ("Basic dXNlcjpwYXNz", Reason.NO_TOKEN),
        ("Bearer nonsense", Reason.NOT_A_TOKEN),
        ("Bearer a.b.c", Reason.NOT_A_TOKEN),
        ("Bearer ...", Reason.NOT_A_TOKEN),
        ("Bearer " + "a" * 20_000, Reason.NOT_A_TOKEN),
        ("Bearer é.é.é", Reason.NOT_A_TOKEN),
    ],
)
def test_what_is_no_token(header: str | None, reason: Reason) -> None:
    assert refused(header) is reason


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://elsewhere.example.org" + PATH}, Reason.AUDIENCE),
        ({"aud": f"{BASE}/cds-services/another"}, Reason.AUDIENCE),
        ({"aud": f"{BASE}/cds-services"}, Reason.AUDIENCE),
        ({"aud": AUDIENCE.upper()}, Reason.AUDIENCE),
        ({"aud": AUDIENCE + "?x=1"}, Reason.AUDIENCE),
        ({"aud": []}, Reason.AUDIENCE),
        ({"aud": None}, Reason.CLAIMS),
        ({"aud": 7}, Reason.CLAIMS),
        ({"aud": [AUDIENCE, 7]}, Reason.CLAIMS),
        ({"exp": STAMP - 61}, Reason.EXPIRED),
        ({"exp": None}, Reason.CLAIMS),
        ({"exp": str(STAMP + 300)}, Reason.CLAIMS),
        ({"exp": True}, Reason.CLAIMS),
        ({"exp": [STAMP + 300]}, Reason.CLAIMS),
        ({"exp": STAMP + LONGEST_LIFE.total_seconds() + 120}, Reason.CLAIMS),
        ({"exp": 10**30}, Reason.CLAIMS),
        ({"iat": STAMP + 90}, Reason.NOT_YET),
        ({"iat": STAMP - 30 * 86_400}, Reason.CLAIMS),
        ({"iat": -1e300}, Reason.CLAIMS),
        ({"iat": None}, Reason.CLAIMS),
        ({"nbf": STAMP + 90}, Reason.NOT_YET),
        ({"nbf": "tomorrow"}, Reason.CLAIMS),
        ({"jti": None}, Reason.CLAIMS),
        ({"jti": ""}, Reason.CLAIMS),
        ({"jti": "x" * 513}, Reason.CLAIMS),
        ({"jti": 7}, Reason.CLAIMS),
        ({"iss": "https://unknown.example.org"}, Reason.ISSUER),
        ({"iss": ISSUER + "/"}, Reason.ISSUER),
        ({"iss": None}, Reason.CLAIMS),
        ({"iss": [ISSUER]}, Reason.CLAIMS),
        ({"tenant": 7}, Reason.CLAIMS),
    ],
    ids=repr,
)
def test_claims_that_are_not_taken(claims: dict[str, Any], reason: Reason) -> None:
    told = EHR.claims(AUDIENCE) | claims
    token = sign(EHR.header(), {name: value for name, value in told.items() if value is not None}, EHR.key)
    assert refused(bearer(token)) is reason


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b'"text"', b"{", b'{"exp":NaN}', b"\xff", b"[" * 9_000])
def test_a_payload_that_is_no_object_of_claims(payload: bytes) -> None:
    assert refused(bearer(sign(EHR.header(), payload, EHR.key))) in (Reason.CLAIMS, Reason.NOT_A_TOKEN)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "at+jwt"}, Reason.NOT_A_TOKEN),
        ({"typ": 7}, Reason.NOT_A_TOKEN),
        ({"kid": 7}, Reason.NOT_A_TOKEN),
        ({"kid": "another"}, Reason.KEY),
        ({"jku": "https://elsewhere.example.org/jwks.json"}, Reason.JKU),
        ({"crit": ["exp"]}, Reason.NOT_A_TOKEN),
        ({"crit": []}, Reason.NOT_A_TOKEN),
    ],
    ids=repr,
)
def test_headers_that_are_not_taken(header: dict[str, Any], reason: Reason) -> None:
    told = EHR.header() | header
    _, payload, signature = sign(EHR.header(), EHR.claims(AUDIENCE), EHR.key).split(".")
    assert refused(bearer(f"{_encoded(json.dumps(told))}.{payload}.{signature}")) is reason


@pytest.mark.parametrize("typ", ["JWT", "jwt", None])
def test_the_type_is_jwt_or_not_told(typ: str | None) -> None:
    assert name_caller(bearer(EHR.token(AUDIENCE, {"typ": typ}))) == CLIENT


def test_a_token_without_kid_is_taken_where_there_is_one_key() -> None:
    assert name_caller(bearer(EHR.token(AUDIENCE, {"kid": None}))) == CLIENT
    two = read_key_set(json.dumps(public(EHR.key, make_key())).encode(), strict=True)
    assert refused(bearer(EHR.token(AUDIENCE, {"kid": None})), replace(CLIENT, keys=two)) is Reason.KEY


def test_an_unsigned_token() -> None:
    head, payload = _encoded(json.dumps({"alg": "none", "typ": "JWT"})), _encoded(json.dumps(EHR.claims(AUDIENCE)))
    assert refused(bearer(f"{head}.{payload}.")) is Reason.ALGORITHM
    for alg in ("None", "NONE", "nOnE", ""):
        head = _encoded(json.dumps({"alg": alg, "kid": EHR.key.kid}))
        assert refused(bearer(f"{head}.{payload}.")) is Reason.ALGORITHM


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("secret", ["pem", "jwk", "set"])
def test_the_public_key_used_as_a_secret(algorithm: str, secret: str) -> None:
    """The classic confusion of algorithms."""
    material = {
        "pem": EHR.key.as_pem(private=False),
        "jwk": json.dumps(EHR.key.as_dict(private=False)).encode(),
        "set": json.dumps(public(EHR.key)).encode(),
    }[secret]
    head = _encoded(json.dumps(EHR.header(alg=algorithm)))
    body = _encoded(json.dumps(EHR.claims(AUDIENCE)))
    digest = hmac.new(material, f"{head}.{body}".encode(), getattr(hashlib, f"sha{algorithm[2:]}")).digest()
    assert refused(bearer(f"{head}.{body}.{_encoded(digest)}")) is Reason.ALGORITHM


def test_a_key_that_comes_with_the_token_is_never_used() -> None:
    stranger = make_key()
    header = EHR.header(kid=stranger.kid, jwk=stranger.as_dict(private=False), x5u="https://x.example.org/c.pem")
    token = sign(header, EHR.claims(AUDIENCE), stranger)
    assert refused(bearer(token)) is Reason.KEY
    with_our_kid = sign(header | {"kid": EHR.key.kid}, EHR.claims(AUDIENCE), stranger)
    assert refused(bearer(with_our_kid)) is Reason.SIGNATURE


def test_an_algorithm_of_another_curve_or_type_finds_no_key() -> None:
    other = make_key("ES256", kid=EHR.key.kid)
    assert refused(bearer(sign(EHR.header(alg="ES256"), EHR.claims(AUDIENCE), other))) is Reason.KEY
    rsa = make_key("RS384", kid=EHR.key.kid)
    assert refused(bearer(sign(EHR.header(alg="RS384"), EHR.claims(AUDIENCE), rsa))) is Reason.KEY


def test_one_client_cannot_speak_as_another() -> None:
    other = Issuer(iss="https://other.example.org")
    clients = (CLIENT, client_of(other, name="other"))
    assert name_caller(bearer(other.token(AUDIENCE)), *clients).name == "other"
    assert refused(bearer(sign(EHR.header(), other.claims(AUDIENCE), EHR.key)), *clients) is Reason.KEY
    forged = sign(EHR.header(kid=other.key.kid), other.claims(AUDIENCE), EHR.key)
    assert refused(bearer(forged), *clients) is Reason.SIGNATURE


def test_tenants() -> None:
    north = replace(CLIENT, tenants=frozenset({"north"}))
    assert name_caller(bearer(EHR.token(AUDIENCE, tenant="north")), north) == north
    assert refused(bearer(EHR.token(AUDIENCE, tenant="south")), north) is Reason.TENANT
    assert refused(bearer(EHR.token(AUDIENCE)), north) is Reason.TENANT


def test_feedback_may_be_signed_for_either_of_its_addresses() -> None:
    paths = (f"{PATH}/feedback", PATH)
    assert name_caller(bearer(EHR.token(AUDIENCE)), paths=paths) == CLIENT
    assert name_caller(bearer(EHR.token(f"{AUDIENCE}/feedback")), paths=paths) == CLIENT
    assert refused(bearer(EHR.token(f"{AUDIENCE}/feedback"))) is Reason.AUDIENCE


def test_a_token_is_used_once() -> None:
    used, token = InMemoryUsedTokens(lambda: NOW), bearer(EHR.token(AUDIENCE))
    assert name_caller(token, used=used) == CLIENT
    assert refused(token, used=used) is Reason.REPLAYED


def test_a_forged_token_uses_up_nobodys_id() -> None:
    used = InMemoryUsedTokens(lambda: NOW)
    claims = EHR.claims(AUDIENCE)
    forged = sign(EHR.header(), claims, make_key())
    for wrong in (forged, sign(EHR.header(), claims | {"aud": "https://x.example.org"}, EHR.key)):
        refused(bearer(wrong), used=used)
    assert name_caller(bearer(sign(EHR.header(), claims, EHR.key)), used=used) == CLIENT


def test_an_id_is_remembered_as_long_as_its_token_is_taken() -> None:
    moment = NOW
    used = InMemoryUsedTokens(lambda: moment)
    token = bearer(EHR.token(AUDIENCE))
    assert name_caller(token, used=used, now=lambda: moment) == CLIENT
    moment = NOW + timedelta(seconds=300) + LEEWAY - timedelta(seconds=2)
    assert refused(token, used=used, now=lambda: moment) is Reason.REPLAYED


def test_the_same_id_of_another_issuer_is_another() -> None:
    used = InMemoryUsedTokens(lambda: NOW)
    other = Issuer(iss="https://other.example.org")
    clients = (CLIENT, client_of(other))
    for issuer in (EHR, other):
        assert name_caller(bearer(issuer.token(AUDIENCE, jti="1")), *clients, used=used).iss == issuer.iss


def test_a_full_memory_forgets_what_expires_first() -> None:
    used = InMemoryUsedTokens(lambda: NOW, most=10)
    for number in range(10):
        assert used.use(ISSUER, str(number), NOW + timedelta(seconds=number + 1))
    assert used.use(ISSUER, "new", NOW + timedelta(seconds=60))
    assert not used.use(ISSUER, "new", NOW)
    assert not used.use(ISSUER, "9", NOW)
    assert used.use(ISSUER, "0", NOW)


def _encoded(content: str | bytes) -> str:
    return base64.urlsafe_b64encode(content.encode() if isinstance(content, str) else content).rstrip(b"=").decode()
