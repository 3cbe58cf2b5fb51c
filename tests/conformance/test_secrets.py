"""What never leaves the service, and what production refuses. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.conformance_call import SERVICE, Caller, calling
from tests.support.conformance_ehr import TOKEN, Ehr, Ehrs
from tests.support.conformance_issuer import PUBLIC_URL, Issuer, registered, signed
from tests.support.conformance_server import ROOT, Server, command, environment, free_port, serving
from tests.support.service import ORIGIN
from tests.support.stories import story

RESECTABLE = story("resectable")


@pytest.mark.row(101)
def test_neither_tokens_nor_the_chart_are_logged_or_answered(
    signing: Caller, guarded: Server, issuer: Issuer, ehr: Ehr
) -> None:
    """With every logger of the process at DEBUG; the service asks a FHIR server with the access token."""
    answers, tokens = [], []
    for request in (RESECTABLE.request, ehr.told("conditions"), ehr.told("observations", "imaging")):
        token = issuer.token()
        answers.append(signing.post(request, signed(token)))
        answers.append(signing.post(request, signed(token)))
        tokens += [token, *token.split(".")[1:]]
    assert [answer.status_code for answer in answers] == [200, 401] * 3
    assert ehr.requests
    log, said = guarded.log, "".join(answer.text + str(answer.headers) for answer in answers)
    assert "HTTP Request" in log or "DEBUG" in log
    for secret in (*tokens, TOKEN):
        assert secret not in log
        assert secret not in said
    for value in (RESECTABLE.patient_id, "Anna", "1967-05-14"):
        assert value not in log


@pytest.mark.row(102)
def test_the_server_of_another_client_is_not_contacted(issuer: Issuer, ehr_servers: Ehrs, tmp_path: Path) -> None:
    """Of two registered clients each names its own."""
    own, others = ehr_servers.next(), ehr_servers.next()
    clients = tmp_path / "clients.toml"
    other = registered(issuer.jku, [others.base], name="other", iss="https://other.example.org")
    clients.write_text(registered(issuer.jku, [own.base]) + other, "utf-8")
    settings = {"NELM_CDS_CLIENTS": str(clients), "NELM_CDS_PUBLIC_URL": PUBLIC_URL}
    with serving(tmp_path, settings) as server, calling(server) as caller:
        assert caller.post(own.told("conditions"), issuer.headers()).status_code == 200
        assert caller.post(others.told("conditions"), issuer.headers()).status_code == 412
    assert own.requests
    assert others.requests == []


PRODUCTION = {
    "NELM_CDS_ENVIRONMENT": "production",
    "NELM_CDS_PUBLIC_URL": PUBLIC_URL,
    "NELM_CDS_PATIENT_HASH_KEY": "k" * 32,
}


@pytest.mark.row(105)
@pytest.mark.parametrize(
    ("changed", "spoiled", "named"),
    [
        ({"NELM_CDS_PUBLIC_URL": "http://cds.example.org"}, {}, ["NELM_CDS_PUBLIC_URL"]),
        ({}, {"jku": "http://ehr.example.org/jwks.json"}, ["NELM_CDS_CLIENTS", "jku"]),
        ({}, {"servers": ["http://ehr.example.org/fhir"]}, ["NELM_CDS_CLIENTS", "fhir_servers"]),
        ({"NELM_CDS_PUBLIC_URL": "", "NELM_CDS_PATIENT_HASH_KEY": ""}, {}, ["PUBLIC_URL", "PATIENT_HASH_KEY"]),
    ],
    ids=["public address", "keys", "FHIR server", "nothing set"],
)
def test_production_does_not_start_without_https(
    tmp_path: Path, changed: dict[str, str], spoiled: dict[str, Any], named: list[str]
) -> None:
    """Whatever would go in the clear is named; nobody listens."""
    clients = tmp_path / "clients.toml"
    good = {"jku": "https://ehr.example.org/jwks.json", "servers": ["https://ehr.example.org/fhir"]}
    told = good | spoiled
    clients.write_text(registered(told["jku"], told["servers"]), "utf-8")
    settings = environment(tmp_path, PRODUCTION | {"NELM_CDS_CLIENTS": str(clients)} | changed)
    port = free_port()
    ended = subprocess.run(command(port), cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert all(name in ended.stderr for name in named)
    assert "Traceback" not in ended.stderr


@pytest.mark.row(105)
def test_production_that_is_configured_starts_and_answers_nobody_unsigned(tmp_path: Path) -> None:
    """The other half of these tests: what is refused there is the address, and not production."""
    clients = tmp_path / "clients.toml"
    clients.write_text(registered("https://ehr.example.org/jwks.json", []), "utf-8")
    with serving(tmp_path, PRODUCTION | {"NELM_CDS_CLIENTS": str(clients)}) as server, calling(server) as caller:
        assert caller.get("/cds-services").status_code == 401
        assert caller.get("/").status_code == 404
        preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        assert "access-control-allow-origin" not in caller.request("OPTIONS", SERVICE, headers=preflight).headers
