"""Every state of every card: valid, small enough, honest, and proof against what agents write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft6Validator
from jsonschema.exceptions import best_match

from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import in_words, visible
from countersign.approvals.models import RequestStatus, Risk
from countersign.bot.teams.approval import Typed
from countersign.bot.teams.arguments import Space, changes_table
from countersign.bot.teams.asking import fits
from countersign.bot.teams.cards import (
    CARD_LIMIT_BYTES,
    KEPT,
    NOT_KEPT,
    form_left,
    notification,
    request_card,
    size_bytes,
)
from countersign.bot.teams.elements import Flavour
from countersign.bot.teams.parts import Look
from tests.bot.teams import gallery
from tests.bot.teams.gallery import HOSTILE, HUGE, LONG, NESTED, view
from tests.bot.teams.stage import ARGUMENTS

SCHEMA = Path(__file__).parents[2] / "fixtures" / "adaptive-card" / "schema-1.5.json"
FLAVOURS: tuple[Flavour, ...] = ("execute", "submit")
STATES = sorted(gallery.drawings("execute"))
LOOK = Look("execute", readable=True)


@cache
def drawn(flavour: Flavour) -> dict[str, Any]:
    return gallery.cards(flavour)


@cache
def validator() -> Draft6Validator:
    return Draft6Validator(json.loads(SCHEMA.read_text()))


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)
    elif isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)


def texts(card: Any) -> str:
    """All that a person can read, joined."""
    return "\n".join(
        str(node[name])
        for node in nodes(card)
        for name in ("text", "title", "label", "value")
        if isinstance(node.get(name), str)
    ).replace("\u200b", "")


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("state", STATES)
def test_card_is_valid(flavour: Flavour, state: str) -> None:
    """By the official schema, which knows everything but the root's `msteams`."""
    card = {k: v for k, v in drawn(flavour)[state].items() if k != "msteams"}
    wrong = best_match(validator().iter_errors(card))

    assert wrong is None, wrong


def test_schema_catches_mistakes() -> None:
    card = {k: v for k, v in drawn("execute")["pending"].items() if k != "msteams"}
    for mistake in ({"body": [{"type": "TextBlok", "text": "x"}]}, {"unknown": 1}):
        assert not validator().is_valid({**card, **mistake})


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("state", STATES)
def test_card_is_small_enough(flavour: Flavour, state: str) -> None:
    assert size_bytes(drawn(flavour)[state]) <= CARD_LIMIT_BYTES


@pytest.mark.parametrize("state", STATES)
def test_card_speaks_wraps_and_has_no_fixed_widths(state: str) -> None:
    card = drawn("execute")[state]

    assert card["speak"] == card["fallbackText"] != ""
    assert card["version"] == "1.5"
    assert any(node.get("style") == "heading" for node in nodes(card))
    for node in nodes(card["body"]):
        if node.get("type") == "TextBlock":
            assert node["wrap"] is True
            # Teams' light "good" and "warning" texts cannot be read on white.
            assert "color" not in node
        assert "px" not in str(node.get("width", ""))
        if str(node.get("type")).startswith("Input."):
            assert node["label"]
        if "isRequired" in node:
            assert node["errorMessage"]
            assert node["type"] != "Input.Toggle"


@pytest.mark.parametrize("state", STATES)
def test_input_ids_are_unique(state: str) -> None:
    ids = [n["id"] for n in nodes(drawn("execute")[state]) if "id" in n]

    assert len(ids) == len(set(ids))


CARRIED = (
    {"request", "digest"},
    {"request", "digest", "comment"},
    {"said", "message", "workflow"},
    {"request", "digest", "foreseen"},
    {"request", "digest", "all"},
    {"request", "digest", "about"},
    {"request", "within"},
    {"request", "digest", "all", "calls"},
    {"request", "digest", "calls"},
)
"""The second and the third stand on cards that ask what a message is meant as, the fourth on one
that says who else decides an edit, the fifth beside other calls, the sixth on one with a question,
the others on one of several calls."""


def carried(data: dict[str, Any]) -> set[str]:
    """Without what was typed into a form."""
    return {name for name in data if not name.startswith(("arg_", "verb"))}


