"""Over TLS a chart is read only from the server that is meant: known to an authority, by its name, in its time."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.stories import Story, story
from tests.support.vendor_servers import TOKEN, VendorServer, vendor_server
from tests.support.vendors import Vendor

TOLD = story("resectable")
LONG_AGO, NOT_SO_LONG_AGO, FAR_AWAY = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2021, 2090))
_TLS_1_1 = 0x0302  # by its number: its name warns


@dataclass(frozen=True)
class Signer:
    """A certificate with its key, which may sign others, and with those above it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    def write(self, file: Path) -> Path:
        """All of it in one file."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = (self.certificate, *self.above)
        file.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain) + key)
        return file


def certified(name: str, by: Signer | None = None, *, authority: bool = False, until: datetime = FAR_AWAY) -> Signer:
    """A new key with a certificate for this name, signed by somebody or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = by.key if by else key
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(LONG_AGO)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=authority, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return Signer(builder.sign(signer, hashes.SHA256()), key, (by.certificate, *by.above) if by else ())


AUTHORITY = certified("The authority of a hospital", authority=True)
SERVER = certified("localhost", AUTHORITY)
IMPOSTORS = {
    "of another name": certified("elsewhere.example.org", AUTHORITY),
    "expired": certified("localhost", AUTHORITY, until=NOT_SO_LONG_AGO),
    "signed by itself": certified("localhost"),
    "of another authority": certified("localhost", certified("The authority of a hospital", authority=True)),
    "of a server that is no authority": certified("localhost", SERVER),
}


def serving(signer: Signer, folder: Path) -> ssl.SSLContext:
    """A server's side of TLS with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signer.write(folder / "server.pem"))
    return context


def trusting(folder: Path) -> dict[str, str]:
    """The environment of a machine that knows the authority."""
    file = folder / "authority.pem"
    file.write_bytes(AUTHORITY.certificate.public_bytes(serialization.Encoding.PEM))
    return {"SSL_CERT_FILE": str(file)}


def replayed(server: VendorServer, told: Story, environment: dict[str, str], folder: Path) -> tuple[int, Any, str]:
    """The exit code of `nelm-cds replay`, its result, and all that it wrote."""
    token = folder / "token"
    token.write_text(TOKEN, "utf-8")
    command = [
        sys.executable, "-m", "cds_service", "replay", "--fhir-server", server.base, "--patient", told.patient_id,
        "--token-file", str(token), "--json", "--as-of", told.expected["as_of"],
    ]  # fmt: skip
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NELM_CDS_", "SSL_CERT_"))}
    times = {"NELM_CDS_FHIR_BUDGET_SECONDS": "30", "NELM_CDS_FHIR_REQUEST_SECONDS": "30"}  # on a busy machine
    done = subprocess.run(command, env=clean | times | environment, capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout), done.stdout + done.stderr


def assert_nothing_was_read(server: VendorServer, environment: dict[str, str], folder: Path) -> str:
    """A plain refusal that holds neither chart nor token, and a server that was asked nothing; gives what it says."""
    code, result, written = replayed(server, TOLD, environment, folder)
    assert (code, result["status"], result["decision"], result["cards"]) == (1, 412, None, [])
    assert "Required prefetch could not be had" in result["error"]
    assert server.requests == []
    assert TOKEN not in written
    patient = next(resource for resource in TOLD.chart if resource["resourceType"] == "Patient")
    assert patient["name"][0]["family"] not in written
    assert patient["birthDate"] not in written
    return str(result["error"])


def test_a_server_of_a_known_authority_is_read(tmp_path: Path) -> None:
    with vendor_server(Vendor(), TOLD, context=serving(SERVER, tmp_path)) as server:
        code, result, written = replayed(server, TOLD, trusting(tmp_path), tmp_path)
    assert (code, result["status"], result["error"]) == (0, 200, None)
    expected = TOLD.expected
    names = ("state", "workup", "treatment", "safety", "withhold")
    assert {name: result["decision"][name] for name in names} == {name: expected[name] for name in names}
    assert {asked.authorization for asked in server.requests} == {f"Bearer {TOKEN}"}
    assert TOKEN not in written


def test_a_server_of_an_authority_that_is_not_known_is_not_read(tmp_path: Path) -> None:
    with vendor_server(Vendor(), TOLD, context=serving(SERVER, tmp_path)) as server:
        assert "a certificate that is not trusted here" in assert_nothing_was_read(server, {}, tmp_path)


@pytest.mark.parametrize("impostor", IMPOSTORS.values(), ids=IMPOSTORS)
def test_a_server_with_a_certificate_that_is_not_its_own_is_not_read(impostor: Signer, tmp_path: Path) -> None:
    with vendor_server(Vendor(), TOLD, context=serving(impostor, tmp_path)) as server:
        assert "a certificate that is not trusted here" in assert_nothing_was_read(server, trusting(tmp_path), tmp_path)


def test_tls_before_1_2_is_refused(tmp_path: Path) -> None:
    """The server is sound but for its age: a client that takes old versions has its handshake."""
    old, lenient = serving(SERVER, tmp_path), ssl.create_default_context(cafile=trusting(tmp_path)["SSL_CERT_FILE"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        for context in (old, lenient):
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion(_TLS_1_1)
    with vendor_server(Vendor(), TOLD, context=old) as server:
        assert_nothing_was_read(server, trusting(tmp_path), tmp_path)
        port = int(server.base.split(":")[2].partition("/")[0])
        with (
            socket.create_connection(("127.0.0.1", port)) as raw,
            lenient.wrap_socket(raw, server_hostname="localhost") as spoken,
        ):
            assert spoken.version() == "TLSv1.1"
