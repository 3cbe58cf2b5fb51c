"""Properties of the reading of charts that hold whatever a client sends."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.guidelines.nelm_2006.intake import ChartReading, read_chart
from fhir_mappings.answer import read_answer
from fhir_mappings.dates import parse_date
from fhir_mappings.facts import Fact, Known, Unknown
from fhir_mappings.select import PatientMismatchError, build_chart
from fhir_mappings.terminology import load_terminology
from tests.support.charts import AS_OF, PATIENT, SERVER, Json, assessed, condition, observation, searchset, study

STORIES = Path(__file__).parents[2] / "test_fixtures" / "patients"
NAMES = sorted(path.parent.name for path in STORIES.glob("*/request.json"))
KEYS = ("patient", "conditions", "observations", "imaging", "procedures", "diagnosticReports", "medicationRequests")

# Building the readers' first use (terminology, models, units) costs a second that no example should be blamed for.
some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def story(name: str) -> tuple[str, str, datetime]:
    """The request of a story as text, the patient's id, and when it is read."""
    request = json.loads((STORIES / name / "request.json").read_text(encoding="utf-8"))
    expected = json.loads((STORIES / name / "expected.json").read_text(encoding="utf-8"))
    date = parse_date(expected["as_of"])
    assert date is not None
    return json.dumps(request["prefetch"]), request["context"]["patientId"], date.last


def prefetch(name: str) -> Json:
    loaded: Json = json.loads(story(name)[0])
    return loaded


def read(values: Json, patient_id: str, as_of: datetime = AS_OF) -> ChartReading:
    raw = {key: json.dumps(value).encode() for key, value in values.items()}
    return read_raw(raw, patient_id, as_of)


def read_raw(raw: dict[str, bytes], patient_id: str, as_of: datetime = AS_OF) -> ChartReading:
    answers = {key: read_answer(value) for key, value in raw.items()}
    chart = build_chart(answers, patient_id=patient_id, fhir_server=SERVER, as_of=as_of, terminology=load_terminology())
    return read_chart(chart)


def read_story(name: str, values: Json | None = None) -> ChartReading:
    _, patient_id, as_of = story(name)
    return read(prefetch(name) if values is None else values, patient_id, as_of)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


class TestNothingThatIsSentMakesTheReaderFail:
    @some
    @given(values=st.dictionaries(st.sampled_from(KEYS), anything))
    def test_any_json_as_the_value_of_any_key(self, values: Json) -> None:
        with_patient = {"patient": PATIENT} | values
        before = copy.deepcopy(with_patient)
        try:
            read(with_patient, "p1")
        except PatientMismatchError:
            assert with_patient["patient"] != PATIENT
        assert with_patient == before

    @some
    @given(
        base=st.sampled_from([
            condition("icd:C7B.02", "icd:E34.00", "icd:K72.90", "icd:I81", site="sct:10200004"),
            observation("loinc:29593-1", "3 %"),
            observation("loinc:25587-7", "300 ug/L", referenceRange=[{"low": {"value": 3}, "high": {"value": 100}}]),
            observation("loinc:6301-6", "1.9 1", referenceRange=[{"low": {"value": 0.9}, "high": {"value": 1.2}}]),
            assessed("hepatic-failure", False),
            assessed("lesion-count", 3),
            study("CT", "loinc:30612-6", site="sct:10200004"),
        ]),
        element=st.sampled_from([
            "code", "status", "valueQuantity", "valueBoolean", "effectiveDateTime", "component", "interpretation",
            "referenceRange", "bodySite", "clinicalStatus", "verificationStatus", "onsetDateTime", "extension",
            "modifierExtension", "series", "started", "meta", "specimen", "dataAbsentReason", "subject", "recordedDate",
        ]),
        value=anything,
    )  # fmt: skip
    def test_any_json_as_the_value_of_any_element(self, base: Json, element: str, value: Any) -> None:
        resources = [condition("icd:C7B.02", id="nelm"), base | {element: value}]
        key = {"Condition": "conditions", "Observation": "observations"}.get(base["resourceType"], "imaging")
        values = {"patient": PATIENT, "conditions": searchset(resources[:1])}
        values[key] = searchset([*(resources[:1] if key == "conditions" else []), resources[1]])
        assert isinstance(read(values, "p1"), ChartReading)

    @some
    @given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32), value=anything)
    def test_a_story_with_one_value_of_another_type(self, name: str, seed: int, value: Any) -> None:
        values = prefetch(name)
        optional = {key: inner for key, inner in values.items() if key != "patient"}
        container, key = random.Random(seed).choice(list(places(optional)))  # noqa: S311 - picks a test case
        container[key] = value
        assert isinstance(read_story(name, values | optional), ChartReading)

    @some
    @given(name=st.sampled_from(NAMES), key=st.sampled_from(KEYS), share=st.floats(0, 1))
    def test_a_story_that_was_cut_off(self, name: str, key: str, share: float) -> None:
        _, patient_id, as_of = story(name)
        raw = {k: json.dumps(value).encode() for k, value in prefetch(name).items()}
        raw[key] = raw[key][: int(len(raw[key]) * share)]
        try:
            read_raw(raw, patient_id, as_of)
        except PatientMismatchError:
            assert key == "patient"

    @some
    @given(raw=st.binary(max_size=60))
    def test_any_bytes(self, raw: bytes) -> None:
        read_raw({"patient": json.dumps(PATIENT).encode(), "conditions": raw, "observations": raw}, "p1")


