"""A hospital's installation on one machine: nginx, two instances in production settings, a store, an EHR that signs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Column, select

from cds_service.http.services import SERVICE_ID
from cds_service.store.database import make_engine, transaction
from cds_service.store.migrate import upgrade
from cds_service.store.schema import feedback, shown_card
from tests.support.nginx import Proxy, running_nginx
from tests.support.signing import Issuer, make_key, public

ROOT = Path(__file__).parents[2]
PUBLIC_URL = "https://cds.example.org"
DISCOVERY = "/cds-services"
HOOK = f"{DISCOVERY}/{SERVICE_ID}"
FEEDBACK = f"{HOOK}/feedback"
_STARTS_WITHIN = 120  # seconds; on a machine that is busy with other work


@dataclass
class Instance:
    """One process of the service, which may be killed and started again on its port."""

    port: int
    settings: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """What its URLs begin with, past the proxy."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self.process is not None
        return self.process.pid

    def start(self, clock_wrong_by: int = 0) -> None:
        """Start it; it need not be ready yet."""
        program = ["tests.drills.with_clock", str(clock_wrong_by)] if clock_wrong_by else ["cds_service"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NELM_CDS_")} | dict(self.settings)
        command = [sys.executable, "-m", *program, "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def wait_until_ready(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + _STARTS_WITHIN
        with httpx.Client(trust_env=False, timeout=2) as http:
            while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
                try:
                    if http.get(f"{self.address}/readyz").is_success:
                        return
                except httpx.TransportError:
                    threading.Event().wait(0.05)
        raise AssertionError(f"an instance did not become ready: {self.log.read_text('utf-8')}")

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it as an operator does."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            finally:
                self.kill()

    def metrics(self) -> dict[str, float]:
        """What it counts, without `nelm_cds_`; the labels after the name."""
        text = httpx.get(f"{self.address}/metrics", trust_env=False, timeout=10).text
        return {
            " ".join([sample.name.removeprefix("nelm_cds_"), *sample.labels.values()]): sample.value
            for family in text_string_to_metric_families(text)
            if family.name.startswith("nelm_cds_")
            for sample in family.samples
        }


@dataclass(frozen=True)
class Site:
    """All of it, running."""

    proxy: Proxy
    instances: tuple[Instance, ...]
    ehr: Issuer
    database_url: str

    def signed(self, path: str, clock_wrong_by: int = 0) -> dict[str, str]:
        """The headers of a call of this EHR, whose clock may be wrong."""
        issuer = replace(self.ehr, at=int(time.time()) + clock_wrong_by)
        return {"Content-Type": "application/json"} | issuer.authorization(PUBLIC_URL + path)

    @contextmanager
    def caller(self, address: str = "") -> Iterator[httpx.Client]:
        """A client of the proxy, or of an instance."""
        base = address or self.proxy.address
        with httpx.Client(base_url=base, trust_env=False, timeout=20, verify=self.proxy.trusting) as http:
            yield http

    def stored(self, column: Column[Any]) -> set[Any]:
        """What the store has in a column."""
        engine = make_engine(self.database_url)
        with transaction(engine) as connection:
            found = {row[0] for row in connection.execute(select(column))}
        engine.dispose()
        return found

    def stored_feedback(self) -> set[str]:
        """The cards that feedback is stored of."""
        return self.stored(feedback.c.card)

    def recorded_cards(self) -> set[str]:
        """The cards that are recorded as shown."""
        return self.stored(shown_card.c.card)

    def counted(self) -> dict[str, float]:
        """The sum of what the instances count that run now."""
        total: dict[str, float] = {}
        for instance in self.instances:
            for name, value in instance.metrics().items():
                total[name] = total.get(name, 0) + value
        return total

    def settle(self) -> None:
        """Wait until the store is back and all that was queued is in it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            counted = self.counted()
            if counted["store_up"] == len(self.instances) and not counted["shown_queue_length"]:
                return
            threading.Event().wait(0.1)
        raise AssertionError("what is queued was not written within a minute")


@contextmanager
def running_site(folder: Path, database_url: str) -> Iterator[Site]:
    """A site on an empty database, once it is ready. Raises LookupError where nginx is not installed."""
    ehr = Issuer(make_key("ES256"), "ES256")
    (folder / "ehr.jwks.json").write_text(json.dumps(public(ehr.key)))
    (folder / "clients.toml").write_text(f'[[client]]\nname = "ehr"\niss = "{ehr.iss}"\njwks_file = "ehr.jwks.json"\n')
    settings = {
        "NELM_CDS_ENVIRONMENT": "production",
        "NELM_CDS_PUBLIC_URL": PUBLIC_URL,
        "NELM_CDS_CLIENTS": str(folder / "clients.toml"),
        "NELM_CDS_DATABASE_URL": database_url,
        "NELM_CDS_PATIENT_HASH_KEY": "of-a-drill-with-synthetic-patients-only",
    }
    upgrade(database_url)
    (folder / "nginx").mkdir()
    folder.chmod(0o755)
    with ExitStack() as stack:
        instances = tuple(Instance(port, settings, folder / f"{port}.log") for port in _free_ports(2))
        for instance in instances:
            stack.callback(instance.stop)
            instance.start()
        for instance in instances:
            instance.wait_until_ready()
        proxy = stack.enter_context(running_nginx(folder / "nginx", [instance.port for instance in instances]))
        yield Site(proxy, instances, ehr, database_url)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in held:
            free.bind(("127.0.0.1", 0))
        return [free.getsockname()[1] for free in held]
