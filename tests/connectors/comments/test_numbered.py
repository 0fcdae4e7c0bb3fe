"""What a comment on several calls says of single ones: read exactly, or not at all."""

from __future__ import annotations

import pytest

from countersign.approvals.errors import InvalidError
from countersign.connectors.comments.numbered import (
    Numbered,
    named_question,
    numbered,
    numbers_in,
)
from countersign.connectors.comments.questions import question_in
from countersign.connectors.comments.withdrawing import calls_withdrawn, is_withdrawal

COUNT = 5


def read(*comments: str, changes: str = "") -> Numbered:
    return numbered(comments, changes, COUNT)


@pytest.mark.parametrize(
    "text",
    [
        "approve 1, 3-5",
        "Approved: 1, 3, 4 and 5",
        "1, 3-5 approved.",
        "- approve calls 1, 3-5",
        "approve #1 & 3-5",
        "Genehmigt 1, 3 und 4-5",
        "1, 3-5: genehmigt",
        "approuvé 1, 3-5",
        "aprobado 1, 3-5",
        "approve 1,3\u20135",
        "approve 1, 3\napprove 4\n5 ok",
    ],
)
def test_calls_that_are_approved(text: str) -> None:
    assert frozenset({1, 3, 4, 5}) == read(text).approve
    assert not any(read(text).rest)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("reject 2: too expensive", "too expensive"),
        ("Reject 2 too expensive", "too expensive"),
        ("2: reject, too EXPENSIVE", "too EXPENSIVE"),
        ("2 rejected - see OPS-9", "see OPS-9"),
        ("decline call 2: 300 is too much.", "300 is too much."),
        ("ablehnen 2: über dem Budget", "über dem Budget"),
        ("refusé 2 : trop cher", "trop cher"),
        ("deny #2: no", "no"),
    ],
)
def test_a_call_that_is_rejected_and_why(text: str, why: str) -> None:
    assert {2: why} == read(text).reject
    assert frozenset({2}) == read(text).named


@pytest.mark.parametrize(
    "text",
    ["2 amount: 300", "2: amount: 300", "2. amount = 300", "* 2) amount: 300", "#2 amount: 300"],
)
def test_a_change_of_one_call(text: str) -> None:
    assert "amount" in read(text).changes[2]
    assert "300" in read(text).changes[2]
    assert read(text).changes == read("", changes=text).changes


def test_changes_of_several_calls_below_a_heading() -> None:
    found = read("Looks good.", "Changes:\n2 amount: 300\n2 to: Ann\n3 amount: 1")

    assert {2: "amount: 300\nto: Ann", 3: "amount: 1"} == found.changes
    assert ("Looks good.", "") == found.rest


@pytest.mark.parametrize(
    "text",
    [
        "approve 1 and 3 only",
        "only approve 2",
        "not 2",
        "all but 3",
        "2 is fine, the rest is not",
        "reject 2, 3 people have asked",
        "approve all except 4",
        "No. 2 is fine",
        "approve 6",
        "reject 0: no",
        "approve 3-1",
        "reject 2",
        "reject 2:",
        "reject 2 .",
        "approve 1\nreject 1: no",
        "reject 2: a\nreject 2: b",
        "2 amount: 300\nreject 2: no",
        "Changes:\namount: 300",
    ],
)
def test_what_cannot_be_meant_or_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        read(text)


def test_what_is_approved_with_changes_leaves_the_others_waiting() -> None:
    found = read("approve 2\n2 amount: 300")

    assert (frozenset(), True, {2: "amount: 300"}) == (found.approve, found.only, found.changes)
    assert not read("2 amount: 300").only


def test_a_field_for_changes_has_nothing_but_numbered_changes() -> None:
    with pytest.raises(InvalidError, match="does not say of which call"):
        read("", changes="amount: 300")


@pytest.mark.parametrize("text", ["Fine with me.", "", "approve", "Looks good\nthanks"])
def test_words_to_all_calls_stay_what_they_are(text: str) -> None:
    assert (text,) == read(text).rest
    assert frozenset() == read(text).named


def test_lists_of_numbers() -> None:
    assert (1, 3, 4, 5) == numbers_in("1, 3-5, 4", COUNT)
    assert () == numbers_in("", COUNT)


@pytest.mark.parametrize(
    ("text", "number", "asked"),
    [
        ("ask 2: why?", 2, "why?"),
        ("Ask: 2: why?", 2, "why?"),
        ("frage 2: warum?", 2, "warum?"),
        ("ask: why?", None, "why?"),
        ("ask 9: why?", None, "9: why?"),
        ("ask: 2 weeks, why?", None, "2 weeks, why?"),
    ],
)
def test_a_question_names_its_call(text: str, number: int | None, asked: str) -> None:
    assert (number, asked) == named_question(question_in(text), COUNT)


def test_a_withdrawal_names_its_calls() -> None:
    assert is_withdrawal("Withdraw 2")
    assert is_withdrawal("I withdraw my vote, calls 1, 3-4".replace(",", "", 1))
    assert not is_withdrawal("withdraw 2 because it is late")
    assert ("2", "", "1, 3-4") == (
        calls_withdrawn("withdraw 2"),
        calls_withdrawn("withdraw"),
        calls_withdrawn("Withdraw 1, 3-4."),
    )
