"""`nelm-cds replay --compare` and `--update-expected`: what a change of settings or of code does to the decisions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cds_service.cli import app, compare
from cds_service.cli.expected import updated
from cds_service.errors import ConfigurationError
from tests.support.service import running_service
from tests.support.stories import FOLDER, NAMES, story

# The stories whose decision rests on the limits of ablation, and what changes in them.
AT_3_CM = {"ablatable-at-4-cm": ["treatment"], "markup-in-the-chart": ["treatment"]}
WITHOUT_EXTENDED = ("extended-ablation", "the-papers-patient")


def run(*arguments: object) -> tuple[Result, list[dict[str, Any]]]:
    """Run `replay --json` in this process; gives the result and the lines."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["replay", "--json", *map(str, arguments)], obj={})
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result, [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def settings_file(folder: Path, name: str, *lines: str, policy: str = "") -> Path:
    """A settings file in a folder of its own, with the policy that it names by a relative path."""
    (folder / name).mkdir()
    (folder / name / "policy.toml").write_text(policy, "utf-8")
    file = folder / name / "settings.env"
    named = ("NELM_CDS_SITE_POLICY=policy.toml",) if policy else ()
    file.write_text("\n".join(("# settings", "", *named, *lines)), "utf-8")
    return file


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return settings_file(tmp_path, "plain")


def test_settings_against_themselves_differ_in_nothing(plain: Path) -> None:
    result, lines = run("--compare", plain, plain, FOLDER)
    assert (result.exit_code, lines) == (0, [])
    assert f"{len(NAMES)} inputs: {len(NAMES)} unchanged" in result.stderr


def test_a_limit_that_the_site_changes_shows_in_exactly_the_stories_concerned(tmp_path: Path, plain: Path) -> None:
    changed = settings_file(tmp_path, "changed", policy="ablation_limit_cm = 3")
    result, lines = run("--compare", plain, changed, FOLDER)
    assert result.exit_code == 0
    found = {Path(line["input"]).name: line["differs"] for line in lines}
    assert {name: list(differs) for name, differs in found.items()} == AT_3_CM
    assert found["ablatable-at-4-cm"]["treatment"] == [["T-ABLATE"], ["T-ABLATE-EXT"]]
    assert f"{len(NAMES)} inputs: 2 changed, {len(NAMES) - 2} unchanged" in result.stderr


def test_members_that_differ_are_told_for_a_reader_too(tmp_path: Path, plain: Path) -> None:
    changed = settings_file(tmp_path, "changed", policy="extended_ablation = false")
    arguments = ["replay", "--compare", str(plain), str(changed), str(FOLDER)]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments, obj={})
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [Path(line).name for line in lines if not line.startswith(" ")] == list(WITHOUT_EXTENDED)
    state = next(line.split() for line in lines if line.startswith("  state"))
    assert state == ["state", "treat", "->", "provisional"]


def test_an_input_that_differs_is_told_by_value_or_reason_and_else_in_full(
    monkeypatch: pytest.MonkeyPatch, plain: Path
) -> None:
    sides = iter((
        {"inputs.srs": {"value": "positive"}, "inputs.cga": {"value": "normal", "note": "x"}, "path": ["N0"]},
        {"inputs.srs": {"unknown": "too_old"}, "inputs.cga": {"value": "normal", "note": "y"}},
    ))  # fmt: skip
    monkeypatch.setattr(compare, "told", lambda result: next(sides))
    arguments = ["replay", "--compare", str(plain), str(plain), str(story("resectable").folder)]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments, obj={})
    assert [" ".join(line.split()) for line in result.stdout.splitlines()[1:]] == [
        "inputs.srs positive -> unknown: too_old",
        'inputs.cga {"value":"normal","note":"x"} -> {"value":"normal","note":"y"}',
        "path N0 -> -",
    ]


