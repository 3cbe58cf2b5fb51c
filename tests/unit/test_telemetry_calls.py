"""The line that is logged of a call: codes and names of ours, and of the caller's text a UUID at most."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.telemetry import CallReport, Telemetry, hook_instance

INSTANCE = "0f1a6e0c-2a4d-4d0e-9b5b-1b1f6b1e2a77"
PLAIN = set(vars(logging.makeLogRecord({}))) | {"message"}


def line_of(caplog: pytest.LogCaptureFixture, report: CallReport) -> dict[str, Any]:
    """The fields of the line that is logged of a report."""
    caplog.clear()
    with caplog.at_level(logging.INFO, "nelm_cds"):
        Telemetry().report(report)
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("nelm_cds.calls", "call")
    return {name: value for name, value in vars(record).items() if name not in PLAIN}


def test_a_call_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    report = CallReport(
        endpoint="hook",
        status=200,
        seconds=0.00314,
        client="ehr",
        hook_instance=INSTANCE.upper(),
        state="workup",
        recommendations=("W-KI67",),
        cards=(("workup", "info"),),
        unknown=(("ki67", "not_recorded"),),
        fhir=(("https://fhir.example.org/r4", "patient", "timeout"),),
    )
    assert line_of(caplog, report) == {
        "endpoint": "hook",
        "status": 200,
        "milliseconds": 3.14,
        "client": "ehr",
        "hook_instance": INSTANCE,
        "state": "workup",
        "recommendations": ["W-KI67"],
        "unknown": {"ki67": "not_recorded"},
        "fhir": {"patient": "timeout"},
    }


def test_what_there_is_nothing_of_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    report = CallReport("hook", 401, 0.001, refused="expired")
    assert line_of(caplog, report) == {"endpoint": "hook", "status": 401, "milliseconds": 1.0, "refused": "expired"}


def test_nothing_is_written_where_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "nelm_cds"):
        Telemetry().report(CallReport("discovery", 200, 0.001))
    assert caplog.records == []


@pytest.mark.parametrize(
    "text",
    [
        "Jansen, Maria",
        "123456782",
        f"{INSTANCE} Jansen",
        f"Jansen {INSTANCE}",
        f"{INSTANCE}\n",
        f"urn:uuid:{INSTANCE}",
        f"{{{INSTANCE}}}",
        INSTANCE.replace("-", ""),
        INSTANCE.replace("0", "０"),  # a digit, but of another script
        INSTANCE[:-1] + "g",
        " " + INSTANCE[:-1],
        "\ud800" * 36,
        "a" * 1_000_000,
        '"}\n{"level": "ERROR"',
    ],
)
def test_what_is_no_uuid_is_not_logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    assert line_of(caplog, CallReport("hook", 200, 0.001, hook_instance=text))["hook_instance"] == "not-a-uuid"


@given(st.text())
def test_no_text_of_any_kind_passes_for_a_uuid(text: str) -> None:
    assert hook_instance(text) == "not-a-uuid"


@given(st.uuids(), st.booleans())
def test_every_uuid_passes_in_one_spelling(one: uuid.UUID, shouted: bool) -> None:
    assert hook_instance(str(one).upper() if shouted else str(one)) == str(one)
