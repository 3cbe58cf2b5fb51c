"""Signed calls: who is answered, and who is not. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.conformance_call import SERVICE, Caller, calling
from tests.support.conformance_issuer import (
    ISSUER,
    PUBLIC_URL,
    Issuer,
    issuing,
    registered,
    sign,
    signed,
    signed_with_a_secret,
)
from tests.support.conformance_server import serving
from tests.support.stories import story, without_uuids

RESECTABLE = story("resectable")
FEEDBACK = f"{SERVICE}/feedback"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Issuer]:
    """One that publishes keys just so, and is not."""
    with issuing() as running:
        yield running


@pytest.mark.row(88)
@pytest.mark.parametrize(("kid", "algorithm"), [("ec", "ES384"), ("rsa", "RS384")])
def test_a_signed_call_is_answered(signing: Caller, issuer: Issuer, kid: str, algorithm: str) -> None:
    token = issuer.token(header={"kid": kid, "alg": algorithm})
    assert signing.cards(RESECTABLE.body, signed(token))["cards"]


@pytest.mark.row(88)
def test_discovery_and_feedback_are_signed_as_well(signing: Caller, issuer: Issuer) -> None:
    """A token for feedback may be meant for the feedback's address or for the service's."""
    (card, *_) = signing.cards(RESECTABLE.body, issuer.headers())["cards"]
    entry = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-05-04T09:30:00Z"}
    assert signing.get("/cds-services").status_code == 401
    assert signing.get("/cds-services", issuer.headers("/cds-services")).json()["services"]
    assert signing.feedback({"feedback": [entry]}).status_code == 401
    for path in (FEEDBACK, SERVICE):
        assert signing.feedback({"feedback": [entry]}, issuer.headers(path)).status_code == 200


@pytest.mark.row(11)
def test_a_client_of_3_0_is_told_the_version(signing: Caller, issuer: Issuer, tmp_path: Path) -> None:
    """It is a member of 3.0, so no other client is."""
    clients = tmp_path / "clients.toml"
    clients.write_text(registered(issuer.jku, [], profile="cds-hooks-3"), "utf-8")
    settings = {"NELM_CDS_CLIENTS": str(clients), "NELM_CDS_PUBLIC_URL": PUBLIC_URL}
    with serving(tmp_path, settings) as server, calling(server) as caller:
        told = caller.get("/cds-services", issuer.headers("/cds-services")).json()["services"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", service["version"]) for service in told)
    others = signing.get("/cds-services", issuer.headers("/cds-services")).json()["services"]
    assert not [service for service in others if "version" in service]


@pytest.mark.row(89)
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x", "Basic dTpw", "Bearer a.b.c"], ids=str)
def test_a_call_without_a_token_is_401(signing: Caller, authorization: str | None) -> None:
    _refused(signing, {} if authorization is None else {"Authorization": authorization})


@pytest.mark.row(90)
@pytest.mark.parametrize("name", ["none", "None", "NONE", ""])
def test_a_token_without_a_signature_is_401(signing: Caller, issuer: Issuer, name: str) -> None:
    header = {"alg": name, "typ": "JWT", "kid": "ec", "jku": issuer.jku}
    _refused(signing, signed(signed_with_a_secret(header, issuer.claims(), b"")))


@pytest.mark.row(91)
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("kid", ["ec", "rsa"])
def test_a_token_signed_with_the_public_key_as_a_secret_is_401(
    signing: Caller, issuer: Issuer, algorithm: str, kid: str
) -> None:
    header = {"alg": algorithm, "typ": "JWT", "kid": kid, "jku": issuer.jku}
    key = issuer.keys[kid]
    for secret in (
        key.as_pem(private=False),
        key.as_der(private=False),
        json.dumps(key.as_dict(private=False)).encode(),
    ):
        _refused(signing, signed(signed_with_a_secret(header, issuer.claims(), secret)))


@pytest.mark.row(92)
def test_a_token_that_was_changed_is_401(signing: Caller, issuer: Issuer) -> None:
    """In its claims, in its header, or in its signature."""
    header, claims, signature = issuer.token().split(".")
    changed = _decoded(claims) | {"sub": "somebody-else"}
    _refused(signing, signed(f"{header}.{_encoded(changed)}.{signature}"))
    _refused(signing, signed(f"{_encoded(_decoded(header) | {'x': 1})}.{claims}.{signature}"))
    _refused(signing, signed(f"{header}.{claims}.{signature[::-1]}"))
    _refused(signing, signed(f"{header}.{claims}."))


@pytest.mark.row(92)
def test_a_token_signed_with_another_key_of_the_same_name_is_401(
    signing: Caller, issuer: Issuer, elsewhere: Issuer
) -> None:
    header = {"alg": "ES384", "typ": "JWT", "kid": "ec", "jku": issuer.jku}
    _refused(signing, signed(sign(header, issuer.claims(), elsewhere.keys["ec"])))
    embedded = header | {"jwk": elsewhere.keys["ec"].as_dict(private=False)}
    _refused(signing, signed(sign(embedded, issuer.claims(), elsewhere.keys["ec"])))


@pytest.mark.row(93)
@pytest.mark.parametrize(
    ("audience", "status"),
    [
        (PUBLIC_URL + SERVICE, 200),
        (f"{PUBLIC_URL}{SERVICE}/", 200),
        ([PUBLIC_URL + SERVICE], 200),
        (["https://other.example.org", PUBLIC_URL + SERVICE], 200),
        (f"{PUBLIC_URL}/cds-services", 401),
        (f"{PUBLIC_URL}/cds-services/another", 401),
        (PUBLIC_URL + FEEDBACK, 401),
        (f"https://other.example.org{SERVICE}", 401),
        (PUBLIC_URL, 401),
        (SERVICE, 401),
        ([], 401),
        ("", 401),
        (None, 401),
    ],
)
def test_the_audience_is_the_address_that_is_called(
    signing: Caller, issuer: Issuer, audience: object, status: int
) -> None:
    answer = signing.post(RESECTABLE.body, signed(issuer.token(claims={"aud": audience})))
    assert answer.status_code == status


@pytest.mark.row(93)
def test_the_host_header_is_not_believed(signing: Caller, issuer: Issuer) -> None:
    """The address is the one that is configured, whatever the call says where it was sent."""
    host = {"Host": "evil.example.org", "X-Forwarded-Host": "evil.example.org"}
    token = issuer.token(claims={"aud": f"https://evil.example.org{SERVICE}"})
    _refused(signing, signed(token) | host)
    assert signing.post(RESECTABLE.body, issuer.headers() | host).status_code == 200


@pytest.mark.row(94)
@pytest.mark.parametrize(
    "claims",
    [{"exp": -120}, {"nbf": 600}, {"iat": 600}, {"exp": 90_000_000}],
    ids=["expired", "not before", "issued in the future", "for years"],
)
def test_a_token_that_is_not_valid_now_is_401(signing: Caller, issuer: Issuer, claims: dict[str, int]) -> None:
    now = int(time.time())
    _refused(signing, signed(issuer.token(claims={name: now + seconds for name, seconds in claims.items()})))


@pytest.mark.row(94)
def test_a_clock_that_is_a_little_off_is_forgiven(signing: Caller, issuer: Issuer) -> None:
    now = int(time.time())
    for claims in ({"iat": now + 20}, {"nbf": now + 20}, {"exp": now - 20}):
        assert signing.post(RESECTABLE.body, signed(issuer.token(claims=claims))).status_code == 200


@pytest.mark.row(94)
@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "jti"])
def test_a_token_without_a_claim_that_it_must_have_is_401(signing: Caller, issuer: Issuer, claim: str) -> None:
    _refused(signing, signed(issuer.token(claims={claim: None})))


@pytest.mark.row(95)
@pytest.mark.parametrize("name", ["https://unknown.example.org", f"{ISSUER}/", ISSUER.upper(), ""])
def test_an_issuer_that_is_not_registered_is_401(signing: Caller, issuer: Issuer, name: str) -> None:
    _refused(signing, signed(issuer.token(claims={"iss": name})))


@pytest.mark.row(96)
def test_a_key_set_that_is_not_on_the_list_is_401_and_is_not_fetched(
    signing: Caller, issuer: Issuer, elsewhere: Issuer
) -> None:
    header = {"alg": "ES384", "typ": "JWT", "kid": "ec", "jku": elsewhere.jku}
    _refused(signing, signed(sign(header, issuer.claims(), elsewhere.keys["ec"])))
    _refused(
        signing,
        signed(sign(header, issuer.claims(changed={"iss": "https://unknown.example.org"}), elsewhere.keys["ec"])),
    )
    assert elsewhere.fetched == 0


@pytest.mark.row(97)
def test_a_token_that_was_used_before_is_401(signing: Caller, issuer: Issuer) -> None:
    headers = issuer.headers()
    assert signing.post(RESECTABLE.body, headers).status_code == 200
    _refused(signing, headers)


@pytest.mark.row(97)
def test_of_many_calls_with_one_token_one_is_answered(signing: Caller, issuer: Issuer) -> None:
    headers = issuer.headers()
    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(lambda _: signing.post(RESECTABLE.body, headers).status_code, range(20)))
    assert statuses == [200] + [401] * 19


@pytest.mark.row(97)
def test_a_forged_token_uses_up_nobodys_id(signing: Caller, issuer: Issuer, elsewhere: Issuer) -> None:
    claims = issuer.claims()
    header = {"alg": "ES384", "typ": "JWT", "kid": "ec", "jku": issuer.jku}
    _refused(signing, signed(sign(header, claims, elsewhere.keys["ec"])))
    assert signing.post(RESECTABLE.body, signed(sign(header, claims, issuer.keys["ec"]))).status_code == 200


@pytest.mark.row(98)
def test_a_new_key_is_accepted_and_unknown_keys_cause_no_storm(signing: Caller, issuer: Issuer) -> None:
    assert signing.post(RESECTABLE.body, issuer.headers()).status_code == 200
    before = issuer.fetched
    issuer.add("new")
    for _ in range(3):
        assert signing.post(RESECTABLE.body, signed(issuer.token(header={"kid": "new"}))).status_code == 200
    assert issuer.fetched == before + 1
    for number in range(100):
        header = {"alg": "ES384", "typ": "JWT", "kid": f"unknown-{number}", "jku": issuer.jku}
        _refused(signing, signed(sign(header, issuer.claims(), issuer.keys["ec"])))
    assert issuer.fetched <= before + 5
    assert signing.post(RESECTABLE.body, issuer.headers()).status_code == 200


@pytest.mark.row(99)
def test_further_claims_change_nothing(signing: Caller, issuer: Issuer) -> None:
    """Epic sends `sub` and an `nbf` of the past; a tenant may come where none is registered."""
    told = {
        "sub": "client-1",
        "nbf": int(time.time()) - 300,
        "tenant": "north",
        "https://ehr.example.org/x": {"a": [1]},
    }
    plain = signing.cards(RESECTABLE.body, issuer.headers())
    assert without_uuids(signing.cards(RESECTABLE.body, signed(issuer.token(claims=told)))) == without_uuids(plain)


@pytest.mark.row(100)
def test_every_401_is_the_same_to_the_byte(signing: Caller, issuer: Issuer, elsewhere: Issuer) -> None:
    used = issuer.headers()
    assert signing.post(RESECTABLE.body, used).status_code == 200
    header = {"alg": "ES384", "typ": "JWT", "kid": "ec", "jku": elsewhere.jku}
    refused = {
        "nothing": {},
        "no token": {"Authorization": "Bearer x"},
        "algorithm": signed(signed_with_a_secret({"alg": "none"}, issuer.claims(), b"")),
        "signature": signed(issuer.token()[:-4] + "AAAA"),
        "audience": signed(issuer.token(claims={"aud": "https://other.example.org"})),
        "expired": signed(issuer.token(claims={"exp": 1})),
        "issuer": signed(issuer.token(claims={"iss": "https://unknown.example.org"})),
        "jku": signed(sign(header, issuer.claims(), elsewhere.keys["ec"])),
        "used": used,
    }
    answers = {name: signing.post(RESECTABLE.body, headers) for name, headers in refused.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(refused, 401)
    assert len({answer.content for answer in answers.values()}) == 1
    assert len({tuple(sorted(set(answer.headers) - {"date"})) for answer in answers.values()}) == 1
    elsewhere_too = [signing.get("/cds-services"), signing.feedback({}), signing.post({}, {}, "/cds-services/none")]
    assert {answer.content for answer in elsewhere_too} == {answers["nothing"].content}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_and_metrics_are_never_signed(signing: Caller, path: str) -> None:
    assert signing.get(path).status_code == 200


def _refused(signing: Caller, headers: dict[str, str]) -> None:
    answer = signing.post(RESECTABLE.body, headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["issue"][0]["code"] == "login"


def _decoded(part: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return content


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