def test_an_input_that_is_read_differently_is_named(tmp_path: Path, plain: Path) -> None:
    changed = settings_file(tmp_path, "changed", policy="imaging_counts_days = 14")
    _, lines = run("--compare", plain, changed, story("resectable").folder)
    (differs,) = [line["differs"] for line in lines]
    assert differs["inputs.liver_imaging"][0]["value"] == "helical_ct"
    assert differs["inputs.liver_imaging"][1]["unknown"] == "too_old"
    assert differs["state"] == ["treat", "workup"]


def test_a_production_file_is_compared_at_the_stories_own_dates(tmp_path: Path, plain: Path) -> None:
    """It would refuse their dates if it served anybody."""
    (tmp_path / "clients.toml").write_text("", "utf-8")
    given = compare.read_settings_file(settings_file(tmp_path, "p", "NELM_CDS_CLIENTS=../clients.toml"))
    assert Path(given["NELM_CDS_CLIENTS"]).resolve() == tmp_path / "clients.toml"
    fixed = settings_file(tmp_path, "fixed", "NELM_CDS_AS_OF=2026-03-02")
    result, lines = run("--compare", plain, fixed, "--as-of", "2026-03-02", story("resectable").folder)
    assert (result.exit_code, lines) == (0, [])


def test_a_running_service_against_itself_and_against_settings(tmp_path: Path, plain: Path) -> None:
    changed = settings_file(tmp_path, "changed", policy="ablation_limit_cm = 3")
    with running_service() as url:
        result, lines = run("--compare", url, url, FOLDER)
        assert (result.exit_code, lines) == (0, [])
        result, lines = run("--compare", url, plain, FOLDER)
        assert (result.exit_code, lines) == (0, [])
        _, lines = run("--compare", url, changed, FOLDER)
        assert {Path(line["input"]).name: list(line["differs"]) for line in lines} == AT_3_CM


def test_a_service_that_does_not_answer_is_no_difference_and_ends_with_1(plain: Path) -> None:
    result, lines = run("--compare", plain, "http://127.0.0.1:9", story("resectable").folder)
    assert (result.exit_code, lines) == (1, [])
    assert "no answer" in result.stderr


def test_what_cannot_be_read_ends_with_1_and_the_others_are_compared(tmp_path: Path, plain: Path) -> None:
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "a.json").write_text("{", "utf-8")
    shutil.copy(story("resectable").folder / "request.json", tmp_path / "inputs" / "b.json")
    result, lines = run("--compare", plain, plain, tmp_path / "inputs")
    assert (result.exit_code, lines) == (1, [])
    assert "a.json: line 1, column 2" in result.stderr
    assert "2 inputs: 1 unchanged; 1 could not be read" in result.stderr


def test_a_refusal_of_both_is_no_difference_and_of_one_is(tmp_path: Path, plain: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps(story("resectable").request | {"prefetch": {}}), "utf-8")
    result, lines = run("--compare", plain, plain, file)
    assert (result.exit_code, lines) == (0, [])
    assert compare.differences({"status": 412}, {"status": 200, "state": "treat"}) == {
        "status": (412, 200),
        "state": (None, "treat"),
    }


WRONG = {
    "no such file": ("gone.env", "cannot be read"),
    "no settings": ("NELM_CDS_TYPO=1", "NELM_CDS_TYPO: no setting of this name"),
    "no NAME=VALUE": ("hunter2", "line 3: must be NAME=VALUE"),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG)
def test_settings_that_are_none_end_with_2(tmp_path: Path, plain: Path, line: str, message: str) -> None:
    file = tmp_path / line if line.endswith(".env") else settings_file(tmp_path, "x", line)
    result, lines = run("--compare", plain, file, FOLDER)
    assert (result.exit_code, lines) == (2, [])
    assert message in result.stderr
    assert "hunter2" not in result.stderr


def test_a_settings_file_may_hold_what_is_not_ours(tmp_path: Path) -> None:
    file = settings_file(tmp_path, "x", "PATH=/bin", " NELM_CDS_MISSING_DATA=card ", "#NELM_CDS_AS_OF=x")
    assert compare.read_settings_file(file) == {"PATH": "/bin", "NELM_CDS_MISSING_DATA": "card"}
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        compare.read_settings_file(file)


