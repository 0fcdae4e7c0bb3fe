"""Approval with changes as people write it: read exactly, or refused with what to write."""

from __future__ import annotations

import json
import string
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.errors import InvalidArgumentsError, InvalidError
from countersign.connectors.comments.edits import (
    _AS_BEFORE,
    asked_for,
    changed,
    split,
)
from countersign.connectors.comments.vocabulary import letters
from tests.doubles.catalog import QUOTE_SCHEMA

CURRENT = {"customer": "Contoso", "amount": 100}
LONGEST = 32_767
"""Characters of a comment in Jira."""
ODD = ["\u202e", "\u2028", "\x00", "\ud800", "^", "||", "{code}", "```", "Changes:", "=", ":"]
WORDS = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
TEXTS = st.lists(st.one_of(WORDS, st.sampled_from(ODD)), max_size=6).map("\n".join)


def asked(text: str) -> dict[str, Any]:
    """What `text` makes of the usual arguments."""
    return changed("quote", QUOTE_SCHEMA, CURRENT, text)


@pytest.mark.parametrize(
    ("comment", "words", "block"),
    [
        ("Fine.", "Fine.", None),
        ("", "", None),
        ("Fine.\n\nChanges:\namount: 90\n", "Fine.", "amount: 90"),
        ("Fine.\r\nChanges:\r\namount: 90\r\ncustomer: A", "Fine.", "amount: 90\ncustomer: A"),
        ("CHANGES: amount: 90", "", "amount: 90"),
        ("*Changes:*\namount: 90", "", "amount: 90"),
        ("  changes :\namount: 90", "", "amount: 90"),
        ("Changes:", "", ""),
        ("I want no changes: go on.", "I want no changes: go on.", None),
        ("> Changes:\n> amount: 1", "> Changes:\n> amount: 1", None),
        ("bq. Changes: amount: 1", "bq. Changes: amount: 1", None),
        ("No changes.", "No changes.", None),
    ],
)
def test_only_a_line_that_begins_with_changes_asks_for_any(
    comment: str, words: str, block: str | None
) -> None:
    assert (words, block) == split(comment)


@pytest.mark.parametrize(
    "number",
    ["9007199254740993", "9007199254740993.0", "0.1000000000000000055511", "1e999", "1e-999",
     "1e99999999999999999999", "1e-99999999999999999999"],
)  # fmt: skip
def test_number_that_would_be_rounded_is_refused(number: str) -> None:
    with pytest.raises(InvalidError, match=r"kept exactly|A number is needed"):
        asked(f'{{"amount": {number}}}')


BLOCK = "Changes:\namount: 90"


@pytest.mark.parametrize(
    ("field", "comment", "earlier", "found"),
    [
        ("", "Fine.", [], ("Fine.", None)),
        ("", "Fine.", ["Hm."], ("Fine.", None)),
        ("amount: 90", "Fine.", ["Hm."], ("Fine.", "amount: 90")),
        ("", f"Fine.\n{BLOCK}", ["Hm."], ("Fine.", "amount: 90")),
        (" ", BLOCK, [BLOCK], ("", "amount: 90")),
    ],
)
def test_changes_count_if_they_stand_in_one_place(
    field: str, comment: str, earlier: list[str], found: tuple[str, str | None]
) -> None:
    assert found == asked_for(field, comment, earlier)


@pytest.mark.parametrize(
    ("field", "comment", "earlier", "says"),
    [
        ("", "Approved with my changes above.", [BLOCK], "in your last comment"),
        ("", "Changes:\ncustomer: A", [BLOCK], "in your last comment"),
        ("", "", [BLOCK, "Hm."], "in your last comment"),
        ("customer: A", "Fine.", [BLOCK], "in your last comment"),
        ("customer: A", BLOCK, [], "in one place"),
    ],
)
def test_changes_in_several_places_are_asked_for_again(
    field: str, comment: str, earlier: list[str], says: str
) -> None:
    with pytest.raises(InvalidError, match=says):
        asked_for(field, comment, earlier)


