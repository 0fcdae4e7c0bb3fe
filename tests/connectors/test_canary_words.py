"""Canaries: every place that shows one says at its end that it was a test, and what was right."""

from __future__ import annotations

from countersign.approvals.forms.canaries import canary_words
from countersign.approvals.forms.told import stands
from countersign.approvals.models import Canary, Cause, Delivery, RequestStatus
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.proposals import not_executed
from countersign.approvals.tickets import TicketOutcome, target_of
from countersign.connectors.email.languages import translated
from countersign.connectors.email.letter import ended
from countersign.connectors.receiving import VoteOutcome, VoteResult
from countersign.connectors.slack import words
from countersign.connectors.slack.message import drawn
from countersign.connectors.ticketing.outcome import outcome_of, too_late_words
from countersign.testing.suites.asked import asked
from tests.doubles.directory import BEN

ENDED = Canary.model_validate(
    {"example": "twice", "expect": ("reject",), "because": "They have one.", "slot": 1,
     "draw": "ab", "could": ("ben",), "end": "missed", "by": "ben", "by_name": "Ben",
     "given": "approve"}
)  # fmt: skip
RIGHT = "Ben approved it. Right would have been to reject it. They have one."


def view() -> RequestView:
    waits = asked((BEN,), {"customer": "Contoso", "amount": 1})
    update = {
        "status": RequestStatus.CANCELLED,
        "result": not_executed(Cause.CANARY, canary_words(ENDED)),
        "canary": ENDED,
    }
    over = waits.request.model_copy(update=update)
    return waits.model_copy(update={"request": over})


def test_slack_says_so() -> None:
    made = drawn(view(), lambda _: "")
    decided = VoteOutcome(VoteResult.DECIDED, view().request)

    assert made.text.startswith("⊘ This was a test: ")
    assert RIGHT in str(made.blocks)
    assert "What it was" in str(made.blocks)
    assert "This is cancelled" not in str(made.blocks)
    assert words.told(decided).startswith("This was a test.")


def test_a_mail_says_so_in_both_languages() -> None:
    letter = ended(view(), "https://gate.example", "Push quote")
    german = translated(letter, "de")

    assert ("Test", "This was a test, and nothing was going to run") == (
        letter.badge, letter.heading,
    )  # fmt: skip
    assert "Das war ein Test, und nichts sollte laufen" == german.heading
    assert "Das war ein Test." in german.lead
    assert RIGHT in str(letter.sections)


def test_a_ticket_says_so() -> None:
    shown = view()
    delivery = Delivery.model_validate(
        {"id": "D-1", "request_id": shown.request.id, "channel": "jira", "status": "live",
         "target": target_of(shown.request)}
    )  # fmt: skip
    found = outcome_of(delivery, shown)

    assert found is not None
    assert TicketOutcome.CANCELLED is found[0]
    assert found[1].endswith(RIGHT)
    assert found[1].startswith("This was a test of whether such requests are read.")
    assert too_late_words(shown.request).startswith("This was a test.")


def test_a_thread_and_the_terminal_say_so() -> None:
    said = stands(view().request, [])

    assert said.whole.startswith("**This was a test:**")
    assert RIGHT in said.whole
