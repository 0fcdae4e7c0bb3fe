"""Where a request is shown."""

from __future__ import annotations

from countersign.approvals.models import Placing
from countersign.approvals.rules.placing import targets
from countersign.testing.suites.asked import asked
from tests.doubles.directory import BEN, CARA


def test_one_conversation_shows_everything_once() -> None:
    """Whoever decides, and whether or not they are known there."""
    everywhere = Placing(identity="slack", everything_in="slack:C0SALES")

    shown = targets("slack", everywhere, asked((BEN, CARA)).request, (BEN, CARA), None)

    assert ("conversation:slack:C0SALES",) == shown
