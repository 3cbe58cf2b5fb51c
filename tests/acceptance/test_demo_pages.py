"""The demo pages: what the service answers, drawn; never a script, whatever the chart holds."""

from __future__ import annotations

import html

import pytest

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.support.evaluating import by_request
from tests.support.service import TestClient
from tests.support.stories import NAMES, STORIES, Story


def test_the_first_page_lists_every_story(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert [name for name in NAMES if f'href="/demo/{name}"' not in page.text] == []


@pytest.mark.parametrize("told", STORIES, ids=NAMES)
def test_a_page_shows_the_cards_of_its_story_and_runs_nothing(client: TestClient, told: Story) -> None:
    page = client.get(f"/demo/{told.name}")
    assert page.status_code == 200
    for card in by_request(told).cards:
        assert html.escape(card["summary"]) in page.text
    assert ("No cards" in page.text) == (not told.in_scope)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for banned in ("<script", "<img", "<iframe", "javascript:"):
        assert banned not in page.text.lower()


def test_the_style_sheet_is_there(client: TestClient) -> None:
    assert client.get("/demo/style.css").headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("name", ["nobody", "%2e%2e%2f%2e%2e%2fpyproject.toml"])
def test_there_is_no_page_of_anything_else(client: TestClient, name: str) -> None:
    assert client.get(f"/demo/{name}").status_code == 404


def test_production_has_no_demo_pages() -> None:
    client = TestClient(create_app(Settings(environment="production", cors_origins=())))
    assert client.get("/").status_code == 404
    assert client.get("/demo/resectable").status_code == 404
    assert client.get("/cds-services").status_code == 200
