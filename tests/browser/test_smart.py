"""The SMART app: launched by an EHR, signed in with PKCE as a public client, and leaving nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import requests

from tests.browser.conftest import Open, guarded
from tests.browser.oauth_server import CLIENT_ID, LAUNCH, Ehr, ehr_of
from tests.browser.seen import answered, path, summaries
from tests.support.service import running_service
from tests.support.signing import make_key, public
from tests.support.stories import FOLDER, Story

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STORY = Story(FOLDER / "the-papers-patient")


@contextmanager
def launchable(browser: Browser, *refuses: str) -> Iterator[tuple[Open, Ehr, str, str]]:
    """A page that can be launched by an EHR, the EHR, the address of the service, and the launch."""
    with ehr_of(STORY, *refuses) as ehr:
        settings = {"NELM_CDS_FHIR_SERVERS": ehr.base, "NELM_CDS_SMART_CLIENT_ID": CLIENT_ID}
        origin = ehr.base.removesuffix("/fhir")
        with running_service(settings) as service, guarded(browser, service, origin) as open_page:
            yield open_page, ehr, service, f"/launch?iss={quote(ehr.base, safe='')}&launch={LAUNCH}"


def test_a_launch_reads_the_chart_and_shows_what_the_hook_would_answer(browser: Browser) -> None:
    with launchable(browser) as (open_page, ehr, service, launch):
        page = open_page(launch)
        page.locator(".box.taken").first.wait_for()
        cards, walked = answered(service, STORY.request | {"extension": {}})
        assert (summaries(page), path(page)) == (cards, walked)
        assert ehr.objections == []
        assert ehr.authorized["redirect_uri"] == f"{service}/smart"
        assert "client_secret" not in ehr.authorized
        assert any(asked.startswith("/fhir/Observation?from=10") for asked in ehr.asked)


def test_the_ehr_may_show_the_app_in_a_frame_and_nobody_else_may(browser: Browser) -> None:
    with launchable(browser) as (open_page, ehr, service, launch):
        page = open_page("/launch")
        page.goto(f"{ehr.base.removesuffix('/fhir')}/chart?app={quote(service + launch, safe='')}")
        page.frame_locator("iframe").locator(".box.taken").first.wait_for()
        stranger = browser.new_context().new_page()
        with stranger.expect_event("console", lambda message: "frame-ancestors" in message.text):
            stranger.goto(page.url.replace("127.0.0.1", "localhost"))  # the same page, at another origin
        stranger.context.close()


def test_a_launch_works_where_every_call_of_an_ehr_is_signed(browser: Browser, tmp_path: Path) -> None:
    with ehr_of(STORY) as ehr:
        (tmp_path / "keys.json").write_text(json.dumps(public(make_key())), "utf-8")
        client = (
            f'[[client]]\nname = "ehr"\niss = "{ehr.base}"\njwks_file = "keys.json"\nfhir_servers = ["{ehr.base}"]\n'
        )
        (tmp_path / "clients.toml").write_text(client, "utf-8")
        settings = {
            "NELM_CDS_CLIENTS": str(tmp_path / "clients.toml"),
            "NELM_CDS_PUBLIC_URL": "http://127.0.0.1",
            "NELM_CDS_SMART_CLIENT_ID": CLIENT_ID,
        }
        origin = ehr.base.removesuffix("/fhir")
        with running_service(settings) as service, guarded(browser, service, origin) as open_page:
            assert requests.get(f"{service}/cds-services", timeout=30).status_code == 401
            page = open_page(f"/launch?iss={quote(ehr.base, safe='')}&launch={LAUNCH}")
            page.locator(".box.taken").first.wait_for()
            assert {kind for kind in ("Condition", "Observation") if any(f"/{kind}?" in a for a in ehr.asked)} == {
                "Condition",
                "Observation",
            }


def test_no_token_is_kept_and_none_stands_in_the_address(browser: Browser) -> None:
    with launchable(browser) as (open_page, ehr, _service, launch):
        page = open_page(launch)
        page.locator(".box.taken").first.wait_for()
        assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0
        assert "code=" not in page.url
        assert STORY.request["context"]["patientId"] not in page.url
        asked_before = len(ehr.asked)
        page.reload()
        page.locator(".failed").wait_for()
        assert len(ehr.asked) == asked_before


def test_what_the_ehr_refuses_to_tell_is_unknown_and_not_absent(browser: Browser) -> None:
    with launchable(browser, "Observation") as (open_page, _ehr, _service, launch):
        page = open_page(launch)
        page.locator(".box.taken").first.wait_for()
        row = page.locator(".inputs tr", has=page.get_by_role("rowheader", name="Ki-67"))
        assert "unknown: could not be read" in row.inner_text()


def test_a_server_that_is_not_set_up_is_not_spoken_to(browser: Browser) -> None:
    with launchable(browser) as (open_page, ehr, _service, launch):
        other = launch.replace(str(urlsplit(ehr.base).port), "9")
        page = open_page(other)
        assert "not set up to read from the FHIR server" in page.locator(".failed").inner_text()
        assert ehr.authorized == {}


def test_a_service_without_a_client_id_says_so(open_page: Open) -> None:
    page = open_page(f"/launch?iss=http://127.0.0.1:9/fhir&launch={LAUNCH}")
    assert "not set up as a SMART app" in page.locator(".failed").inner_text()
