"""`nelm-cds replay --update-expected`: every story's expected.json rewritten from what the service says now.

Read what it prints: a difference is a change of advice. Members that a story does not name stay unnamed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from cds_service.cli.inputs import UnreadableInputError, find, is_story, load
from cds_service.cli.replay import Result, evaluated
from cds_service.reasoning.markdown import printable
from cds_service.settings import Settings

_FILE = "expected.json"
# Checked as sets, so that their order in the file is the author's.
_UNORDERED = frozenset({"info", "safety", "follow_up", "withhold"})
_MEMBERS = frozenset({"state", "workup", "treatment", "path", "unread"}) | _UNORDERED


def run(paths: list[Path], settings: Settings) -> int:
    """Print what differs and rewrite the files; 0 if every story got an answer, else 1."""
    messages, out = Console(stderr=True), Console(highlight=False)
    failed = changed = 0
    stories = [path for path in find(paths) if is_story(path) and (path / _FILE).is_file()]
    for story in stories:
        try:
            changed += _rewrite(story / _FILE, evaluated(load(story), settings), out)
        except UnreadableInputError as error:
            failed += 1
            messages.print(printable(f"nelm-cds: {error}"), markup=False, soft_wrap=True)
    text = f"{len(stories)} stories: {changed} rewritten, {len(stories) - changed - failed} as they were"
    messages.print(f"{text}; {failed} without an answer" if failed else text, markup=False, highlight=False)
    return 1 if failed or not stories else 0


def _rewrite(file: Path, result: Result, out: Console) -> bool:
    if result.evaluation is None:
        raise UnreadableInputError(f"{file.parent}: {result.error}")
    before = json.loads(file.read_text("utf-8-sig"))
    if not isinstance(before, dict):
        raise UnreadableInputError(f"{file}: holds no JSON object")
    after = updated(before, result.decision or {}, result.cards)
    if after == before:
        return False
    out.print(Text(printable(str(file)), style="bold"), overflow="ignore", no_wrap=True, crop=False)
    for line in _lines(before, after):
        out.print(Text(printable(line)), soft_wrap=True)
    try:
        file.write_text(f"{json.dumps(after, indent=2, ensure_ascii=False)}\n", "utf-8")
    except OSError as error:
        raise UnreadableInputError(f"{file}: cannot be written ({error.strerror})") from error
    return True


def updated(expected: Mapping[str, Any], decision: Mapping[str, Any], cards: list[dict[str, Any]]) -> dict[str, Any]:
    """What is expected of a story, its members as they are now; a member it does not have is not added."""
    now = {name: decision[name] for name in expected if name in _MEMBERS and name in decision}
    same = {name for name in now if name in _UNORDERED and _same_set(now[name], expected[name])}
    told = {"cards": shown(cards)} if "cards" in expected else {}
    return dict(expected) | {name: value for name, value in now.items() if name not in same} | told


def _same_set(now: list[str], before: Any) -> bool:
    return isinstance(before, list) and len(before) == len(now) and all(item in before for item in now)


def shown(cards: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What expected.json says of each card."""
    return [{"summary": card["summary"], "indicator": card["indicator"]} for card in cards]


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in (name for name in after if after[name] != before[name]):
        yield f"  {name}"
        yield f"    - {json.dumps(before[name], ensure_ascii=False)}"
        yield f"    + {json.dumps(after[name], ensure_ascii=False)}"
