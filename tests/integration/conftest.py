"""A real FHIR server with every patient story in it, and real databases, as processes of their own."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.store.migrate import upgrade
from tests.support.postgresql import PostgreSQL, running_postgresql
from tests.support.stories import STORIES, Story

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-integration" / "bin" / "python"
TOKEN = "the-token-of-this-test-run"  # noqa: S105 - of a server that lives as long as the tests
STORIES_SERVER = "https://ehr.example.org/fhir"


@dataclass(frozen=True)
class RealServer:
    """Where it listens, and the token that it wants."""

    base: str
    token: str = TOKEN

    def moved_here(self, told: dict[str, Any]) -> dict[str, Any]:
        """A story with its own server's address replaced by this one's."""
        moved: dict[str, Any] = json.loads(json.dumps(told).replace(STORIES_SERVER, self.base))
        return moved


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """sekmet-fhir, loaded; skipped where its environment is not there (a failure under CI=true)."""
    if not PYTHON.exists():
        pytest.skip("the FHIR server of the integration tests is not installed: make .venv-integration/.installed")
    script = ROOT / "tests" / "support" / "run_fhir_server.py"
    command = [str(PYTHON), str(script), str(tmp_path_factory.mktemp("fhir")), TOKEN]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            server = RealServer(process.stdout.readline().strip())
            assert server.base, "the FHIR server did not start"
            _load(server)
            yield server
        finally:
            process.terminate()


def _load(server: RealServer) -> None:
    for told in STORIES:
        resources = [r for r in told.chart if r["resourceType"] != "OperationOutcome"]
        entries = [
            {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in resources
        ]
        batch = _resolved(told, server.moved_here({"resourceType": "Bundle", "type": "batch", "entry": entries}))
        answer = requests.post(
            server.base,
            json=batch,
            headers={"Authorization": f"Bearer {server.token}", "Content-Type": "application/fhir+json"},
            timeout=60,
        )
        statuses = {entry["response"]["status"][:3] for entry in answer.json()["entry"]}
        assert statuses <= {"200", "201"}, (told.name, statuses)


def _resolved(told: Story, batch: dict[str, Any]) -> dict[str, Any]:
    """The batch with references by urn:uuid resolved, as a server does with a transaction's."""
    text = json.dumps(batch)
    for entry in told.bundle["entry"] if told.has_bundle else ():
        if entry.get("fullUrl", "").startswith("urn:"):
            text = text.replace(entry["fullUrl"], f"{entry['resource']['resourceType']}/{entry['resource']['id']}")
    resolved: dict[str, Any] = json.loads(text)
    return resolved


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL of its own; skipped where it is not installed (a failure under CI=true)."""
    try:
        with running_postgresql() as cluster:
            yield cluster
    except LookupError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folder' / 'store.db'}"
    cluster: PostgreSQL = request.getfixturevalue("postgresql")
    return cluster.url(f"test-{uuid.uuid4()}")


@pytest.fixture
def store_url(url: str) -> str:
    """A database of each kind with the schema in it."""
    upgrade(url)
    return url
