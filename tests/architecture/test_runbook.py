"""The runbook: its commands do what it says, and every alert, command, metric and file that it names exists."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from cds_service.cli.commands import app
from cds_service.clients import Reason
from cds_service.errors import MalformedRequest
from cds_service.http.answer import answer_call
from cds_service.settings import Settings
from cds_service.store import schema
from cds_service.store.database import make_engine, transaction
from cds_service.store.migrate import upgrade
from tests.support.service import SERVICE, make_client, post

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
INSTALL = (ROOT / "docs" / "runbook" / "install.md").read_text("utf-8")
BOTH = RUNBOOK + INSTALL
ALERTS = ROOT / "deploy" / "monitoring" / "alerts.yml"
STORY = ROOT / "test_fixtures" / "patients" / "nothing-known-yet" / "request.json"


def test_every_alert_has_its_heading_and_every_heading_its_alert() -> None:
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert re.findall(r"^### Alert (\w+)$", RUNBOOK, re.MULTILINE) == [rule["alert"] for rule in alerts]
    for rule in alerts:
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#alert-{rule['alert'].lower()}"


def test_every_reason_for_refusing_a_caller_is_explained() -> None:
    chapter = RUNBOOK.partition("### Alert NelmCdsCallersRefused")[2].partition("### ")[0]
    told = {reason for cell in re.findall(r"^\| (`.+?) \|", chapter, re.MULTILINE) for reason in cell.split(", ")}
    assert told == {f"`{reason}`" for reason in Reason}


def test_every_command_and_option_exists() -> None:
    known = get_command(app)
    named = re.findall(r"nelm-cds ((?:serve|replay|assess|check|migrate|feedback)\b[^\n`|]*)", BOTH)
    assert len(named) > 5
    for line in named:
        command = known.commands[line.split()[0]]  # type: ignore[attr-defined]
        command = command.commands[line.split()[1]] if line.startswith("feedback") else command
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", line)) - options == set(), line


def test_every_metric_exists() -> None:
    monitoring = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    named = set(re.findall(r"nelm_cds_[a-z_]+", BOTH))
    assert named
    assert [name for name in sorted(named) if f"`{name}`" not in monitoring] == []


def test_every_file_of_deploy_that_is_named_exists() -> None:
    named = {name.rstrip(".") for name in re.findall(r"\bdeploy/[\w./@-]+", BOTH)}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_settings_of_the_installation_are_those_that_production_needs(signing: Signing) -> None:
    assert signing.settings().production


class Signing:
    """The files that the first signed call makes, in a folder, by the commands of the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        script = re.search(r"^cat > smoke\.py <<'END'\n(.+?)^END$", INSTALL, re.MULTILINE | re.DOTALL)
        client = re.search(r'^\[\[client\]\]\nname = "smoke-test"\n(?:[a-z].+\n)+', INSTALL, re.MULTILINE)
        key = re.search(r"^openssl genpkey .+$", INSTALL, re.MULTILINE)
        assert script and client and key
        (folder / "smoke.py").write_text(script[1], "utf-8")
        (folder / "clients.toml").write_text(client[0], "utf-8")
        subprocess.run(key[0].split(), cwd=folder, check=True, capture_output=True)
        (folder / "smoke.jwks.json").write_text(self.run("keys"), "utf-8")

    def run(self, *arguments: str) -> str:
        """What the script prints."""
        command = [sys.executable, "smoke.py", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def authorization(self, address: str) -> dict[str, str]:
        """The header with a fresh token for an address."""
        return {"Authorization": f"Bearer {self.run('token', address)}"}

    def settings(self) -> Settings:
        """The settings of the page, with this folder's files and a key."""
        told = dict(re.findall(r"^(NELM_CDS_[A-Z_]+)=(.*)$", INSTALL, re.MULTILINE))
        told["NELM_CDS_CLIENTS"] = str(self.folder / "clients.toml")
        told["NELM_CDS_DATABASE_URL"] = f"sqlite:///{self.folder}/store.db"
        told["NELM_CDS_PATIENT_HASH_KEY"] = "0123456789abcdef" * 4
        return Settings.from_environ(told)


@pytest.fixture
def signing(tmp_path: Path) -> Signing:
    """The files of the first signed call."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Signing(tmp_path)


def test_the_first_signed_call_is_answered_as_the_page_says(signing: Signing) -> None:
    settings = signing.settings()
    upgrade(settings.database_url or "")
    assert json.loads((signing.folder / "smoke.jwks.json").read_text())["keys"][0].keys().isdisjoint({"d"})
    with make_client(settings) as service:
        offered = service.get("/cds-services", headers=signing.authorization(f"{settings.public_url}/cds-services"))
        assert [entry["id"] for entry in offered.json()["services"]] == ["nelm-patient-view"]
        hook = signing.authorization(settings.public_url + SERVICE)
        answer = post(service, _without_its_date(), hook | {"Content-Type": "application/json"})
    assert [card["summary"].partition(" (")[0] for card in answer.json()["cards"]] == ["Work-up before treatment"]


@pytest.mark.parametrize("year", [2026, 2036, 2096])
def test_the_demo_patient_gets_its_card_at_any_date(year: int) -> None:
    assert len(answer_call(_without_its_date(), Settings(), datetime(year, 11, 26, tzinfo=UTC))["cards"]) == 1


def test_production_refuses_the_date_of_a_story() -> None:
    with pytest.raises(MalformedRequest, match="refused in production"):
        answer_call(STORY.read_bytes(), Settings(environment="production"), datetime(2026, 11, 26, tzinfo=UTC))


def _without_its_date() -> bytes:
    """The story by the command of the page."""
    command = re.search(r"^python3 -c '(.+?)' \$STORY > smoke-request\.json$", INSTALL, re.MULTILINE)
    assert command
    return subprocess.run([sys.executable, "-c", command[1], STORY], check=True, capture_output=True).stdout


def test_deleting_what_is_old_leaves_the_rest(tmp_path: Path) -> None:
    """As the page says for SQLite; the statements for PostgreSQL differ in nothing but the age and the transaction."""
    statements = re.search(r"^```sql\n(BEGIN;\n.+?COMMIT;)\n```$", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert statements
    script = statements[1].replace("BEGIN;", "BEGIN IMMEDIATE;")
    script = script.replace("now() - interval '365 days'", "datetime('now', '-365 days')")
    emptied = [schema.metadata.tables[name] for name in re.findall(r"^DELETE FROM (\w+) ", script, re.MULTILINE)]
    assert {table.name for table in emptied} == set(schema.metadata.tables) - {"used_token"}
    url = f"sqlite:///{tmp_path}/store.db"
    upgrade(url)
    engine = make_engine(url)
    with transaction(engine) as connection:
        for name, days in (("old", 366), ("new", 364)):
            row = {"shown_at": datetime.now(UTC) - timedelta(days=days), "commented": False}
            row |= {"outcome_at": row["shown_at"], "received_at": row["shown_at"]}
            for table in reversed(emptied):
                told = {column.name: row.get(column.name, name) for column in table.columns}
                connection.execute(table.insert(), told)
    with closing(sqlite3.connect(tmp_path / "store.db")) as store:
        store.executescript(script)
    with transaction(engine) as connection:
        left = {table.name: list(connection.execute(table.select()).scalars()) for table in emptied}
    engine.dispose()
    assert left == {table.name: ["new"] for table in emptied}
