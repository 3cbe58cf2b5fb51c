"""`nelm-cds replay`: every input gets its result, whatever stands beside it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

import pytest
import requests
from typer.testing import CliRunner, Result

from cds_service.cli import app, replay
from tests.support.service import running_service
from tests.support.stories import FOLDER, NAMES, STORIES, story, without_uuids

RESECTABLE = story("resectable")
MEMBERS = ["input", "patient", "status", "decision", "cards", "error"]


def run(*arguments: object, json_lines: bool = True) -> tuple[Result, list[dict[str, Any]]]:
    """Run `replay` in this process; gives the result and the lines of `--json`."""
    options = ["--json"] if json_lines else []
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["replay", *options, *map(str, arguments)], obj={})
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result, [json.loads(line) for line in result.stdout.splitlines()] if json_lines else []


def write(path: Path, content: Any) -> Path:
    """Write a file, as JSON unless it is text already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_every_story_gets_one_line() -> None:
    result, lines = run(FOLDER)
    assert result.exit_code == 0
    assert [Path(line["input"]).name for line in lines] == NAMES
    for line, told in zip(lines, STORIES, strict=True):
        assert list(line) == MEMBERS
        assert (line["patient"], line["status"], line["error"]) == (told.patient_id, 200, None)
        assert line["decision"]["state"] == told.expected["state"]
        assert bool(line["cards"]) == told.in_scope


def test_a_file_that_is_cut_off_is_named_with_its_place_and_the_others_are_printed(tmp_path: Path) -> None:
    write(tmp_path / "a.json", RESECTABLE.bundle)
    write(tmp_path / "b.json", '{"resourceType": "Bundle",\n  "entry": [{"resource"')
    write(tmp_path / "c.json", RESECTABLE.request)
    result, lines = run(tmp_path)
    assert result.exit_code == 1
    assert [Path(line["input"]).name for line in lines] == ["a.json", "c.json"]
    assert f"{tmp_path / 'b.json'}: line 2, column 24: " in result.stderr


UNREADABLE = {
    "empty": ("", "line 1, column 1"),
    "an array": ([], "holds no JSON object"),
    "text": ("Bundle", "line 1, column 1"),
    "no FHIR": ({"name": "package"}, "neither a FHIR resource nor a hook request"),
    "a body of nothing": ({"body": None}, "holds no JSON object"),
    "NaN": ('{"resourceType": "Patient", "x": NaN}', "NaN is not JSON"),
    "nested too deeply": (
        '{"resourceType": "Bundle", "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "nested too deeply",
    ),
    "a number of 5,000 digits": ('{"resourceType": "Patient", "x": ' + "9" * 5000 + "}", "limit"),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_ends_with_1_and_a_reason(tmp_path: Path, content: Any, message: str) -> None:
    file = write(tmp_path / "x.json", content)
    result, lines = run(file)
    assert (result.exit_code, lines) == (1, [])
    assert f"{file}: " in result.stderr
    assert message in result.stderr


def test_a_file_that_is_not_utf_8_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'{"resourceType": "\xff"}')
    result, _ = run(tmp_path)
    assert result.exit_code == 1
    assert "not UTF-8 text, at byte 18" in result.stderr


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").symlink_to(tmp_path / "gone.json")
    result, _ = run(tmp_path)
    assert result.exit_code == 1
    assert "No such file" in result.stderr


ODD = {
    "a number beyond 64 bits": ('"active": true', '"active": 123456789012345678901234567890'),
    "half a surrogate": ('"family": "Example"', '"family": "\\ud800"'),
    "a byte order mark": ('{"resourceType"', '\ufeff{"resourceType"'),
}


@pytest.mark.parametrize(("before", "after"), ODD.values(), ids=ODD)
def test_odd_json_is_passed_on_as_an_ehr_would_send_it(tmp_path: Path, before: str, after: str) -> None:
    text = json.dumps(RESECTABLE.bundle).replace(before, after, 1)
    assert after in text
    result, (line,) = run(write(tmp_path / "x.json", text))
    assert result.exit_code == 0
    assert line["status"] in (200, 400)


@pytest.mark.parametrize("resource", [{"resourceType": "Observation", "id": "o1"}, {"resourceType": "Bundle"}], ids=str)
def test_a_resource_without_a_patient_is_what_the_hook_would_answer(tmp_path: Path, resource: dict[str, Any]) -> None:
    result, (line,) = run(write(tmp_path / "x.json", resource))
    assert result.exit_code == 0
    assert (line["status"], line["patient"], line["decision"], line["cards"]) == (412, None, None, [])
    assert "'patient'" in line["error"]


def test_a_lone_patient_is_a_bundle_of_one(tmp_path: Path) -> None:
    _, (line,) = run(write(tmp_path / "x.json", {"resourceType": "Patient", "id": "p9", "birthDate": "1960"}))
    assert (line["status"], line["patient"], line["cards"]) == (200, "p9", [])
    assert line["decision"]["state"] == "out_of_scope"


def test_a_capture_of_a_server_is_read_through_its_body(tmp_path: Path) -> None:
    capture = {"url": "https://ehr.example.org/fhir/Patient/1/$everything", "status": 200, "body": RESECTABLE.bundle}
    _, (line,) = run(write(tmp_path / "x.json", capture), "--as-of", "2026-03-02")
    _, (plain,) = run(RESECTABLE.folder)
    assert without_uuids(line["cards"]) == without_uuids(plain["cards"])


