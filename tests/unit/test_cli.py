"""`nelm-cds` at the keyboard: what it prints, and how it ends. `replay` has a file of its own."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from cds_service import __main__ as command
from cds_service import __version__
from cds_service.cli import app
from cds_service.cli import serve as serving
from cds_service.http.connection import LimitedProtocol


def nelm_cds(*arguments: str, environ: Mapping[str, str] | None = None) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, list(arguments), obj=dict(environ or {}))


def _store(folder: Path) -> dict[str, str]:
    return {"NELM_CDS_DATABASE_URL": f"sqlite:///{folder / 'store.db'}"}


def test_it_says_its_version() -> None:
    result = nelm_cds("--version")
    assert (result.exit_code, result.stdout) == (0, f"nelm-cds {__version__}\n")


def test_without_arguments_it_shows_what_it_can_do() -> None:
    result = nelm_cds()
    assert result.exit_code == 2
    assert "replay" in result.output


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("replay",), ("serve", "--port", "70000"), ("serve", "--port", "x"), ("replay", "--colour")],
    ids=" ".join,
)
def test_wrong_use_ends_with_2(arguments: tuple[str, ...]) -> None:
    result = nelm_cds(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [("serve",), ("replay", ".")], ids=" ".join)
def test_settings_that_are_wrong_end_with_2_and_name_every_problem(arguments: tuple[str, ...]) -> None:
    result = nelm_cds(*arguments, environ={"NELM_CDS_AS_OF": "x", "NELM_CDS_TYPO": "1"})
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "nelm-cds: NELM_CDS_AS_OF: " in result.stderr
    assert "nelm-cds: NELM_CDS_TYPO: no setting of this name" in result.stderr


def test_serve_says_where_to_look_and_that_it_is_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One process, no access log: an access log would hold no patient, and is nobody's concern here."""
    started: list[uvicorn.Server] = []

    async def started_up(server: uvicorn.Server, sockets: object = None) -> None:
        server.started = True

    monkeypatch.setattr(uvicorn.Server, "startup", started_up)

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        started.append(server)
        asyncio.run(server.startup(sockets))

    monkeypatch.setattr(uvicorn.Server, "run", run)
    monkeypatch.setattr(serving, "configure_logs", lambda stream: None)  # the loggers of this process stay as they are
    result = nelm_cds("serve", "--port", "0", environ=_store(tmp_path))
    assert result.exit_code == 0
    assert (started[0].config.http, started[0].config.access_log) == (LimitedProtocol, False)
    assert re.search(r"http://127\.0\.0\.1:[1-9][0-9]*/cds-services", result.stderr)
    assert "OPEN: callers are not authenticated" in result.stderr


def test_serve_says_when_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = nelm_cds("serve", "--port", port, environ=_store(tmp_path))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"nelm-cds: cannot listen on 127.0.0.1 port {port}: ")


def test_the_installed_command_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NELM_CDS_TYPO", "1")
    monkeypatch.setattr(sys, "argv", ["nelm-cds", "replay", "."])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2


def test_a_reader_that_stops_reading_causes_no_traceback() -> None:
    """`nelm-cds replay ... | head -1`."""
    replay = [sys.executable, "-m", "cds_service", "replay", "--json", "test_fixtures/patients"]
    with subprocess.Popen(replay, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_a_path_that_may_not_be_looked_at_is_wrong_use_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "exists", refused)
    result = nelm_cds("replay", "charts-of-root")
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
    assert "Traceback" not in result.output
