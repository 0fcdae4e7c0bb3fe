"""What people read of a call: labels for people, what decides first, and nothing that misleads."""

from __future__ import annotations

from html import unescape

import pytest

from countersign.approvals.forms.display import (
    deciding,
    label_of,
    set_by_workflow,
    shown_arguments,
    shown_facts,
)
from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.values import table_text, value_text
from countersign.approvals.forms.wording import as_text, visible
from countersign.approvals.models import Injected, JsonObject

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "payee": {"type": "string", "title": "Payee account"},
        "amount": {"type": "number"},
        "currency": {"type": "string", "default": "EUR"},
        "memo": {"type": "string", "description": "Reference"},
        "express": {"type": "boolean", "description": "Whether it has to be there today"},
    },
}
CALL: JsonObject = {
    "express": True, "memo": "INV-7", "amount": 900.5, "currency": "EUR", "payee": "DE89"
}  # fmt: skip


def labels(*first: str, call: JsonObject = CALL, schema: JsonObject | None = SCHEMA) -> list[str]:
    return [each.label for each in shown_arguments(call, schema, first=first)]


def test_what_decides_comes_first_and_the_rest_as_the_tool_has_it() -> None:
    """Never in the order in which the model wrote it."""
    assert ["Payee account", "Amount", "Currency", "Memo (reference)", "Express"] == labels()
    assert ["Amount", "Payee account"] == labels("amount", "payee")[:2]
    assert ["Amount", "Currency"] == labels("nothing", "amount", schema=None)[:2]


def test_labels_are_for_people() -> None:
    named = {"max_seats": 1, "a\nb": 1, "**x**": 1, "fooBar": 1, "foo_bar": 1}

    assert ['"**x**"', '"a\\nb"', "Foo Bar [fooBar]", "Foo bar [foo_bar]", "Max seats"] == sorted(
        labels(call=named, schema=None)
    )
    told = {"properties": {"amount": {"description": "In EUR"}, "account": {"description": "IBAN"}}}
    assert ["Amount (in EUR)", "Account (IBAN)"] == [label_of(f) for f in fields(told, {})]
    marked = {"properties": {"x": {"title": "[click](http://evil)"}, "y": {"title": "x" * 90}}}
    assert ["X", "Y"] == [label_of(field) for field in fields(marked, {})]


def test_amount_has_its_currency_and_nothing_else_has() -> None:
    shown = {each.name: each.text for each in shown_arguments({**CALL, "count": 3}, SCHEMA)}

    assert ("900.5 EUR", "3", "EUR") == (shown["amount"], shown["count"], shown["currency"])
    lies = shown_arguments({"amount": 1, "currency": "EUR\nApproved"}, SCHEMA)
    assert ["1", '"EUR↵\nApproved"'] == [each.text for each in lies]


def test_what_a_default_filled_in_is_marked_at_any_depth() -> None:
    call = {"memo": "x", "lines": [{"sku": "A", "a/b": 1}]}
    shown = shown_arguments(call, None, defaulted=("/memo", "/lines/0/a~1b"))

    assert {"memo": "(default)", "lines": ""} == {each.name: each.mark for each in shown}
    assert '"a/b": 1 (default)' in shown[0].text
    assert "x (default)" == shown[1].whole


def test_what_the_workflow_sets_is_said_with_its_value_where_there_is_one() -> None:
    client, tenant = set_by_workflow([Injected(name="crm_client"), Injected(name="t", value="No")])

    assert ("Crm client", "(set by the workflow)") == (client.label, client.whole)
    assert '"No" (set by the workflow)' == tenant.whole


def test_title_names_what_decides_and_each_value_ends_where_its_quotes_do() -> None:
    hostile = {**CALL, "payee": 'X", amount 1'}
    shown = shown_arguments(hostile, SCHEMA, first=("payee",))
    (named,) = deciding(hostile, shown, ("payee",))

    assert r'"X\", amount 1"' == named.text
    own = shown_arguments(CALL, SCHEMA, defaulted=("/currency",))
    assert ["payee", "amount", "memo"] == [each.name for each in deciding(CALL, own)]
    long = shown_arguments({"memo": "x" * 500}, SCHEMA)
    assert deciding({"memo": "x" * 500}, long)[0].text.endswith('"…')


@pytest.mark.parametrize("text", ["Cont\u043eso", "a\u200bb", "\u0421\u0415\u041e"])
def test_what_cannot_be_seen_has_a_note(text: str) -> None:
    for call in ({"payee": text}, {"payee": [{"x": text}]}, {"payee": {text: 1}}):
        (shown,) = shown_arguments(call, SCHEMA)

        assert shown.notes
        assert shown.notes[0].startswith("⚠")


