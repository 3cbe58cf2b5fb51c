"""What holds on every page: for everybody to use, on any screen, under a strict policy, from this service alone."""

from __future__ import annotations

import pytest
import requests

from tests.browser.conftest import Open
from tests.browser.seen import wait_for

PAGES = ["/#the-papers-patient", "/#carcinoid-crisis", "/pathway#markers-after-ablation", "/launch", "/smart"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page_path", PAGES)
def test_axe_finds_nothing(open_page: Open, page_path: str, scheme: str) -> None:
    page = open_page(page_path, scheme=scheme)
    page.locator(".box.taken, .failed").first.wait_for()
    for fold in page.locator("main summary:visible").all():
        fold.click()
    assert _violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_is_opened(open_page: Open, scheme: str) -> None:
    page = open_page("/#the-papers-patient", scheme=scheme)
    page.locator("[data-place='N7']").click()
    page.get_by_role("button", name="Order follow-up CgA").click()
    page.get_by_label("Ki-67", exact=True).fill("16")
    page.locator(".fact.changed .value.supposed").wait_for()
    for fold in page.locator(".overrides summary").all():
        fold.click()
    page.locator(".overrides button").first.click()
    page.locator(".told", has_text="Reported").wait_for()
    page.get_by_text("Raw request and response, feedback").click()
    assert _violations(page) == []
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Pathway").click()
    popup.value.locator(".what-if").wait_for()
    assert _violations(popup.value) == []
    page.get_by_role("tab", name="Chart as JSON").click()
    page.get_by_role("textbox", name="FHIR Bundle").fill('{"hook": "x", "context": 3}')
    page.locator(".refused").wait_for()
    assert _violations(page) == []


def _violations(page: object) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("page_path", PAGES)
def test_no_page_scrolls_sideways(open_page: Open, page_path: str) -> None:
    page = open_page(page_path, width=1440, height=740)
    page.locator(".box.taken, .failed").first.wait_for()
    for width in (1440, 1024, 360):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("page_path", ["/", "/pathway", "/launch", "/smart"])
def test_the_policy_allows_nothing_inline(service: str, page_path: str) -> None:
    answer = requests.get(service + page_path, timeout=30)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<style" not in answer.text
    assert " style=" not in answer.text


def test_a_service_that_stops_answering_is_said(open_page: Open) -> None:
    page = open_page("/#the-papers-patient")
    wait_for(page, "Thomas Synthetic")
    page.route("**/web/evaluate", lambda route: route.fulfill(status=503, body="", content_type="text/plain"))
    page.get_by_label("Ki-67", exact=True).fill("16")
    page.locator(".refused", has_text="503").wait_for()
    assert page.locator(".card").count() == 0
