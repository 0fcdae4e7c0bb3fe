"""A ticket's text fits into a description whatever is asked, and keeps what has to be there."""

from __future__ import annotations

import pytest

from countersign.approvals.errors import InvalidError
from countersign.connectors.document import BEFORE_APPROVAL, Document, Row
from countersign.connectors.jira.text import (
    COMMENT_LIMIT,
    DESCRIPTION_LIMIT,
    description,
    remark,
)
from tests.connectors.jira.fixtures import settings

LINK = "Read all of it here: https://gate.example/read/a.b"
NAMES = {"10002": "Genehmigt *", "10003": "Abgelehnt", "customfield_10050": "Changes | wanted"}


def document(*values: str, why: str = "Because.", complete: bool = True) -> Document:
    """A document with these arguments."""
    return Document(
        title="Approve Quote",
        lead="seller wants to run Quote (quote).",
        arguments=tuple(Row(name=f"arg {n}", text=value) for n, value in enumerate(values)),
        complete=complete,
        read_it=LINK,
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
    written = description(document(*[value] * 12, why="*" * 3_000), settings(), NAMES)
    text = written.text

    assert not written.whole
    assert len(text) <= DESCRIPTION_LIMIT
    for kept in ("*Digest:* 0123456789ab", "*Decide by:* 2026-12-01", "h3. How to answer"):
        assert kept in text
    assert LINK in text


def test_text_that_fits_needs_no_link() -> None:
    fits = description(document("x"), settings(), NAMES)
    cut = description(document("x", complete=False), settings(), NAMES)

    assert (True, False) == (fits.whole, cut.whole)
    assert LINK not in fits.text
    assert LINK in cut.text
    assert f"* {BEFORE_APPROVAL}" in cut.text


def test_request_that_fits_in_no_way_is_refused() -> None:
    with pytest.raises(InvalidError, match="too many arguments"):
        description(document(*["x"] * 3_000), settings(), NAMES)


def test_names_of_statuses_and_fields_are_no_markup_either() -> None:
    text = description(document("x"), settings(), NAMES).text

    assert r"move this issue to *Genehmigt \**." in text
    assert (
        "status 10004"
        in description(
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
        ).text
    )


def test_call_without_arguments_says_so() -> None:
    assert "It takes no arguments." in description(document(), settings(), NAMES).text


def test_comment_is_cut_and_its_mark_is_not() -> None:
    body, mark = remark("word " * 20_000, "10101", "k1")

    assert COMMENT_LIMIT // 2 < len(body) <= DESCRIPTION_LIMIT
    assert "more characters" in body
    assert body.endswith(f"{{color:#8993a4}}{mark}{{color}}")
    assert mark != remark("", "10101", "k2")[1] != remark("", "10102", "k2")[1]


def test_only_links_to_our_own_pages_stay_links_in_a_comment() -> None:
    own = "https://gate.example/read/eyJh-_.bC_d"
    receipt = "https://gate.example/inbox/requests/R-1/receipt"
    ours = ("https://gate.example/read/", "https://gate.example/inbox/requests/")
    body, _ = remark(f"{own} https://evil.example/read/x {receipt}", "10101", "k1", ours)

    assert own in body
    assert receipt in body
    assert "https://evil" not in body
