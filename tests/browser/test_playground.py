"""The playground: a chart goes in, the hook's cards and the way through the protocol come out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Open
from tests.browser.seen import answered, path, story_of, summaries
from tests.support.stories import FOLDER, STORIES

PAPERS = "/#the-papers-patient"


def test_cards_and_path_of_every_story_are_those_of_the_hook(open_page: Open, service: str) -> None:
    page = open_page("/")
    for story in STORIES:
        page.get_by_label("Demo patient").select_option(story.name)
        born = story.request["prefetch"]["patient"]["birthDate"]
        page.locator(".patient", has_text=f"born {born}.").wait_for()
        cards, walked = answered(service, story.request)
        assert summaries(page) == cards
        assert cards or page.locator(".silence").is_visible()
        # A chart that is not ours answers no cards and tells no path on the wire; here one sees where it left.
        assert path(page) == (walked or ["N0"])


def test_a_changed_fact_moves_the_path_and_its_reset_brings_it_back(open_page: Open) -> None:
    page = open_page(PAPERS)
    page.locator(".state", has_text="Options to discuss").wait_for()
    before = path(page)
    page.get_by_label("Ki-67", exact=True).fill("16")
    page.locator(".state", has_text="Refer to the tumour board").wait_for()
    assert path(page) == ["N0", "N1", "N2", "N3", "N4", "N11", "N12"]
    changed = page.locator(".fact.changed")
    assert changed.locator(".fact-head").inner_text().split("\n") == ["Ki-67", "asked at N3, N4"]
    assert changed.locator(".value").inner_text() == "16 % (supposed)"
    page.get_by_role("button", name="As in the chart: Ki-67").click()
    page.locator(".state", has_text="Options to discuss").wait_for()
    assert path(page) == before


def test_a_fact_can_be_made_unknown(open_page: Open) -> None:
    page = open_page(PAPERS)
    page.get_by_label("Disease beyond the liver", exact=True).select_option("unknown")
    page.locator(".state", has_text="Work-up first").wait_for()
    assert path(page)[-1] == "N5"


def test_an_impossible_fact_is_refused_at_its_field(open_page: Open) -> None:
    page = open_page(PAPERS)
    page.locator(".box.taken").first.wait_for()
    page.get_by_label("Ki-67", exact=True).fill("160")
    wrong = page.locator(".fact", has_text="Ki-67").locator(".fact-wrong")
    assert "from 0 to 100" in wrong.inner_text()
    assert page.locator(".box.taken").count() == 0
    assert summaries(page) == []


def test_a_file_that_is_not_json_is_shown_where_it_breaks(open_page: Open, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{\n  "resourceType": "Bundle",\n  "entry": [}\n}')
    page = open_page(PAPERS)
    page.locator(".box.taken").first.wait_for()
    page.get_by_label("Chart file").set_input_files(broken)
    place = page.locator(".complaints .place")
    assert place.inner_text() == "Line 3, column 13"
    assert page.locator(".gutter mark").inner_text().strip() == "▸ 3"
    assert summaries(page) == []
    place.click()
    assert page.evaluate("document.activeElement.selectionStart") == broken.read_text().index("}")


def test_what_the_hook_refuses_is_marked_at_the_member_it_names(open_page: Open, service: str) -> None:
    request = story_of(service, "resectable")
    request["context"]["patientId"] = "Patient/1"
    text = json.dumps(request, indent=2)
    page = open_page(PAPERS)
    page.get_by_role("tab", name="Chart as JSON").click()
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.get_by_role("textbox", name="FHIR Bundle").press("Control+A")
    page.keyboard.press("Control+V")
    line = text[: text.index('"patientId"')].count("\n") + 1
    page.locator(".place", has_text=f"Line {line},").wait_for()
    assert "bare FHIR id" in page.locator(".refused").inner_text()


def test_a_bundle_dropped_on_the_page_is_evaluated(open_page: Open) -> None:
    bundle = (FOLDER / "resectable" / "bundle.json").read_text("utf-8")
    page = open_page(PAPERS)
    page.locator(".box.taken").first.wait_for()
    page.get_by_label("As of").fill("2026-03-02")
    page.evaluate(
        """text => {
          const data = new DataTransfer();
          data.items.add(new File([text], "bundle.json"));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }""",
        bundle,
    )
    page.locator(".card h3", has_text="resection").first.wait_for()
    assert page.url.endswith("/")


def test_text_of_a_chart_is_never_html(open_page: Open) -> None:
    page = open_page("/#markup-in-the-chart")
    page.locator(".card").first.wait_for()
    assert page.locator(".card :is(script, img, iframe, h1, h2, marquee, b, i)").count() == 0
    assert {url for url in _links(page) if not url.startswith("https://doi.org/")} == set()


def _links(page: Any) -> list[str]:
    urls: list[str] = page.locator(".card a").evaluate_all("links => links.map(link => link.href)")
    return urls


def test_the_call_is_copied_as_curl(open_page: Open, service: str) -> None:
    page = open_page(PAPERS)
    page.locator(".box.taken").first.wait_for()
    page.get_by_role("button", name="Copy as curl").click()
    page.get_by_text("copied").wait_for()
    head, body, end = re.split(r"^(?=\{)|(?<=^\})\n", page.evaluate("navigator.clipboard.readText()"), flags=re.M)
    assert head.startswith(f"curl --silent --show-error '{service}/cds-services/nelm-patient-view' ")
    assert (head[-8:], end) == ("<<'JSON'\n"[-8:], "JSON\n")
    assert json.loads(body) == story_of(service, "the-papers-patient")


def test_a_what_if_is_copied_as_the_call_that_the_page_makes(open_page: Open, service: str) -> None:
    page = open_page(PAPERS)
    page.get_by_label("Ki-67", exact=True).fill("16")
    page.locator(".fact.changed .value", has_text="16 % (supposed)").wait_for()
    page.get_by_role("button", name="Copy as curl").click()
    page.get_by_text("copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert f"'{service}/web/evaluate'" in text
    assert '"ki67_percent": 16' in text


def test_the_raw_exchange_is_in_a_fold(open_page: Open, service: str) -> None:
    page = open_page(PAPERS)
    page.locator(".box.taken").first.wait_for()
    page.get_by_text("Raw request and response").click()
    response = json.loads(page.get_by_label("Response", exact=True).inner_text())
    assert [card["summary"] for card in response["cards"]] == answered(
        service, story_of(service, "the-papers-patient")
    )[0]


def test_every_card_and_node_that_rests_on_a_supposed_fact_says_so(open_page: Open) -> None:
    page = open_page(PAPERS)
    page.get_by_label("Ki-67", exact=True).fill("16")
    page.locator(".state", has_text="Refer to the tumour board").wait_for()
    cards = page.locator(".card")
    assert cards.count() == page.locator(".card .chip", has_text="What if: Ki-67 16 % (supposed)").count() > 0
    assert "Ki-67 16 % supposed" in cards.first.inner_text()
    boxes = page.locator(".box", has_text="supposed")
    assert boxes.locator(".node-id").all_inner_texts() == ["N3", "N4"]
    page.get_by_role("button", name="As in the chart: Ki-67").click()
    page.locator(".state", has_text="Options to discuss").wait_for()
    assert page.locator(".chip").count() == 0


@pytest.mark.parametrize(("story", "date"), [("the-papers-patient", "2026-03-02"), ("carcinoid-crisis", "2026-03-02")])
def test_the_date_that_is_used_is_shown_and_can_be_another(open_page: Open, story: str, date: str) -> None:
    page = open_page(f"/#{story}")
    page.get_by_text("the chart's own date").wait_for()
    field = page.get_by_label("As of")
    assert field.input_value() == date
    field.fill("2026-03-20")
    page.get_by_text("chosen here").wait_for()
    page.locator(".as-of").get_by_role("button", name="Reset").click()
    page.get_by_text("the chart's own date").wait_for()
    assert field.input_value() == date


def test_of_a_chart_that_is_not_ours_the_rest_was_not_read(open_page: Open) -> None:
    page = open_page("/#out-of-scope-diabetic")
    page.locator(".silence").wait_for()
    assert page.locator(".state").inner_text() == "Not ours: no cards after 1 question"
    said = page.locator(".fact").filter(has_text="not read: the chart is out of scope")
    assert said.count() == page.locator(".fact").count() - 2


def test_an_accepted_suggestion_and_an_override_are_reported_to_the_service(open_page: Open) -> None:
    page = open_page(PAPERS)
    card = page.locator(".card").first
    card.get_by_role("button", name="Order follow-up CgA").click()
    card.get_by_role("button", name="Accept, and report it").click()
    card.locator(".told", has_text="Accepted: Order follow-up CgA. Reported: the service answered 200.").wait_for()
    card.get_by_text("Dismiss with a reason").click()
    card.get_by_role("button", name="The tumour board has decided otherwise").click()
    card.locator(".told", has_text="Overridden: The tumour board has decided otherwise. Reported").wait_for()
    page.get_by_text("Raw request and response, feedback").click()
    sent = [json.loads(text)["feedback"][0] for text in page.get_by_label("Feedback ").all_inner_texts()]
    shown = json.loads(page.get_by_label("Response", exact=True).inner_text())["cards"][0]
    assert [(entry["card"], entry["outcome"]) for entry in sent] == [
        (shown["uuid"], "accepted"),
        (shown["uuid"], "overridden"),
    ]
    assert sent[0]["acceptedSuggestions"][0]["id"] in {each["uuid"] for each in shown["suggestions"]}
    assert sent[1]["overrideReason"]["reason"]["code"] == "team-decided"


def test_feedback_that_is_not_taken_is_said(open_page: Open) -> None:
    page = open_page(PAPERS)
    page.locator(".card").first.wait_for()
    page.route("**/feedback", lambda route: route.fulfill(status=503, body="", content_type="text/plain"))
    card = page.locator(".card").first
    card.get_by_text("Dismiss with a reason").click()
    card.get_by_role("button", name="The patient does not want this").click()
    card.locator(".told", has_text="Not taken, the service answered 503").wait_for()


def test_a_demo_patient_that_cannot_be_had_leaves_no_other_in_its_place(open_page: Open) -> None:
    page = open_page(PAPERS)
    page.locator(".card").first.wait_for()
    page.route("**/web/stories/resectable.json", lambda route: route.fulfill(status=500, body=""))
    page.get_by_label("Demo patient").select_option("Resectable")
    page.locator(".refused", has_text="could not be had").wait_for()
    assert summaries(page) == []
    assert page.locator(".box.taken").count() == 0


def test_a_suggestion_shows_the_draft_that_it_would_create(open_page: Open) -> None:
    page = open_page(PAPERS)
    page.get_by_role("button", name="Order follow-up CgA").click()
    assert json.loads(page.locator(".draft pre").inner_text())["resourceType"] == "ServiceRequest"


def test_nothing_but_the_storys_name_is_in_the_address(open_page: Open, service: str) -> None:
    page = open_page("/")
    page.get_by_label("Demo patient").select_option("Resectable")
    page.locator(".card h3", has_text="resection").first.wait_for()
    assert page.url == f"{service}/#resectable"
    assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_everything_can_be_done_with_the_keyboard(open_page: Open) -> None:
    page = open_page(PAPERS)
    for awaited in (".box.taken", ".suggestion"):
        page.locator(awaited).first.wait_for()

    def tab_to(selector: str, most: int = 150) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"the keyboard does not reach {selector}")

    tab_to(".chart-source select")
    page.keyboard.type("resectable")
    page.locator(".state", has_text="Options to discuss").wait_for()
    tab_to(".suggestion")
    page.keyboard.press("Enter")
    assert page.locator(".draft").first.is_visible()
    tab_to("[data-place='N6']")
    page.keyboard.press("Enter")
    assert page.get_by_role("region", name="Question N6").is_visible()
    tab_to("[role='tab']")
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("textbox", name="FHIR Bundle").is_visible()
    page.keyboard.press("ArrowLeft")
    tab_to("input[type='number']")
    page.keyboard.type("16")
    page.locator(".fact.changed", has_text="Age").wait_for()


def test_without_a_chart_nothing_is_shown_as_if_there_were_one(open_page: Open) -> None:
    page = open_page(PAPERS)
    page.locator(".card").first.wait_for()
    page.get_by_role("tab", name="Chart as JSON").click()
    page.get_by_role("textbox", name="FHIR Bundle").press("Control+A")
    page.keyboard.press("Delete")
    page.locator(".patient", has_text="No chart yet").wait_for()
    assert summaries(page) == []
    assert page.locator(".box.taken").count() == 0
