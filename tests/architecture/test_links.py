"""Links between the documents lead somewhere: to a file that is there, and to a heading in it."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PAGE = re.compile(r"\bdocs/[\w/.-]+\.md\b")
_ELSEWHERE = re.compile(r"[a-z]+:")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    lost = []
    for link in _LINK.findall(_prose(page)):
        file, _, anchor = link.partition("#")
        if _ELSEWHERE.match(link):
            continue
        target = page.parent / file if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_a_link_that_leads_nowhere_would_be_noticed() -> None:
    assert "report-a-vulnerability" in anchors(ROOT / "SECURITY.md")
    assert "of-another-name" not in anchors(ROOT / "SECURITY.md")
    assert _LINK.findall("see [this](docs/none.md#there) and [that](#here)") == ["docs/none.md#there", "#here"]


SOURCES = sorted(
    file
    for folder in ("cds_service", "fhir_mappings")
    for file in (ROOT / folder).rglob("*.py")
    if "node_modules" not in file.parts
)


@pytest.mark.parametrize("source", SOURCES, ids=[str(source.relative_to(ROOT)) for source in SOURCES])
def test_a_page_that_a_source_speaks_of_is_there(source: Path) -> None:
    pages = _PAGE.findall(source.read_text("utf-8"))
    assert [page for page in pages if not (ROOT / page).exists()] == []


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them: a second heading of one name is numbered."""
    seen: Counter[str] = Counter()
    made = set()
    for heading in re.findall(r"^#+ +(.+?) *$", _prose(page, code=True), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        made.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(made)


@cache
def _prose(page: Path, code: bool = False) -> str:
    """The text without its blocks of code, and unless told otherwise without code in lines."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return text if code else re.sub(r"`[^`\n]*`", "", text)
