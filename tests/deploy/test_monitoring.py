"""What is watched: promtool takes it, each alert fires when it should, and every metric asked for is one of ours."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parse_text

from cds_service.telemetry import CallReport, Telemetry
from fhir_mappings.facts import WhyUnknown
from tests.support.service import make_client, post

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
GRAFANA = MONITORING / "grafana"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "nelm-cds.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
OF_PROMETHEUS = {"job", "instance", "le"}
OF_OTHERS = {
    "up": OF_PROMETHEUS,
    "probe_success": OF_PROMETHEUS,
    "probe_ssl_earliest_cert_expiry": OF_PROMETHEUS,
    "ALERTS": {"alertname", "alertstate"},
}


@dataclass
class OfAStore:
    """What a store tells of itself."""

    reachable: bool = True
    queued: int = 0
    dropped: int = 0
    written: int = 0
    tokens_unshared: int = 0


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """Every sample of ours and the names of its labels."""
    telemetry = Telemetry(
        store=OfAStore(),
        breakers=lambda: {"https://fhir.example.org": False},
        build={"version": "1", "guideline": "nelm-2006", "edition": "1"},
    )
    told = CallReport(
        "hook", 200, 0.01, "ehr", state="treat", recommendations=("W-CT",), cards=(("workup", "info"),),
        unknown=(("ki67", "not_recorded"),), fhir=(("https://fhir.example.org", "patient", "answered"),), refused="key",
    )  # fmt: skip
    telemetry.report(told)
    telemetry.feedback(["accepted"])
    found: dict[str, set[str]] = {}
    for family in parse_text(telemetry.exposition("")[0].decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """What is asked for, by the name of the alert or the panel that asks."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


ASKED = list(expressions())


def metrics_of(expression: str) -> list[tuple[str, dict[str, str]]]:
    """The series that an expression asks for, with the labels that it selects by."""
    found = re.findall(r"\b((?:nelm_cds|process|python|probe)_\w+|up|ALERTS)\b(?:\{([^}]*)\})?", expression)
    return [(name, dict(re.findall(r"(\w+)(?:=|!=|=~|!~)\"([^\"]*)\"", selector))) for name, selector in found]


def promtool(program: Callable[[str, str], str], *arguments: str) -> None:
    command = [program("promtool", "apt-get install prometheus"), *arguments]
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_configuration_and_the_alerts(program: Callable[[str, str], str]) -> None:
    promtool(program, "check", "config", "prometheus.yml")


@pytest.mark.parametrize("tests", ["alerts_test.yml", "alerts_week_test.yml"])
def test_each_alert_fires_when_it_should_and_not_otherwise(program: Callable[[str, str], str], tests: str) -> None:
    promtool(program, "test", "rules", tests)


def test_prometheus_understands_what_the_panels_ask(program: Callable[[str, str], str], tmp_path: Path) -> None:
    """As the rules of a file, with a time in the place of Grafana's own."""
    asked = [re.sub(r"\$__\w+", "5m", target["expr"]) for panel in PANELS for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    promtool(program, "check", "rules", str(file))


def test_no_alert_is_without_a_test_in_which_it_fires() -> None:
    tested = "".join(file.read_text("utf-8") for file in MONITORING.glob("*_test.yml"))
    fired = set(re.findall(r'labels: \'\{alertname="(\w+)"', tested))
    assert {rule["alert"] for rule in RULES} == fired


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_what_it_means_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#alert-{rule['alert'].lower()}"
    kept = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", rule["expr"]))))
    assert kept <= (grouped or OF_PROMETHEUS)


@pytest.mark.parametrize(
    ("name", "expression"), ASKED, ids=[f"{number}-{name}" for number, (name, _) in enumerate(ASKED)]
)
def test_what_is_asked_for_is_there(exposed: dict[str, set[str]], name: str, expression: str) -> None:
    asked = metrics_of(expression)
    known = exposed | OF_OTHERS
    assert asked
    assert [metric for metric, _ in asked if metric not in known] == []
    for metric, selected in asked:
        assert set(selected) <= known[metric] | OF_PROMETHEUS
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"(?:by|on) \(([^)]*)\)", expression))))
    assert grouped <= set().union(*(known[metric] for metric, _ in asked)) | OF_PROMETHEUS


def test_every_metric_of_ours_is_on_the_dashboard(exposed: dict[str, set[str]]) -> None:
    shown = {metric for panel in PANELS for target in panel["targets"] for metric, _ in metrics_of(target["expr"])}
    ours = {
        name for name in exposed if name.startswith("nelm_cds_") and not name.endswith(("_sum", "_count", "_created"))
    }
    assert ours - shown == set()


@pytest.fixture(scope="module")
def counted() -> Iterator[str]:
    """What a service counts that was called once without required data and once with a chart out of scope."""
    empty: dict[str, Any] = {"hook": "patient-view", "hookInstance": "0f1b4ef0-fda0-48b0-bf44-d64761270c29"}
    context = {"patientId": "p", "userId": "Practitioner/d"}
    prefetch = {"patient": {"resourceType": "Patient", "id": "p", "birthDate": "1960"}}
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    with make_client() as service:
        post(service, empty | {"context": context, "prefetch": {}})
        keys = service.get("/cds-services").json()["services"][0]["prefetch"]
        whole = {key: prefetch.get(key, bundle) for key in keys}
        post(service, empty | {"context": context, "prefetch": whole})
        yield str(service.get("/metrics").text)


@pytest.mark.parametrize(
    ("label", "value"),
    sorted({
        (label, value)
        for _, expression in ASKED
        for _, selected in metrics_of(expression)
        for label, value in selected.items()
        if label in ("endpoint", "status", "state") and value != "5.."
    }),
)  # fmt: skip
def test_the_values_that_are_selected_are_those_that_the_service_counts(counted: str, label: str, value: str) -> None:
    """A value that is written otherwise makes an alert that never fires."""
    assert re.search(rf'nelm_cds_\w+_total\{{[^}}]*\b{label}="{value}"', counted)


def test_the_reason_that_is_selected_is_one_of_ours() -> None:
    selected = {
        value for _, asked in ASKED for _, labels in metrics_of(asked) for value in [labels.get("why")] if value
    }
    assert selected == {WhyUnknown.NOT_RETRIEVED.value}


def test_the_parts_of_grafana_name_each_other() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text("utf-8"))["datasources"]
    named = {panel["datasource"]["uid"] for panel in PANELS} | {
        target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]
    }
    assert named == {source["uid"]}
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/nelm-cds.yml").read_text("utf-8"))["providers"]
    compose = yaml.safe_load((MONITORING.parent / "compose" / "compose.yaml").read_text("utf-8"))
    mounts = {mount["target"] for mount in compose["services"]["grafana"]["volumes"] if isinstance(mount, dict)}
    assert provider["options"]["path"] in mounts


def test_panels_neither_overlap_nor_share_a_number() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert all(x < 24 for x, _ in cells)
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