def test_ordinary_text_has_none() -> None:
    names = [
        "Straße 5",
        "José",
        "東京 USB",
        "\u041c\u043e\u0441\u043a\u0432\u0430",
        "Tシャツ",
        "5 µm",
    ]
    for text in [*names, "line\r\nline"]:
        (shown,) = shown_arguments({"payee": text}, SCHEMA)

        assert () == shown.notes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("P\u0430ypal", "P\\u0430ypal"),
        ("\u0440\u0430\u0443\u0440\u0430 Inc", "\\u0440\\u0430\\u0443\\u0440\\u0430 Inc"),
        ("\uff23ontoso", "\\uff23ontoso"),
        ("\U0001d402ontoso", "\\U0001d402ontoso"),
        ("1\u09e60", "1\\u09e60"),
        ("1\u03360", "1\\u03360"),
        ("evil\u2215example", "evil\\u2215example"),
        ("\u13a0BC", "\\u13a0BC"),
        ("soft\u00adhyphen", "soft\\u00adhyphen"),
        ("\u041f\u0440\u0438\u0432\u0435\u0442 Bob", "\u041f\u0440\u0438\u0432\u0435\u0442 Bob"),
        ("\u0394t", "\u0394t"),
        ("\uff21\uff22\uff23株式会社", "\uff21\uff22\uff23株式会社"),
    ],
)
def test_look_alikes_are_written_out_and_words_of_other_languages_are_not(
    text: str, shown: str
) -> None:
    assert shown == visible(text)
    assert shown == visible(visible(text))
    assert shown == unescape(as_text(text))


def test_two_values_never_read_alike() -> None:
    pairs: list[tuple[object, object]] = [
        (True, "Yes"), (None, "No value"), ([], "Empty list"), ({}, "Empty"), (900, "900"),
        ("a\u200bb", "a\\u200bb"), ("a\nb", "a↵\nb"), ("0000", 0), (["1"], [1]),
        ([[]], [{}]), ({"a": None}, {"a": "No value"}), ("a\r\nb", "a\nb"), ("\u0430", "\\u0430"),
    ]  # fmt: skip
    for one, other in pairs:
        assert value_text(one) != value_text(other)


def test_facts_stand_in_the_order_of_the_check() -> None:
    facts = {"stage": "proposal", "amount": 5, "close_date": None}

    assert ["Stage", "Amount", "Close date"] == [each.label for each in shown_facts(facts)]
    assert () == shown_facts(None)


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (("a", "1"), "a | 1"),
        (("a | b",), '"a | b"'),
        (("a\nb",), '"a\\nb"'),
        (('"a"',), '"\\"a\\""'),
        (("a ", ""), '"a " | '),
        (("a\u202eb",), '"a\\u202eb"'),
    ],
)
def test_no_cell_of_a_table_passes_for_two(cells: tuple[str, ...], line: str) -> None:
    assert f"{line}\nx" == table_text([cells, ("x",)])


@pytest.mark.parametrize(
    "name", ["fee_percent", "amount_cents", "payment_days", "cost_center", "price_list_id"]
)
def test_currency_stands_behind_amounts_only(name: str) -> None:
    shown = {each.name: each.text for each in shown_arguments({name: 2500, "currency": "EUR"})}

    assert "2500" == shown[name]


@pytest.mark.parametrize(
    "text", ["Cafe\u0301 Mu\u0308ller", "\u212b", "\uf900", "M\u0131\u0307crosoft"]
)
def test_letters_put_together_otherwise_are_noted(text: str) -> None:
    (shown,) = shown_arguments({"x": text})

    assert any("put together otherwise" in note for note in shown.notes)


@pytest.mark.parametrize(
    "text", ["g\u101d\u101dgle", "C\u05e1ntoso", "\u1455ontoso", "Cont\u0d20so"]
)
def test_letters_of_several_scripts_in_one_word_are_noted(text: str) -> None:
    (shown,) = shown_arguments({"x": text})

    assert any("several scripts in one word" in note for note in shown.notes)


@pytest.mark.parametrize(
    "text",
    [
        "T\u30b7\u30e3\u30c4",
        "\u65e5\u672cGmbH",
        "5\u00b5m",
        "Caf\u00e9",
        "\u05e9\u05dc\u05d5\u05dd",
    ],
)
def test_ordinary_words_are_not_noted(text: str) -> None:
    (shown,) = shown_arguments({"x": text})

    assert () == shown.notes


@pytest.mark.parametrize(
    "text", ["100 EUR \uff08default\uff09", "100 EUR (Default)", "1 (set by x)"]
)
def test_a_text_that_imitates_the_mark_is_in_quotes(text: str) -> None:
    assert value_text(text) != text
