"""Modals: a form for every kind of value, which Slack takes, and what was typed comes back."""

from __future__ import annotations

from typing import Any

from countersign.approvals.models import JsonObject, Stage
from countersign.approvals.ports import RequestView
from countersign.connectors.slack.modals import Opened, Typed, errors, form, typed_in, why_not
from countersign.connectors.slack.submissions import Reply
from countersign.sandbox.slack import clicks
from countersign.sandbox.slack.blocks import view_problems
from countersign.sandbox.slack.people import people
from countersign.sandbox.slack.workspace import View, Workspace
from countersign.testing.suites.asked import asked
from tests.doubles.directory import BEN

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "customer": {"type": "string", "description": "As in the CRM & nowhere else."},
        "amount": {"type": "number"},
        "stage": {"enum": ["open & new", "won"]},
        "urgent": {"type": "boolean"},
        "closing": {"type": "string", "format": "date"},
        "lines": {"type": "array"},
        "note": {"type": "string"},
        "reviewer": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["customer", "amount", "stage", "urgent", "note"],
}
ARGUMENTS: JsonObject = {
    "customer": "Smith & Sons <GmbH>",
    "amount": 1200.5,
    "stage": "open & new",
    "urgent": True,
    "closing": "2026-12-30",
    "lines": [{"sku": "A"}],
    "note": "",
    "reviewer": None,
}


def view(
    arguments: JsonObject = ARGUMENTS, schema: JsonObject = SCHEMA, **more: Any
) -> RequestView:
    return asked((BEN,), arguments, **more).model_copy(update={"arguments_schema": schema})


def opened(verb: str, of: RequestView) -> Opened:
    request = of.request
    return Opened(
        request=request.id, digest=request.digest, verb=verb, channel="C0SALES", message="1.1"
    )


def sent(content: Any, typed: dict[str, str | None]) -> dict[str, Any]:
    """The state of the modal after somebody has typed this and sent it."""
    modal = View("V1", "U0ALEX", content, "1.2")
    payload = clicks.submission_payload(Workspace(people()), modal, typed)
    values: dict[str, Any] = payload["view"]["state"]["values"]
    return values


def test_every_form_is_one_that_slack_takes() -> None:
    for verb in ("reject", "ask", "change"):
        made = form(opened(verb, view()), view(), note="Look.", typed=Typed(text="x", values={}))

        assert [] == view_problems(made)


def test_form_that_nobody_touched_changes_nothing() -> None:
    """Also where Slack gives texts back with entities."""
    made = form(opened("change", view()), view())
    state = sent(made, {})
    escaped = {**state, "argument-0": {"value": {"value": "Smith &amp; Sons &lt;GmbH&gt;"}}}

    assert {} == typed_in(state, view()).values
    assert {} == typed_in(escaped, view()).values


def test_what_was_typed_comes_back_by_argument() -> None:
    made = form(opened("change", view()), view())
    state = sent(
        made,
        {
            "argument-0": "Contoso",
            "argument-1": "7",
            "argument-2": "1",
            "argument-3": "false",
            "argument-4": "2027-01-02",
            "argument-5": "[]",
            "argument-7": "ben",
            "text": " Rounded. ",
        },
    )

    typed = typed_in(state, view())
    assert "Rounded." == typed.text
    assert {
        "customer": "Contoso",
        "amount": "7",
        "stage": "won",
        "urgent": "false",
        "closing": "2027-01-02",
        "lines": "[]",
        "reviewer": "ben",
    } == typed.values


def test_state_that_is_none_is_empty() -> None:
    broken = {"argument-0": {"value": None}, "argument-2": {"value": {"value": "9"}}, "text": 1}

    assert {"customer": "", "stage": ""} == typed_in(broken, view()).values


def test_form_shows_again_what_was_typed() -> None:
    typed = Typed(text="Why", values={"amount": "7", "note": "n"})
    again = sent(form(opened("change", view()), view(), typed=typed), {})

    assert {"amount": "7", "note": "n"} == typed_in(again, view()).values


def test_value_with_time_of_another_form_is_text() -> None:
    odd = view({**ARGUMENTS, "closing": "tomorrow"})
    made = form(opened("change", odd), odd)

    assert [] == view_problems(made)
    assert "plain_text_input" == made["blocks"][5]["element"]["type"]


def test_reason_is_needed_where_the_rule_says_so() -> None:
    strict = view(stages=(Stage(roles=("manager",), comment_required=True),))

    assert not form(opened("reject", strict), strict)["blocks"][-1]["optional"]
    assert form(opened("reject", view()), view())["blocks"][-1]["optional"]


def test_values_that_no_form_holds_are_said() -> None:
    many = view({f"n{number}": 1 for number in range(91)}, {})
    long = view({"customer": "&" * 700}, {})
    wide = view({"kind": "1"}, {"properties": {"kind": {"enum": [str(n) for n in range(101)]}}})

    assert "" == why_not(view())
    assert "91 values" in why_not(many)
    assert "Customer is too long" in why_not(long)
    assert "Kind has more choices" in why_not(wide)


def test_errors_stand_where_they_belong() -> None:
    assert {"argument-1": "A number is needed.", "text": "other: No."} == errors(
        {"amount": "A number is needed.", "other": "No."}, view(), "never shown"
    )
    assert {"text": "Why"} == errors({}, view(), "Why")


def test_late_reply_says_in_words_what_it_would_have_shown() -> None:
    assert "Done." in Reply().words()
    assert "Nothing was decided: No." in Reply(errors={"text": "No."}).words()
    assert "Too late" == Reply("T", "Too late").words()
    assert "update" == Reply(view={"type": "modal"}).body()["response_action"]
