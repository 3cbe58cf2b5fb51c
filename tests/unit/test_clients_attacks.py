"""Callers who try: whatever their token holds they are refused, and nothing is fetched on a stranger's say."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from cds_service.clients import Client, NotAuthenticated, Reason
from cds_service.clients.keys import UnusableKeySetError, read_key_set
from tests.support.signing import Issuer, client_of, key_server, make_key, name_caller, sign

BASE = "https://cds.example.org/base"
PATH = "/cds-services/nelm-patient-view"
AUDIENCE = BASE + PATH
NOW = datetime.now(UTC)
STAMP = int(NOW.timestamp())
SECRET = ec.generate_private_key(ec.SECP384R1())
KEY = ECKey.import_key(SECRET, {"kid": "ehr"})
RSA = make_key("RS384")
EHR = Issuer(KEY, at=STAMP)
CLIENT = client_of(EHR)
TOKEN = EHR.token(AUDIENCE, exp=STAMP + 3600)


def named(authorization: str, *clients: Client) -> Client:
    return name_caller(authorization, *clients, base=BASE, paths=(PATH,), now=lambda: NOW)


def outcome(token: str, *clients: Client) -> Reason | str:
    """The client's name, or why it is refused; anything else that is raised fails the test."""
    try:
        return named(f"Bearer {token}", *(clients or (CLIENT,))).name
    except NotAuthenticated as error:
        assert str(error) == error.reason.value
        return error.reason


def signed(header: bytes, claims: bytes) -> str:
    """A token of these very bytes, signed with the client's own key."""
    content = f"{_encoded(header)}.{_encoded(claims)}"
    r, s = utils.decode_dss_signature(SECRET.sign(content.encode(), ec.ECDSA(hashes.SHA384())))
    return f"{content}.{_encoded(r.to_bytes(48, 'big') + s.to_bytes(48, 'big'))}"


HEADER, CLAIMS = json.dumps(EHR.header()).encode(), json.dumps(EHR.claims(AUDIENCE)).encode()


def test_tokens_made_by_hand_are_good_ones() -> None:
    assert outcome(signed(HEADER, CLAIMS)) == "ehr"


@pytest.mark.parametrize(
    ("header", "claims", "expected"),
    [
        (HEADER[:-1] + b',"alg":"none"}', CLAIMS, Reason.ALGORITHM),
        (HEADER.replace(b"{", b'{"alg":"none",', 1), CLAIMS, "ehr"),
        (HEADER[:-1] + b',"jku":"https://x.example.org"}', CLAIMS, Reason.JKU),
        (HEADER[:-1] + b',"kid":"another"}', CLAIMS, Reason.KEY),
        (HEADER, CLAIMS[:-1] + b',"aud":"https://x.example.org"}', Reason.AUDIENCE),
        (HEADER, CLAIMS.replace(b"{", b'{"aud":"https://x.example.org",', 1), "ehr"),
        (HEADER, CLAIMS[:-1] + b',"exp":1}', Reason.EXPIRED),
        (HEADER, CLAIMS[:-1] + b',"iss":"https://x.example.org"}', Reason.ISSUER),
    ],
)
def test_of_a_member_that_stands_twice_the_last_counts(header: bytes, claims: bytes, expected: Reason | str) -> None:
    """As RFC 7515 and RFC 7519 have it; never one of them for one check and the other for the next."""
    assert outcome(signed(header, claims)) == expected


@pytest.mark.parametrize(
    ("header", "claims", "expected"),
    [
        ({"alg": "\ud800"}, {}, Reason.ALGORITHM),
        ({"kid": "\ud800"}, {}, Reason.KEY),
        ({"jku": "\ud800"}, {}, Reason.JKU),
        ({"typ": "\ud800"}, {}, Reason.NOT_A_TOKEN),
        ({}, {"jti": "\ud800"}, Reason.CLAIMS),
        ({}, {"iss": "\ud800"}, Reason.CLAIMS),
        ({}, {"own": "\ud800"}, Reason.CLAIMS),
        ({}, {"jti": "a\0b"}, "ehr"),
        ({"alg": ["ES384"]}, {}, Reason.NOT_A_TOKEN),
        ({"jku": [AUDIENCE]}, {}, Reason.NOT_A_TOKEN),
        ({"kid": ["ehr"]}, {}, Reason.NOT_A_TOKEN),
        ({"b64": False}, {}, Reason.NOT_A_TOKEN),
        ({"crit": ["b64"], "b64": False}, {}, Reason.NOT_A_TOKEN),
        ({}, {"jti": ["1"]}, Reason.CLAIMS),
        ({}, {"exp": float("nan")}, Reason.CLAIMS),
        ({}, {"exp": float("inf")}, Reason.CLAIMS),
        ({}, {"iat": float("-inf")}, Reason.CLAIMS),
        ({}, {"iat": True}, Reason.CLAIMS),
    ],
    ids=repr,
)
def test_odd_members_of_a_well_signed_token(
    header: dict[str, Any], claims: dict[str, Any], expected: Reason | str
) -> None:
    told = json.dumps(EHR.header() | header).encode(), json.dumps(EHR.claims(AUDIENCE) | claims).encode()
    assert outcome(signed(*told)) == expected