def test_a_bundle_of_bundles_is_one_chart(tmp_path: Path) -> None:
    batch = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"resource": RESECTABLE.bundle}]}
    _, (line,) = run(write(tmp_path / "x.json", batch), "--as-of", "2026-03-02")
    assert line["decision"]["state"] == "treat"


def test_a_folder_is_walked_and_a_story_in_it_is_one_input(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "er" / "a.json", {"resourceType": "Patient", "id": "p1"})
    write(tmp_path / "told" / "bundle.json", RESECTABLE.bundle)
    write(tmp_path / "told" / "expected.json", {"as_of": "2026-03-02"})
    write(tmp_path / "asked" / "request.json", RESECTABLE.request)
    write(tmp_path / "notes.txt", "not an input")
    result, lines = run(tmp_path)
    assert result.exit_code == 0
    assert [Path(line["input"]).relative_to(tmp_path).as_posix() for line in lines] == [
        "asked",
        "deep/er/a.json",
        "told",
    ]
    assert [line["decision"]["state"] for line in lines] == ["treat", "out_of_scope", "treat"]


def test_the_date_asked_for_goes_before_the_storys_own() -> None:
    """Two years later every result is too old."""
    _, (told,) = run(RESECTABLE.folder)
    result, (later,) = run(RESECTABLE.folder, "--as-of", "2028-03-02")
    assert result.exit_code == 0
    assert told["decision"]["state"] == "treat"
    assert later["decision"]["inputs"]["liver_imaging"]["unknown"] == "too_old"


@pytest.mark.parametrize("date", ["soon", "2026-02-30", "", "2026-3-2"])
def test_a_date_that_is_none_ends_with_2(date: str) -> None:
    result, lines = run(RESECTABLE.folder, "--as-of", date)
    assert (result.exit_code, lines) == (2, [])
    assert "--as-of" in result.stderr


def test_a_path_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    assert run(tmp_path / "nothing")[0].exit_code == 2


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    result, lines = run(tmp_path)
    assert (result.exit_code, lines) == (0, [])
    assert "no *.json" in result.stderr


def test_the_cards_of_every_story_can_be_shown() -> None:
    result, _ = run(FOLDER, "--explain", json_lines=False)
    assert result.exit_code == 0
    for told in STORIES:
        assert told.name in result.stdout
    assert "evaluated at 2026-03-02: treat" in result.stdout
    assert "no cards" in result.stdout
    assert "Not used" in result.stdout
    assert result.stderr.strip().endswith(f"{len(STORIES)} inputs: {_states()}")


def _states() -> str:
    counts = Counter(told.expected["state"] for told in STORIES)
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))


def test_what_is_shown_commands_no_terminal(tmp_path: Path) -> None:
    text = json.dumps(RESECTABLE.bundle).replace("resectable-cga", "cga\\u001b[2J").replace("Anna", "A\\u001b[31m")
    result, _ = run(write(tmp_path / "x.json", text), "--explain", "--as-of", "2026-03-02", json_lines=False)
    assert "[2J" in result.stdout
    assert "\x1b[2J" not in result.stdout
    assert "\x1b[31m" not in result.stdout


def test_an_error_is_shown_with_its_status(tmp_path: Path) -> None:
    result, _ = run(write(tmp_path / "x.json", {"resourceType": "Bundle"}), json_lines=False)
    assert "412: Required prefetch" in result.stdout


def test_a_fault_of_ours_is_a_result_and_shows_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> NoReturn:
        raise KeyError("Anna Example")

    monkeypatch.setattr(replay, "evaluate_request", fail)
    result, (line,) = run(RESECTABLE.folder)
    assert (line["status"], line["cards"]) == (500, [])
    assert "KeyError at " in line["error"]
    assert "Anna" not in result.output.replace("p-resectable", "")


def test_a_running_service_gives_the_same_cards() -> None:
    with running_service() as address:
        result, posted = run("--url", f"{address}/", FOLDER)
        _, elsewhere = run("--url", f"{address}/nowhere", RESECTABLE.folder)
        shown, _ = run("--url", address, RESECTABLE.folder, FOLDER / "net-without-liver", json_lines=False)
    _, local = run(FOLDER)
    assert result.exit_code == 0
    for there, here in zip(posted, local, strict=True):
        assert without_uuids(there["cards"]) == without_uuids(here["cards"])
        assert (there["input"], there["patient"], there["status"]) == (here["input"], here["patient"], 200)
        assert (there["decision"] or {}).get("path", []) == (here["decision"]["path"] if here["cards"] else [])
    assert "receptor scan" in shown.stdout
    assert "True" not in shown.stdout
    assert (elsewhere[0]["status"], elsewhere[0]["error"]) == (404, "There is nothing at this address.")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "nowhere", "http://[::1", f"http://{'a' * 80}.example", "ftp://x"]
)
def test_a_url_that_does_not_answer_is_an_error_without_a_status(url: str) -> None:
    result, (line,) = run("--url", url, RESECTABLE.folder)
    assert result.exit_code == 1
    assert (line["status"], line["decision"], line["cards"]) == (None, None, [])
    assert line["error"].startswith(url)
    shown, _ = run("--url", url, RESECTABLE.folder, json_lines=False)
    assert "no answer: " in shown.stdout


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"[]", b'{"issue": [{"diagnostics": 5}]}', b""], ids=str)
def test_an_answer_that_is_no_hook_answer_keeps_its_status(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    def answer(*_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response._content = 502, body
        return response

    monkeypatch.setattr(requests, "post", answer)
    _, (line,) = run("--url", "http://127.0.0.1:9", RESECTABLE.folder)
    assert (line["status"], line["error"], line["cards"]) == (502, "no reason given", [])
