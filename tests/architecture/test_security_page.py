"""SECURITY.md: every threat names the tests that prove what stops it, and each of them exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
_ROW = re.compile(r"^\| \*\*(?P<kind>[A-Z])\*\* \|(?P<rest>.+)\|$", re.MULTILINE)
_PROOF = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
ROWS = [(match["kind"], match["rest"]) for match in _ROW.finditer(PAGE)]


def test_every_kind_of_threat_is_there() -> None:
    """Spoofing, tampering, repudiation, disclosure, denial of service, elevation: STRIDE."""
    assert {kind for kind, _ in ROWS} == set("STRIDE")


@pytest.mark.parametrize(("kind", "rest"), ROWS, ids=[f"{kind}-{i}" for i, (kind, _) in enumerate(ROWS, 1)])
def test_every_threat_has_what_stops_it_and_a_test_that_exists(kind: str, rest: str) -> None:
    threat, stopped_by, proof = (cell.strip() for cell in rest.split(" | "))
    assert threat, kind
    assert stopped_by, threat
    named = _PROOF.findall(proof)
    assert named, threat
    assert [f"{file}::{test}" for file, test in named if test not in _tests(ROOT / file)] == []
    assert _PROOF.sub("", proof).strip(" ,") == "", "something in this cell is no id of a test"


def test_a_test_that_does_not_exist_would_be_noticed() -> None:
    known = _tests(Path(__file__))
    assert "test_every_kind_of_threat_is_there" in known
    assert "test_of_another_name" not in known
    assert _tests(ROOT / "tests" / "of_another_name.py") == frozenset()


@cache
def _tests(file: Path) -> frozenset[str]:
    return frozenset(_named(ast.parse(file.read_text("utf-8")).body)) if file.exists() else frozenset()


def _named(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.ClassDef) and statement.name.startswith("Test"):
            yield from _named(statement.body, f"{statement.name}::")
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith("test_"):
            yield within + statement.name
