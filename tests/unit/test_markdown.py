"""Text from a chart on a card: whatever it is, it renders as text."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cds_service.reasoning import markdown
from cds_service.reasoning.markdown import inert, printable

RENDERERS = (
    MarkdownIt("commonmark", {"html": True}),
    MarkdownIt("gfm-like", {"html": True, "linkify": False}),
)

# GitHub's extended autolinks, which escaping does not stop: a scheme that no letter precedes, www., an address.
_AUTOLINK = re.compile(r"(?<![a-z])(https?|ftp)://|www\.|[\w.+-]@[\w-]", re.IGNORECASE)

HOSTILE = (
    "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "</p><h1>x", "<!-- x", "<?x?>", "<![CDATA[x]]>",
    "&lt;b&gt;", "&#60;b&#62;", "&nbsp;", "[x](javascript:alert(1))", "![x](https://evil.example/x.png)", "[x][y]",
    "[x]: https://evil.example", "<https://evil.example>", "https://evil.example", "_http://evil.example",
    "1https://evil.example", "HTTP://EVIL.EXAMPLE", "hthttp:tp://evil.example", "www.evil.example",
    "wwwwww..evil.example", "a@evil.example", "mailto:a@evil.example",
    "**b** __b__", "*e* _e_", "~~s~~", "`code`", "``` code", "~~~ code",
    "# h", "## h ##", "> quote", "- item", "+ item", "* item", "1. item", "12) item", "---", "***", "- - -", "===", "=",
    "| a | b |\n|---|---|\n| c | d |", "a\n===", "a\n---", "a\n\n# b", "    indented", "\tindented", "a  \nb", "a\\\nb",
    "\\<b>", "\\", "\\\\*x*", "a\u202egnp.exe", "a\u2028# b", "a\x00b", "\u200b# h", "\ufeff- item", "\u3000- item",
    "[^1]", "[^1]: note", "- [ ] task", "\u00a0\u00a0- item", "x" * 500, "<" * 100, "\\" * 99, "*" * 99,
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_renders_as_one_paragraph_of_text(text: str) -> None:
    _assert_inert(text)


@given(st.text(max_size=80))
@example("+")
@example("0.")
def test_any_text_renders_as_one_paragraph_of_text(text: str) -> None:
    _assert_inert(text)


@given(st.text(alphabet="<>&[]()!*_`~#|\\-+=.:/@ \n\t0123ahtpsw", max_size=40))
def test_any_text_of_markup_renders_as_one_paragraph_of_text(text: str) -> None:
    _assert_inert(text)


@given(st.text(max_size=120), st.integers(2, 60))
def test_the_text_is_never_longer_than_asked(text: str, longest: int) -> None:
    assert len(inert(text, longest)) <= longest


@given(st.text(alphabet=st.characters(categories=["L", "Nd"]), min_size=1, max_size=50))
def test_plain_words_are_left_as_they_are(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize("text", ["Ki-67 1.8 %", "-5", "4.0 cm", "3 x 2", "metadata: none", "well differentiated; G1"])
def test_what_clinicians_write_is_not_disfigured(text: str) -> None:
    assert inert(text) == text


def test_a_reader_sees_the_characters_that_were_sent() -> None:
    rendered = RENDERERS[0].render(inert("a <b> & [c](d) *e* #1"))
    assert html.unescape(rendered.removeprefix("<p>").removesuffix("</p>\n")) == "a <b> & [c](d) *e* #1"


def test_a_long_text_is_cut_where_no_escape_is_split() -> None:
    assert inert("a" * 9 + "*b", 10) == "a" * 9 + "…"
    assert inert("abc & def", 7) == "abc…"


def test_what_commands_a_terminal_becomes_a_blank() -> None:
    assert printable("a\x1b[31mb\x07\u202ec") == "a [31mb  c"


def _assert_inert(text: str) -> None:
    written = inert(text)
    assert "\n" not in written
    for renderer in RENDERERS:
        rendered = renderer.render(written)
        inside = rendered.removeprefix("<p>").removesuffix("</p>\n")
        assert rendered in ("", f"<p>{inside}</p>\n")
        assert "<" not in inside
        assert not _AUTOLINK.search(html.unescape(inside))
        assert renderer.render(f"Before {written} after.").count("<") == 2


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("- item", "\\- item"),
        ("12. item", "12\\. item"),  # only the last character of what would open a list
        ("2.5 cm", "2.5 cm"),
        ("see www.example.org", "see www example.org"),
        ("https://example.org", "https //example.org"),  # the colon goes, nothing else
        ("a@example.org", "a at example.org"),
    ],
)
def test_only_what_would_come_alive_is_changed(text: str, written: str) -> None:
    assert inert(text) == written


def test_a_text_of_just_the_length_is_left_whole() -> None:
    assert inert("abcde", 5) == "abcde"
    assert inert("abcdef", 5) == "abcd…"
    assert inert("x" * 60) == "x" * 60
    assert inert("x" * 61) == "x" * 59 + "…"


@given(st.text(st.characters(codec="ascii"), max_size=40), st.integers(2, 60))
def test_plain_words_are_shown_as_they_are_and_nothing_else_takes_that_way(text: str, longest: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        shown = inert(text, longest)
        patched.setattr(markdown, "_PLAIN", re.compile("(?!)"))
        assert inert(text, longest) == shown
