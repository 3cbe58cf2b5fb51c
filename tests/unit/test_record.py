"""`nelm-cds serve --record`: what is written of the requests, what never is, and where it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send
from typer.testing import CliRunner

from cds_service.app import create_app
from cds_service.cli import app, record
from cds_service.cli.record import Recorder
from cds_service.errors import ConfigurationError
from cds_service.http.copied import CopiedCalls
from cds_service.settings import Settings
from tests.support.service import JSON, SERVICE, TestClient, post
from tests.support.stories import STORIES, story, without_uuids

OPEN = Settings(database_url=None)
MOMENT = datetime(2026, 3, 2, 9, 0, 0, 17, UTC)
INSTANCE = "4eb2160b-c49f-4a69-8aa4-840a4a7fbd37"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recorded"


def recorded(folder: Path, *bodies: bytes) -> list[Path]:
    """The files that these requests make."""
    with Recorder(folder, OPEN, lambda: MOMENT) as recorder:
        for body in bodies:
            recorder.keep([body[:7], body[7:]])
    return sorted(folder.iterdir())


def test_what_a_service_receives_can_be_replayed(folder: Path) -> None:
    with Recorder(folder, OPEN, lambda: MOMENT) as recorder:
        client = TestClient(CopiedCalls(create_app(OPEN), recorder.keep, OPEN.max_body_bytes))
        answers = [post(client, told.body) for told in STORIES]
    assert {answer.status_code for answer in answers} == {200}
    replayed = CliRunner().invoke(app, ["replay", "--json", str(folder)], obj={})
    assert replayed.exit_code == 0
    cards = [json.loads(line)["cards"] for line in replayed.stdout.splitlines()]
    assert without_uuids(cards) == without_uuids([answer.json()["cards"] for answer in answers])


def test_a_file_is_named_by_time_and_call_and_is_its_owners_alone(folder: Path) -> None:
    (file,) = recorded(folder, story("resectable").body)
    assert file.name == f"20260302T090000.000017Z-0001-{INSTANCE}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("instance", ["../../../etc/passwd", "Anna Example", f"{INSTANCE}/x", 7, None])
def test_what_is_no_uuid_is_no_part_of_a_name(folder: Path, instance: object) -> None:
    (file,) = recorded(folder, json.dumps({"hookInstance": instance}).encode())
    assert file.name == "20260302T090000.000017Z-0001.json"


def test_the_token_is_left_out_and_the_rest_is_as_it_was_sent(folder: Path) -> None:
    bodies = (
        b'{"hook": "x", "fhirAuthorization": {"access_token": "secret"}, "n": 1.50, "e": 1e999}',
        b'{"fhir\\u0041uthorization": {"access_token": "secret"}, "fhirAuthorization": "secret", "n":"\\ud83d\\ude00"}',
    )
    first, second = (file.read_bytes() for file in recorded(folder, *bodies))
    assert first == b'{"hook":"x","n":1.50,"e":1e999}'
    assert second == b'{"n":"\\ud83d\\ude00"}'


@pytest.mark.parametrize("body", [b"", b"secret", b'{"a": 1', b'["secret"]', b'"secret"', b"\xff"])
def test_what_is_no_json_object_is_not_written(folder: Path, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert recorded(folder, body) == []
    assert "1 requests were not recorded" in caplog.text
    assert "secret" not in caplog.text


def test_headers_and_other_addresses_are_not_copied() -> None:
    kept: list[bytes] = []
    client = TestClient(CopiedCalls(create_app(OPEN), lambda chunks: kept.append(b"".join(chunks)), 1024))
    for path in (SERVICE, SERVICE.replace("es/", "es//") + "/", f"{SERVICE}/feedback", "/nothing"):
        post(client, path.encode(), JSON | {"Authorization": "Bearer secret"}, path)
    client.get("/cds-services")
    post(client, b"x" * 1025)
    assert kept == [SERVICE.encode(), b"/cds-services//nelm-patient-view/"]


def test_a_call_that_breaks_off_is_not_kept() -> None:
    messages: list[dict[str, object]] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b"{", "more_body": True},
    ]
    kept: list[list[bytes]] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def receive() -> dict[str, object]:
        return messages.pop()

    async def send(message: object) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": SERVICE}
    asyncio.run(CopiedCalls(application, kept.append, 1024)(scope, receive, send))
    assert kept == []


def test_more_than_a_run_may_hold_is_left_out_and_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(record, "_MOST_FILES", 2)
    with caplog.at_level(logging.WARNING):
        assert len(recorded(folder, *[b"{}"] * 5)) == 2
    assert "3 requests were not recorded" in caplog.text


def test_what_waits_for_the_disk_is_limited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_MOST_WAITING", 10)
    assert [file.read_bytes() for file in recorded(folder, b'{"a":"123456"}', b"{}")] == [b"{}"]


def test_a_folder_that_goes_away_costs_recordings_and_nothing_else(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Recorder(folder, OPEN, lambda: MOMENT) as recorder:
        folder.rmdir()
        recorder.keep([b"{}"])
    assert "could not be written: FileNotFoundError" in caplog.text


def test_production_refuses_it(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="refused in production"):
        Recorder(folder, Settings(environment="production"), lambda: MOMENT)
    assert not folder.exists()


def test_a_folder_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigurationError, match="file"):
        Recorder(tmp_path / "file", OPEN, lambda: MOMENT)


def test_the_warning_is_loud(folder: Path) -> None:
    assert "PATIENT DATA" in Recorder(folder, OPEN, lambda: MOMENT).warning
