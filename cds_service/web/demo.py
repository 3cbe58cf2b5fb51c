"""The demo patients in a browser: a list, and the cards of each as an EHR would draw them. Not part of production.

Every page is made from the same answer that `POST /cds-services/nelm-patient-view` gives.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from markdown_it import MarkdownIt
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from cds_service.clock import now
from cds_service.http.answer import answer_call
from cds_service.settings import Settings
from cds_service.web.stories import about, stories

# `html` stays off: text from a chart is never HTML, here as in an EHR.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def demo_router(settings: Settings) -> APIRouter:
    """The pages; they evaluate each story at its own date."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def index() -> Response:
        items = "".join(
            f'<li><a href="/demo/{html.escape(name)}">{html.escape(name.replace("-", " "))}</a> '
            f"<span>{html.escape(about(folder))}</span></li>"
            for name, folder in stories().items()
        )
        return _page("Demo patients", f"<p>{_INTRODUCTION}</p><ul class='stories'>{items}</ul>")

    @router.get("/demo/style.css")
    def style() -> Response:
        sheet = files("cds_service.web").joinpath("demo.css").read_text("utf-8")
        return Response(sheet, media_type="text/css", headers=_HEADERS)

    @router.get("/demo/{story}")
    def show(story: str) -> Response:
        folder = stories().get(story)
        if folder is None:
            raise HTTPException(404)
        answer = answer_call((folder / "request.json").read_bytes(), settings, now())
        cards = (
            "".join(_card(card) for card in answer["cards"])
            or "<p class='silence'>No cards: this chart is not ours.</p>"
        )
        said = html.escape(about(folder))
        return _page(story.replace("-", " "), f"<p>{said}</p>{cards}<p><a href='/'>All demo patients</a></p>")

    return router


_INTRODUCTION = (
    "Synthetic patients. Each page shows what this service answers when an EHR opens the chart. Decision support for a "
    "tumour board, a reconstruction of a 2006 protocol, not reviewed by clinicians. EHRs and the CDS Hooks sandbox use "
    "<code>/cds-services</code>."
)


def _card(card: Mapping[str, Any]) -> str:
    source = card["source"]
    buttons = "".join(f"<button type='button'>{html.escape(s['label'])}</button>" for s in card.get("suggestions", ()))
    return (
        f"<article class='card {html.escape(card['indicator'])}'><h2>{html.escape(card['summary'])}</h2>"
        f"{_MARKDOWN.render(card['detail'])}<p class='buttons'>{buttons}</p>"
        f"<footer>Source: <a href='{html.escape(source['url'])}'>{html.escape(source['label'])}</a></footer></article>"
    )


def _page(title: str, body: str) -> Response:
    text = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)} · nelm-cds</title><link rel='stylesheet' href='/demo/style.css'></head>"
        f"<body><main><h1>{html.escape(title)}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(text, headers=_HEADERS)
