"""Which servers are contacted, with which token, at which addresses."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import httpcore
import pytest

from cds_service.errors import MissingData
from cds_service.fhir_client.guard import Access, AddressRefusedError, Guard, GuardedNetwork, resolve
from tests.support.fhir_calls import TOKEN, answers, request

LISTED = "https://ehr.example.org/fhir"


@pytest.mark.parametrize(
    ("server", "production"),
    [
        (LISTED, True),
        ("https://EHR.example.org:443/fhir/", True),
        ("http://127.0.0.1:8104/fhir", False),
        ("http://localhost:8104/fhir", False),
    ],
)
def test_a_listed_server_is_contacted(server: str, production: bool) -> None:
    guard = Guard((LISTED, "http://127.0.0.1:8104/fhir", "http://localhost:8104/fhir"), production=production)
    access = guard.access(server, TOKEN)
    assert isinstance(access, Access)
    assert access.token == TOKEN


@pytest.mark.parametrize(
    ("server", "token", "production", "why"),
    [
        (None, None, False, "names no fhirServer"),
        ("", None, False, "names no fhirServer"),
        ("https://elsewhere.example.org/fhir", TOKEN, False, "add it to NELM_CDS_FHIR_SERVERS"),
        ("https://ehr.example.org/fhir/other", TOKEN, False, "add it to NELM_CDS_FHIR_SERVERS"),
        ("https://ehr.example.org", TOKEN, False, "add it to NELM_CDS_FHIR_SERVERS"),
        ("https://ehr.example.org:8443/fhir", TOKEN, False, "add it to NELM_CDS_FHIR_SERVERS"),
        ("http://ehr.example.org/fhir", TOKEN, False, "add it to NELM_CDS_FHIR_SERVERS"),
        ("http://169.254.169.254/fhir", TOKEN, False, "add it to NELM_CDS_FHIR_SERVERS"),
        (f"https://user:{TOKEN}@ehr.example.org/fhir", TOKEN, False, "must not hold a user name"),
        ("http://127.0.0.1:8104/fhir", TOKEN, True, "production needs https"),
        (LISTED, None, True, "send fhirAuthorization"),
        (LISTED, "two words", False, "no bearer token"),
        (LISTED, f"{TOKEN}\r\nX-Other: 1", False, "no bearer token"),
        (LISTED, "", False, "no bearer token"),
    ],
)
def test_what_is_not_contacted_says_what_to_change_and_repeats_nothing(
    server: str | None, token: str | None, production: bool, why: str
) -> None:
    access = Guard((LISTED, "http://127.0.0.1:8104/fhir"), production=production).access(server, token)
    assert isinstance(access, str)
    assert why in access
    assert TOKEN not in access
    assert "example" not in access


def test_without_a_token_a_listed_server_is_contacted_outside_production() -> None:
    access = Guard((LISTED,), production=False).access(LISTED, None)
    assert isinstance(access, Access)
    assert access.token is None


def test_the_token_is_in_no_repr() -> None:
    assert TOKEN not in repr(Guard((LISTED,), production=False).access(LISTED, TOKEN))


@pytest.mark.parametrize(
    ("host", "address", "listed", "production", "permitted"),
    [
        ("ehr.example.org", "93.184.215.14", (), True, True),
        ("ehr.example.org", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", (), True, True),
        ("ehr.example.org", "10.0.0.5", (), False, False),
        ("ehr.example.org", "172.16.0.1", (), False, False),
        ("ehr.example.org", "192.168.1.1", (), False, False),
        ("ehr.example.org", "100.64.0.1", (), False, False),
        ("ehr.example.org", "169.254.169.254", (), False, False),
        ("ehr.example.org", "fe80::1", (), False, False),
        ("ehr.example.org", "fd00::1", (), False, False),
        ("ehr.example.org", "::ffff:10.0.0.5", (), False, False),
        ("ehr.example.org", "64:ff9b::a00:5", (), False, False),
        ("ehr.example.org", "2002:a00:5::", (), False, False),
        ("ehr.example.org", "0.0.0.0", (), False, False),  # noqa: S104 - not bound to
        ("ehr.example.org", "224.0.0.1", (), False, False),
        ("ehr.example.org", "255.255.255.255", (), False, False),
        ("ehr.example.org", "127.0.0.1", (), False, False),
        ("ehr.example.org", "::1", (), False, False),
        ("10.0.0.5", "10.0.0.5", ("https://10.0.0.5/fhir",), True, True),
        ("ehr.example.org", "10.0.0.5", ("https://10.0.0.5/fhir",), True, True),
        ("ehr.example.org", "10.0.0.6", ("https://10.0.0.5/fhir",), True, False),
        ("169.254.1.1", "169.254.1.1", ("https://169.254.1.1/fhir",), False, True),
        ("0.0.0.0", "0.0.0.0", ("https://0.0.0.0/fhir",), False, False),  # noqa: S104 - not bound to
        ("127.0.0.1", "127.0.0.1", ("http://127.0.0.1/fhir",), False, True),
        ("::1", "::1", ("http://[::1]/fhir",), False, True),
        ("localhost", "127.0.0.1", ("http://localhost/fhir",), False, True),
        ("localhost", "127.0.0.1", ("https://localhost/fhir",), True, False),
        ("127.0.0.1", "127.0.0.1", ("https://127.0.0.1/fhir",), True, False),
        ("localhost", "10.0.0.5", ("http://localhost/fhir",), False, False),
    ],
)
def test_private_addresses_are_permitted_only_where_they_are_listed_literally(
    host: str, address: str, listed: tuple[str, ...], production: bool, permitted: bool
) -> None:
    guard = Guard((LISTED, *listed), production=production)
    assert guard.permits(host, ip_address(address)) is permitted


@pytest.mark.parametrize("addresses", [["10.0.0.5"], ["93.184.215.14", "10.0.0.5"]], ids=["private", "one of two"])
def test_a_name_that_leads_inside_is_not_connected_to(addresses: list[str]) -> None:
    """pytest forbids sockets to any of these addresses: an attempt to connect would be another error."""

    async def resolved(host: str, port: int) -> list[str]:
        return addresses

    network = GuardedNetwork(Guard((LISTED,), production=True), resolved)
    with pytest.raises(AddressRefusedError):
        asyncio.run(network.connect_tcp("ehr.example.org", 443))


def test_a_refused_address_is_told_in_the_412() -> None:
    async def resolved(host: str, port: int) -> list[str]:
        return ["169.254.169.254"]

    with pytest.raises(MissingData) as refused:
        answers(request(), resolve=resolved)
    assert "the FHIR server resolves to an address that is not allowed" in str(refused.value)


def test_a_name_that_does_not_resolve_is_told_in_the_412() -> None:
    async def resolved(host: str, port: int) -> list[str]:
        raise httpcore.ConnectError("the name does not resolve")

    with pytest.raises(MissingData) as refused:
        answers(request(), resolve=resolved)
    assert "the FHIR server could not be reached" in str(refused.value)


def test_an_address_resolves_to_itself_and_what_cannot_be_a_name_to_nothing() -> None:
    assert asyncio.run(resolve("127.0.0.1", 443)) == ["127.0.0.1"]
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(resolve("x" * 64 + ".example.org", 443))


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that changes between check and connection is of no use to an attacker; TLS still checks the name."""
    connected: list[str] = []

    async def resolved(host: str, port: int) -> list[str]:
        return ["93.184.215.14", "93.184.215.15"]

    async def connect_tcp(self: object, host: str, *rest: object) -> None:
        connected.append(host)
        raise httpcore.ConnectError("refused")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    network = GuardedNetwork(Guard((LISTED,), production=True), resolved)
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(network.connect_tcp("ehr.example.org", 443))
    assert connected == ["93.184.215.14", "93.184.215.15"]


def test_httpx_itself_connects_through_the_guard() -> None:
    """The pool is put into httpx's transport by hand; a version that did it otherwise would bypass the guard."""
    asked: list[str] = []

    async def resolved(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.5"]

    with pytest.raises(MissingData):
        answers(request(), resolve=resolved)
    assert set(asked) == {"ehr.example.org"}