def test_what_a_button_cannot_carry_is_not_given_to_one() -> None:
    assert fits(gallery.SAID)
    assert not fits(gallery.SAID + '"\U0001f600' * 20)
    assert fits("x" * 2000)
    assert not fits("x" * 2001)


@pytest.mark.parametrize("state", STATES)
def test_buttons_fit_the_client_and_carry_no_more_than_they_need(state: str) -> None:
    execute, submit = drawn("execute")[state], drawn("submit")[state]

    assert "Action.Execute" not in str(submit)
    for node in nodes(execute):
        if node.get("type") == "Action.Execute":
            assert carried(node["data"]) in CARRIED
            if carried(node["data"]) == {"request", "within"} and "fallback" not in node:
                continue  # a line of several that is pressed; each has buttons below as well
            assert node["fallback"]["type"] == "Action.Submit"
            assert node["fallback"]["data"] == {**node["data"], "verb": node["verb"]}
    for node in nodes(submit):
        if node.get("type") == "Action.Submit":
            assert carried(node["data"]) in CARRIED
            assert "verb" in node["data"]


def test_approval_card_says_who_what_why_until_when() -> None:
    said = texts(drawn("execute")["pending"])

    for piece in (
        "Approval needed: Push quote",
        "sales_agent",
        "push_quote",
        "Sam Carter",
        "24000",
        "Contoso",
        "High risk",
        "The customer asked for 25 seats",
        "{{DATE(2026-11-22T16:00:00Z, SHORT)}} {{TIME(2026-11-22T16:00:00Z)}}",
        "2026-11-22 16:00 UTC",
        "if nobody does, it does not run",
        "Quotes above 10,000 bind us.",
        "9f2c4be1a07d",
        "sales_manager",
        "Alex Wilber or Isaiah Langer",
    ):
        assert piece in said


@pytest.mark.parametrize(
    ("risk", "shown"),
    [(Risk.HIGH, "⚠ High risk"), (Risk.MEDIUM, "● Medium risk"), (Risk.LOW, "○ Low risk")],
)
def test_risk_is_a_word(risk: Risk, shown: str) -> None:
    assert shown in texts(request_card(view(risk=risk), LOOK))


def test_the_same_call_is_said_in_text_that_nobody_writes_markup_in() -> None:
    by = gallery.SAME.model_copy(update={"by": "**Sam** [x](https://evil.example)"})
    card = request_card(view(same_calls=(gallery.SAME, by)), LOOK)
    lines = [n for n in nodes(card) if "The same call" in str(n.get("text", ""))]

    assert {"TextRun"} == {line["type"] for line in lines}
    assert "was carried out already, approved by Isaiah Langer on" in lines[0]["text"]
    assert "approved by **Sam** [x](https://evil.example) on" in lines[1]["text"]


def test_budgets_are_said_those_first_that_are_passed() -> None:
    hostile = gallery.DISCOUNTS.model_copy(
        update={"scope": "customer **Sam** [x](https://e.example)"}
    )
    five = (*gallery.BUDGETS, hostile, *gallery.BUDGETS)
    card = request_card(view(budgets=five), LOOK)
    found = [n for n in nodes(card) if " Budget " in f" {n.get('text', '')}"]
    lines = [n["text"] for n in nodes(card) if "today, EUR" in str(n.get("text", ""))]

    assert ["⚠ Budget ", "⚠ Budget ", "⚠ Budget ", "Budget "] == [n["text"] for n in found]
    assert (
        "discounts: 3rd of 5 today, EUR 12,400 of 20,000 (customer Contoso); past its soft limit "
        "of 2 calls"
    ) == lines[0]
    assert {"TextRun"} == {n["type"] for n in nodes(card) if "**Sam**" in str(n.get("text", ""))}


def test_checkpoint_position_is_said() -> None:
    said = texts(drawn("execute")["pending-medium-two-together"])

    assert "1 of 2 proposed together" in said
    assert "Nothing runs before all are decided." in said


