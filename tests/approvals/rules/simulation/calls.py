"""Recorded calls, and accounts in memory."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.approvals.models import SessionId, ToolCall
from countersign.approvals.rules.budgets.charges import Charge, Used
from countersign.approvals.rules.conditions.amount import plus
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.simulation.recorded import Heard, Recorded
from countersign.approvals.rules.simulation.replaying import Replayed, Side
from countersign.approvals.rules.simulation.tally import Tally

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ASKS = {"effect": "require_approval", "roles": ["manager"]}


def recorded(
    number: int = 1,
    heard: Heard = Heard.APPROVED,
    tool: str = "pay",
    *,
    ran: bool | None = None,
    waited_h: float | None = 1,
    **more: Any,
) -> Recorded:
    """One call; the later the higher its number."""
    at = more.pop("at", NOON + timedelta(minutes=number))
    arguments = more.pop("arguments", {"amount": 10 * number, "currency": "EUR"})
    by = more.pop("by", "Ben" if heard in SAID else "")
    return Recorded(
        id=f"R-{number}",
        checkpoint_id=more.pop("checkpoint_id", f"C-{number}"),
        call=ToolCall(
            session_id=SessionId("S-1"),
            call_id=f"call-{number}",
            tool=tool,
            arguments=arguments,
            agent="seller",
            executor="gatekeeper",
        ),
        workflow="sales",
        requester="anna",
        at=at,
        seen=more.pop("seen", None),
        heard=heard,
        by=by,
        decided_at=at + timedelta(hours=waited_h) if by and waited_h is not None else None,
        ran=heard in (Heard.APPROVED, Heard.CHANGED) if ran is None else ran,
    )


SAID = frozenset({Heard.APPROVED, Heard.CHANGED, Heard.REJECTED, Heard.REVOKED})


class Memory:
    """Implements `simulation.replaying.Uses`, for calendars' windows."""

    def __init__(self) -> None:
        self._used: dict[Any, Used] = defaultdict(Used)

    def used(self, charge: Charge, at: datetime) -> Used:
        """Within the window."""
        return self._used[charge.account, charge.since(at)]

    def draw(self, charge: Charge, at: datetime) -> None:
        """One more."""
        key, before = (charge.account, charge.since(at)), self.used(charge, at)
        self._used[key] = Used(before.count + 1, plus(before.amount, charge.amount))


def side(policy: Policy | dict[str, Any], *roles: str) -> Side:
    """A policy, with nothing used, for requesters with these roles."""
    made = policy if isinstance(policy, Policy) else Policy.load(policy)
    return Side(made, Memory(), lambda _: frozenset(roles))


def replay(policy: dict[str, Any], *calls: Recorded, roles: tuple[str, ...] = ()) -> list[Replayed]:
    """Calls one after the other."""
    one = side(policy, *roles)
    return [one.replay([call])[0] for call in calls]


def tallied(before: dict[str, Any], after: dict[str, Any], *calls: Recorded) -> Tally:
    """Both policies over calls."""
    tally = Tally(Policy.load(after).calendars)
    for call, old, new in zip(calls, replay(before, *calls), replay(after, *calls), strict=True):
        tally.add(call, old, new)
    return tally
