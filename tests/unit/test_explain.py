"""What `replay --explain` prints: every input, what would settle it, and what was not used, 80 columns wide."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cds_service.cli import app
from cds_service.cli.settles import settled_by
from cds_service.decide import Evaluation, evaluate
from cds_service.guidelines.nelm_2006.advice.phrases import NAMES
from cds_service.guidelines.nelm_2006.open_inputs import could_change_treatment
from tests.support.charts import AS_OF, NELM, PATIENT, SERVER, Json, answer, assessed, observation, searchset
from tests.support.stories import FOLDER, STORIES, story

REFERENCE = re.compile(r"(?:Patient|Condition|Observation|Procedure|ImagingStudy|DiagnosticReport)/[\w.-]+")


def replayed(*arguments: Any) -> str:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["replay", *map(str, arguments)], obj={})
    assert result.exit_code == 0
    return result.stdout


def write(path: Path, *resources: Json) -> Path:
    path.write_text(json.dumps({"entry": [{"resource": one} for one in resources], "resourceType": "Bundle"}), "utf-8")
    return path


@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.name)
def test_every_story_fits_80_columns_and_cuts_no_reference(told: Any) -> None:
    shown = replayed("--explain", told.folder)
    assert max(map(len, shown.splitlines())) <= 80
    sent = set(REFERENCE.findall(json.dumps(json.loads(replayed("--json", "--explain", told.folder))["explain"])))
    assert set(REFERENCE.findall(shown.partition("╭")[0])) <= sent


def test_every_input_is_told_of_with_its_value_or_why_it_is_unknown() -> None:
    shown = replayed("--explain", FOLDER / "other-patients-results")
    for name in NAMES.values():
        assert re.search(rf"^  {re.escape(name)}\s+\S", shown, re.MULTILINE), name
    assert "evaluated at 2026-03-02: provisional" in shown
    assert "settled by: W-KI67, Ki-67" in shown
    assert "unknown: not recorded" in shown
    assert "of another patient (2)" in shown


def test_the_cards_follow_what_was_not_used() -> None:
    shown = replayed("--explain", FOLDER / "other-patients-results")
    assert shown.index("Scope") < shown.index("Not used") < shown.index("Treatment to discuss")


def test_a_long_reference_is_never_cut(tmp_path: Path) -> None:
    long, other = "x" * 64, "y" * 64
    used = assessed("lesion-count", 3, id=long)
    not_used = observation("loinc:2823-3", "4 mmol/L", id=other)
    file = write(tmp_path / "long.json", PATIENT, NELM, used, not_used)
    shown = replayed("--explain", "--as-of", "2026-03-02", file)
    assert f"Observation/{long} 2026-02-20" in shown
    assert f"Observation/{other}" in shown


def test_the_path_of_an_input_is_never_cut(tmp_path: Path) -> None:
    (tmp_path / ("d" * 60)).mkdir()
    file = write(tmp_path / ("d" * 60) / f"{'f' * 60}.json", PATIENT)
    assert str(file) in replayed("--explain", file)


def test_the_example_in_the_readme_is_what_is_printed() -> None:
    readme = Path("README.md").read_text("utf-8")
    example = readme.partition("says of Ki-67 and of carcinoid syndrome")[2].split("```")[1]
    shown = replayed("--explain", FOLDER / "other-patients-results").splitlines()
    cut = "  ..."  # where the README leaves lines out
    assert set(example.strip("\n").splitlines()) - {cut} <= {line.rstrip() for line in shown}


def test_a_group_shows_twenty_lines_and_json_all(tmp_path: Path) -> None:
    many = [observation("loinc:2823-3", "4 mmol/L", id=f"k-{number:02}") for number in range(30)]
    file = write(tmp_path / "many.json", PATIENT, NELM, *many)
    shown = replayed("--explain", "--as-of", "2026-03-02", file)
    assert "does not ask for (30)" in shown
    assert len(re.findall(r"^    Observation/k-", shown, re.MULTILINE)) == 20
    assert "    and 10 more" in shown
    told = json.loads(replayed("--json", "--explain", "--as-of", "2026-03-02", file))["explain"]
    assert len(told["not_used"]) == 30


def test_explain_in_json_adds_the_account_and_nothing_without_it() -> None:
    told = json.loads(replayed("--json", "--explain", story("resectable").folder))["explain"]
    assert set(told) == {"used", "not_used"}
    assert all(set(item) == {"reference", "reason", "detail"} for item in told["not_used"])
    assert "explain" not in json.loads(replayed("--json", story("resectable").folder))


def test_a_silent_chart_says_why_and_shows_no_input_that_was_not_read() -> None:
    shown = replayed("--explain", FOLDER / "colorectal-liver-metastases")
    assert "silent: liver metastases with another primary" in shown
    assert "chromogranin A" not in shown
    told = json.loads(replayed("--json", "--explain", FOLDER / "colorectal-liver-metastases"))["explain"]
    assert told["silent"].startswith("liver metastases with another primary")


def test_without_explain_what_was_set_aside_is_one_line() -> None:
    shown = replayed(FOLDER / "other-patients-results")
    assert "2 resources set aside" in shown
    assert "Not used" not in shown
    assert "set aside" not in replayed(FOLDER / "out-of-scope-diabetic")


def test_a_file_without_its_patient_is_read_by_itself_and_gives_no_advice(tmp_path: Path) -> None:
    file = tmp_path / "lone.json"
    file.write_text(json.dumps(observation("loinc:29593-1", "3 %", "2026-01-10", id="ki67")), "utf-8")
    told = json.loads(replayed("--json", "--explain", "--as-of", "2026-03-02", file))
    assert (told["status"], told["decision"], told["cards"]) == (412, None, [])
    assert told["explain"]["inputs"]["ki67_percent"]["value"] == 3
    assert told["explain"]["used"] == {"Observation/ki67": ["ki67_percent"]}
    shown = replayed("--explain", "--as-of", "2026-03-02", file)
    assert "Read by itself" in shown
    assert "3 %" in shown
    assert "Read by itself" not in replayed("--as-of", "2026-03-02", file)


@pytest.mark.parametrize(
    "subject",
    ["urn:uuid:6f1f4f9b-8f3c-4a39-9a4f-0d9c4d0a0001", "https://ehr.example.org/Patient/7/_history/2", "#", "Patient/"],
)
def test_whatever_a_lone_resource_calls_its_patient_it_is_read(tmp_path: Path, subject: str) -> None:
    file = tmp_path / "lone.json"
    lone = observation("loinc:29593-1", "3 %", "2026-01-10", id="ki67", subject={"reference": subject})
    file.write_text(json.dumps(lone), "utf-8")
    told = json.loads(replayed("--json", "--explain", "--as-of", "2026-03-02", file))
    assert told["status"] == 412
    assert "Observation/ki67" in {*told["explain"]["used"], *(one["reference"] for one in told["explain"]["not_used"])}


def evaluated(*resources: Json, **failed: Json) -> Evaluation:
    keys = ("imaging", "procedures", "medicationRequests", "medicationStatements", "diagnosticReports")
    values: Json = {"patient": PATIENT, "conditions": searchset([NELM]), "observations": searchset(list(resources))}
    values |= {key: searchset([]) for key in keys} | failed
    answers = {key: answer(value) for key, value in values.items()}
    return evaluate(answers, patient_id="p1", fhir_server=SERVER, as_of=AS_OF, new_uuid=lambda: "u")


def test_an_unknown_that_is_asked_for_is_settled_by_its_work_up_step() -> None:
    settled = settled_by(evaluated())
    assert settled["cga"] == "W-CGA, Chromogranin A"
    assert settled["liver_imaging"].startswith("W-CT, ")
    assert "ki67_percent" not in settled_by(evaluated(observation("loinc:29593-1", "3 %", id="ki67")))


def test_what_could_not_be_retrieved_is_settled_by_reading_it() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    assert settled_by(evaluated(observations=outcome))["cga"] == "reading what could not be retrieved"


def _of(name: str) -> Evaluation:
    told = story(name)
    prefetch = told.request["prefetch"]
    answers = {key: answer(value) for key, value in prefetch.items()}
    return evaluate(
        answers, patient_id=told.patient_id, fhir_server=told.request["fhirServer"], as_of=AS_OF, new_uuid=lambda: "u"
    )


def test_an_unknown_that_no_step_asks_for_and_that_could_change_the_list_is_settled_by_recording_it() -> None:
    settled = settled_by(_of("ablatable-at-4-cm"))
    assert settled["est_cytoreduction_pct"] == "recording it (assessment expected-cytoreduction); no step asks for it"
    assert settled["liver_transplant"] == "recording it; no step asks for it"
    assert "carcinoid_heart_disease" not in settled


def test_only_an_unknown_can_still_change_the_list() -> None:
    found = _of("ki67-unknown")
    could = could_change_treatment(found.reading.needs, found.decision)
    assert "ki67_percent" in could
    assert "primary_site" not in could


def test_a_chart_that_is_not_ours_asks_for_nothing() -> None:
    assert settled_by(_of("colorectal-liver-metastases")) == {}
