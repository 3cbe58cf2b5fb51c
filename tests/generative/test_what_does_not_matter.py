"""What must change neither facts nor decision, on charts that were changed at random as well as on the stories.

`test_mapping.py` holds the same of the stories as they are told; here the decision, the cards, the sources and the odd
charts are added.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cds_service.decide import Evaluation, as_json
from cds_service.errors import RequestError
from cds_service.gather import PREFETCH_KEYS
from cds_service.http.wire import AS_OF_EXTENSION
from fhir_mappings.dates import parse_date
from fhir_mappings.decoding import decode
from fhir_mappings.select import WhyUnused
from tests.fuzz import mutations, promises
from tests.fuzz.seeds import requests

quick = settings(max_examples=90, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
fixtures = st.sampled_from(sorted(requests()))
seeds = st.integers(0, 2**32)
changes = st.integers(0, 4)

_DAY = re.compile(r"(?<![0-9-])([12][0-9]{3})(?=-(0[1-9]|1[0-2])(?![0-9]))")  # neither a DOI nor a uuid
_DATE = re.compile(r"([0-9]{4})(-[0-9]{2}(-[0-9]{2}(T.*)?)?)?")
_CYCLE = 400
_LAST_YEAR = 9990 - _CYCLE


def chosen(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - picks a test case


def changed(name: str, seed: int, times: int) -> dict[str, Any]:
    """The request of a fixture, its chart changed so many times; the Patient stays, or all would be refused."""
    request: dict[str, Any] = mutations.load(requests()[name])
    patient = request["prefetch"].pop("patient", None)
    if times:
        request["prefetch"] = mutations.mutate(request["prefetch"], chosen(seed), times)
    request["prefetch"]["patient"] = patient
    return request


def answered(request: dict[str, Any], later_by: int = 0) -> Evaluation | type[RequestError]:
    """The answer to a request so many years later, or the refusal."""
    date = parse_date(request["extension"][AS_OF_EXTENSION])
    assert date is not None
    values = {key: mutations.dump(value) for key, value in request["prefetch"].items()}
    as_of = date.last.replace(year=date.last.year + later_by)
    try:
        return promises.answer(values, request["context"]["patientId"], as_of)
    except RequestError as error:
        return type(error)


def said(evaluation: Evaluation | type[RequestError]) -> Any:
    """Everything that leaves the service."""
    if not isinstance(evaluation, Evaluation):
        return evaluation
    return as_json(evaluation.decision), evaluation.cards


def facts(evaluation: Evaluation) -> dict[str, Any]:
    """Every fact with its sources; a note may name what was set aside beside it."""
    told = as_json(evaluation.decision)["inputs"]
    return {name: {member: fact[member] for member in fact if member != "note"} for name, fact in told.items()}


def containers(value: Any) -> Iterator[Any]:
    yield value
    yield from (c[k] for c, k in mutations.places(value))


@quick
@given(name=fixtures, seed=seeds, times=changes, order=seeds)
@example(name="patients/observations-not-readable/request.json", seed=236633984, times=1, order=113614708)
def test_the_order_of_entries(name: str, seed: int, times: int, order: int) -> None:
    request = changed(name, seed, times)
    before = said(answered(request))
    for value in list(containers(request["prefetch"])):
        if isinstance(value, dict) and isinstance(value.get("entry"), list):
            chosen(order).shuffle(value["entry"])
    assert said(answered(request)) == before


@quick
@given(name=fixtures, seed=seeds, times=changes, share=st.floats(0, 1))
@example(name="fhir/MedicationStatement.octreotide-short.json", seed=8318, times=2, share=0.0)
def test_a_bundle_of_bundles(name: str, seed: int, times: int, share: float) -> None:
    """A batch-response holds one Bundle for each query; how the entries are dealt out says nothing."""
    request = changed(name, seed, times)
    before = said(answered(request))
    for key, value in request["prefetch"].items():
        if isinstance(value, dict) and value.get("resourceType") == "Bundle" and isinstance(value.get("entry"), list):
            cut = int(len(value["entry"]) * share)
            inner = {"resourceType": "Bundle", "type": "searchset", "entry": value["entry"][cut:]}
            request["prefetch"][key] = value | {"entry": [*value["entry"][:cut], {"resource": inner}]}
    assert said(answered(request)) == before


def within(value: Any) -> Any:
    """The chart with the dates that have no place in the calendar four hundred years on moved to one that has."""
    for container, key in list(mutations.places(value)):
        match = _DATE.fullmatch(container[key]) if isinstance(container[key], str) else None
        if match and not 1 < int(match[1]) < _LAST_YEAR:
            container[key] = f"2026{container[key][4:]}"
    return value


def later(value: Any) -> Any:
    """The same with every date four hundred years later."""
    for container, key in list(mutations.places(value)):
        if isinstance(container[key], str):
            container[key] = _later(container[key], whole=str(key) != "code")
    return value


def _later(text: str, *, whole: bool) -> str:
    if whole and (match := _DATE.fullmatch(text)):
        return f"{int(match[1]) + _CYCLE:04}{text[4:]}"
    return _DAY.sub(lambda match: f"{int(match[1]) + _CYCLE:04}", text)


def without_years(cards: list[dict[str, Any]]) -> str:
    """The cards with a blank for each year: "2024" alone may be a date of the chart or a year of the paper."""
    return re.sub(r"(?<![0-9])[12][0-9]{3}(?![0-9])", "____", json.dumps(cards))


@quick
@given(name=fixtures, seed=seeds, times=changes)
def test_four_hundred_years(name: str, seed: int, times: int) -> None:
    """The calendar repeats exactly: whatever changes has read a clock, or knows a year."""
    request = within(changed(name, seed, times))
    before = answered(request)
    request["prefetch"] = later(request["prefetch"])
    after = answered(request, _CYCLE)
    if isinstance(before, Evaluation):
        assert isinstance(after, Evaluation)
        assert as_json(after.decision) == later(json.loads(json.dumps(as_json(before.decision))))
        assert without_years(after.cards) == without_years(before.cards)
    else:
        assert after == before


def stranger(request: dict[str, Any], base: dict[str, Any], picked: Random) -> dict[str, Any] | None:
    """A resource of another patient, changed at random; None if not even its owner can be told any more."""
    found = [c[k] for c, k in mutations.places(base["prefetch"]) if k == "resource" and isinstance(c[k], dict)]
    made = mutations.resource(picked, {}) if picked.random() < 0.5 or not found else picked.choice(found)
    made = mutations.mutate(json.loads(json.dumps(made)), picked)
    ours = request["context"]["patientId"]
    whose = ("Patient/{}0", "Patient/other", "https://other.example.org/fhir/Patient/{}", "Group/{}", "urn:uuid:{}")
    made["subject"] = {"reference": picked.choice(whose).format(ours)}
    if picked.random() < 0.3:
        known = [
            c["id"] for c in containers(request["prefetch"]) if isinstance(c, dict) and isinstance(c.get("id"), str)
        ]
        made["id"] = picked.choice(known)
    resource, lost = decode(mutations.dump(made))
    # A Medication is nobody's; an OperationOutcome, a Bundle or an issue says something of the query itself.
    not_owned = (None, "Bundle", "Medication", "OperationOutcome")
    told = resource is not None and not lost and resource.resourceType not in not_owned
    return made if told and not {"issue", "entry", "link", "total"} & set(made) else None


@quick
@given(name=fixtures, other=fixtures, seed=seeds, times=changes, number=st.integers(1, 5))
def test_another_patients_resources(name: str, other: str, seed: int, times: int, number: int) -> None:
    request, base = changed(name, seed, times), changed(other, seed + 1, 1)
    before = answered(request)
    picked = chosen(seed + 2)
    strangers = [made for _ in range(number) if (made := stranger(request, base, picked)) is not None]
    person = {"resourceType": "Patient", "id": "other", "birthDate": "2015-05-05", "deceasedBoolean": True}
    for made in [*strangers, person]:
        value = request["prefetch"].get(picked.choice(PREFETCH_KEYS[1:]))
        if isinstance(value, dict) and value.get("resourceType") == "Bundle" and isinstance(value.get("entry"), list):
            value["entry"].insert(picked.randrange(len(value["entry"]) + 1), {"resource": made})
            if isinstance(value.get("total"), int):
                value["total"] += 1
    after = answered(request)
    if not isinstance(before, Evaluation) or not isinstance(after, Evaluation):
        assert after == before
        return
    assert facts(after) == facts(before)
    assert as_json(after.decision) | {"inputs": None} == as_json(before.decision) | {"inputs": None}
    already = {(item.reference, item.why) for item in before.reading.unused}
    new = {(item.reference, item.why) for item in after.reading.unused} - already
    assert {why for _, why in new} <= {WhyUnused.OTHER_PATIENT}
