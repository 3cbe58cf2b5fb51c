"""The request envelope: what is taken, what is refused, and where the complaint points."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import HookMismatch, MalformedRequest, RequestError, WrongPatient
from cds_service.http.wire import FhirAuthorization, parse_request

LEAST: dict[str, Any] = {
    "hook": "patient-view",
    "hookInstance": "d8b42e8b-5547-42d2-b931-56d29ccc551f",
    "context": {"patientId": "p1", "userId": "Practitioner/1"},
}
AUTHORIZATION = {"access_token": "s3cret", "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "y"}


def _parse(request: object) -> Any:
    return parse_request(json.dumps(request).encode())


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"prefetch": None},
        {"prefetch": {}},
        {"prefetch": {"patient": None, "user": "123"}},
        {"fhirServer": None, "fhirAuthorization": None},
        {"fhirServer": "https://ehr.example.org/fhir/", "fhirAuthorization": AUTHORIZATION},
        {"extension": None},
        {"extension": "vendor text"},
        {"extension": {"io.github.nelm-cds.as-of": None}},
        {"user": "Practitioner/1", "patient": "p1"},
    ],
    ids=lambda extra: ", ".join(extra) or "the least",
)
def test_these_requests_are_taken(extra: dict[str, Any]) -> None:
    assert _parse(LEAST | extra).context.patientId == "p1"


@pytest.mark.parametrize(
    "patient_id", ["1", "smart-1288992", "a.b", "eq081-VQEgP8drUUqCWzHfw3", "x" * 200, "id_with_", "é"]
)
def test_ids_of_real_servers_are_taken(patient_id: str) -> None:
    """Wider than FHIR's own rule, because servers are."""
    assert _parse(LEAST | {"context": {"patientId": patient_id, "userId": "u"}}).context.patientId == patient_id


@pytest.mark.parametrize("patient_id", ["", " ", "a b", "Patient/1", "1?x", "1#x", "a\nb", "a\x7fb", "x" * 201])
def test_an_id_that_could_change_a_url_is_refused(patient_id: str) -> None:
    with pytest.raises(MalformedRequest, match="/context/patientId: must be a bare FHIR id"):
        _parse(LEAST | {"context": {"patientId": patient_id, "userId": "u"}})


def test_a_deep_pointer_names_its_members() -> None:
    with pytest.raises(MalformedRequest, match=r"^/fhirAuthorization/access_token: Expected `str`, got `int`$"):
        _parse(LEAST | {"fhirServer": "https://x.org", "fhirAuthorization": {"access_token": 7}})


def test_another_hook_is_a_mismatch_not_a_missing_service() -> None:
    with pytest.raises(HookMismatch) as refused:
        _parse(LEAST | {"hook": "order-sign"})
    assert refused.value.status == 400


def test_the_token_hides_itself() -> None:
    request = _parse(LEAST | {"fhirServer": "https://x.org", "fhirAuthorization": AUTHORIZATION})
    assert "s3cret" not in repr(request)
    assert repr(FhirAuthorization("s3cret")) == "FhirAuthorization(access_token=<hidden>)"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02", datetime(2026, 3, 2, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-03-02T09:00:00+01:00", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026", datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_a_story_is_evaluated_at_the_end_of_its_date(text: str, moment: datetime) -> None:
    assert _parse(LEAST | {"extension": {"io.github.nelm-cds.as-of": text}}).as_of() == moment


@pytest.mark.parametrize(
    "value", ["", "soon", "2026-02-30", 2026, {}, ["2026-03-02"], True, "0001-01-01", "9999-12-31"]
)
def test_a_date_that_is_none_is_refused(value: object) -> None:
    request = _parse(LEAST | {"extension": {"io.github.nelm-cds.as-of": value}})
    with pytest.raises(MalformedRequest, match=r"^/extension/io\.github\.nelm-cds\.as-of: must be a FHIR date"):
        request.as_of()


_NAMES = [*LEAST, "prefetch", "x"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(_JSON | st.fixed_dictionaries(dict.fromkeys(LEAST, _JSON)))
def test_any_json_is_a_request_or_refused_with_a_pointer(value: object) -> None:
    try:
        _parse(value)
    except RequestError as error:
        assert str(error).startswith("/")


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_and_nothing_else_happens(body: bytes) -> None:
    with pytest.raises(RequestError):
        parse_request(body)


@pytest.mark.parametrize("patient", ["p-other", "Patient/p-other"])
def test_a_token_of_another_patient_stops_everything(patient: str) -> None:
    told = LEAST | {"fhirServer": "https://ehr.example.org/fhir"}
    told["fhirAuthorization"] = {"access_token": "t", "patient": patient}
    with pytest.raises(WrongPatient, match="/fhirAuthorization/patient"):
        parse_request(json.dumps(told).encode())
    for same in (told["context"]["patientId"], f"Patient/{told['context']['patientId']}", "", None):
        told["fhirAuthorization"]["patient"] = same
        assert parse_request(json.dumps(told).encode()).context.patientId == told["context"]["patientId"]