class TestWhatDoesNotMatterChangesNothing:
    @some
    @given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32))
    def test_the_order_of_the_entries(self, name: str, seed: int) -> None:
        values = prefetch(name)
        for value in values.values():
            if isinstance(value, dict) and "entry" in value:
                random.Random(seed).shuffle(value["entry"])  # noqa: S311 - shuffles a test case
        assert read_story(name, values).needs == read_story(name).needs

    @pytest.mark.parametrize("name", NAMES)
    def test_rows_that_are_sent_twice(self, name: str) -> None:
        values = prefetch(name)
        for value in values.values():
            if isinstance(value, dict) and "entry" in value:
                value["entry"] *= 2
        assert values_of(read_story(name, values)) == values_of(read_story(name))

    @some
    @given(
        name=st.sampled_from(NAMES),
        other=st.sampled_from(NAMES),
        subject=st.sampled_from([
            "Patient/{}0", "Patient/0{}", "Patient/other", "https://other.example.org/fhir/Patient/{}", "Group/{}",
            "urn:uuid:{}", "Patient/{}/x", "patient/{}",
        ]),
        keep_ids=st.booleans(),
    )  # fmt: skip
    def test_another_patients_resources(self, name: str, other: str, subject: str, keep_ids: bool) -> None:
        patient_id = story(name)[1]
        values, strangers = prefetch(name), prefetch(other)
        for key, value in strangers.items():
            if not isinstance(value, dict) or not value.get("entry") or not isinstance(values.get(key), dict):
                continue
            ours = [entry["resource"]["id"] for entry in values[key].get("entry", [])]
            for number, entry in enumerate(value["entry"]):
                entry["resource"]["subject"] = {"reference": subject.format(patient_id)}
                if keep_ids and number < len(ours):
                    entry["resource"]["id"] = ours[number]
            values[key].setdefault("entry", [])
            values[key]["entry"] = [*value["entry"], *values[key]["entry"]]
        assert values_of(read_story(name, values)) == values_of(read_story(name))

    @pytest.mark.parametrize("name", NAMES)
    def test_four_hundred_years(self, name: str) -> None:
        """The calendar repeats exactly: whatever changes has read a clock, or knows a year."""
        text, patient_id, as_of = story(name)
        later = json.loads(re.sub(r'"(\d{4})(?=(-\d{2}(-\d{2})?)?(T[^"]*)?")', lambda m: f'"{int(m[1]) + 400}', text))
        shifted = read(later, patient_id, as_of.replace(year=as_of.year + 400))
        assert values_of(shifted) == values_of(read_story(name))
        assert later != json.loads(text)


def values_of(reading: ChartReading) -> dict[str, Any]:
    """What is known, or why not; sources and notes may name what was set aside beside it."""
    return {name: fact.why if isinstance(fact, Unknown) else fact.value for name, fact in reading.needs.facts()}


@pytest.mark.parametrize("name", NAMES)
def test_every_known_that_rests_on_a_resource_names_it(name: str) -> None:
    for need, fact in read_story(name).needs.facts():
        assert not isinstance(fact, Known) or fact.sources or _from_silence(need, fact), need


def _from_silence(need: str, fact: Fact[Any]) -> bool:
    # A chart without any tumour is out of scope by what is not there.
    silent: Json = {"failed_therapies": frozenset(), "context": "initial", "nelm_confirmed": False}
    return need in silent and isinstance(fact, Known) and fact.value == silent[need]


@pytest.mark.parametrize("name", NAMES)
def test_reading_alters_nothing(name: str) -> None:
    values = prefetch(name)
    before = copy.deepcopy(values)
    answers = {key: read_answer(json.dumps(value).encode()) for key, value in values.items()}
    _, patient_id, as_of = story(name)
    readings = [
        read_chart(
            build_chart(answers, patient_id=patient_id, fhir_server=SERVER, as_of=as_of, terminology=load_terminology())
        )
        for _ in range(2)
    ]
    assert readings[0] == readings[1]
    assert values == before
