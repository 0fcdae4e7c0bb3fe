"""Where a request is shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from countersign.approvals.models import (
    Conversation,
    ConversationKey,
    Delivery,
    DeliveryStatus,
    Placing,
    RequestKind,
    Vote,
)
from countersign.approvals.rules.placing import asked_in, is_told_voters, targets
from countersign.testing.suites.asked import asked
from tests.doubles.directory import BEN, CARA


def test_one_conversation_shows_everything_once() -> None:
    """Whoever decides, and whether or not they are known there."""
    everywhere = Placing(identity="slack", everything_in="slack:C0SALES")

    shown = targets("slack", everywhere, asked((BEN, CARA)).request, (BEN, CARA), None)

    assert ("conversation:slack:C0SALES",) == shown


WORDS = Placing(identity="slack", everything_in="slack:C0SALES", takes_words=True)
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def chat(kind: str, channel: str = "slack") -> Conversation:
    return Conversation(
        key=ConversationKey(f"{channel}:X1"),
        channel=channel,
        kind=kind,
        principal_id=BEN.id if kind == "personal" else None,
        reference={},
        updated_at=NOON,
    )


def test_question_is_asked_where_its_session_began() -> None:
    """In a channel of everybody there; in somebody's own chat of them, and of others in theirs."""
    known = (
        BEN.model_copy(update={"identities": {"slack": "T0/U0BEN"}}),
        CARA.model_copy(update={"identities": {"slack": "T0/U0CARA"}}),
    )
    tool = asked(known).request
    question = tool.model_copy(update={"kind": RequestKind.INPUT})

    assert ("conversation:slack:X1",) == targets("slack", WORDS, question, known, chat("channel"))
    own = targets("slack", WORDS, question, known, chat("personal"))
    assert ("conversation:slack:X1", "person:cara") == own
    assert ("person:cara",) == targets("slack", WORDS, question, known[1:], chat("personal"))
    anybody = WORDS.model_copy(update={"identity": ""})
    assert ("person:cara",) == targets("slack", anybody, question, (CARA,), chat("personal"))
    assert () == targets("slack", WORDS, question, (CARA,), chat("personal"))
    here = targets("slack", WORDS, tool, known, chat("channel"))
    assert ("conversation:slack:C0SALES",) == here


def test_question_is_asked_in_the_system_in_which_its_session_began() -> None:
    tool = asked((BEN,)).request.model_copy(update={"channels": ("teams",)})
    question = tool.model_copy(update={"kind": RequestKind.INPUT})
    both = {"slack": WORDS, "teams": Placing()}

    assert ("slack",) == tuple(asked_in(question, chat("channel"), both))
    assert ("teams",) == tuple(asked_in(question, chat("channel", "teams"), both))
    assert ("teams",) == tuple(asked_in(question, chat("channel", "gone"), both))
    assert ("teams",) == tuple(asked_in(question, None, both))
    assert ("teams",) == tuple(asked_in(tool, chat("channel"), both))


@pytest.mark.parametrize(
    ("target", "status", "voters", "told"),
    [
        ("person:ben", "live", ("ben",), True),
        ("person:cara", "live", ("ben",), False),
        ("conversation:slack:C0SALES", "live", ("ben",), True),
        ("ticket:1.0", "live", ("ben",), False),
        ("person:ben", "closed", ("ben",), False),
        ("conversation:slack:C0SALES", "live", (), False),
    ],
)
def test_who_voted_is_told_where_they_were_shown_it(
    target: str, status: str, voters: tuple[str, ...], told: bool
) -> None:
    given = Delivery.made(target=target, status=DeliveryStatus(status))
    votes = [Vote.made(principal_id=who) for who in voters]

    assert told == is_told_voters(given, votes)
