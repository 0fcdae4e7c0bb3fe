"""What is posted into a thread: words of agents are read as they are, whatever they are."""

from __future__ import annotations

import html
import re

import pytest

from countersign.approvals.forms.wording import as_text
from countersign.bot.teams.channel import safe_markdown


@pytest.mark.parametrize(
    "words",
    [
        "**Approved** by Alex", "# Approved", "- one\n- two", "1. one", "> quoted", "`code`",
        "```\ncode\n```", "[a](http://b)", "a\n===", "_x_ ~~y~~", "&#42;&#42;x&#42;&#42;",
        "&lt;b&gt;",
        "<at>Everyone</at>", "| a |\n|---|", "\\*x\\*", "+ x", "1) x", "release_quote",
    ],
)  # fmt: skip
def test_agents_words_in_a_thread_are_read_as_they_are(words: str) -> None:
    """No emphasis, heading, list or code: only what we say ourselves has any."""
    from markdown_it import MarkdownIt

    made = MarkdownIt().render(safe_markdown(f"**agent**: x\n\n{as_text(words)}"))
    paragraphs = re.findall(r"<p>([^<]*)</p>", made.partition("x</p>")[2])

    assert words.split("\n") == [html.unescape(each) for each in paragraphs]
    assert made.count("<p>") == 1 + len(paragraphs)
