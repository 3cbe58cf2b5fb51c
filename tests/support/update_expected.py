"""Rewrite the `cards` of every story's expected.json from what the service says; nothing else of it is touched.

`python -m tests.support.update_expected`, then read the difference: it is a change of advice.
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.evaluating import by_bundle
from tests.support.stories import STORIES


def main() -> None:
    """Rewrite every file whose cards differ."""
    for story in STORIES:
        path = story.folder / "expected.json"
        before = path.read_text("utf-8")
        after = json.dumps(json.loads(before) | {"cards": shown(by_bundle(story).cards)}, indent=2, ensure_ascii=False)
        if f"{after}\n" != before:
            path.write_text(f"{after}\n", "utf-8")


def shown(cards: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What expected.json says of each card."""
    return [{"summary": card["summary"], "indicator": card["indicator"]} for card in cards]


if __name__ == "__main__":
    main()