def test_branches_are_named_and_what_failed_beside_them() -> None:
    """Of chats that work side by side: whose call it is, the others, and who is not in it."""
    said = texts(drawn("execute")["pending-branches"])

    assert "1 of 2 proposed together, branch quote." in said
    assert "branch crm" in said
    assert "⚠ Branch mail failed: The model refused: “No.”" in said
    assert "at least one cannot be undone." in said


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("approved", "✓ Approved"),
        ("executing", "✓ Approved, running"),
        ("executed", "✓ Approved and done"),
        ("executed-undoable", "Withdraw quote takes it back, if nothing has changed, with:"),
        ("executed-undone", "↩ Undone for Alex Wilber (request R-01J9ZM8D2S)."),
        ("executed-with-changes", "✓ Approved with changes and done"),
        ("rejected", "✗ Rejected"),
        ("expired", "✗ Expired"),
        ("cancelled", "⊘ Cancelled"),
        ("failed", "✗ Approved, but it failed"),
        ("in-doubt", "It is not known whether it ran; nothing will be retried."),
        ("found-done", "✓ Approved, found done"),
        ("found-not-done", "✗ Approved, found not done"),
        ("input-answered", "✓ Replied"),
        ("input-ended", "✗ Chat ended"),
    ],
)
def test_outcome_is_words_and_has_no_votes(state: str, said: str) -> None:
    card = drawn("execute")[state]
    verbs = {node["verb"] for node in nodes(card) if "verb" in node}

    assert said in texts(card)
    own = {"approved": {"revoke"}, "executed-undoable": {"undo"}}
    assert verbs <= {"refresh"} | own.get(state, set())


def test_outcome_shows_result_reason_and_changes() -> None:
    assert '{"quote": "Q-2041"' in texts(drawn("execute")["executed"])
    assert gallery.REASON in texts(drawn("execute")["rejected"])
    whole = texts(drawn("execute")["executed-with-changes"])
    changed = whole.partition("What was changed")[2]
    assert "Decided by \nAlex Wilber, through Microsoft Teams" in whole
    assert changed.startswith("\nChanged by \nMegan Bowen\n.\n")
    assert changed.index("24000") < changed.index("21000")
    assert "maintenance until 14:00" in texts(drawn("execute")["failed"])


def test_whoever_decides_after_a_change_reads_what_the_agent_had_proposed() -> None:
    changed = texts(drawn("execute")["pending-changed"]).partition("What was changed")[2]

    assert changed.index("24000") < changed.index("30000")
    assert "(not given)" in changed
    assert "What was changed" not in texts(drawn("execute")["pending"])


@pytest.mark.parametrize(
    ("state", "ran"),
    [("found-done", "What exactly ran"), ("found-not-done", "What was proposed")],
)
def test_what_a_person_found_is_said_with_who_and_through_what(state: str, ran: str) -> None:
    said = texts(drawn("execute")[state])

    assert "Looked into by \nMegan Bowen, through the API" in said
    assert "Looked for Q-2041 in the CPQ by hand." in said
    assert ran in said
    assert "For the agents." not in said


def test_long_value_is_folded_but_all_there() -> None:
    card = drawn("execute")["pending-long"]
    toggles = [n for n in nodes(card) if n.get("type") == "Action.ToggleVisibility"]
    hidden = [n for n in nodes(card) if n.get("isVisible") is False]

    assert LONG.replace("\n", "↵\n") in "".join(
        str(run["text"]) for run in nodes(hidden) if run.get("type") == "TextRun"
    ).replace("\u200b", "")
    assert {t["title"] for t in toggles} == {"Show all", "Show less", "Details"}
    assert "Not everything fits" not in texts(card)


def test_what_does_not_fit_is_not_offered_to_be_approved() -> None:
    """Neither Approve nor Edit, but the way to read it, and Reject."""
    card = drawn("execute")["pending-huge"]

    assert "Not everything fits on this card." in texts(card)
    assert "more characters" in texts(card)
    assert "more arguments" in texts(card)
    assert {"ask", "read", "reject"} == {node["verb"] for node in nodes(card) if "verb" in node}


def test_whoever_has_to_prove_that_it_is_them_is_led_to_the_page_instead_of_approve() -> None:
    actions = drawn("execute")["pending-unproven"]["actions"]
    titles = [action["title"] for action in actions]

    assert ["Approve with a proof", "Edit", "Reject"] == titles
    assert gallery.PROOF_PAGE == actions[0]["url"]


