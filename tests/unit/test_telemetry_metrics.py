"""The metrics: each is there, counts what it says, is documented, and takes no label from a request."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from cds_service.telemetry import CallReport, Telemetry
from tests.support.service import JSON, SERVICE, TestClient, make_client, post

DOCUMENT = Path(__file__).parents[2] / "docs" / "monitoring.md"
BASE = "https://fhir.example.org/r4"
FULL = CallReport(
    endpoint="hook",
    status=200,
    seconds=0.003,
    client="ehr",
    hook_instance=str(uuid.UUID(int=7)),
    state="workup",
    recommendations=("W-KI67", "W-CT"),
    cards=(("workup", "info"), ("treatment", "warning")),
    unknown=(("ki67", "not_recorded"),),
    fhir=((BASE, "patient", "answered"), (BASE, "conditions", "timeout")),
)
REFUSED = CallReport("hook", 401, 0.001, refused="expired")


@dataclass
class OfAStore:
    """What a store tells of itself."""

    reachable: bool = True
    queued: int = 3
    dropped: int = 2
    written: int = 40
    tokens_unshared: int = 1


def make_telemetry(store: OfAStore | None = None) -> Telemetry:
    """Telemetry after one call that was answered, one that was refused, and feedback."""
    build = {"version": "1.2.3", "guideline": "nelm-2006", "edition": "4"}
    telemetry = Telemetry(store=store, breakers=lambda: {BASE: True}, build=build)
    telemetry.report(FULL)
    telemetry.report(REFUSED)
    telemetry.feedback(["accepted", "overridden"])
    return telemetry


def families(telemetry: Telemetry) -> dict[str, Metric]:
    """What is exposed, parsed, without the gauges that say since when a counter counts."""
    content, _ = telemetry.exposition("")
    return {one.name: one for one in parse_text(content.decode()) if not one.name.endswith("_created")}


def samples(telemetry: Telemetry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Value by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families(telemetry).values()
        for sample in family.samples
    }


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    """The value of one series; None if there is none."""
    return samples(telemetry).get((name, frozenset(labels.items())))


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("calls_total", {"endpoint": "hook", "status": "200", "client": "ehr"}, 1),
        ("calls_total", {"endpoint": "hook", "status": "401", "client": ""}, 1),
        ("call_seconds_count", {"endpoint": "hook"}, 2),
        ("call_seconds_bucket", {"endpoint": "hook", "le": "0.0005"}, 0),
        ("call_seconds_bucket", {"endpoint": "hook", "le": "0.0025"}, 1),
        ("call_seconds_bucket", {"endpoint": "hook", "le": "10.0"}, 2),
        ("decisions_total", {"state": "workup"}, 1),
        ("recommendations_total", {"code": "W-KI67"}, 1),
        ("recommendations_total", {"code": "W-CT"}, 1),
        ("cards_total", {"topic": "treatment", "indicator": "warning"}, 1),
        ("inputs_unknown_total", {"input": "ki67", "why": "not_recorded"}, 1),
        ("fhir_queries_total", {"server": BASE, "key": "patient", "outcome": "answered"}, 1),
        ("fhir_queries_total", {"server": BASE, "key": "conditions", "outcome": "timeout"}, 1),
        ("fhir_breaker_open", {"server": BASE}, 1),
        ("refused_callers_total", {"reason": "expired"}, 1),
        ("feedback_total", {"outcome": "overridden"}, 1),
        ("store_up", {}, 1),
        ("shown_queue_length", {}, 3),
        ("shown_written_total", {}, 40),
        ("shown_dropped_total", {}, 2),
        ("tokens_unshared_total", {}, 1),
        ("build_info", {"version": "1.2.3", "guideline": "nelm-2006", "edition": "4"}, 1),
    ],
)
def test_what_was_reported_is_counted(name: str, labels: dict[str, str], expected: float) -> None:
    assert value(make_telemetry(OfAStore()), f"nelm_cds_{name}", **labels) == expected


def test_a_call_that_was_not_decided_counts_no_decision() -> None:
    telemetry = Telemetry()
    telemetry.report(REFUSED)
    assert not [name for name, _ in samples(telemetry) if name.startswith("nelm_cds_decisions")]


def test_what_the_store_and_the_breakers_say_is_asked_anew() -> None:
    store, open_breakers = OfAStore(), {BASE: False}
    telemetry = Telemetry(store=store, breakers=lambda: open_breakers)
    before = value(telemetry, "nelm_cds_store_up"), value(telemetry, "nelm_cds_fhir_breaker_open", server=BASE)
    store.reachable, open_breakers[BASE] = False, True
    after = value(telemetry, "nelm_cds_store_up"), value(telemetry, "nelm_cds_fhir_breaker_open", server=BASE)
    assert (before, after) == ((1, 0), (0, 1))


def test_without_a_store_nothing_is_said_of_one() -> None:
    assert value(make_telemetry(None), "nelm_cds_store_up") is None


def test_every_application_counts_for_itself() -> None:
    other = Telemetry()
    make_telemetry()
    assert value(other, "nelm_cds_call_seconds_count", endpoint="hook") is None


def test_openmetrics_is_spoken_where_it_is_asked_for() -> None:
    content, media_type = make_telemetry(OfAStore()).exposition("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    parsed = parse_openmetrics(content.decode())  # type: ignore[no-untyped-call]
    assert {"nelm_cds_calls", "nelm_cds_build"} <= {family.name for family in parsed}


def test_the_document_has_every_metric_with_its_labels_and_no_other() -> None:
    rows = re.findall(r"^\| `(nelm_cds_\w+)`([^|]*)\|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    documented = {name: set(re.findall(r"\w+", labels)) for name, labels in rows}
    exposed: dict[str, set[str]] = {}
    for name, family in families(make_telemetry(OfAStore())).items():
        if name.startswith("nelm_cds_"):
            told = f"{name}_total" if family.type == "counter" else name
            exposed[told] = {label for sample in family.samples for label in sample.labels} - {"le"}
    assert documented == exposed


def test_the_process_itself_is_measured() -> None:
    assert {"process_cpu_seconds", "python_info", "python_gc_collections"} <= set(families(Telemetry()))


def test_what_a_caller_writes_makes_no_series() -> None:
    telemetry = make_telemetry()
    before = set(samples(telemetry))
    for number in range(100):
        telemetry.report(replace(FULL, hook_instance=f"patient-{number}", seconds=number / 100))
    assert set(samples(telemetry)) == before


@pytest.fixture
def service() -> Iterator[TestClient]:
    """A client of a service with telemetry of its own."""
    with make_client() as opened:
        yield opened


def test_no_text_of_a_request_becomes_a_label(service: TestClient) -> None:
    name = "Jansen-19520311"
    hook = {
        "hook": "patient-view",
        "hookInstance": name,
        "context": {"patientId": name, "userId": f"Practitioner/{name}"},
        "fhirServer": f"https://{name}.example.org/r4",
    }
    post(service, hook)
    post(service, hook | {"hook": name})
    post(service, hook, path=f"/cds-services/{name}")
    post(service, hook, path=f"{SERVICE}/{name}")
    post(service, {"feedback": [{"card": name, "outcome": name}]}, path=f"{SERVICE}/feedback")
    post(service, hook, path=f"/cds-services/{name}/feedback")
    service.request(name, SERVICE, headers={"Authorization": name, "traceparent": name, **JSON})
    service.get(f"/{name}?{name}")
    told = service.get("/metrics").text
    assert 'nelm_cds_calls_total{client="open",endpoint="hook"' in told
    assert 'nelm_cds_calls_total{client="open",endpoint="feedback"' in told
    assert name.lower() not in told.lower()
