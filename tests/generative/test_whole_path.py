"""What the whole path from bytes to cards promises, whatever is sent; `tests.fuzz.promises` says what that is."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cds_service.decide import Evaluation
from cds_service.gather import PREFETCH_KEYS
from fhir_mappings.facts import Unknown, WhyUnknown
from tests.fuzz import mutations, promises
from tests.fuzz.promises import CONDITIONS, PATIENT, broken, broken_by
from tests.fuzz.seeds import requests
from tests.support.charts import Json, searchset

OPTIONAL = tuple(key for key in PREFETCH_KEYS if key not in ("patient", "conditions"))
REQUIRED = {"patient": PATIENT, "conditions": CONDITIONS}

quick = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
fixtures = st.sampled_from(sorted(requests()))
seeds = st.integers(0, 2**32)


def chosen(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - picks a test case


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(mutations.STRINGS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
# What stands in FHIR where it is expected, and elsewhere: the right shape with the wrong content, and the reverse.
concepts = st.builds(lambda seed: mutations.concept(chosen(seed)), seeds)
quantities = st.builds(lambda seed: mutations.quantity(chosen(seed)), seeds)
dates = st.sampled_from(mutations.DATES)
periods = st.fixed_dictionaries({}, optional={"start": dates, "end": dates})
shapes = st.one_of(
    concepts, st.lists(concepts, max_size=3), quantities, dates, periods, st.booleans(), st.integers(-1, 99),
    st.fixed_dictionaries({"low": quantities, "high": quantities}), st.sampled_from(mutations.STRINGS), anything,
)  # fmt: skip
ours = {"subject": {"reference": "Patient/p1"}}
resources = st.builds(
    lambda kind, status, code, date, more: (
        ours | {"resourceType": kind, "status": status, "code": code, "effectiveDateTime": date} | more
    ),
    st.sampled_from(mutations.KINDS),
    st.sampled_from(("final", "completed", "active", "available", "preliminary", "x", None)),
    concepts,
    dates,
    st.dictionaries(st.sampled_from(mutations.ELEMENTS), shapes, max_size=5),
)


class TestAnythingIsAnsweredOrRefused:
    @quick
    @given(values=st.dictionaries(st.sampled_from(PREFETCH_KEYS), anything, min_size=1))
    def test_any_json_as_any_answers(self, values: Json) -> None:
        assert broken_by(REQUIRED | {key: mutations.dump(value) for key, value in values.items()}) == []

    @quick
    @given(
        found=st.lists(resources, min_size=1, max_size=4), key=st.sampled_from(PREFETCH_KEYS[1:]), lone=st.booleans()
    )
    def test_anything_that_looks_like_fhir(self, found: list[Json], key: str, lone: bool) -> None:
        diagnosis = json.loads(CONDITIONS)
        value = found[0] if lone else searchset([diagnosis, *found] if key == "conditions" else found)
        assert broken_by(REQUIRED | {key: mutations.dump(value)}) == []

    @quick
    @given(name=fixtures, seed=seeds, times=st.integers(1, 8))
    def test_a_chart_with_members_swapped_dropped_repeated_and_odd(self, name: str, seed: int, times: int) -> None:
        request = mutations.load(requests()[name])
        request["prefetch"] = mutations.mutate(request["prefetch"], chosen(seed), times)
        assert broken(mutations.dump(request)) == []

    @quick
    @given(name=fixtures, key=st.sampled_from(PREFETCH_KEYS), share=st.floats(0, 1), seed=seeds)
    def test_a_changed_chart_of_which_one_answer_was_cut_off(
        self, name: str, key: str, share: float, seed: int
    ) -> None:
        request = mutations.load(requests()[name])
        mutations.mutate(request["prefetch"].get(key), chosen(seed))
        raw = {name: mutations.dump(value) for name, value in request["prefetch"].items()}
        raw[key] = raw.get(key, b"null")
        raw[key] = raw[key][: int(len(raw[key]) * share)]
        assert broken_by(raw, request["context"]["patientId"]) == []

    @quick
    @given(name=fixtures, share=st.floats(0, 1))
    def test_a_request_that_was_cut_off(self, name: str, share: float) -> None:
        assert broken(requests()[name][: int(len(requests()[name]) * share)]) == []

    @quick
    @given(name=fixtures, places=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), max_size=4))
    def test_a_request_with_a_few_other_bytes(self, name: str, places: list[tuple[float, bytes]]) -> None:
        base = requests()[name]
        for share, other in places:
            at = int(len(base) * share)
            base = base[:at] + other + base[at + len(other) :]
        assert broken(base) == []


FOUND = {
    "a date of birth of blanks": {"patient": PATIENT.replace(b"1960-05-05", b" ")},
    "a date of birth that is a line separator": {"patient": PATIENT.replace(b"1960-05-05", rb"\u2028")},
}


@pytest.mark.parametrize("case", FOUND)
def test_what_was_once_found(case: str) -> None:
    assert broken_by(REQUIRED | FOUND[case]) == []


def _changed(change: dict[str, Any]) -> Callable[[Evaluation], Evaluation]:
    return lambda e: replace(e, cards=[e.cards[0] | change, *e.cards[1:]])


FAULTS: dict[str, Callable[[Evaluation], Evaluation]] = {
    "a tag": _changed({"detail": "Take <b>none</b>."}),
    "a control character": _changed({"summary": "one\x07two"}),
    "a reversed line": _changed({"detail": "one\u202etwo"}),
    "a long summary": _changed({"summary": "x" * 101}),
    "a long detail": _changed({"detail": "x" * 1201}),
    "no JSON": _changed({"extension": {"io.github.nelm-cds.x": 10**400}}),
    "infinity": _changed({"extension": {"io.github.nelm-cds.x": float("inf")}}),
    "five cards": lambda e: replace(e, cards=[*e.cards[:1]] * 5),
    "no card": lambda e: replace(e, cards=[]),
    "a card out of scope": lambda e: replace(e, decision=replace(e.decision, state="out_of_scope")),
    "a treatment without a histology": lambda e: replace(
        e,
        decision=replace(e.decision, treatment=("T-OCT",)),
        reading=replace(
            e.reading, needs=replace(e.reading.needs, nelm_confirmed=Unknown(WhyUnknown.MALFORMED))
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_notices(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert broken_by(REQUIRED) == []
    faulty = FAULTS[fault](promises.answer(REQUIRED))
    monkeypatch.setattr(promises, "answer", lambda *_: faulty)
    assert broken_by(REQUIRED) != []
