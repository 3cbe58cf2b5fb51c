"""The documents that are made from the code are the ones in docs/."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cds_service.guidelines.nelm_2006.document import document
from cds_service.guidelines.nelm_2006.pathway import PATHWAY
from cds_service.guidelines.nelm_2006.plain_facts import json_schema
from cds_service.guidelines.nelm_2006.recommendations import texts

ROOT = Path(__file__).parents[2]
THRESHOLDS = ROOT / "cds_service/guidelines/nelm_2006/thresholds.py"


def test_the_guideline_page_is_current() -> None:
    page = (ROOT / "docs/guidelines/nelm-2006.md").read_text("utf-8")
    assert page == document(), "stale: run `make docs`"


def test_the_schema_of_plain_facts_is_current() -> None:
    published = json.loads((ROOT / "docs/schemas/nelm-2006-facts.json").read_text("utf-8"))
    assert published == json_schema(), "stale: run `make docs`"


def test_the_page_says_that_it_is_a_reconstruction_and_not_reviewed() -> None:
    page = document()
    assert "This graph is a reconstruction." in page
    assert "No clinician has reviewed it." in page


def test_the_page_holds_every_node_recommendation_and_number() -> None:
    page = document()
    assert all(f"### {node}: " in page for node in PATHWAY.nodes)
    assert all(f"### `{code}` " in page for code in texts().recommendations)
    numbers = re.findall(r"^([A-Z0-9_]+) = ", THRESHOLDS.read_text("utf-8"), re.MULTILINE)
    assert numbers
    assert all(f"| {name.replace('_', ' ').lower()} |" in page for name in numbers)


def test_every_number_says_where_it_comes_from() -> None:
    lines = [line for line in THRESHOLDS.read_text("utf-8").splitlines() if re.match(r"[A-Z0-9_]+ = ", line)]
    assert all(re.search(r"  # (R\d+|P)\b", line) for line in lines)
