"""Where a request is shown."""

from __future__ import annotations

import pytest

from countersign.approvals.models import Delivery, DeliveryStatus, Placing, Vote
from countersign.approvals.rules.placing import is_told_voters, targets
from countersign.testing.suites.asked import asked
from tests.doubles.directory import BEN, CARA


def test_one_conversation_shows_everything_once() -> None:
    """Whoever decides, and whether or not they are known there."""
    everywhere = Placing(identity="slack", everything_in="slack:C0SALES")

    shown = targets("slack", everywhere, asked((BEN, CARA)).request, (BEN, CARA), None)

    assert ("conversation:slack:C0SALES",) == shown


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
