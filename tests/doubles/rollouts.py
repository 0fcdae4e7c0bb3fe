"""A rule that was promoted, as the rows and the ledger have it."""

from __future__ import annotations

from countersign.approvals.decisions.rollouts import put
from countersign.approvals.models import Phase, PrincipalId, RolloutMoved, Via
from countersign.approvals.ports import Unit


def moved(unit: Unit) -> None:
    """Dave has accepted it."""
    said = RolloutMoved(
        rule="tools.quote",
        tool="quote",
        meaning="0123456789abcdef",
        before=Phase.SHADOW,
        after=Phase.COPILOT,
        cause="promoted",
        reason="Enough seen.",
        by=PrincipalId("dave"),
        via=Via.API,
        identity="api:dave",
        on_request=None,
        evidence=None,
    )
    put(unit, said, "Dave")