def test_whoever_has_read_it_is_offered_to_approve_it() -> None:
    card = drawn("execute")["pending-huge-read"]

    assert "Read by \nAlex Wilber" in texts(card)
    verbs = {node["verb"] for node in nodes(card) if "verb" in node}
    assert {"ask", "read", "approve", "edit", "reject"} == verbs


def test_without_a_page_the_command_is_named() -> None:
    card = request_card(view(arguments=HUGE), Look("execute"))

    assert "countersign requests show R-01J9ZK3V7Q" in texts(card)
    assert {"ask", "reject"} == {node["verb"] for node in nodes(card) if "verb" in node}


SIZES = [
    (count, length)
    for count in (1, 30, 200, 2_000)
    for length in (1, 200, 5_000, 100_000)
    if count * length <= 10_000_000  # more than the server accepts anywhere
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("count", "length"), SIZES)
def test_no_arguments_are_too_large_for_a_card(count: int, length: int) -> None:
    arguments = {f"n{'a' * 60}{index}": "é" * length for index in range(count)}
    for status in (RequestStatus.PENDING, RequestStatus.REJECTED):
        card = request_card(
            view(arguments=arguments, rationale="r" * 50_000, agent="a" * 5_000, status=status),
            LOOK,
        )

        assert size_bytes(card) <= CARD_LIMIT_BYTES


def test_agents_cannot_write_markdown_links_mentions_or_dates() -> None:
    """What they write is in text runs, which know no Markdown, and in no other place."""
    card = drawn("execute")["pending-hostile"]
    for node in nodes(card):
        if node.get("type") in {"TextBlock", "Action.OpenUrl"} or "label" in node:
            assert "evil" not in json.dumps(node)
        if node.get("type") == "TextRun":
            assert "{{DATE(2026-01" not in node["text"]
    assert "entities" not in json.dumps(card)
    assert "evil" not in card["speak"]
    assert "**Approved by Sam Carter** [click](https://evil.example)" in texts(card)
    runs = "".join(n["text"] for n in nodes(card) if n.get("type") == "TextRun")
    assert "{{DATE(2026-01-01T00:00:00Z)}}" in runs.replace("\u200b", "")


def test_invisible_characters_are_made_visible() -> None:
    said = texts(drawn("execute")["pending-hostile"])

    assert "\u202e" not in said
    assert "\\u202egnp.exe\\u200b" in said


def test_agent_cannot_forge_through_the_name_of_the_tool() -> None:
    card = request_card(view(tool="[x](http://evil)** approve"), LOOK)
    summary = notification(view(tool="[x](http://evil)** approve"))

    assert summary == "Approval needed: X http evil approve"
    assert card["speak"].endswith("X http evil approve.")
    assert "](" not in json.dumps([n for n in nodes(card) if n.get("type") == "TextBlock"])


def test_prefilled_inputs_show_what_is_stored() -> None:
    inputs = {n["id"]: n for n in nodes(drawn("execute")["edit"]) if "id" in n}

    assert inputs["arg_amount"]["type"] == "Input.Number"
    assert inputs["arg_amount"]["value"] == ARGUMENTS["amount"]
    checks = {"isRequired", "errorMessage", "min", "max", "regex"}
    assert [] == [name for name, each in inputs.items() if checks & each.keys()]
    assert inputs["arg_urgent"]["type"] == "Input.Toggle"
    assert inputs["arg_urgent"]["value"] == "false"
    assert [c["value"] for c in inputs["arg_currency"]["choices"]] == ["EUR", "USD"]
    nested = {n["id"]: n for n in nodes(drawn("execute")["edit-nested"]) if "id" in n}
    assert json.loads(nested["arg_lines"]["value"]) == NESTED["lines"]
    assert nested["arg_body"]["isMultiline"] is True


