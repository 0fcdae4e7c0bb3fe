"""A ticket's text fits into a description whatever is asked, and keeps what has to be there."""

from __future__ import annotations

import pytest

from approvals.errors import InvalidError
from connectors.document import Document, Row
from connectors.jira.text import COMMENT_LIMIT, DESCRIPTION_LIMIT, description, remark
from tests.connectors.jira.fixtures import settings

LINK = "https://gate.example/api/v1/requests/R-1"
NAMES = {"10002": "Genehmigt *", "10003": "Abgelehnt", "customfield_10050": "Changes | wanted"}


def document(*values: str, why: str = "Because.", shortened: str = "") -> Document:
    """A document with these arguments."""
    return Document(
        title="Approve Quote",
        lead="seller wants to run Quote (quote).",
        arguments=tuple(Row(name=f"arg {n}", text=value) for n, value in enumerate(values)),
        shortened=shortened,
        why=why,
        before=(),
        facts=(
            Row(name="Who decides", text="Ben"),
            Row(name="Decide by", text="2026-12-01 10:00 UTC"),
            Row(name="Risk", text="high"),
            Row(name="Digest", text="0123456789ab (SHA-256 0123456789abcdef)"),
        ),
    )


@pytest.mark.parametrize("value", ["{code}" * 1_000, "x" * 4_000, "a|b\n" * 900])
def test_long_values_give_way_and_nothing_else_does(value: str) -> None:
    text = description(document(*[value] * 12, why="*" * 3_000), settings(), NAMES, LINK)

    assert len(text) <= DESCRIPTION_LIMIT
    for kept in ("*Digest:* 0123456789ab", "*Decide by:* 2026-12-01", "h3. How to answer"):
        assert kept in text
    assert LINK in text


def test_text_that_fits_needs_no_link() -> None:
    assert LINK not in description(document("x"), settings(), NAMES, LINK)
    assert LINK in description(document("x", shortened=LINK), settings(), NAMES, LINK)


def test_request_that_fits_in_no_way_is_refused() -> None:
    with pytest.raises(InvalidError, match="too many arguments"):
        description(document(*["x"] * 3_000), settings(), NAMES, LINK)


def test_names_of_statuses_and_fields_are_no_markup_either() -> None:
    text = description(document("x"), settings(), NAMES, LINK)

    assert r"move this issue to *Genehmigt \**." in text
    assert "status 10004" in description(
        document("x"),
        settings(
            statuses={
                "pending": [10001],
                "approved": [10002],
                "rejected": [10003],
                "changes": [10004],
            }
        ),
        NAMES,
        LINK,
    )


def test_call_without_arguments_says_so() -> None:
    assert "It takes no arguments." in description(document(), settings(), NAMES, LINK)


def test_comment_is_cut_and_its_mark_is_not() -> None:
    body, mark = remark("word " * 20_000, "10101", "k1")

    assert COMMENT_LIMIT < len(body) <= DESCRIPTION_LIMIT
    assert body.endswith(f"{{color:#8993a4}}{mark}{{color}}")
    assert mark != remark("", "10101", "k2")[1] != remark("", "10102", "k2")[1]
