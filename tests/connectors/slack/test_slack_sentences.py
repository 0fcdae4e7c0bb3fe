"""Our own sentences in rich text: what is bold is so, and nothing of others is markup."""

from __future__ import annotations

from countersign.approvals.forms.wording import as_text
from countersign.connectors.slack.sentences import LONGEST, sentences
from countersign.sandbox.slack.blocks import message_problems
from countersign.sandbox.slack.workspace import texts


def pieces(text: str) -> list[tuple[str, str]]:
    made = sentences(text)
    (block,) = made["blocks"]
    assert [] == message_problems(made["blocks"])
    found = block["elements"][0]["elements"]
    return [(each["text"], next(iter(each.get("style", {})), "")) for each in found]


def test_bold_code_and_lists_are_shown_as_such() -> None:
    text = "Started **Sales quote** `S-1`.\n\n- one\n  - two"

    assert [
        ("Started ", ""),
        ("Sales quote", "bold"),
        (" ", ""),
        ("S-1", "code"),
        (".\n\n• one\n  • two", ""),
    ] == pieces(text)


def test_words_of_others_are_no_markup() -> None:
    theirs = "<!channel> **all** `x` *b* :tada: & <@U0ALEX>"
    made = sentences(f"Result: {as_text(theirs)}")

    assert [f"Result: {theirs}"] == list(texts(made["blocks"]))
    assert "<" not in made["text"]
    assert "&lt;!channel&gt;" in made["text"]


def test_plain_words_stay_as_they_are() -> None:
    made = sentences("**no** - list", markdown=False)

    assert ["**no** - list"] == list(texts(made["blocks"]))


def test_what_is_too_long_for_blocks_is_a_text() -> None:
    assert {"text"} == set(sentences("x" * (LONGEST + 1)))
    assert {"text"} == set(sentences("**a** b " * 1_000))
    assert ["\u2013"] == list(texts(sentences("")["blocks"]))
