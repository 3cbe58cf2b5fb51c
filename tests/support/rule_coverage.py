"""Which test proves which rule: the markers `verifies(...)` of all tests, as a table.

Run as a module it writes docs/guidelines/rule-coverage.md (`make docs`).
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "cds_service/guidelines/nelm_2006/evidence.toml"
CARD_RULES = tuple(f"M{n}" for n in range(1, 16))

# Rules of the paper that nothing in this service turns on; each with the reason.
NOT_TESTED = {
    "R3": "the aim of treatment and figures of the disease: nothing is computed or shown from it",
    "R10": "sensitivity of helical CT: superseded figures, never shown (X8, C3)",
    "R29": "a tendency the authors expect, without data: never shown (X1); its order is R54",
    "R35": "technique of embolisation: the radiologist's, no input and no output",
}


def rules() -> list[str]:
    """Every rule of the paper and of the cards, in order."""
    numbered = [name for name in tomllib.loads(EVIDENCE.read_text("utf-8")) if name.startswith("R")]
    return [*numbered, *CARD_RULES]


@cache
def verified() -> dict[str, list[str]]:
    """The tests by the rule they prove, as `file::test`."""
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, ids in _markers(ast.parse(file.read_text("utf-8"))):
            for rule in ids:
                found.setdefault(rule, []).append(f"{file.relative_to(ROOT / 'tests')}::{name}")
    return found


def _markers(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.verifies":
                    yield node.name, _ids(decorator, tree)


def _ids(marker: ast.Call, tree: ast.Module) -> list[str]:
    """The rules a marker names; one that is made from a table (`*...`) names those of the table's `rules=`."""
    named: list[ast.AST] = [argument for argument in marker.args if isinstance(argument, ast.Constant)]
    if any(isinstance(argument, ast.Starred) for argument in marker.args):
        named += [k.value for k in ast.walk(tree) if isinstance(k, ast.keyword) and k.arg == "rules"]
    constants = [c.value for part in named for c in ast.walk(part) if isinstance(c, ast.Constant)]
    return [value for value in constants if isinstance(value, str)]


def table() -> str:
    """The coverage as Markdown: rule, tests, or the reason why there is none."""
    proved = verified()
    lines = [
        "# Which test proves which rule",
        "",
        "<!-- Made by `make docs` from the markers of the tests; a test fails when it is stale. -->",
        "",
        "R.. are the rules of the paper, M.. what a card must say ([the guideline page](nelm-2006.md)).",
        "",
        "| rule | tests |",
        "|---|---|",
    ]
    for rule in rules():
        tests = [f"`{name}`" for name in dict.fromkeys(proved.get(rule, []))]
        lines.append(f"| {rule} | {'<br>'.join(tests) or 'not tested: ' + NOT_TESTED.get(rule, 'NO REASON GIVEN')} |")
    return "\n".join(lines) + "\n"


def untested() -> list[str]:
    """Rules with neither a test nor a reason."""
    return [rule for rule in rules() if rule not in verified() and rule not in NOT_TESTED]


def misnamed() -> list[str]:
    """Markers that name no rule, ambiguity or card rule there is."""
    known = re.compile(r"R([1-9]|[1-4]\d|5[0-7])|A([1-9]|[12]\d|30)|C([1-9]|[12]\d|3[0-4])|[MX]([1-9]|1[0-5])")
    return sorted(rule for rule in verified() if not known.fullmatch(rule))


if __name__ == "__main__":
    sys.stdout.write(table())