@pytest.mark.parametrize(
    "options",
    [
        ("--compare", "a", "b"),
        ("--compare", "a"),
        ("--compare", "a", "b", FOLDER, "--explain"),
        ("--compare", "a", "b", FOLDER, "--url", "http://127.0.0.1:9"),
        ("--compare", "a", "b", FOLDER, "--update-expected"),
        ("--update-expected",),
        ("--update-expected", FOLDER, "--as-of", "2026-03-02"),
    ],
    ids=lambda options: " ".join(str(option).rpartition("/")[2] for option in options),
)
def test_wrong_use_ends_with_2(options: tuple[object, ...]) -> None:
    assert CliRunner().invoke(app, ["replay", *map(str, options)], obj={}).exit_code == 2


def test_stories_that_say_what_is_so_are_left_as_they_are(tmp_path: Path) -> None:
    copied = shutil.copytree(FOLDER, tmp_path / "stories")
    result = CliRunner().invoke(app, ["replay", "--update-expected", str(copied)], obj={})
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"{len(NAMES)} stories: 0 rewritten" in result.stderr
    for name in NAMES:
        ours, theirs = copied / name / "expected.json", FOLDER / name / "expected.json"
        assert ours.read_bytes() == theirs.read_bytes()


def test_a_story_that_says_something_else_is_shown_and_rewritten(tmp_path: Path) -> None:
    told = story("resectable")
    copied = shutil.copytree(told.folder, tmp_path / "resectable")
    wrong = told.expected | {"state": "workup", "treatment": ["T-OCT"], "cards": [], "remark": "kept"}
    (copied / "expected.json").write_text(json.dumps(wrong), "utf-8")
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["replay", "--update-expected", str(copied)], obj={})
    assert result.exit_code == 0
    assert '    - ["T-OCT"]\n    + ["T-RESECT", "T-ABLATE"]\n' in result.stdout
    assert json.loads((copied / "expected.json").read_text("utf-8")) == told.expected | {"remark": "kept"}


def test_a_story_without_an_answer_is_not_rewritten(tmp_path: Path) -> None:
    copied = shutil.copytree(story("resectable").folder, tmp_path / "resectable")
    (copied / "bundle.json").write_text('{"resourceType": "Bundle"}', "utf-8")
    before = (copied / "expected.json").read_bytes()
    result = CliRunner().invoke(app, ["replay", "--update-expected", str(copied)], obj={})
    assert result.exit_code == 1
    assert "Required prefetch could not be had" in " ".join(result.stderr.split())
    assert (copied / "expected.json").read_bytes() == before


def test_an_expectation_that_is_no_object_is_named(tmp_path: Path) -> None:
    copied = shutil.copytree(story("resectable").folder, tmp_path / "resectable")
    (copied / "expected.json").write_text("[]", "utf-8")
    result = CliRunner(env={"COLUMNS": "400"}).invoke(
        app, ["replay", "--update-expected", str(copied)], obj={"NELM_CDS_AS_OF": "2026-03-02"}
    )
    assert result.exit_code == 1
    assert "expected.json: holds no JSON object" in result.stderr


def test_an_expectation_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = shutil.copytree(story("resectable").folder, tmp_path / "resectable")
    (copied / "expected.json").write_text('{"as_of": "2026-03-02", "state": "refer"}', "utf-8")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    result = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["replay", "--update-expected", str(copied)], obj={})
    assert result.exit_code == 1
    assert "expected.json: cannot be written (No space left on device)" in result.stderr


def test_an_order_that_means_nothing_is_left_to_the_author() -> None:
    now = {"state": "treat", "withhold": ["a", "b"], "treatment": ["x", "y"]}
    assert updated({"withhold": ["b", "a"], "treatment": ["y", "x"]}, now, []) == {
        "withhold": ["b", "a"],
        "treatment": ["x", "y"],
    }
