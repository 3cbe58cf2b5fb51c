"""Text from a chart made inert for a card: neither HTML nor Markdown nor a link comes alive, in any client.

Clients render GitHub-flavoured Markdown, some with raw HTML; others show the text as it is. So what could start a tag,
a link, emphasis, a table or a list is escaped or taken out, and nothing more.
"""

from __future__ import annotations

import re
import unicodedata

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKDOWN = re.compile(r"([\\`*_\[\]{}()#|~!@])")
_LINK = re.compile(r"(?i)\b(https?|ftp|mailto|javascript|data|xmpp|vbscript):|www\.")
_SPACE = re.compile(r"\s+")


def inert(text: str, longest: int = 60) -> str:
    """The text on one line, at most `longest` characters before escaping, harmless as Markdown and as HTML."""
    printable = "".join(" " if _is_control(c) else c for c in text)
    single_line = _SPACE.sub(" ", printable).strip()
    if len(single_line) > longest:
        single_line = single_line[: longest - 1].rstrip() + "…"
    unlinked = _LINK.sub(lambda match: f"{match.group(0)[:-1]} ", single_line)
    escaped = _MARKDOWN.sub(r"\\\1", unlinked)
    return "".join(_ENTITIES.get(character, character) for character in escaped)


def _is_control(character: str) -> bool:
    # Cc control, Cf format (bidirectional overrides would reorder the card), Zl and Zp line separators
    return unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}
