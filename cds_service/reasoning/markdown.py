"""Text from a chart made inert for a card: neither HTML nor Markdown nor a link comes alive, in any client.

Clients render GitHub-flavoured Markdown, some with raw HTML; others show the text as it is. So what could start a tag,
a link, emphasis, a table or a list is escaped or taken out, and nothing more. An escaped `@` is still an address to
GitHub's renderer, and a scheme after `_` or a digit still a link, so these are taken out.
"""

import re
import unicodedata

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKDOWN = re.compile(r"([\\`*_\[\]{}()#|~!])")
_LINK = re.compile(r"(?i)(?<![a-z])(https?|ftp|mailto|javascript|data|xmpp|vbscript):|www\.")
_AT = re.compile(r"\s*@\s*")
# What opens a list, a rule or a heading where the text happens to start a line; its last character is escaped.
_LINE_START = re.compile(r"([-+=]|[0-9]{1,9}\.)(?=[-+=\s]|$)")
_SPACE = re.compile(r"\s+")
# Words in which there is nothing to escape or to take out: most of what a chart says.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9,;%/-]*(?: [A-Za-z0-9,;%/-]+)*")


def inert(text: str, longest: int = 60) -> str:
    """The text on one line, harmless as Markdown and as HTML, and at most `longest` characters as it is written."""
    if len(text) <= longest and _PLAIN.fullmatch(text):
        return text
    # What is far beyond the room is cut beforehand: a name of a megabyte must not cost seconds.
    single_line = _SPACE.sub(" ", printable(text[: 40 * longest])).strip()
    unlinked = _AT.sub(" at ", _LINK.sub(lambda match: f"{match.group(0)[:-1]} ", single_line)).strip()
    written = [_ENTITIES.get(character, _MARKDOWN.sub(r"\\\1", character)) for character in unlinked]
    if start := _LINE_START.match(unlinked):
        written[start.end() - 1] = f"\\{written[start.end() - 1]}"
    if sum(map(len, written)) <= longest:
        return "".join(written)
    kept, room = "", longest - 1
    for character in written:
        if len(character) > room:
            break
        kept, room = kept + character, room - len(character)
    return f"{kept.rstrip()}…"


def printable(text: str) -> str:
    """The text without characters that command a terminal or reorder a line; a blank stands for each."""
    return "".join(" " if _is_control(character) else character for character in text)


def _is_control(character: str) -> bool:
    # Cc control, Cf format (bidirectional overrides would reorder the card), Zl and Zp line separators
    return unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}
