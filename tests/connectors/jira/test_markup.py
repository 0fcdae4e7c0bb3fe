"""Text that agents and people control shows as it is, and is never markup."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from countersign.approvals.forms.wording import visible
from countersign.connectors.jira.markup import (
    box,
    cell,
    escape,
    fits_cell,
    unescape,
)
from countersign.sandbox.jira.wiki import render

MARKUP = re.compile(r"<(?!/?(?:p|br)\b)[a-z]", re.IGNORECASE)
"""All that Jira may make of plain text is paragraphs."""
IN_TABLE = re.compile(r"<(?!/?(?:div|table|tr|td)\b)[a-z]", re.IGNORECASE)
HOSTILE = (
    "[click|https://evil.example]",
    "https://evil.example/login",
    "see mailto:boss@evil.example",
    "!https://evil.example/pixel.png!",
    "[~accountid:712020:alex] please",
    "{color:red}Approved by the CFO{color}",
    "{noformat}x{noformat}",
    "{code:java}x{code}",
    "{{mono}}",
    "*bold* _it_ -gone- +under+ ^up^ ~down~ ??cite??",
    "h1. Approved\nbq. by the CFO",
    "# one\n* two\n- three\n## four",
    "----",
    "||a||b||\n|c|d|",
    "(/) (x) (!) (y)",
    r"\*not bold\* \\ \{x}",
    "&#42;bold&#42; &lt;b&gt; &amp;",
    "<b>bold</b><script>alert(1)</script>",
    "invoice\u202efdp.exe",
)
LETTERS = st.sampled_from([*"[]{}*_-+^~?!|#()&;:/\\hbq1. aZ9\n@<>%", "https://", "{noformat}"])


def shown(markup: str) -> str:
    """What a person reads."""
    text = re.sub(r"<br>|</p><p>", "\n", render(markup))
    return html.unescape(re.sub(r"<[^>]*>", "", text))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_no_markup(text: str) -> None:
    table = f"|name|{cell(text)}|"

    assert None is MARKUP.search(render(escape(text)))
    assert None is IN_TABLE.search(render(table))
    assert 1 == render(table).count("<tr>")
    assert 2 == render(table).count("<td>")


@pytest.mark.parametrize("text", HOSTILE)
def test_box_shows_text_letter_by_letter(text: str) -> None:
    rendered = render(box(text))
    broken = re.sub(r"\{(?=noformat|code|color)", r"\\u007b", visible(text))

    assert rendered.startswith("<pre>")
    assert rendered.endswith("</pre>")
    assert 1 == rendered.count("<pre>")
    assert broken == html.unescape(rendered.removeprefix("<pre>").removesuffix("</pre>"))


@given(st.lists(LETTERS, max_size=30).map("".join))
@example("1https://[")
def test_no_combination_becomes_markup(text: str) -> None:
    assert None is MARKUP.search(render(escape(text)))
    assert 2 == render(f"|name|{cell(text)}|").count("<td>")


@given(st.lists(LETTERS, max_size=30).map("".join).filter(fits_cell))
def test_value_in_a_cell_reads_as_it_is(value: str) -> None:
    row = render(f"|name|{cell(value)}|")
    (read,) = re.findall(r"<td>name</td><td>(.*)</td>", row)
    written_out = html.unescape(read).replace(r"\u0023", "#").replace(r"\u002e", ".")

    assert value == written_out


def test_ordinary_words_stay_readable() -> None:
    text = "Contoso Ltd (gold), 25 seats until 2026-12-31 for max_seats; it's 12 % off, isn't it?"

    assert text == escape(text)


def test_addresses_are_shown_and_not_linked() -> None:
    assert "see https[:]//contoso.example/rfq" == shown(escape("see https://contoso.example/rfq"))


@pytest.mark.parametrize("value", ["", " x", "a\nb", "a\tb", "a  b", r"C:\temp", "a|b", "x" * 201])
def test_value_that_a_cell_would_change_gets_a_box(value: str) -> None:
    assert not fits_cell(value)


def test_what_the_editor_has_escaped_is_read_as_it_was_typed() -> None:
    assert "max_seats: 5!" == unescape(r"max\_seats: 5\!")
    assert r"C:\temp" == unescape(r"C:\temp")
