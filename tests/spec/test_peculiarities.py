"""Every peculiarity of senders is read as its row says, and every row has a fixture or a reason."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from cds_service.decide import as_json
from cds_service.errors import RequestError
from fhir_mappings.facts import WhyUnknown
from tests.support.peculiarities import FOLDER, ROOT, Json, Peculiarity, evaluate, peculiarities, rows, table

FIXTURES = peculiarities()
ANSWERED = [fixture for fixture in FIXTURES if "refused" not in fixture.told]
REFUSED = [fixture for fixture in FIXTURES if "refused" in fixture.told]


def _each(fixtures: list[Peculiarity]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fixture", fixtures, ids=[f.file.removesuffix(".json") for f in fixtures])


@_each(ANSWERED)
def test_the_chart_is_read_as_expected(fixture: Peculiarity) -> None:
    before = fixture.path.read_bytes()
    evaluation = evaluate(fixture)
    decision = as_json(evaluation.decision)
    assert [_as_told(decision["inputs"][fact["input"]], fact) for fact in fixture.facts()] == fixture.facts()
    assert decision["state"] == fixture.told.get("state", decision["state"])
    assert bool(evaluation.cards) == (decision["state"] != "out_of_scope")
    unused = {f"{item.reference}: {item.why.value}" for item in evaluation.reading.unused}
    assert unused >= set(fixture.told.get("unused", ()))
    cards = json.dumps(evaluation.cards, ensure_ascii=False)
    assert [text for text in fixture.told.get("cards", ()) if text not in cards] == []
    assert [text for text in fixture.told.get("never", ()) if text in cards] == []
    assert fixture.path.read_bytes() == before


def _as_told(fact: Json, told: Json) -> Json:
    """The fact, reduced to what the fixture speaks of; sources in the fixture's order, a note only as far as told."""
    found: Json = {"input": told["input"]} | {key: fact[key] for key in ("value", "unknown") if key in fact}
    if "note" in told:
        found["note"] = told["note"] if told["note"] in (fact["note"] or "") else fact["note"]
    if "sources" in told:
        references = [source["reference"] for source in fact["sources"]]
        found["sources"] = told["sources"] if sorted(references) == sorted(told["sources"]) else references
    return found


@_each(REFUSED)
def test_the_chart_is_refused(fixture: Peculiarity) -> None:
    with pytest.raises(RequestError) as refusal:
        evaluate(fixture)
    assert refusal.value.status == fixture.told["refused"]


@_each(list(FIXTURES))
def test_the_fixture_is_r4_or_says_why_not(fixture: Peculiarity) -> None:
    content = json.loads(fixture.path.read_text("utf-8"))
    invalid = [resource["resourceType"] for resource in _resources(content) if not _is_r4(resource)]
    assert bool(invalid) == ("not_r4" in fixture.told), invalid


def _resources(content: Any) -> list[Json]:
    """The resources of a Bundle or of a request's prefetch, each by itself."""
    if content.get("resourceType") == "Bundle":
        return [r for entry in content.get("entry", ()) for r in _resources(entry["resource"])]
    if "prefetch" in content:
        return [r for value in content["prefetch"].values() if value is not None for r in _resources(value)]
    return [content] if "resourceType" in content else []


def _is_r4(resource: Json) -> bool:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError:
        return False
    return True


def test_every_row_has_a_fixture_or_a_stated_reason() -> None:
    shown = {row for fixture in FIXTURES for row in fixture.rows}
    assert [row.id for row in rows() if row.id not in shown and not row.without_fixture] == []


def test_no_reason_stands_for_a_row_that_has_a_fixture() -> None:
    shown = {row for fixture in FIXTURES for row in fixture.rows}
    assert [row.id for row in rows() if row.id in shown and row.without_fixture] == []


def test_every_fixture_names_rows_that_exist() -> None:
    known = {row.id for row in rows()}
    assert {row for fixture in FIXTURES for row in fixture.rows} - known == set()


def test_every_file_is_expected_and_every_expected_file_is_there() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.json")) == [fixture.file for fixture in FIXTURES]


def test_no_two_fixtures_show_the_same_thing() -> None:
    shown = Counter((fixture.told.get("input"), tuple(sorted(fixture.rows))) for fixture in FIXTURES)
    assert [what for what, count in shown.items() if count > 1] == []


def test_no_two_fixtures_are_the_same_chart() -> None:
    charts = Counter(fixture.path.read_text("utf-8") for fixture in FIXTURES)
    assert [chart for chart, count in charts.items() if count > 1] == []


def test_every_reason_for_an_unknown_fact_exists() -> None:
    told = {fact["unknown"] for fixture in FIXTURES for fact in fixture.facts() if "unknown" in fact}
    assert told - {why.value for why in WhyUnknown} == set()


def test_every_fixture_expects_something() -> None:
    assert [f.file for f in FIXTURES if not f.facts() and "refused" not in f.told] == []


def test_no_expected_text_is_on_the_card_of_every_chart() -> None:
    """It would prove nothing; but a code of the work-up may have to stay there."""
    plain = next(fixture for fixture in FIXTURES if fixture.file == "Bundle.nothing-recorded.json")
    cards = json.dumps(evaluate(plain).cards, ensure_ascii=False)
    told = {text: fixture.file for fixture in FIXTURES for text in fixture.told.get("cards", ())}
    assert {text: file for text, file in told.items() if text in cards and not text.startswith("W-")} == {}


def test_the_published_page_is_current() -> None:
    assert (ROOT / "docs/reading-charts.md").read_text("utf-8") == table(), "stale: run `make docs`"
