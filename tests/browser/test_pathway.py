"""The pathway page: the decision graph with the path taken, the facts behind it, and one sheet for the tumour board."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests

from tests.browser.conftest import Open
from tests.browser.seen import answered, path, story_of
from tests.support.stories import FOLDER, Story

NAMES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


@pytest.mark.parametrize("name", ["resectable", "extrahepatic-symptomatic", "imaging-missing", "high-grade"])
def test_the_path_is_that_of_the_hook(open_page: Open, service: str, name: str) -> None:
    page = open_page(f"/pathway#{name}")
    page.locator(".box.taken").first.wait_for()
    assert path(page) == answered(service, story_of(service, name))[1]


def test_every_node_and_answer_of_the_declaration_is_drawn(open_page: Open, service: str) -> None:
    declared = requests.get(f"{service}/web/guideline.json", timeout=30).json()
    page = open_page("/pathway#resectable")
    page.locator(".box.taken").first.wait_for()
    boxes = page.locator("button.box")
    assert boxes.locator(".question").all_inner_texts() == [node["question"] for node in declared["nodes"]]
    for node in declared["nodes"]:
        shown = page.locator(f"[data-place='{node['id']}'] .answer > :first-child").all_inner_texts()
        answers = [edge["answer"] for edge in declared["edges"] if edge["from"] == node["id"]]
        assert [answer.removeprefix("✓ ") for answer in shown] == answers


def test_a_node_tells_its_answer_facts_sources_and_standing(open_page: Open) -> None:
    page = open_page("/pathway#the-papers-patient")
    page.locator("[data-place='N4']").click()
    detail = page.get_by_role("region", name="Question N4").inner_text()
    for told in ("Answer: low", "inferred, R1", "2 %", "Observation/the-papers-patient-ki67, 2025-10-21", "high"):
        assert told in detail


def test_where_a_walk_stops_early_is_said_in_words(open_page: Open) -> None:
    page = open_page("/pathway#imaging-missing")
    assert "The walk stops here" in page.locator("[data-place='N4']").inner_text()


def test_withheld_options_stand_with_their_reason(open_page: Open) -> None:
    page = open_page("/pathway#the-papers-patient")
    assert "not the paper's solitary case (R16)" in page.locator(".view-head").inner_text()


def test_an_unknown_input_tells_why(open_page: Open) -> None:
    page = open_page("/pathway#the-papers-patient")
    row = page.locator(".inputs tr", has=page.get_by_role("rowheader", name="Expected cytoreduction"))
    assert "unknown: not recorded" in row.inner_text()


def test_markers_are_drawn_with_range_and_treatments(open_page: Open) -> None:
    page = open_page("/pathway#markers-after-ablation")
    trend = page.locator(".view .trend", has_text="nmol/L").first
    trend.wait_for()
    assert trend.locator("circle").count() == 8
    assert trend.locator("rect.range").count() == 1
    assert [text.partition(",")[0] for text in trend.locator(".treatment text").all_text_contents()] == [
        "liver ablation",
        "lanreotide 120 mg depot injection",
    ]
    assert "Reference range: up to 6 nmol/L" in trend.locator("figcaption").inner_text()
    other = page.locator(".view .trend", has_text="ng/mL")
    assert "212" in other.locator("tbody tr").inner_text()
    assert other.locator("svg").count() == 0


def test_a_step_that_rests_on_a_supposed_fact_is_marked_wherever_it_stands(open_page: Open) -> None:
    page = open_page("/#the-papers-patient")
    page.get_by_label("Ki-67", exact=True).fill("16")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Pathway").click()
    opened = popup.value
    opened.locator(".what-if").wait_for()
    for marked in (opened.locator("button.box"), opened.locator(".steps button")):
        assert [text.split()[0] for text in marked.filter(has_text="supposed").all_inner_texts()] == ["N3", "N4"]
    row = opened.locator(".inputs tr", has=opened.get_by_role("rowheader", name="Ki-67"))
    assert "16 % (supposed)" in row.inner_text()


def test_the_date_of_the_evaluation_is_told(open_page: Open) -> None:
    page = open_page("/pathway#the-papers-patient")
    assert "Evaluated as of 2026-03-02 (the chart's own date)" in page.locator(".view-head").inner_text()


def test_what_nobody_looked_for_is_said_not_to_be_read(open_page: Open) -> None:
    page = open_page("/pathway#out-of-scope-diabetic")
    row = page.locator(".inputs tr").last
    assert row.inner_text().split("\t") == ["30 other inputs", "not read: the chart is out of scope"]
    assert "Not read: the chart is out of scope: age, primary," in (page.locator(".sheet").text_content() or "")


def test_the_playground_hands_its_chart_over(open_page: Open) -> None:
    page = open_page("/#the-papers-patient")
    page.get_by_label("Ki-67", exact=True).fill("16")
    page.locator(".state", has_text="Refer to the tumour board").wait_for()
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Pathway").click()
    opened = popup.value
    opened.locator(".what-if", has_text="Ki-67 16 % (supposed, not in the chart)").wait_for()
    assert path(opened)[-1] == "N12"
    assert "the-papers-patient" not in opened.url


def test_the_sheet_of_every_story_is_one_page_of_a4(open_page: Open) -> None:
    page = open_page("/pathway")
    pages = {}
    for name in NAMES:
        page.get_by_label("Demo patient").select_option(name)
        page.locator(f".sheet:has-text({json.dumps(_patient_of(name))})").wait_for(state="attached")
        printed = page.pdf(prefer_css_page_size=True)
        pages[name] = re.findall(rb"/MediaBox\s*\[0 0 59[45][\d.]* 84[12]", printed)
    assert {name: len(sheets) for name, sheets in pages.items()} == dict.fromkeys(NAMES, 1)


def _patient_of(name: str) -> str:
    born: str = Story(FOLDER / name).request["prefetch"]["patient"]["birthDate"]
    return f"born {born}."


def test_a_what_if_is_printed_as_one(open_page: Open) -> None:
    page = open_page("/#the-papers-patient")
    page.get_by_label("Ki-67", exact=True).fill("16")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Pathway").click()
    opened = popup.value
    opened.emulate_media(media="print")
    sheet = opened.locator(".sheet")
    assert "WHAT IF, not the chart: Ki-67 16 % (supposed)" in sheet.inner_text()
    assert "high (supposed)" in sheet.locator("tr", has_text="N4").inner_text()
    assert "16 % (supposed)" in sheet.locator(".sheet-inputs").inner_text()


def test_a_broken_file_is_shown_where_it_breaks(open_page: Open, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{\n  "a": 1,,\n}')
    page = open_page("/pathway#resectable")
    page.get_by_label("Chart file").set_input_files(broken)
    assert "Line 2, column 10" in page.locator(".refused").inner_text()
    assert page.locator(".box").count() == 0