def test_a_token_has_a_largest_size_however_well_it_is_signed() -> None:
    assert outcome(EHR.token(AUDIENCE, {"own": "x" * 5_000}, own="x" * 5_000)) == "ehr"
    assert outcome(EHR.token(AUDIENCE, {"own": "x" * 6_500}, own="x" * 6_500)) is Reason.NOT_A_TOKEN


@pytest.mark.parametrize("signature", [b"", b"\0" * 96, b"\1" * 96, b"\xff" * 96, b"\0" * 64, b"\0" * 1024])
def test_a_signature_that_anybody_could_write(signature: bytes) -> None:
    content = signed(HEADER, CLAIMS).rpartition(".")[0]
    assert outcome(f"{content}.{_encoded(signature)}") is Reason.SIGNATURE


def test_nothing_is_fetched_for_a_token_that_could_not_be_taken_anyway() -> None:
    stranger = make_key()
    with key_server(stranger) as elsewhere, key_server(KEY) as server:
        client = client_of(EHR, keys=None, jku=(server.address,))
        from_a_file = client_of(EHR, jku=())
        at_ours = {"jku": server.address}
        for token, known, reason in [
            (sign(EHR.header(kid="k", jku=elsewhere.address), EHR.claims(AUDIENCE), stranger), client, "jku"),
            (EHR.token(AUDIENCE, {"jku": elsewhere.address}), from_a_file, "jku"),
            (EHR.token(AUDIENCE, {"jku": server.address + "?"}), client, "jku"),
            (EHR.token(AUDIENCE, at_ours, iss="https://x.example.org"), client, "issuer"),
            (EHR.token(AUDIENCE, at_ours, exp=STAMP - 90), client, "expired"),
            (EHR.token(AUDIENCE, at_ours, nbf=STAMP + 90), client, "not_yet"),
            (EHR.token(f"{BASE}/elsewhere", at_ours), client, "audience"),
        ]:
            assert outcome(token, known) == reason
        assert (elsewhere.requests, server.requests) == (0, 0)
        assert outcome(EHR.token(AUDIENCE, at_ours), client) == "ehr"
        assert outcome(EHR.token(AUDIENCE), client) == "ehr"
        assert (elsewhere.requests, server.requests) == (0, 2)


@pytest.mark.parametrize("inserted", ["é", "\u0661", "\ud800", "\0", " ", "\n", "!", "=", "+", "."])
@pytest.mark.parametrize("part", [0, 1])
def test_a_character_that_no_token_has(part: int, inserted: str) -> None:
    parts = TOKEN.split(".")
    parts[part] = parts[part][:10] + inserted + parts[part][10:]
    assert outcome(".".join(parts)) != "ehr"


@pytest.mark.parametrize("inserted", ["é", "\u0661", "\ud800"])
def test_a_signature_is_ascii(inserted: str) -> None:
    assert outcome(TOKEN[:-10] + inserted + TOKEN[-10:]) is Reason.NOT_A_TOKEN


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_changed_token_is_taken(data: st.DataObject) -> None:
    """Whatever character is changed, taken away or added: refused, unless the signed bytes are the same."""
    at = data.draw(st.integers(0, len(TOKEN)))
    change = data.draw(st.sampled_from(["replace", "insert", "remove"]))
    put = data.draw(st.characters(codec="ascii", categories=["L", "N", "P"]))
    changed = TOKEN[:at] + (put if change != "remove" else "") + TOKEN[at + (change != "insert") :]
    if outcome(changed) == "ehr":
        assert _decoded(changed) == _decoded(TOKEN)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(AUDIENCE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_HEADER = st.sampled_from(["alg", "kid", "typ", "jku", "jwk", "x5u", "x5c", "crit", "b64", "cty", "zip", "enc"])
_MEMBER = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "use", "key_ops", "alg", "kid", "x5c", "x5t"])
_CLAIM = st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "jti", "tenant", "sub"])


@given(st.dictionaries(_HEADER, _JSON, max_size=3), st.dictionaries(_CLAIM, _JSON, max_size=3))
@settings(max_examples=200, deadline=None)
def test_nothing_else_is_raised_whatever_is_signed(header: dict[str, Any], claims: dict[str, Any]) -> None:
    told = json.dumps(EHR.header() | header).encode(), json.dumps(EHR.claims(AUDIENCE) | claims).encode()
    assert outcome(signed(*told)) in ("ehr", *Reason)


@given(st.sampled_from([KEY, RSA]), st.dictionaries(_MEMBER, _JSON, min_size=1, max_size=3), st.booleans())
@settings(max_examples=200, deadline=None)
def test_nothing_else_is_raised_whatever_a_key_set_holds(key: Any, changed: dict[str, Any], strict: bool) -> None:
    try:
        keys = read_key_set(json.dumps({"keys": [key.as_dict(private=False) | changed]}).encode(), strict=strict)
    except UnusableKeySetError:
        return
    assert all(keys.find(kid, "HS384") is None for kid in (None, key.kid))


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300).map(lambda b: b.decode("latin-1"))))
@settings(max_examples=200, deadline=None)
def test_nothing_else_is_raised_whatever_the_header_holds(header: str) -> None:
    for text in (header, f"Bearer {header}", f"Bearer {_encoded(header.encode())}.{header}.{header}"):
        with pytest.raises(NotAuthenticated):
            named(text, CLIENT)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(token: str) -> list[bytes]:
    return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.strip().split(".")]
