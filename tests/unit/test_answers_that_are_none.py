"""Answers that are no answer: silence, or an older result, must not come of what was never read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cds_service.errors import MissingData
from cds_service.http.answer import answer_call
from cds_service.settings import Settings
from fhir_mappings.answer import Availability, read_answer
from fhir_mappings.facts import Fact
from fhir_mappings.sifting import Matters
from tests.support.charts import AS_OF, NELM, Json, assessed, chart, coded, condition, needs, observation, reading
from tests.support.charts import said as in_a_word
from tests.support.stories import story


def said_of(fact: Fact[Any]) -> str:
    return str(in_a_word(fact))


BASE = story("resectable").request
OTHER = {"reference": "Patient/other"}
V3_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
KI67 = "loinc:29593-1"


def bundle(*entries: Any, **more: Any) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **more}


def outcome(**issue: str) -> Json:
    return {"resourceType": "OperationOutcome", "issue": [issue]}


UNANSWERED: dict[str, Any] = {
    "a total that is text": bundle(total="5"),
    "a total that is no whole number": bundle(total=5.5),
    "a total below zero": bundle(total=-1),
    "a total below zero in a Bundle inside": bundle({"resource": {"resourceType": "Bundle", "total": -1}}),
    "a status that is a number": bundle({"response": {"status": 404}}),
    "an outcome in the response": bundle({"response": {"status": "200", "outcome": outcome(severity="error")}}),
    "an entry that only announces": bundle({"fullUrl": "https://ehr.example.org/fhir/Condition/1"}),
    "a match without a resource": bundle({"resource": None, "search": {"mode": "match"}}),
    "an issue without a severity": bundle({"resource": outcome(code="exception")}),
    "a severity that FHIR does not know": bundle({"resource": outcome(severity="Error")}),
    "a warning that rows are withheld": bundle({"resource": outcome(severity="warning", code="security")}),
    "a warning that time ran out": bundle({"resource": outcome(severity="warning", code="timeout")}),
    "a Bundle inside that announces more": bundle({"resource": {"resourceType": "Bundle", "total": 4}}),
    "a link that cannot be read": bundle(link=["x"]),
    "a relation that cannot be read": bundle(link=[{"relation": ["next"], "url": "x"}]),
    "a relation in capitals": bundle(link=[{"relation": "NEXT ", "url": "x"}]),
}


@pytest.mark.parametrize("value", UNANSWERED.values(), ids=UNANSWERED.keys())
@pytest.mark.parametrize("resource_type", ["Condition", "Observation"])
def test_what_is_not_a_whole_answer_is_not_complete(value: Json, resource_type: str) -> None:
    raw = json.dumps(value).encode()
    assert read_answer(raw, resource_type).availability in (Availability.PARTIAL, Availability.FAILED)
    assert read_answer(raw, resource_type, lambda *_: Matters.NEVER).availability is not Availability.COMPLETE


def test_what_was_found_is_whole_beside_a_total_below_zero() -> None:
    raw = json.dumps(bundle({"resource": NELM}, total=-1)).encode()
    assert read_answer(raw, "Condition").availability is Availability.COMPLETE


def _answer(conditions: Json) -> Json:
    request = BASE | {"prefetch": BASE["prefetch"] | {"conditions": conditions}}
    return answer_call(json.dumps(request).encode(), Settings(), AS_OF)


CONDITIONS = [entry["resource"] for entry in BASE["prefetch"]["conditions"]["entry"]]
OF_NOBODY = {
    "another patient's": [r | {"subject": OTHER} for r in CONDITIONS],
    "without a subject": [{k: v for k, v in r.items() if k != "subject"} for r in CONDITIONS],
    "by an identifier alone": [r | {"subject": {"identifier": {"value": "1"}}} for r in CONDITIONS],
    "of another type": [{"resourceType": "Parameters"}],
}


@pytest.mark.parametrize("resources", OF_NOBODY.values(), ids=OF_NOBODY.keys())
def test_conditions_of_nobody_are_no_silence(resources: list[Json]) -> None:
    with pytest.raises(MissingData, match="no Condition whose subject is this patient"):
        _answer(bundle(*({"resource": resource} for resource in resources)))


def test_a_diagnosis_without_a_subject_beside_others_is_a_question() -> None:
    lost = {k: v for k, v in NELM.items() if k != "subject"}
    assert said_of(reading(condition("icd:I10"), lost).needs.nelm_confirmed).startswith("?")


CARRIERS: dict[str, tuple[Json, str, str]] = {
    "a diagnosis": (NELM, "nelm_confirmed", "True"),
    "Ki-67": (observation(KI67, {"valueQuantity": {"value": 3, "unit": "%", "code": "%"}}), "ki67_percent", "3"),
    "an assessment": (assessed("remnant-adequate", {"valueBoolean": True}), "remnant_adequate", "True"),
}


@pytest.mark.parametrize("spelled", ["{} ", "\t{}"], ids=["after", "before"])
@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("member", ["code", "system"])
def test_a_blank_makes_a_code_a_question_and_a_system_no_other(carrier: str, member: str, spelled: str) -> None:
    resource, name, value = CARRIERS[carrier]
    codings = [coding | {member: spelled.format(coding[member])} for coding in resource["code"]["coding"]]
    others = [] if resource is NELM else [NELM]
    found = reading(*others, resource | {"code": {"coding": codings}}).needs.fact(name)
    assert said_of(found) == (value if member == "system" else "?malformed")


def test_a_diagnosis_both_refuted_and_confirmed_is_a_question() -> None:
    both = NELM | {"verificationStatus": {"coding": [{"code": "refuted"}, {"code": "confirmed"}]}}
    assert said_of(reading(both).needs.nelm_confirmed) == "?unconfirmed"


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ({"abatementString": ""}, "True"),
        ({"abatementPeriod": {}}, "True"),
        ({"abatementDateTime": "2099-01-01"}, "True"),
        ({"abatementDateTime": "2025-12-31"}, "?unconfirmed"),
    ],
)
def test_an_end_that_is_none_ends_nothing(end: Json, expected: str) -> None:
    assert said_of(reading(NELM | end).needs.nelm_confirmed) == expected


ABSENT = {"dataAbsentReason": {"coding": [{"code": "not-applicable"}]}}
PART = {"code": coded(KI67), "valueQuantity": {"value": 40, "unit": "%", "code": "%"}}


@pytest.mark.parametrize("code", [{"text": "panel"}, coded(KI67)], ids=["panel", "of its own code"])
def test_a_part_with_a_value_is_read_whatever_the_panel_lacks(code: Json) -> None:
    panel = observation(KI67, None) | {"code": code, "component": [PART]} | ABSENT
    assert said_of(needs(observation(KI67, "1.8 %", "2026-01-01"), panel).ki67_percent) == "40"


def test_a_value_beside_a_reason_for_none_is_no_silence() -> None:
    contradictory = observation(KI67, "40 %", "2026-02-01") | ABSENT
    assert said_of(needs(observation(KI67, "1.8 %", "2026-01-01"), contradictory).ki67_percent) == "≥1.8"


def test_another_patients_unreadable_result_changes_no_fact() -> None:
    unreadable = {"resourceType": "Observation", "id": "x", "code": coded(KI67), "valueQuantity": "oops"}
    known = observation(KI67, "1.8 %")
    assert said_of(needs(known, unreadable | {"subject": OTHER}).ki67_percent) == "1.8"
    assert said_of(needs(known, unreadable | {"subject": NELM["subject"]}).ki67_percent) == "≥1.8"


def test_an_address_that_names_two_resources_names_nobody() -> None:
    urn = "urn:uuid:11111111-1111-4111-8111-111111111111"
    entries = BASE["prefetch"]["conditions"]["entry"]
    ours = {"fullUrl": urn, "resource": BASE["prefetch"]["patient"], "search": {"mode": "include"}}
    theirs = {"fullUrl": urn, "resource": {"resourceType": "Patient", "id": "someone-else"}}
    result = observation(KI67, "40 %") | {"id": "k", "subject": {"reference": urn}}
    request = json.loads(json.dumps(BASE))
    request["prefetch"]["conditions"]["entry"] = [*entries, ours]
    request["prefetch"]["observations"]["entry"] += [theirs, {"resource": result}]
    decision = answer_call(json.dumps(request).encode(), Settings(), AS_OF)["extension"]["io.github.nelm-cds.decision"]
    assert decision["state"] != "refer"
    assert decision["inputs"]["ki67_percent"]["value"] == 1.8


@pytest.mark.parametrize("server", ["https://EHR.example.org/fhir", "https://ehr.example.org:443/fhir/"])
def test_two_spellings_of_one_server_are_one(server: str) -> None:
    patient = f"https://ehr.example.org/fhir/Patient/{BASE['context']['patientId']}"
    conditions = [resource | {"subject": {"reference": patient}} for resource in CONDITIONS]
    request = BASE | {"fhirServer": server}
    request["prefetch"] = BASE["prefetch"] | {"conditions": bundle(*({"resource": c} for c in conditions))}
    assert answer_call(json.dumps(request).encode(), Settings(), AS_OF)["cards"]


@pytest.mark.parametrize(
    "ranges",
    [
        [{"high": {"value": 1000, "unit": "nmol/L"}, "type": {"coding": [{"code": "critical"}]}}],
        [{"high": {"value": 1000, "unit": "nmol/L"}, "appliesTo": [{"text": "pregnancy"}]}],
        [{"high": {"value": 1000, "unit": "nmol/L"}, "age": {"high": {"value": 1, "unit": "a"}}}],
        [{"text": "0-6"}, {"high": {"value": 1000, "unit": "nmol/L"}}],
    ],
    ids=["critical", "of some", "of an age", "one of two"],
)
def test_a_range_that_is_not_the_normal_one_makes_nothing_normal(ranges: list[Json]) -> None:
    assert said_of(needs(observation("loinc:25587-7", "500 nmol/L", referenceRange=ranges)).cga) == "measured"


def test_a_failed_therapy_that_cannot_be_read_is_not_none() -> None:
    unread = assessed("failed-therapy", None, valueString="resection")
    assert said_of(needs(unread).failed_therapies) == "?value_not_understood"
    assert chart(unread).unused == ()


def test_a_result_dated_in_the_future_unsettles_what_it_contradicts() -> None:
    known = observation(KI67, "1.8 %", "2026-01-01")
    assert said_of(needs(known, observation(KI67, "40 %", "2062-02-01")).ki67_percent) == "≥1.8"
    no, yes = assessed("extrahepatic-disease", False), assessed("extrahepatic-disease", True, "2027-02-01")
    assert said_of(needs(no, yes).extrahepatic_disease) == "?conflicting"
    assert said_of(needs(yes).extrahepatic_disease) == "?future_date"


def test_an_assessment_in_a_panel_is_read() -> None:
    part = assessed("extrahepatic-disease", True)
    panel = {k: v for k, v in part.items() if not k.startswith("value")} | {
        "code": {"text": "panel"},
        "component": [{"code": part["code"], "valueBoolean": True}],
    }
    before = assessed("extrahepatic-disease", False, "2026-01-01")
    assert said_of(needs(before, panel).extrahepatic_disease) == "True"


@pytest.mark.parametrize(
    "value",
    [{"valueString": "12 mg/dL (H)"}, {"valueInteger": 12}, {"valueCodeableConcept": {"text": "GT 12"}}],
    ids=str,
)
def test_a_flagged_bilirubin_stands_against_no_hepatic_failure_in_any_shape(value: Json) -> None:
    flag = [{"coding": [{"system": V3_INTERPRETATION, "code": "HH"}]}]
    high = observation("loinc:1975-2", None, "2026-02-20", interpretation=flag, **value)
    assert said_of(needs(assessed("hepatic-failure", False), high).hepatic_failure) == "?conflicting"


def test_an_unreadable_bilirubin_unsettles_no_hepatic_failure() -> None:
    odd = observation("loinc:1975-2", None, "2026-02-20", valueQuantity="oops")
    assert said_of(needs(assessed("hepatic-failure", False), odd).hepatic_failure) == "?malformed"


def test_a_report_that_concludes_something_else_is_no_histology() -> None:
    report = {
        "resourceType": "DiagnosticReport", "id": "r", "status": "final", "subject": NELM["subject"],
        "code": coded("loinc:22637-3"), "effectiveDateTime": "2026-01-05",
    }  # fmt: skip
    rests = NELM | {"evidence": [{"detail": [{"reference": "DiagnosticReport/r"}]}]}
    no_tumour = report | {"conclusionCode": [{"coding": [{"system": "http://snomed.info/sct", "code": "110396000"}]}]}
    assert not reading(rests, report).histology_from_codes
    assert reading(rests, no_tumour).histology_from_codes
