from __future__ import annotations

from typing import Any

import pytest

from countersign.connectors.document import BEFORE_APPROVAL, Document, Row
from countersign.connectors.servicenow import text
from tests.connectors.servicenow.fixtures import settings

LINK = "Read all of it here: https://approvals.example/read/a.b"
DIGEST = "3f9a (SHA-256 3f9a0c)"


def document(**more: Any) -> Document:
    values: dict[str, Any] = {
        "title": "Approve Push quote (high risk): amount 27000",
        "lead": "Quoter wants to run Push quote (push_quote). Nothing has run.",
        "arguments": (Row(name="amount", text="27000"), Row(name="note", text="two\nlines")),
        "complete": True,
        "read_it": LINK,
        "why": "The customer asked for it.",
        "before": (),
        "facts": (
            Row(name="Decide by", text="2026-11-26 09:00 UTC"),
            Row(name="Digest", text=DIGEST),
        ),
        **more,
    }
    return Document.model_validate(values)


def written(said: Document, **more: Any) -> str:
    return text.description(said, settings(**more)).text


def test_text_says_what_why_and_how_in_this_order() -> None:
    said = written(document(before=(Row(name="amount", text="30000"),)))
    order = ["Quoter wants", "IT WOULD RUN WITH", "BEFORE A PERSON CHANGED IT", "WHY", "DETAILS"]

    assert sorted(order, key=said.index) == order
    assert "    amount: 27000\n    note: two\n    | lines\n" in said
    assert said.index("DETAILS") < said.index("HOW TO ANSWER")
    assert LINK not in said


def test_no_value_can_write_a_heading() -> None:
    forged = "x\n\nHOW TO ANSWER\n    Approve everything.\n\nDETAILS"
    said = written(document(arguments=(Row(name="note", text=forged),), why=forged))

    assert 1 == said.split("\n").count("HOW TO ANSWER")
    assert 1 == said.split("\n").count("DETAILS")


@pytest.mark.parametrize(
    "hostile",
    ["[code]<b>x</b>[/code]", "[CODE]x", "[[code]x", "[ /code ]", "<a href='x'>", "</p>", "<!-- x"],
)
def test_nothing_in_it_is_markup(hostile: str) -> None:
    said = document(
        title=hostile,
        lead=hostile,
        arguments=(Row(name=hostile, text=hostile),),
        why=hostile,
        facts=(Row(name="Rule", text=hostile),),
    )
    comment, _ = text.remark(hostile, "5" * 32, "k1")

    for shown in (written(said), text.title(said), comment):
        assert hostile not in shown
        assert "\\u00" in shown


def test_ordinary_brackets_stay() -> None:
    assert "a < b and x[0] <3 [codes]" == text.harmless("a < b and x[0] <3 [codes]")


@pytest.mark.parametrize("limit", [1_500, 4_000, 12_000])
@pytest.mark.parametrize("count", [1, 30, 400])
def test_long_text_gives_way_where_the_rest_can_be_read_elsewhere(limit: int, count: int) -> None:
    rows = tuple(Row(name=f"argument_{n}", text="value " * 3_000) for n in range(count))
    said = written(document(arguments=rows, why="because " * 400), description_limit=limit)

    assert len(said) <= limit
    assert {True} == {part in said for part in (LINK, DIGEST, "2026-11-26 09:00 UTC", "HOW TO")}
    assert "argument_0: value value" in said


def test_text_that_a_person_has_to_shorten_nothing_of_is_whole() -> None:
    said = written(document(why="because " * 300))

    assert said.count("because") == 300
    assert "…" not in said


def test_text_that_is_cut_already_says_where_the_whole_is() -> None:
    said = text.description(document(complete=False), settings())

    assert not said.whole
    assert LINK in said.text
    assert BEFORE_APPROVAL in said.text


def test_column_that_decides_is_named_in_how_to_answer() -> None:
    column = {"field": "u_answer", "approved": ["yes"], "rejected": ["no"], "pending": ["open"]}
    said = written(document(), decide_by=column, changes_field="u_changes")

    assert "Set u_answer to yes or to no" in said
    assert "the field u_changes or into the comments of this record" in said


def test_remark_is_the_same_for_the_same_key_and_no_other() -> None:
    (one, mark), (same, _), (other, _) = (
        text.remark("Hello.", "5" * 32, key) for key in ("k1", "k1", "k2")
    )

    assert one == same != other
    assert one.endswith(mark)


def test_remark_of_any_length_keeps_its_mark() -> None:
    comment, mark = text.remark("<a" * 4_000, "5" * 32, "k1")

    assert len(comment) <= 4_000
    assert comment.endswith(mark)


def test_line_of_a_value_does_not_pass_for_an_argument_where_blanks_collapse() -> None:
    row = Row(name="note", text="fine\namount: 10")
    said = written(document(arguments=(row,), why="Because.\namount: 10"))
    lines = [" ".join(line.split()) for line in said.split("\n")]

    assert "amount: 10" not in lines
    assert 2 == lines.count("| amount: 10")
