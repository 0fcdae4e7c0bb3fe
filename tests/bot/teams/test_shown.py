"""Whenever Approve is offered, every value is in what a person can see, and can be no other one."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from html import escape
from itertools import islice
from typing import Any

import pytest

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.forms.display import shown_arguments
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import (
    Checked,
    JsonObject,
    Preview,
    Principal,
    PrincipalId,
)
from countersign.approvals.ports import RequestView, TicketOrder
from countersign.bot.reading import html
from countersign.bot.teams.cards import (
    CARD_LIMIT_BYTES,
    request_card,
    shows_all,
    size_bytes,
)
from countersign.bot.teams.parts import Look
from countersign.connectors.document import document
from countersign.connectors.jira import text as jira
from countersign.connectors.jira.markup import box, cell, fits_cell
from countersign.connectors.jira.text import Written as JiraText
from countersign.connectors.servicenow import text as servicenow
from countersign.connectors.servicenow.text import Written as ServiceNowText
from countersign.connectors.servicenow.text import harmless
from tests.bot.teams.gallery import view
from tests.bot.teams.reading import value_of
from tests.bot.teams.test_cards import nodes
from tests.connectors.jira import fixtures as jira_fixtures
from tests.connectors.servicenow import fixtures as servicenow_fixtures

SETS = 1_000
LOOK = Look("execute", readable=True)
CHARACTERS = (*range(0x20, 0x250), *range(0x400, 0x460), *range(0x2000, 0x2070), 0x1F600)
BEN = Principal(id=PrincipalId("ben"), name="Ben", identities={"jira": "b", "servicenow": "b"})
NAMES = ("customer", "amount", "currency", "iban", "note", "lines", "to", "Approve", "a b",
         "x:y", "Digest", "foo_bar", "fooBar", "Foo bar", "\u0430mount", "**bold**", "n\nn",
         "1.")  # fmt: skip
TRICKY = (
    "", " ", "Yes", "no", "null", "900", "24000 EUR", "Contoso (default)", "x… 3 more characters",
    "a\nAmount: 1", "\r\n", "Cont\u043eso", "\u202eexe", "a\u200bb", "[code]<b>", "{noformat}",
    "{{DATE(2026-01-01T00:00:00Z)}}", "\\u0041", "C:\\temp\\n", '"', '\\"', "↵", "x↵\ny", "| x",
    "1 item:\n  1. 2", "Empty", "a  b", "\t", "\u00a0", "\U0001f600", "\U000e0041",
    "\u041f\u0420\u0418",
    "\u0421\u0415\u041e Ltd", "e\u0301", "{code}|x|", "*bold* https://evil.example", "h1. x", "# x",
    "line\n\n- [ok](http://x)", "\x7f\x1b[2J", "\u2028", "(set by the workflow)",
    "\n\u041f\u0440\u0438\u0432\u0435\u0442",
    "\\n\u041f\u0440\u0438\u0432\u0435\u0442", "1. x: 2",
)  # fmt: skip


def text(rng: random.Random) -> str:
    match rng.randrange(6):
        case 0 | 1:
            return rng.choice(TRICKY)
        case 2:
            return rng.choice(TRICKY) + rng.choice(TRICKY) + rng.choice(TRICKY)
        case 3:
            letters = "abc XYZ 019 .,:;-_/\\\"'\n\t\r|*{}[]<>&#äß\u0430\u200d\u2066\ufe0f日本"
            return "".join(rng.choices(letters, k=rng.randrange(200)))
        case 4:
            return "Ordinary words, as people write them. " * rng.randrange(1, 30)
    return chr(rng.choice([*range(0x20, 0x250), *range(0x2000, 0x2070), 0x1F600])) * rng.randrange(
        9
    )


def value(rng: random.Random, depth: int) -> Any:
    match rng.randrange(10 if depth else 7):
        case 0:
            return rng.choice([None, True, False, [], {}])
        case 1:
            return rng.choice([0, 1, -5, 24000, 2**53 - 1, 0.1, -2.5, 1e21, 1e-7])
        case 7 | 8:
            return [value(rng, depth - 1) for _ in range(rng.randrange(5))]
        case 9:
            return {name: value(rng, depth - 1) for name in rng.sample(NAMES, rng.randrange(5))}
    return text(rng)


def generated() -> Iterator[tuple[JsonObject, RequestView]]:
    """Argument sets of different size, nesting, key order and script, some beyond every card."""
    rng = random.Random(20261129)
    for number in range(SETS):
        names = rng.sample(NAMES, rng.randrange(len(NAMES)))
        arguments = {name: value(rng, rng.randrange(4)) for name in names}
        if number % 10 == 0 and names:
            arguments[names[0]] = text(rng) + "long " * rng.choice([50, 800, 3_000, 9_000])
        if number % 50 == 0:
            arguments |= {f"field_{n}": text(rng) for n in range(rng.randrange(90))}
        first = tuple(rng.sample(names, min(2, len(names))))
        known: dict[str, JsonObject] = {name: {} for name in sorted(names) if rng.random() < 0.7}
        yield (
            arguments,
            view(
                arguments=arguments,
                show_first=first,
                schema={"type": "object", "properties": known},
                rationale=text(rng),
                call_id=f"call-{number}",
            ),
        )


def offered(card: JsonObject) -> bool:
    return any(node.get("verb") in {"approve", "edit", "save"} for node in nodes(card))


def seen(card: JsonObject) -> list[tuple[str, str]]:
    """Label and whole text of each row of arguments: what is folded is read unfolded."""
    rows = []
    for element in card["body"]:
        if element.get("type") != "ColumnSet" or element["columns"][0].get("width") != 1:
            continue
        label, cells = (column["items"] for column in element["columns"])
        full = [c for c in cells if str(c.get("id", "")).endswith("-full")]
        rows.append((said(label[0]), said((full[0]["items"] if full else cells)[0])))
    return rows


def said(block: JsonObject) -> str:
    """The words of a text block as they are drawn."""
    words = "".join(run["text"] for run in block["inlines"] if not run.get("italic"))
    return words.replace("\u200b", "").replace("\u00a0", " ")


def without_currency(name: str, shown: str) -> str:
    found = re.fullmatch(r"(-?[\d.]+(?:e[+-]?\d+)?) [A-Z]{3}", shown) if name == "amount" else None
    return found[1] if found else shown


def read_back(rows: list[tuple[str, str]], about: RequestView) -> JsonObject:
    """The arguments as somebody reads them who knows what the labels stand for."""
    arguments, request = about.request.arguments, about.request
    known = shown_arguments(arguments, about.arguments_schema, first=request.show_first)
    names = {each.label.casefold(): each.name for each in known}
    assert len(names) == len(known)
    assert [each.label for each in known] == [label for label, _ in rows]
    read = {names[label.casefold()]: shown for label, shown in rows}
    return {name: value_of(without_currency(name, shown)) for name, shown in read.items()}


def test_whenever_approve_was_offered_on_a_card_every_value_was_to_be_read() -> None:
    """1,000 sets; most fit, and some must not."""
    count = 0
    for arguments, about in generated():
        card = request_card(about, LOOK)
        assert size_bytes(card) <= CARD_LIMIT_BYTES
        assert offered(card) == shows_all(about, LOOK)
        if offered(card):
            count += 1
            assert canonical_json(arguments) == canonical_json(read_back(seen(card), about))

    assert SETS / 2 < count < SETS


def test_order_of_the_card_is_not_that_of_the_model() -> None:
    for arguments, about in islice(generated(), 200):
        backwards = dict(reversed(arguments.items()))
        again = about.request.model_copy(update={"arguments": backwards})
        assert request_card(about, LOOK) == request_card(
            about.model_copy(update={"request": again}), LOOK
        )


@pytest.mark.parametrize("system", ["jira", "servicenow"])
def test_whenever_approve_was_offered_in_a_ticket_every_value_was_to_be_read(system: str) -> None:
    count = 0
    for arguments, about in generated():
        order = TicketOrder(key="R-1.1.0", view=about, approvers=(BEN,))
        said = document(order, None, system)
        if system == "jira":
            body: JiraText | ServiceNowText = jira.description(said, jira_fixtures.settings(), {})
        else:
            body = servicenow.description(said, servicenow_fixtures.settings())
        if not body.whole:
            assert "Not everything fits here." in body.text
            continue
        count += 1
        rows = [row for row in said.arguments if row.key]
        labels = [row.name.removesuffix(f" ({visible(row.key)})") for row in rows]
        for row in rows:
            assert (
                in_jira(row.text, body.text)
                if system == "jira"
                else (in_servicenow(row.text, body.text))
            )
        pairs = list(zip(labels, (row.text for row in rows), strict=True))
        assert canonical_json(arguments) == canonical_json(read_back(pairs, about))

    assert SETS / 3 < count < SETS


FITS = (
    Checked(facts={"balance": 500, "note": "long " * 300}, preview=Preview(text="pays 100")),
    Checked(preview=Preview(kind="diff", text="--- a\n+++ b\n" + "+ line\n" * 40)),
    Checked(preview=Preview(kind="table", rows=(("a", "b"), *([("1", "x" * 120)] * 11)))),
)
DOES_NOT_FIT = (
    Checked(facts={f"fact_{n}": "x" * 2_000 for n in range(40)}),
    Checked(preview=Preview(text="line\n" * 5_000)),
    Checked(preview=Preview(kind="table", rows=(("a", "b"),) * 4_000)),
    Checked(preview=Preview(kind="table", rows=(("x" * 20_000,),))),
)


def saying(checked: Checked) -> RequestView:
    return view(facts=checked.facts, preview=checked.preview)


def texts_of(checked: Checked) -> list[str]:
    """What somebody has to be able to read."""
    preview = checked.preview or Preview()
    cells = [cell for row in preview.rows for cell in row]
    return [str(v) for v in [*(checked.facts or {}).values(), *preview.text.split("\n"), *cells]]


@pytest.mark.parametrize("checked", [*FITS, *DOES_NOT_FIT])
def test_what_a_check_says_is_to_be_read_whenever_approve_was_offered(checked: Checked) -> None:
    about = saying(checked)
    card = request_card(about, LOOK)
    drawn = "".join(str(node.get("text", "")) for node in nodes(card))
    drawn = drawn.replace("\u200b", "").replace("\u00a0", " ")

    assert (checked in FITS) == offered(card) == shows_all(about, LOOK)
    assert size_bytes(card) <= CARD_LIMIT_BYTES
    if offered(card):
        assert all(text.strip() in drawn for text in texts_of(checked))


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (((("a", "b"),) * 13), "a | b"),
        ((("a", "b", "c", "d", "e", "f"),), "a | b | c | d | e | f"),
        ((("x" * 121, "a | b"), ("1\n2", ' "')), 'x | "a | b"\n"1\\n2" | " \\""'),
    ],
)
def test_table_that_is_too_large_for_columns_stands_in_lines(rows: Any, line: str) -> None:
    card = request_card(view(preview=Preview(kind="table", rows=rows)), LOOK)
    drawn = "".join(str(node.get("text", "")) for node in nodes(card))

    assert offered(card)
    assert line in drawn.replace("\u200b", "")


def test_no_preview_hides_a_character() -> None:
    hidden = "exe\u202efdp"
    for preview in (
        Preview(text=hidden),
        Preview(kind="table", rows=((hidden,),)),
        Preview(kind="table", rows=((hidden,),) * 20),
    ):
        about = view(preview=preview)
        order = TicketOrder(key="R-1.1.0", view=about, approvers=(BEN,))
        said = document(order, None, "jira").notes

        assert "\u202e" not in str(request_card(about, LOOK))
        assert "\\u202e" in "".join(str(n.get("text")) for n in nodes(request_card(about, LOOK)))
        assert "\\u202e" in said[0].text


@pytest.mark.parametrize("system", ["jira", "servicenow"])
@pytest.mark.parametrize("checked", [*FITS, *DOES_NOT_FIT])
def test_what_a_check_says_is_in_the_ticket_or_it_is_not_whole(
    checked: Checked, system: str
) -> None:
    order = TicketOrder(key="R-1.1.0", view=saying(checked), approvers=(BEN,))
    said = document(order, None, system)
    if system == "jira":
        body: JiraText | ServiceNowText = jira.description(said, jira_fixtures.settings(), {})
    else:
        body = servicenow.description(said, servicenow_fixtures.settings())

    assert (checked in FITS) == body.whole
    assert body.whole or "Not everything fits here." in body.text
    if body.whole:
        assert all(text.strip() in " ".join(row.text for row in said.notes)
                   for text in texts_of(checked))  # fmt: skip


def in_jira(shown: str, body: str) -> bool:
    return (f"|{cell(shown)}|" if fits_cell(shown) else box(shown)) in body


def in_servicenow(shown: str, body: str) -> bool:
    """Its first line behind the name, every other one behind a mark that no value can write."""
    first, *others = harmless(shown).split("\n")
    lines = "\n".join([f": {first}".rstrip(), *(f"    | {line}".rstrip() for line in others)])
    return f"{lines}\n" in body


def test_page_shows_every_value() -> None:
    for _, about in islice(generated(), 200):
        page = "".join(html.whole(about))
        for each in shown_arguments(about.request.arguments, about.arguments_schema):
            assert escape(each.text) in page
