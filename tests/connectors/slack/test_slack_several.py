"""The message of several calls in Slack: whole or not, within Slack's limits, with safe buttons."""

from __future__ import annotations

import json
from typing import Any

import pytest

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.forms.together import digest_of, name_of
from countersign.approvals.models import (
    JsonObject,
    Preview,
    Request,
    RequestId,
    RequestStatus,
)
from countersign.approvals.ports import RequestView
from countersign.connectors.slack.drawing import drawn_for, is_whole
from countersign.connectors.slack.markup import MESSAGE_LIMIT, size
from countersign.connectors.slack.message import Bound, Drawn
from countersign.connectors.slack.together import together
from countersign.sandbox.slack.blocks import message_problems
from tests.connectors.slack.test_slack_message import HOSTILE, nowhere, page, words
from tests.connectors.slack.test_slack_message import view as one


def several(
    count: int, arguments: JsonObject | None = None, **changes: Any
) -> tuple[RequestView, tuple[Request, ...]]:
    """The view of the first of so many calls, and all of them."""
    view = one(arguments, **changes)
    calls = tuple(
        view.request.model_copy(
            update={
                "id": RequestId(f"R-SUITE{number}"),
                "position": number,
                "digest": sha256_hex(str(number).encode()),
            }
        )
        for number in range(count)
    )
    more = {"request": calls[0], "siblings": calls[1:], "calls": name_of(calls)}
    return view.model_copy(update=more), calls


def shown(view: RequestView, page: Any = page) -> Drawn:
    made = drawn_for(view, page)

    assert [] == message_problems(list(made.blocks))
    assert size(made.blocks) <= MESSAGE_LIMIT
    return made


def pressed(made: Drawn) -> list[tuple[str, Bound]]:
    """Every button that carries something, in order."""
    rows = [block["elements"] for block in made.blocks if block["type"] == "actions"]
    found = []
    for row in rows:
        assert len({each["action_id"] for each in row}) == len(row)
        for each in row:
            if value := each.get("value"):
                assert len(value) <= 2_000
                found.append((each["action_id"], Bound.model_validate_json(value)))
    return found


def test_each_call_has_its_buttons_and_all_have_theirs() -> None:
    view, calls = several(3)
    made = shown(view)
    found = pressed(made)

    assert "Approval needed: 3 calls" == made.text
    assert [(each.id, each.digest) for each in calls] == [
        (bound.request, bound.digest) for action, bound in found if action == "approve"
    ]
    assert [("approve_all", digest_of(calls)), ("reject_all", digest_of(calls))] == [
        (action, bound.digest) for action, bound in found if action.endswith("_all")
    ]
    assert {view.calls} == {bound.calls for _, bound in found}
    assert made.complete


def test_what_is_decided_has_no_buttons_and_all_are_those_that_wait() -> None:
    view, calls = several(3)
    over = calls[1].model_copy(update={"status": RequestStatus.CANCELLED})
    view = view.model_copy(update={"siblings": (over, calls[2])})
    made = shown(view)
    found = pressed(made)

    assert "Approval needed: 2 of 3 calls" == made.text
    assert "⊘ Cancelled" in words(made)
    assert {calls[0].id, calls[2].id} == {
        bound.request for action, bound in found if action == "approve"
    }
    assert digest_of([calls[0], calls[2]]) in {bound.digest for _, bound in found}


@pytest.mark.parametrize("count", [2, 5, 10, 40, 200, 500])
def test_any_number_of_calls_fits_into_what_slack_takes(count: int) -> None:
    view, calls = several(count)
    made = shown(view)
    found = [action for action, _ in pressed(made)]

    assert made.complete is ("approve_all" in found)
    assert "reject_all" in found
    assert made.complete or "on their page" in words(made) or "on the page" in words(made)
    assert made.complete == all(is_whole(view, page, view.calls) for _ in calls[:1])
    if count >= 40:
        assert "approve" not in found


def test_a_call_that_does_not_fit_is_not_approved_here_and_others_are() -> None:
    view, calls = several(2)
    long = calls[1].model_copy(update={"arguments": {"body": "x" * 9_000}})
    view = view.model_copy(update={"siblings": (long,)})
    made = together(view, page)
    found = [(action, bound.request) for action, bound in pressed(made.drawn)]

    assert frozenset({calls[0].id}) == made.whole
    assert [("approve", calls[0].id)] == [each for each in found if each[0] == "approve"]
    assert "approve_all" not in {action for action, _ in found}
    assert ("reject", long.id) in found
    assert not made.drawn.complete


def test_what_the_tool_says_it_would_do_is_part_of_the_call() -> None:
    view, calls = several(2)
    said = calls[1].model_copy(update={"preview": Preview(kind="text", text="Sends 3 mails.")})
    view = view.model_copy(update={"siblings": (said,)})

    assert "Sends 3 mails." in words(shown(view))


def test_a_button_that_names_other_calls_makes_nothing_whole() -> None:
    view, calls = several(2)
    long = calls[0].model_copy(update={"arguments": {"body": "x" * 9_000}})
    alone = view.model_copy(update={"request": long, "calls": ""})

    assert not is_whole(alone, page, view.calls)
    assert not is_whole(alone, page, "")
    assert not is_whole(alone, page, "nonsense")
    assert is_whole(view.model_copy(update={"calls": ""}), page, "nonsense")


def test_nothing_that_agents_say_is_markup() -> None:
    view, _ = several(2, {"note": HOSTILE}, rationale=HOSTILE, agent=HOSTILE)
    made = shown(view)
    text = json.dumps(list(made.blocks), ensure_ascii=False)

    assert "<!channel>" not in text
    assert "<@U0ALEX>" not in text


def test_without_pages_it_says_so() -> None:
    view, _ = several(100)
    made = shown(view, nowhere)

    assert "elsewhere" in words(made)
    assert not [
        each
        for block in made.blocks
        if block["type"] == "actions"
        for each in block["elements"]
        if "url" in each
    ]
