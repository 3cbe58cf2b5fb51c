"""The real nginx with deploy/proxy/nginx.conf: its ports, its addresses of files and of instances replaced, no more."""

from __future__ import annotations

import ipaddress
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "proxy" / "nginx.conf"
INSTALL = "nginx is not installed: apt-get install nginx-light"
_FILES = {
    "pid /run/nginx.pid;": "nginx.pid",
    "error_log /var/log/nginx/error.log ": "error.log",
    "access_log /var/log/nginx/access.log ": "access.log",
    "client_body_temp_path /run/nginx-body;": "body",
    "proxy_temp_path /run/nginx-proxy;": "proxy",
    "fastcgi_temp_path /run/nginx-fastcgi;": "fastcgi",
    "uwsgi_temp_path /run/nginx-uwsgi;": "uwsgi",
    "scgi_temp_path /run/nginx-scgi;": "scgi",
    "ssl_certificate /etc/nginx/tls/tls.crt;": "tls.crt",
    "ssl_certificate_key /etc/nginx/tls/tls.key;": "tls.key",
}
_STARTS_WITHIN = 20


def program() -> str | None:
    """Where nginx is; Debian has it where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Proxy:
    """A running nginx: where it listens, and what it writes."""

    folder: Path
    port: int
    plain_port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """What its URLs begin with."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def trusting(self) -> ssl.SSLContext:
        """A client's side of TLS, which knows its certificate."""
        return ssl.create_default_context(cafile=self.folder / "tls.crt")

    @property
    def written(self) -> str:
        """Its logs, both of them."""
        return "".join((self.folder / name).read_text("utf-8") for name in ("access.log", "error.log"))

    def reload(self) -> None:
        """Have it take its configuration anew; what is in flight goes on."""
        self.process.send_signal(signal.SIGHUP)


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """The text with each of these, which stand in it exactly once, replaced."""
    for old, new in changes.items():
        if text.count(old) != 1:
            raise AssertionError(f"{CONFIGURATION.name} does not hold once: {old}")
        text = text.replace(old, new)
    return text


@contextmanager
def running_nginx(folder: Path, instances: Sequence[int]) -> Iterator[Proxy]:
    """nginx in front of two instances, by their ports. Raises LookupError where nginx is not installed."""
    found = program()
    if found is None:
        raise LookupError(INSTALL)
    folder.chmod(0o755)  # its workers are not who started it
    write_certificate(folder)
    port, plain_port = _free_ports()
    changes = {old: f"{old.split()[0]} {folder / name}{old[-1]}" for old, name in _FILES.items()}
    changes["listen 443 ssl "] = f"listen 127.0.0.1:{port} ssl "
    changes["listen 80 "] = f"listen 127.0.0.1:{plain_port} "
    changes |= {f"server nelm-cds-{n}:8000 ": f"server 127.0.0.1:{at} " for n, at in enumerate(instances, start=1)}
    (folder / "nginx.conf").write_text(replaced(CONFIGURATION.read_text("utf-8"), changes), "utf-8")
    command = [found, "-p", str(folder), "-e", str(folder / "start.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen([*command, "-g", "daemon off;"]) as process:
        try:
            proxy = Proxy(folder, port, plain_port, process)
            _wait_until_it_listens(proxy)
            yield proxy
        finally:
            process.terminate()
            try:
                process.wait(10)
            finally:
                process.kill()


def write_certificate(folder: Path) -> None:
    """A certificate for this machine, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a proxy under test")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    (folder / "tls.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "tls.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait_until_it_listens(proxy: Proxy) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline and proxy.process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=1):
                return
        except OSError:
            threading.Event().wait(0.02)
    raise AssertionError(f"nginx did not start: {(proxy.folder / 'start.log').read_text('utf-8')}")
