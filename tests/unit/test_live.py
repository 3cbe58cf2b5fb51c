"""`nelm-cds replay --fhir-server`: patients of a live server, through the functions of the hook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cds_service.cli import app
from tests.support.fault_server import PATIENT, fault_server
from tests.support.faults import status


def run(*arguments: object, environ: dict[str, str] | None = None) -> tuple[Result, list[dict[str, Any]]]:
    """Run `replay --json` in this process; gives the result and the lines."""
    command = ["replay", "--json", *map(str, arguments)]
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, command, obj=environ or {})
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result, [json.loads(line) for line in result.stdout.splitlines()]


def test_a_patient_is_read_and_evaluated() -> None:
    with fault_server() as server:
        result, (line,) = run("--fhir-server", server.base, "--patient", PATIENT, "--as-of", "2026-03-02")
    assert result.exit_code == 0
    assert (line["input"], line["patient"], line["status"], line["error"]) == (f"Patient/{PATIENT}", PATIENT, 200, None)
    assert line["decision"]["state"] == "out_of_scope"
    assert line["cards"] == []


def test_the_token_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("the-token\n", "utf-8")
    with fault_server() as server:
        result, _ = run("--fhir-server", f"{server.base}/", "--patient", PATIENT, "--token-file", file)
        without, _ = run("--fhir-server", server.base, "--patient", PATIENT)
    assert (result.exit_code, without.exit_code) == (0, 0)
    sent = [request.headers.get("authorization") for request in server.requests]
    assert set(sent[:9]) == {"Bearer the-token"}
    assert set(sent[9:]) == {None}
    assert "the-token" not in result.output


@pytest.mark.parametrize("several", [["--patient", "p2", "p1", "a b"], ["--patient", "p2", "--patient", "p1", "a b"]])
def test_every_patient_gets_a_line_whatever_becomes_of_the_others(several: list[str]) -> None:
    """p2 is not on the server, which answers for p1 alone; the third is no id."""
    with fault_server() as server:
        result, lines = run("--fhir-server", server.base, *several)
    assert result.exit_code == 1
    assert sorted((line["patient"], line["status"]) for line in lines) == [("a b", 400), ("p1", 200), ("p2", 412)]


def test_a_patient_that_cannot_be_read_is_412_as_the_hook_would_have_it() -> None:
    with fault_server(Patient=status(404)) as server:
        result, (line,) = run("--fhir-server", server.base, "--patient", PATIENT)
    assert result.exit_code == 1
    assert line["status"] == 412
    assert "the FHIR server does not have it" in line["error"]


def test_without_json_it_is_shown_to_a_reader() -> None:
    with fault_server() as server:
        arguments = ["replay", "--explain", "--fhir-server", server.base, "--patient", PATIENT]
        result = CliRunner().invoke(app, arguments, obj={})
    assert result.exit_code == 0
    assert f"Patient/{PATIENT}" in result.stdout
    assert "no cards" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fhir-server", "https://ehr.example.org/fhir"], "needs --patient"),
        (["--fhir-server", "https://e.example.org", "--patient", "p1", "--url", "http://127.0.0.1:1"], "no --url"),
        (["--patient", "p1"], "needs --fhir-server"),
        (["--token-file", "x"], "needs --fhir-server"),
        (["--fhir-server", "ehr.example.org", "--patient", "p1"], "must be an absolute http or https address"),
        (["--fhir-server", "https://u:s3cret@ehr.example.org", "--patient", "p1"], "must not hold a user name"),
        (["--fhir-server", "https://e.example.org", "--patient", "p1", "--token-file", "nowhere"], "cannot be read"),
        (["--fhir-server", "https://e.example.org", "--patient", "p1", "--token-file", "/dev/null"], "is empty"),
        ([], "needs at least one path"),
        (["nowhere-at-all"], "does not exist"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(arguments: list[str], says: str) -> None:
    result, lines = run(*arguments)
    assert (result.exit_code, lines) == (2, [])
    assert says in result.stderr
    assert "s3cret" not in result.output