def test_a_card_leads_to_the_receipt_once_it_is_over_and_where_pages_can_be_read() -> None:
    def links(look: Look, status: RequestStatus) -> list[str]:
        card = request_card(view(status=status, decision=gallery.decided()), look)
        return [each["url"] for each in nodes(card) if each.get("title") == "Receipt"]

    look = replace(LOOK, pages_url="https://gate.example")
    assert [f"https://gate.example/inbox/requests/{view().request.id}/receipt"] == links(
        look, RequestStatus.EXECUTED
    )
    assert [] == links(look, RequestStatus.APPROVED)
    assert [] == links(LOOK, RequestStatus.EXECUTED)


def test_what_is_too_long_for_the_card_is_not_kept_and_said() -> None:
    request, look = view(), Look("execute")
    long = Typed({"customer": "c" * 20_000}, "Look at the customer")

    left = form_left(request, look, long)

    assert NOT_KEPT in texts(left)
    assert "Look at the customer" in json.dumps(left)
    assert "Edit" in [action["title"] for action in left["actions"]]
    assert size_bytes(left) <= CARD_LIMIT_BYTES
    assert KEPT in texts(form_left(request, look, Typed({"customer": "c"})))


def test_what_was_typed_is_kept_beside_its_problem() -> None:
    card = drawn("execute")["edit-problems"]
    inputs = {n["id"]: n for n in nodes(card) if "id" in n}

    assert inputs["arg_amount"]["value"] == "21.000,50"
    assert inputs["arg_seats"]["value"] == "many"
    assert inputs["comment"]["value"] == "Less, please"
    assert "Use a point for decimals." in texts(card)


def test_too_long_to_edit_is_said_on_the_whole_card() -> None:
    assert "too long to edit in a card" in texts(drawn("execute")["edit-too-long"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("EUR", "EUR"),
        ("900", '"900"'),
        ("true", '"true"'),
        ("yes", '"yes"'),
        ("24000 EUR", '"24000 EUR"'),
        ("EUR (default)", '"EUR (default)"'),
        ("", '""'),
        (" x", '" x"'),
        ('"x"', '"\\"x\\""'),
        ("2026-11-22", "2026-11-22"),
        (900, "900"),
        (900.5, "900.5"),
        (True, "Yes"),
        (None, "No value"),
        ([], "Empty list"),
        ({}, "Empty"),
        (["a"], '1 item:\n  1. "a"'),
        ({"b": None, "a": [1]}, "2 values:\n  a: 1 item:\n    1. 1\n  b: No value"),
        ({"a: b": 1}, '1 value:\n  "a: b": 1'),
        ("ZWJ\u200d", '"ZWJ\\u200d"'),
        ("ZWJ\\u200d", '"ZWJ\\\\u200d"'),
        ("a\u00a0b", '"a\\u00a0b"'),
        ("tag\U000e0041", '"tag\\U000e0041"'),
        ("CUST-1\u3164", '"CUST-1\\u3164"'),
        ("a\u115fb\uffa0", '"a\\u115fb\\uffa0"'),
        ("\u2800", '"\\u2800"'),
        ("a\u034f\ufe0f\U000e0100", '"a\\u034f\\ufe0f\\U000e0100"'),
        ("\u26a0\ufe0f", "\u26a0\ufe0f"),
        ("Cont\u043eso", '"Cont\\u043eso"'),
        ("line\nline", '"line↵\nline"'),
        ("a↵b", '"a\\u21b5b"'),
        ("C:\\temp", "C:\\temp"),
    ],
)
def test_values_read_as_what_they_are(value: Any, shown: str) -> None:
    assert value_text(value) == shown


@pytest.mark.parametrize(("before", "after"), [(1, True), ([0], [False]), ({"n": True}, {"n": 1})])
def test_a_change_of_kind_is_a_change(before: Any, after: Any) -> None:
    table = changes_table({"flag": before, "kept": 12.0}, {"flag": after, "kept": 12}, Space())

    assert "Flag" in str(table.elements)
    assert "Kept" not in str(table.elements)


def test_tool_names_become_words() -> None:
    assert in_words("push_quote") == "Push quote"
    assert in_words("pushQuote2CRM") == "Push Quote2 CRM"
    assert in_words("**") == "Tool"


def test_hostile_sample_is_hostile() -> None:
    """It has all that the tests above look for."""
    assert visible(HOSTILE) != HOSTILE
    assert "](" in HOSTILE
    assert "{{DATE(" in HOSTILE
