"""`replay --explain`: every resource of a chart is accounted for, and every input says where it comes from."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cds_service.cli import app
from cds_service.cli.inputs import load
from cds_service.clock import now
from cds_service.errors import RequestError
from cds_service.guidelines.nelm_2006.intake import ChartReading, read_chart
from cds_service.guidelines.nelm_2006.intake.account import Account, NotUsed, account
from cds_service.http.answer import evaluate_request
from cds_service.http.discovery import HOOK
from cds_service.http.wire import parse_request
from cds_service.settings import Settings
from fhir_mappings.select import Chart
from tests.support.charts import NELM, Json, assessed, chart, condition, observation, procedure
from tests.support.peculiarities import FOLDER
from tests.support.stories import STORIES

FOLDERS = [told.folder for told in STORIES if (told.folder / "bundle.json").is_file()]
BUNDLES = sorted(path for path in FOLDER.glob("*.json") if "hook" not in json.loads(path.read_text("utf-8")))
NOT_IN_A_CHART = {"Patient", "Bundle", "OperationOutcome"}


def explained(path: Path) -> tuple[Account, Counter[str]]:
    """The account of an input, and how often each resource stands in it."""
    item = load(path, as_of="2026-03-02")
    evaluation = evaluate_request(parse_request(item.request, hook=HOOK), Settings(), now())
    file = path / "bundle.json" if path.is_dir() else path
    found = Counter(_references(json.loads(file.read_text("utf-8"))))
    return account(evaluation.chart, evaluation.reading, item.never_read), found


def _references(resource: Json) -> list[str]:
    inside = [found for e in resource.get("entry") or () if isinstance(e, dict) for found in _inside(e)]
    kind = resource.get("resourceType")
    return inside if kind in NOT_IN_A_CHART else [f"{kind}/{resource.get('id') or 'without-id'}", *inside]


def _inside(entry: Json) -> list[str]:
    resource = entry.get("resource")
    return _references(resource) if isinstance(resource, dict) else []


@pytest.mark.parametrize("path", [*FOLDERS, *BUNDLES], ids=lambda path: path.name)
def test_every_resource_is_used_or_told_of(path: Path) -> None:
    try:
        told, found = explained(path)
    except RequestError:
        return  # a chart that is refused has no account
    not_used = Counter(item.reference for item in told.not_used)
    for reference, times in found.items():
        assert (reference in told.used) + not_used[reference] >= times, reference
    assert all(item.reason for item in told.not_used)


def reading_of(*resources: Json) -> tuple[Chart, ChartReading]:
    found = chart(*resources)
    return found, read_chart(found)


CASES: list[tuple[list[Json], str, str, str]] = [
    ([observation("loinc:2823-3", "4 mmol/L", id="k")], "Observation/k", "under a code that the protocol does not", ""),
    ([observation("loinc:29593-1", "3 %", id="k", status="cancelled")], "Observation/k", "status does not count",
     "cancelled"),
    ([observation("loinc:25587-7", "9 nmol/L", "2026-01-02", id="new"),
      observation("loinc:25587-7", "8 nmol/L", "2025-12-02", id="old")], "Observation/old",
     "another recording answers the same question", ""),
    ([condition("icd:I10", id="bp")], "Condition/bp", "under a code that the protocol does not", ""),
    ([condition("icd:C7B.03", id="no", verification="refuted")], "Condition/no", "refuted or entered in error", ""),
    ([procedure("sct:431475009", status="not-done", id="p")], "Procedure/p", "status does not count", "not-done"),
    ([observation("loinc:1975-2", "0.4 mg/dL", id="b")], "Observation/b", "shown beside hepatic failure", ""),
    ([{"resourceType": "Encounter", "id": "e", "subject": {"reference": "Patient/p1"}}], "Encounter/e",
     "of a type that is not read", ""),
]  # fmt: skip


@pytest.mark.parametrize(("resources", "reference", "reason", "detail"), CASES, ids=[case[1] for case in CASES])
def test_why_a_resource_is_not_used(resources: list[Json], reference: str, reason: str, detail: str) -> None:
    told = account(*reading_of(NELM, *resources), ["Encounter/e"] if reference == "Encounter/e" else ())
    found = [item for item in told.not_used if item.reference == reference]
    assert len(found) >= 1, told
    assert found[0].reason.startswith(reason)
    assert detail in found[0].detail
    assert reference not in told.used


def test_a_used_resource_names_its_inputs() -> None:
    told = account(*reading_of(NELM, assessed("lesion-count", 3, id="count")))
    assert told.used["Observation/count"] == ("lesion_count",)
    assert NotUsed("Observation/count", "") not in told.not_used


def test_a_chart_that_is_not_ours_is_read_no_further() -> None:
    told = account(*reading_of(condition("icd:E11.9", id="c"), assessed("lesion-count", 3, id="count")))
    assert [item.reason for item in told.not_used if item.reference == "Observation/count"] == [
        "the chart is not ours: not read any further"
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([resource for case in CASES for resource in case[0]]), max_size=8))
def test_nothing_is_lost_whatever_the_chart(resources: list[Json]) -> None:
    told = account(*reading_of(NELM, *resources))
    not_used = Counter(item.reference for item in told.not_used)
    for reference, times in Counter(f"{r['resourceType']}/{r['id']}" for r in resources).items():
        if not reference.startswith("Encounter/"):
            assert (reference in told.used) + not_used[reference] >= times


def replayed(*arguments: Any) -> str:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["replay", *map(str, arguments)], obj={})
    assert result.exit_code == 0
    return result.stdout


def test_explain_tells_of_every_input_and_fits_80_columns() -> None:
    shown = replayed("--explain", next(f for f in FOLDERS if f.name == "other-patients-results"))
    assert "settled by: W-KI67, Ki-67" in shown
    assert "of another patient (2)" in shown
    assert "unknown: not recorded" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_explain_in_json_adds_the_account() -> None:
    (line,) = replayed("--json", "--explain", FOLDERS[0]).splitlines()
    told = json.loads(line)["explain"]
    assert set(told) == {"used", "not_used"}
    assert all(set(item) == {"reference", "reason", "detail"} for item in told["not_used"])
    (plain,) = replayed("--json", FOLDERS[0]).splitlines()
    assert "explain" not in json.loads(plain)


def test_a_silent_chart_says_which_rule_of_scope_made_it_silent() -> None:
    shown = replayed("--explain", next(f for f in FOLDERS if f.name == "net-without-liver"))
    assert "no liver metastases recorded" in shown


def test_a_file_without_its_patient_is_read_by_itself_and_gives_no_advice(tmp_path: Path) -> None:
    lone = observation("loinc:29593-1", "3 %", "2026-01-10", id="ki67")
    file = tmp_path / "lone.json"
    file.write_text(json.dumps(lone), "utf-8")
    (line,) = replayed("--json", "--explain", "--as-of", "2026-03-02", file).splitlines()
    told = json.loads(line)
    assert (told["status"], told["decision"], told["cards"]) == (412, None, [])
    assert told["explain"]["inputs"]["ki67_percent"]["value"] == 3
    assert told["explain"]["used"]["Observation/ki67"] == ["ki67_percent"]
    shown = replayed("--explain", "--as-of", "2026-03-02", file)
    assert "Read by itself" in shown
    assert "3 %" in shown
    assert "Read by itself" not in replayed("--as-of", "2026-03-02", file)
