"""What can be read in a ticket under test, and every call that changes one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from countersign.approvals.ports import KnownTickets, TicketConnector, TicketOrder
from countersign.approvals.tickets import (
    Observation,
    TicketAct,
    TicketOutcome,
    TicketRef,
    TicketVote,
)
from countersign.testing.suites.ticket_system import Outside

Effect = Callable[[TicketConnector, TicketOrder, TicketRef, TicketAct], Awaitable[object]]
"""A call that changes a ticket; the act is somebody's in it."""
EFFECTS: dict[str, Effect] = {
    "adopt": lambda connector, order, ref, act: connector.adopt(order, ref),
    "comment": lambda connector, order, ref, act: connector.comment(ref, "Hello.", key="k1"),
    "ask_again": lambda connector, order, ref, act: connector.ask_again(
        ref, act, "It does not count.", counted=False
    ),
    "close": lambda connector, order, ref, act: connector.close(
        ref, TicketOutcome.EXECUTED, "Done."
    ),
}


async def seen(outside: Outside, ref: TicketRef) -> Observation:
    """What the connector reads in a ticket that is there."""
    observation = await outside.connector.fetch_one(ref)
    assert observation is not None, f"{ref.key} is gone"
    return observation


def votes(outside: Outside, observation: Observation) -> list[TicketVote]:
    """The verdicts among what was read."""
    found = outside.connector.decide(observation)
    return [one for one in found if isinstance(one, TicketVote)]


async def said(outside: Outside, ref: TicketRef, words: str) -> int:
    """How many comments hold these words."""
    return sum(words in comment for comment in await outside.comments(ref))


def among(refs: Sequence[TicketRef]) -> KnownTickets:
    """The tickets that wait are these."""

    async def known(ids: Sequence[str]) -> Sequence[TicketRef]:
        return [ref for ref in refs if ref.id in ids]

    return known
