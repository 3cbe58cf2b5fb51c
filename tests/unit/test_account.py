"""The account of a chart: every resource that came along is told of once, as used or as not used with the reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.cli.inputs import load
from cds_service.clock import now
from cds_service.errors import MissingData, RequestError
from cds_service.guidelines.nelm_2006.intake import read_chart
from cds_service.guidelines.nelm_2006.intake.account import Account, account
from cds_service.http.answer import evaluate_request
from cds_service.http.wire import parse_request
from cds_service.settings import Settings
from fhir_mappings.questionnaire import CANONICAL
from tests.support.charts import (
    NELM,
    PATIENT,
    Json,
    assessed,
    chart,
    chart_of,
    coded,
    condition,
    observation,
    prescribed,
    procedure,
    report,
    searchset,
    study,
    taken,
)
from tests.support.charts import (
    given as administered,
)
from tests.support.peculiarities import FOLDER
from tests.support.stories import STORIES

FOLDERS = [told.folder for told in STORIES if (told.folder / "bundle.json").is_file()]
BUNDLES = sorted(path for path in FOLDER.glob("*.json") if "hook" not in json.loads(path.read_text("utf-8")))


def explained(path: Path) -> tuple[Account, Counter[str]]:
    """The account of an input, and how often each resource stands in it, counted here on its own."""
    item = load(path, as_of="2026-03-02")
    evaluation = evaluate_request(parse_request(item.request), Settings(), now())
    file = path / "bundle.json" if path.is_dir() else path
    found = Counter(references(json.loads(file.read_text("utf-8"))))
    return account(evaluation.chart, evaluation.reading, item.sent), found


def references(resource: Json) -> list[str]:
    """Every resource in a Bundle, the Bundles in it aside."""
    entries = [entry["resource"] for entry in resource.get("entry") or () if isinstance(entry.get("resource"), dict)]
    inside = [reference for one in entries for reference in references(one)]
    kind = resource["resourceType"]
    return inside if kind == "Bundle" else [f"{kind}/{resource.get('id') or 'without-id'}", *inside]


def times_told(told: Account) -> Counter[str]:
    return Counter([*told.used, *(item.reference for item in told.not_used)])


@pytest.mark.parametrize("path", [*FOLDERS, *BUNDLES], ids=lambda path: path.name)
def test_every_resource_is_told_of_once(path: Path) -> None:
    try:
        told, found = explained(path)
    except RequestError:
        return  # a chart that is refused has no account
    assert times_told(told) == found
    assert all(item.reason for item in told.not_used)
    assert all(told.used.values())


def of(*resources: Json, sent: tuple[str, ...] = ()) -> Account:
    found = chart(*resources)
    return account(found, read_chart(found), sent)


def why(told: Account, reference: str) -> list[tuple[str, str]]:
    return [(item.reason, item.detail) for item in told.not_used if item.reference == reference]


OTHER: Json = {"subject": {"reference": "Patient/p2"}}
SIZE = observation("loinc:21889-1", "3 cm", id="x")
CASES: dict[str, tuple[list[Json], str, str]] = {
    "another code": ([observation("loinc:2823-3", "4 mmol/L", id="x")],
                     "under a code that the protocol does not ask for", ""),
    "another diagnosis": ([condition("icd:I10", id="x")], "under a code that the protocol does not ask for", ""),
    "cancelled": ([observation("loinc:29593-1", "3 %", id="x", status="cancelled")], "status does not count",
                  "cancelled"),
    "not done": ([procedure("sct:431475009", status="not-done", id="x")], "status does not count", "not-done"),
    "stopped": ([taken("rx:7646", id="x", status="stopped")], "status does not count", "stopped"),
    "refuted": ([condition("icd:C7B.03", id="x", verification="refuted")], "status does not count", "refuted"),
    "another patient's": ([observation("loinc:29593-1", "3 %", id="x", **OTHER)], "of another patient", ""),
    "nobody's": ([observation("loinc:29593-1", "3 %", id="x", subject=None)], "no patient stated", ""),
    "a modifier": ([observation("loinc:29593-1", "3 %", id="x", modifierExtension=[{"url": "urn:not"}])],
                   "with a modifier extension that is not understood", ""),
    "malformed": ([observation("loinc:29593-1", None, id="x", valueQuantity=["3"])], "not readable",
                  "element $.valueQuantity"),
    "STU3": ([{**condition("icd:C7B.03", id="x"), "clinicalStatus": "active"}], "in an older FHIR version", ""),
    "an older result": ([observation("loinc:25587-7", "9 nmol/L", "2026-01-02", id="new"),
                         observation("loinc:25587-7", "8 nmol/L", "2025-12-02", id="x", status="preliminary",
                                     valueQuantity=None, valueString="see report")],
                        "superseded by a later record", "Observation/new 2026-01-02"),
    "an older CT": ([study("CT", "loinc:72253-8", id="new"),
                     study("CT", "loinc:72253-8", started="2025-11-02", id="x")],
                    "superseded by a later record", "ImagingStudy/new 2026-02-20"),
    "in the future": ([study("CT", "loinc:72253-8", id="now"),
                       study("CT", "loinc:72253-8", started="2026-09-01", id="x")],
                      "dated in the future", "2026-09-01"),
    "another region": ([study("CT", "loinc:24725-4", id="x")], "of another body region", ""),
    "guidance": ([study("CT", "loinc:44101-4", id="x")], "not a diagnostic examination", ""),
    "another tracer": ([study("PT", id="x")], "a scan with another tracer", ""),
    "a liver test": ([observation("loinc:1975-2", "0.4 mg/dL", id="x")], "shown beside hepatic failure", ""),
    "looks like ours": ([{**observation("loinc:x", "99 U/L", id="x"), "code": {"text": "CGA"}}],
                        "looks like one of our markers", "CGA"),
    "no drug named": ([prescribed({"medicationReference": {"reference": "Medication/gone"}}, id="x")],
                      "the drug is not coded, or was not sent", ""),
    "given long ago": ([administered("rx:1999335", "2024-01-02", id="x")], "not in progress at this date", ""),
    "not to be given": ([prescribed("rx:7646", id="x", doNotPerform=True)], "ordered not to be given", ""),
    "not taken": ([taken("rx:7646", id="x", adherence={"code": {"coding": [{"code": "not-taking"}]}})],
                  "recorded as not taken", ""),
    "malformed under another code": ([observation("loinc:2823-3", None, id="x", valueQuantity=["3"])], "not readable",
                                     "element $.valueQuantity"),
    "another patient's, under another code": ([observation("loinc:2823-3", "4 mmol/L", id="x", **OTHER)],
                                              "of another patient", "loinc:2823-3"),
    "an option": ([prescribed("rx:7646", id="x", intent="option")], "an option, not an order", ""),
    "a size elsewhere": ([SIZE], "a size that is not of a liver metastasis", ""),
    "a crisis of last week": ([condition("sct:237833006", id="x", recorded="2026-02-20")], "a crisis of another time",
                              ""),
    "own nodes": ([condition("icd:C7A.012", id="primary"), condition("icd:C77.2", id="x")],
                  "lymph nodes of the primary's own region", ""),
    "a report in words": ([report("loinc:22637-3", id="x")],
                          "a report without a coded conclusion", ""),
    "another form": ([{"resourceType": "QuestionnaireResponse", "id": "x", "subject": {"reference": "Patient/p1"},
                       "status": "completed", "questionnaire": "urn:other"}], "answers to another questionnaire", ""),
}  # fmt: skip


@pytest.mark.parametrize(("resources", "reason", "detail"), CASES.values(), ids=CASES)
def test_why_a_resource_is_not_used(resources: list[Json], reason: str, detail: str) -> None:
    told = of(NELM, *resources)
    reference = f"{resources[-1]['resourceType']}/x"
    ((said, what),) = why(told, reference)
    assert said.startswith(reason)
    assert detail in what
    assert reference not in told.used


def test_a_used_resource_names_what_it_informs() -> None:
    told = of(NELM, assessed("lesion-count", 3, id="count"), condition("icd:C18.7", id="colon"))
    assert told.used["Observation/count"] == ("lesion_count",)
    assert told.used["Condition/colon"] == ("another malignancy",)


def test_the_drug_of_a_treatment_in_progress_is_used() -> None:
    drug = {"resourceType": "Medication", "id": "m", "code": coded("rx:1999335")}
    dose = administered({"medicationReference": {"reference": "Medication/m"}}, id="a")
    doses = searchset([dose, drug, {**drug, "id": "other"}])
    found = chart_of({"patient": PATIENT, "conditions": searchset([NELM]), "medicationStatements": doses})
    told = account(found, read_chart(found))
    assert told.used["Medication/m"] == ("the drug of MedicationAdministration/a",)
    assert why(told, "Medication/other")[0][0] == "a drug that no medication used here names"


def test_a_diagnosis_in_words_is_not_another_malignancy_because_one_of_its_name_is() -> None:
    coded_one, in_words = condition("icd:C18.7", id="colon"), condition(id="words")
    in_words["code"] = {"text": coded_one["code"]["text"]}
    told = of(NELM, coded_one, in_words)
    assert "Condition/words" not in told.used
    assert why(told, "Condition/words")[0][0] == "under a code that the protocol does not ask for"


def test_a_form_that_is_used_in_part_is_used_and_says_so() -> None:
    item = {"linkId": "lesion-count", "answer": [{"valueInteger": 3}]}
    form = {
        "resourceType": "QuestionnaireResponse", "id": "form", "status": "completed", "questionnaire": CANONICAL,
        "subject": {"reference": "Patient/p1"}, "authored": "2026-02-20",
        "item": [item, {"linkId": "of-a-later-version", "answer": [{"valueBoolean": True}]}],
    }  # fmt: skip
    told = of(NELM, form)
    assert told.used["QuestionnaireResponse/form"] == (
        "lesion_count",
        "in part an item that this version does not know",
    )
    assert why(told, "QuestionnaireResponse/form") == []
    empty = of(NELM, {**form, "item": []})
    assert why(empty, "QuestionnaireResponse/form")[0][0] == "answers nothing that an input asks for"


def test_a_resource_of_another_type_in_one_of_our_answers_is_told_of() -> None:
    encounter = {"resourceType": "Encounter", "id": "e", "subject": {"reference": "Patient/p1"}}
    found = chart_of({"patient": PATIENT, "conditions": searchset([NELM, encounter])})
    assert why(account(found, read_chart(found)), "Encounter/e") == [("of a type that is not read", "")]


def test_what_is_nowhere_in_the_answers_is_not_made_up_a_reason_for() -> None:
    assert why(of(NELM, sent=("Observation/lost",)), "Observation/lost") == []


def test_a_second_copy_is_told_of_also_where_nobody_counted_what_came() -> None:
    twice = searchset([observation("loinc:29593-1", "3 %", id="ki67")] * 2)
    found = chart_of({"patient": PATIENT, "conditions": searchset([NELM]), "observations": twice})
    told = account(found, read_chart(found))
    assert told.used["Observation/ki67"] == ("ki67_percent",)
    assert why(told, "Observation/ki67") == [("another copy of a resource that is told of", "")]


def test_an_observation_that_was_passed_over_and_is_malformed_is_told_of_as_such(tmp_path: Path) -> None:
    file = tmp_path / "chart.json"
    odd = observation("loinc:2823-3", None, id="odd", valueQuantity=["3"])
    entries = [{"resource": one} for one in (PATIENT, NELM, odd)]
    file.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}), "utf-8")
    told, found = explained(file)
    assert why(told, "Observation/odd") == [("not readable", "element $.valueQuantity")]
    assert times_told(told) == found


def test_two_results_without_an_id_are_two() -> None:
    results = [{**observation("loinc:25587-7", "9 nmol/L", date), "id": None} for date in ("2026-01-02", "2026-02-02")]
    told = of(NELM, *results)
    assert times_told(told)["Observation/without-id"] == 2


def test_a_chart_that_is_not_ours_is_read_no_further() -> None:
    told = of(condition("icd:E11.9", id="c"), assessed("lesion-count", 3, id="count"))
    assert why(told, "Observation/count") == [("the chart is not ours: read no further", "nelm:lesion-count")]


def test_what_no_query_asks_for_is_told_of() -> None:
    sent = ("Patient/p1", "Patient/p1", "Patient/p2", "Encounter/e", "OperationOutcome/o", "Condition/nelm")
    told = of(NELM, sent=sent)
    assert told.used["Patient/p1"][0] == "whose chart it is"
    assert why(told, "Patient/p1") == [("another copy of a resource that is told of", "")]
    assert why(told, "Patient/p2") == [("of another patient", "")]
    assert why(told, "Encounter/e") == [("of a type that is not read", "")]
    assert why(told, "OperationOutcome/o") == [("tells how a query went, and nothing of the patient", "")]


def test_what_stood_in_an_answer_that_failed_is_told_of() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    failed = searchset([outcome, observation("loinc:29593-1", "3 %", id="ki67")])
    found = chart_of({"patient": PATIENT, "conditions": searchset([NELM]), "observations": failed})
    told = account(found, read_chart(found), ["Patient/p1", "Condition/nelm", "Observation/ki67"])
    assert why(told, "Observation/ki67") == [("in an answer that failed", "")]


def _entries(path: Path) -> list[Json]:
    bundle = json.loads(((path / "bundle.json") if path.is_dir() else path).read_text("utf-8"))
    resources = [entry.get("resource") for entry in bundle.get("entry") or ()]
    return [one for one in resources if isinstance(one, dict) and one.get("resourceType") not in ("Patient", "Bundle")]


ANYTHING = [resource for path in [*FOLDERS, *BUNDLES] for resource in _entries(path)]
ODD: list[Json] = [
    {}, {}, {}, {"id": None}, {"id": "same"}, {"status": "entered-in-error"}, {"status": None},
    {"code": {"text": "Ki-67"}},
    {"code": 5}, {"subject": None}, {"subject": {"reference": "Patient/else"}}, {"effectiveDateTime": "2031-01-01"},
    {"modifierExtension": [{"url": "urn:odd"}]}, {"resourceType": "Encounter"}, {"clinicalStatus": "active"},
]  # fmt: skip


@st.composite
def bundles(draw: st.DrawFn) -> Json:
    """A Bundle of anything that stories and fixtures hold, made odd here and there, mostly of one patient."""
    drawn = draw(st.lists(st.tuples(st.sampled_from(ANYTHING), st.sampled_from(ODD)), max_size=12))
    resources = [{**one, "subject": {"reference": "Patient/p1"}, **odd} for one, odd in drawn]
    entries = [{"resource": one} for one in [PATIENT, *([NELM] if draw(st.booleans()) else []), *resources]]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


@settings(max_examples=150, deadline=None)
@given(bundles())
def test_nothing_is_lost_and_nothing_told_twice_whatever_the_chart(
    tmp_path_factory: pytest.TempPathFactory, bundle: Json
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(bundle), "utf-8")
    try:
        told, found = explained(path)
    except MissingData:
        return  # Conditions of nobody are no chart
    assert times_told(told) == found


def test_the_account_changes_nothing() -> None:
    found = chart(NELM, *ANYTHING[:40])
    before = read_chart(found)
    account(found, before)
    assert read_chart(found) == before


@pytest.mark.parametrize(
    ("diagnosis", "reason"),
    [
        (condition("icd:E11.9", verification="refuted"), "status does not count"),
        (condition("icd:E11.9") | {"clinicalStatus": "active"}, "in an older FHIR version"),
        (condition("icd:E11.9") | {"code": {"coding": [{"code": "a  b"}]}}, "not readable"),
        (condition("icd:E11.9"), "under a code that the protocol does not ask for"),
    ],
)
def test_a_diagnosis_that_says_nothing_to_us_is_told_with_its_own_reason(diagnosis: Json, reason: str) -> None:
    of = chart(diagnosis | {"id": "odd"})
    (told,) = [item for item in account(of, read_chart(of)).not_used if item.reference == "Condition/odd"]
    assert told.reason == reason
