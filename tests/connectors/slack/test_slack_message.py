"""Messages: all that decides is there, or no button is; and Slack takes every one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from countersign.approvals.models import (
    AnsweredBy,
    Decision,
    Finding,
    JsonObject,
    Outcome,
    PrincipalId,
    Question,
    QuestionStatus,
    Request,
    RequestStatus,
    Result,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.ports import RequestView
from countersign.connectors.slack.drawing import is_whole
from countersign.connectors.slack.markup import MESSAGE_LIMIT, bold, fitted, parts, rows, size
from countersign.connectors.slack.message import Drawn, drawn
from countersign.sandbox.slack.blocks import message_problems
from countersign.sandbox.slack.workspace import decoded, texts
from countersign.testing.suites.asked import NOW, asked, executed
from tests.doubles.directory import BEN, CARA

HOSTILE = "*[a|https://evil.example]* <!channel> <@U0ALEX> &lt;b&gt; :wave: `h` \u202e"


def page(request: Request) -> str:
    return f"https://gate.example/inbox/requests/{request.id}"


def nowhere(_: Request) -> str:
    return ""


def shown(view: RequestView) -> Drawn:
    made = drawn(view, page)

    assert [] == message_problems(list(made.blocks))
    assert size(made.blocks) <= MESSAGE_LIMIT
    return made


def words(made: Drawn) -> str:
    return "\n".join(texts(list(made.blocks)))


def buttons(made: Drawn) -> list[str]:
    found = [
        each for block in made.blocks if block["type"] == "actions" for each in block["elements"]
    ]
    return [each["action_id"] for each in found]


def view(arguments: JsonObject | None = None, **changes: Any) -> RequestView:
    return asked((BEN, CARA), arguments, **changes)


def test_message_says_what_why_who_and_until_when() -> None:
    made = shown(view())

    for part in ("Zanzibar Trading", "100", "The customer asked for it.", "Ben, Cara", "13:00"):
        assert part in words(made)
    assert ["approve", "change", "ask", "reject", "open"] == buttons(made)
    assert "Approval needed: Push quote" == made.text


@pytest.mark.parametrize(
    "arguments",
    [
        {"customer": "x" * 20_000, "amount": 1},
        {f"n{number}": number for number in range(41)},
        {f"n{number}": "&" * 900 for number in range(12)},
        {"customer": "\u4e16" * 9_000, "amount": 1},
    ],
    ids=["one long", "many", "entities", "wide"],
)
def test_what_does_not_fit_has_a_link_instead_of_buttons(arguments: JsonObject) -> None:
    made, without = shown(view(arguments)), drawn(view(arguments), nowhere)

    assert not made.complete
    assert not is_whole(view(arguments), page)
    assert ["open"] == buttons(made)
    assert [] == buttons(without)
    assert "Not everything fits here" in words(made)
    assert "countersign requests show R-SUITE" in words(without)


def test_long_values_that_fit_are_whole() -> None:
    text = "".join(f"line {number}\n" for number in range(360))
    made = shown(view({"customer": text, "amount": 1}))
    pieces = [piece for piece in texts(list(made.blocks)) if "line " in piece]

    assert made.complete
    assert "line 359" in words(made)
    assert len(pieces) > 1


def test_others_words_are_text_and_nothing_else() -> None:
    """No mention, no link, no entity that reads as another text, and no bold of theirs."""
    hostile = view({"customer": HOSTILE, "amount": 1}, rationale=HOSTILE, agent=HOSTILE)
    made = shown(hostile)
    raw = [t for block in made.blocks for t in _objects(block)]

    assert not any("<" in each["text"] or ">" in each["text"] for each in raw)
    assert not any("evil" in each["text"] for each in raw if each["type"] == "mrkdwn")
    assert "&amp;lt;b" in str(raw)
    assert not any(each.get("emoji") for each in raw)


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in ("plain_text", "mrkdwn"):
            return [value]
        return [each for inner in value.values() for each in _objects(inner)]
    return [e for inner in value for e in _objects(inner)] if isinstance(value, list) else []


def test_votes_and_questions_stand_in_it() -> None:
    vote = Vote.model_validate(
        {
            "request_id": "R-SUITE",
            "principal_id": "ben",
            "identity": "slack:T0ACME/U0ALEX",
            "name": "Ben",
            "verdict": "approve",
            "stage": 0,
            "revision": 1,
            "via": "slack",
            "at": NOW,
        }
    )
    asked_ = [
        _question(1, QuestionStatus.OPEN),
        _question(2, QuestionStatus.ANSWERED, answer="Because.", answerer="seller"),
        _question(3, QuestionStatus.HANDED_OVER),
        _question(4, QuestionStatus.DROPPED),
    ]
    made = shown(view().model_copy(update={"votes": (vote,), "questions": tuple(asked_)}))
    last = shown(view().model_copy(update={"questions": (asked_[0],)}))

    for part in (
        "Ben: approved, 2026-03-02 09:00 UTC",
        "Cara asked: Why 2?",
        "seller answered: Because.",
        "The agent could not answer",
        "decided before anybody had answered",
    ):
        assert part in words(made)
    assert "Why 1?" not in words(made)
    assert "The agent is being asked." in words(last)


def _question(number: int, status: QuestionStatus, **more: Any) -> Question:
    return Question(
        request_id=view().request.id,
        number=number,
        revision=1,
        asker=PrincipalId("cara"),
        asker_name="Cara",
        via=Via("slack"),
        identity="slack:T/U",
        text=f"Why {number}?",
        asked_at=NOW,
        status=status,
        answered_by=AnsweredBy.AGENT if "answer" in more else None,
        **more,
    )


@pytest.mark.parametrize("status", [s for s in RequestStatus if s is not RequestStatus.PENDING])
def test_what_is_over_says_how_and_has_no_button_that_decides(status: RequestStatus) -> None:
    decision = Decision(
        verdict=Verdict.REJECT if status is RequestStatus.REJECTED else Verdict.APPROVE,
        by=BEN.id,
        by_name="Ben",
        via=Via("slack"),
        at=NOW + timedelta(minutes=5),
        digest="0",
        comment="Because I say so.",
    )
    request = view().request.model_copy(update={"status": status, "decision": decision})
    over = view().model_copy(update={"request": request})
    made = shown(over)

    assert "by Ben through Slack" in words(made)
    assert "Because I say so." in words(made)
    back = ["revoke"] if status is RequestStatus.APPROVED else []
    assert [*back, "open"] == buttons(made)
    assert back == buttons(drawn(over, nowhere))


def test_what_was_found_of_a_doubt_stands_in_it() -> None:
    done = executed(view(), BEN)
    finding = Finding.model_validate(
        {"happened": False, "by": "cara", "by_name": "Cara", "via": "api", "at": NOW, "note": "No."}
    )
    result = Result(outcome=Outcome.FAILED, content="", finding=finding)
    request = done.request.model_copy(update={"status": RequestStatus.FAILED, "result": result})

    assert "*It did not take effect, Cara found*\nNo." in words(
        shown(done.model_copy(update={"request": request}))
    )


def test_call_without_arguments_says_so() -> None:
    made = shown(view({}).model_copy(update={"arguments_schema": None}))

    assert "It takes none." in words(made)
    assert "change" not in buttons(made)


def test_cut_text_never_ends_within_an_entity() -> None:
    cut = fitted("&" * 100, 52)

    assert len(cut) <= 52
    assert "&" * 10 + "…" == decoded(cut)
    assert "\u2013" == fitted("  ")


def test_pieces_of_a_text_lose_nothing() -> None:
    text = "a&b" * 3_000
    found = parts(text)

    assert text == "".join(found)
    assert all(len(fitted(piece)) <= 3_000 and not fitted(piece).endswith("…") for piece in found)


def test_rows_are_ten_fields_at_most_and_long_ones_stand_alone() -> None:
    pairs = [(f"Name {n}", "v") for n in range(6)] + [("", "x" * 200), ("Long", "y\nz"), ("Z", "v")]
    made = list(rows(pairs))

    assert [10, 2, 0, 0, 0, 2] == [len(block.get("fields", ())) for block in made]
    assert [] == message_problems(made)


def test_label_with_marks_in_it_is_plain() -> None:
    assert "mrkdwn" == bold("Amount (in EUR)")["type"]
    assert ["plain_text"] * 3 == [bold(t)["type"] for t in ("a*b", "_a_", "`a`")]
