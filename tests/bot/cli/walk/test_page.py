"""What a terminal shows of a request, line by line, and that no others' words pass for ours."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.models import JsonObject
from countersign.bot.api.request_bodies import RequestBody
from countersign.bot.cli.walk.page import page
from countersign.bot.cli.walk.terminal import GOES_ON, rows

AT = "2026-11-22T12:00:00Z"
ALEX, MEGAN = {"id": "alex", "name": "Alex"}, {"id": "megan", "name": "Megan"}
TIER: JsonObject = {
    "number": 1, "roles": ["manager"], "groups": [], "people": [], "quorum": 2, "parallel": False,
    "rejects_needed": 1, "is_open": True, "approved_by": [MEGAN], "rejected_by": [], "missing": 1,
    "could": [ALEX], "could_count": 1, "comment_required": False,
}  # fmt: skip
REQUEST: JsonObject = {
    "id": "R-1", "session_id": "S-1", "checkpoint_id": "C-1", "kind": "tool", "tool": "pay_refund",
    "arguments": {"amount": 5, "note": "one\ntwo"}, "proposed_arguments": None, "defaulted": [],
    "injected": [{"name": "account", "value": "ops"}], "agent": "clerk", "rationale": "a\n\tb",
    "risk": "high", "digest": "d" * 64, "revision": 1, "status": "pending", "stage": None,
    "steps": [TIER], "editable": True, "expires_at": AT, "at_deadline": "escalate",
    "next_step": {"kind": "escalate", "at": AT, "roles": ["controller"]}, "created_at": AT,
    "requester": "bob", "workflow": "refunds", "task": "refund it", "arguments_schema": None,
    "eligible": [ALEX], "eligible_count": 1,
    "rule": {"id": "r", "reason": "", "policy_version": "v"}, "votes": [],
    "facts": None, "preview": None, "approval_valid_for_s": None, "asked_again": "",
    "changed_by": [], "paused": None, "same_calls": [], "budgets": [], "questions": [],
    "deliveries": [], "result": None, "undo": None, "undoes": None, "parallel": None,
    "hindsights": [], "rollout": "",
}  # fmt: skip
QUESTION: JsonObject = {
    "id": "R-1.1", "number": 1, "revision": 1, "by": "alex", "name": "Alex", "via": "api",
    "text": "why?", "asked_at": AT, "status": "open", "answer": "", "answered_by": None,
    "answerer": "", "answerer_name": "", "answered_at": None, "calls": [], "why": "",
}  # fmt: skip


def shown(**changed: Any) -> str:
    """The page of the request with these changes."""
    request = RequestBody.model_validate({**REQUEST, **changed})
    return "\n".join(text for _, text in page(request, "https://gate.example", "1 of 2"))


def test_the_call_is_shown_whole_with_who_decides_and_until_when() -> None:
    text = shown()

    for line in (
        "Pay refund  (1 of 2; risk: high)",
        "What exactly would run: pay_refund",
        "  Amount: 5",
        '  Note: "one↵',
        '      | two"',
        "  Account: ops (set by the workflow)",
        "  | a",
        "  | \tb",
        "  1. manager: 1 of 2 still needed (you and others now)",
        "     approved by Megan",
        "     could: Alex",
        "  On a page: https://gate.example/inbox/requests/R-1",
        f"  Digest of what is shown: {'d' * 64}",
    ):
        assert line in text.split("\n")
    assert "2026-11-22 12:00 UTC" in text
    assert "then others are asked." in text
    assert "on controller is asked." in text


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"arguments": {}, "injected": []}, ["  It takes no arguments."]),
        ({"expires_at": None}, ["  It waits until somebody decides."]),
        ({"kind": "input", "tool": "ask"}, ["What the agents ask"]),
        (
            {"proposed_arguments": {"amount": 9, "old": 1}, "arguments": {"amount": 5, "new": 2}},
            ["  - Amount: 9", "  + Amount: 5", "  + New: 2", "  - Old: 1"],
        ),
        (
            {"preview": {"kind": "table", "text": "", "rows": [["a", "b"], ["1", "2"]]}},
            ["  | a | b", "  | 1 | 2"],
        ),
        ({"preview": {"kind": "text", "text": "x\u202e", "rows": []}}, [r"  | x\u202e"]),
        ({"facts": {"stock": 3}}, ["As checked when it was asked", "  Stock: 3"]),
        ({"paused": "All is paused", "asked_again": "A"}, ["Take care: All is paused"]),
        (
            {"budgets": [{"budget": "b", "period": "today", "count": 3, "hard_count": 5}]},
            ["  Budget b: 3rd of 5 today"],
        ),
        (
            {"votes": [{"by": "megan", "name": "Megan", "verdict": "approve", "revision": 1,
                        "stage": 1, "via": "api", "at": AT, "comment": "fine"}]},
            ["  Megan approved, and wrote:", "  | fine"],
        ),
        (
            {"deliveries": [{"id": "D", "channel": "nowhere", "target": "t", "status": "live",
                             "ticket": "OPS-1", "url": None, "error": None}]},
            ["  Also shown in nowhere OPS-1 (live)"],
        ),
        ({"questions": [QUESTION]}, ["Alex asked", "  | why?", "  not answered yet"]),
        (
            {"questions": [{**QUESTION, "status": "answered", "answer": "so",
                            "answerer": "clerk"}]},
            ["  clerk answered", "  | so"],
        ),
        (
            {"questions": [{**QUESTION, "status": "dropped", "why": "decided"}]},
            ["  not answered: decided"],
        ),
        ({"steps": [{**TIER, "is_open": False}]}, ["  1. manager: 1 of 2 still needed (later)"]),
        (
            {"steps": [{**TIER, "is_open": False, "missing": 0}]},
            ["  1. manager: filled (done)"],
        ),
    ],
)  # fmt: skip
def test_what_else_is_known_of_it_is_said(changed: JsonObject, lines: list[str]) -> None:
    text = shown(**changed).split("\n")

    assert [line for line in lines if line not in text] == []


def test_no_text_begins_a_row_whatever_its_length() -> None:
    """A value that is as long as the terminal is wide would else write the next label itself."""
    width = 20
    forged = "x" * (width - 8) + "  Amount: 1\nApproved by: boss" + "界" * 30
    drawn = list(rows(f"  Note: {forged}", width))

    assert all(row.startswith(GOES_ON) for row in drawn[1:])
    assert "".join(row.removeprefix(GOES_ON) for row in drawn).replace(" ", "") == (
        f"  Note: {forged}".replace("\n", "").replace(" ", "")
    )
    assert list(rows("", width)) == [""]