@given(WORDS, TEXTS)
def test_words_and_changes_are_told_apart(words: str, block: str) -> None:
    said = f"Said: {words}"

    assert (said.strip(), block.strip()) == split(f"{said}\nChanges:\n{block}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount: 90", {"customer": "Contoso", "amount": 90}),
        ("amount = 90.5", {"customer": "Contoso", "amount": 90.5}),
        ("* amount: 90\n- customer: A", {"customer": "A", "amount": 90}),
        ("\n amount:90 \n\n", {"customer": "Contoso", "amount": 90}),
        ("amount: 90\rcustomer: A", {"customer": "A", "amount": 90}),
        ("customer: A: the first", {"customer": "A: the first", "amount": 100}),
        ("customer: [A|https://example.com]", {"customer": "[A|https://example.com]"}),
        ("{code:yaml}\namount: 90\n{code}", {"amount": 90}),
        ("{noformat}\r\namount: 90\r\n{noformat}", {"amount": 90}),
        ('```json\n{"amount": 90}\n```', {"amount": 90}),
        ('{"amount": 90, "customer": "A"}', {"customer": "A", "amount": 90}),
        ('{"customer": "A\\nB"}', {"customer": "A\nB", "amount": 100}),
    ],
)
def test_named_arguments_change_and_the_others_stay(text: str, expected: dict[str, Any]) -> None:
    assert {**CURRENT, **expected} == asked(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not say what to change"),
        ("{code}\n{code}", "does not say what to change"),
        ("Looks good to me", "“Looks good to me” is no change"),
        ("amount: 90\nRegards, Ben", "“Regards, Ben” is no change"),
        ("amount: 90\namount: 91", "amount is given twice"),
        ("{}", "empty JSON object"),
        ("{amount: 90}", "not a JSON object"),
        ('{"amount": 90} please', "not a JSON object"),
        ('{"amount": 90, "amount": 91}', "amount is there twice"),
        ('{"amount": ' + "[" * 100_000, "not a JSON object"),
        ('{"amount": ' + "9" * 5_000 + "}", "too large to be kept exactly"),
    ],
)
def test_what_is_no_change_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        asked(text)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("amount: ninety", {"amount": "A number is needed."}),
        ("amount: 90,5", {"amount": "A number is needed. Use a point for decimals."}),
        ("total: 90", {"total": "is not an argument of this tool"}),
        ("digest: abc\namount: 90", {"digest": "is not an argument of this tool"}),
        ('{"amount": 90, "to": null}', {"to": "is not an argument of this tool"}),
        ("amount:", {"amount": "A value is needed."}),
    ],
)
def test_changes_that_do_not_fit_are_refused_by_name(text: str, problems: dict[str, str]) -> None:
    with pytest.raises(InvalidArgumentsError) as raised:
        asked(text)

    assert problems == raised.value.problems


def test_optional_argument_can_be_left_out() -> None:
    schema = {"type": "object", "properties": {"note": {"type": "integer"}}}

    assert {} == changed("quote", schema, {"note": 1}, "note:")


def test_tool_of_unknown_arguments_takes_what_it_was_given() -> None:
    assert {"amount": 90} == changed("quote", None, {"amount": 100}, "amount: 90")


@given(
    st.integers(0, 2**53 - 1) | st.decimals(0, 10_000, places=2).map(float),
    st.text(string.ascii_letters + string.digits + " .:=-*{}[]|äß€", min_size=1).filter(
        lambda text: any(map(str.isalnum, text)) and letters(text) not in _AS_BEFORE
    ),
)
def test_values_are_read_as_they_are_written(amount: float, customer: str) -> None:
    expected = {"customer": customer.strip(), "amount": amount}

    assert expected == asked(f"customer: {customer}\namount: {amount}")
    assert expected == asked(json.dumps(expected))


@given(TEXTS)
def test_any_other_text_is_refused_and_never_names_another_argument(text: str) -> None:
    try:
        arguments = asked(text)
    except InvalidError:
        return

    assert CURRENT.keys() == arguments.keys()


@given(st.text('ac :=\n*-•{}"`1.', max_size=60))
def test_what_is_not_named_stays_as_it_was(text: str) -> None:
    schema = {"properties": {"a": {"type": "string"}, "c": {"type": "number"}}}
    current = {"a": "kept", "c": 1}
    try:
        arguments = changed("quote", schema, current, text)
    except InvalidError:
        return

    assert all(arguments[name] == current[name] for name in current if name not in text)


@pytest.mark.parametrize(
    "text",
    ["-" * LONGEST, " *" * (LONGEST // 2), "x" + "\n" * LONGEST + "y", "{code:\n" * (LONGEST // 7)],
    ids=["dashes", "bullets", "line ends", "fences"],
)
def test_longest_comment_is_read_in_no_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidError):
        asked(text)
    split(text)

    assert time.process_time() - began < 1.0
