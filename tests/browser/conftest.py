"""The pages in a real browser: one Chromium, the service as a process of its own, and what no page may ever do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.service import running_service

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

CHROMIUM = Path("/usr/bin/chromium")
# Root needs --no-sandbox; the rest keeps the browser from speaking to anybody.
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

_REFUSED = "Failed to load resource: the server responded with a status of"

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")  # its event loop runs until it ends, and no test beside it could have one of its own
def browser() -> Iterator[Browser]:
    """Chromium of the system, by its path."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.is_file():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def service() -> Iterator[str]:
    """The address of a service with the default settings."""
    with running_service() as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, service: str) -> Iterator[Open]:
    """Opens a page of the service; whatever the test does, nothing went elsewhere and no policy was broken."""
    with guarded(browser, service) as opened:
        yield opened


@contextmanager
def guarded(browser: Browser, service: str, *others: str) -> Iterator[Open]:
    """The same for a service of one's own; `others` are the origins that its pages may speak to as well."""
    contexts, asked, complaints = [], [], []

    def complain(message: ConsoleMessage) -> None:
        # A refusal of the service is an answer; the browser reports it as an error all the same.
        if message.type == "error" and _REFUSED not in message.text:
            complaints.append(message.text)

    def open_page(path: str, *, width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        context.on("console", complain)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        page.goto(service + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    allowed = tuple(f"{origin}/" for origin in (service, *others))
    assert [url for url in asked if not url.startswith((*allowed, "blob:"))] == []
    assert complaints == []
