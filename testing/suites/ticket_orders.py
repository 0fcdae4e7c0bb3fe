"""Orders for tickets, made of values alone."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from countersign.approvals.models import Principal, PrincipalId, RequestId
from countersign.approvals.ports import TicketOrder
from countersign.approvals.tickets import TicketRef, order_key, target_of
from countersign.testing.suites.asked import ROLE, asked
from countersign.testing.suites.ticket_system import Outside, Who


class Orders:
    """New requests, to be asked of Ben and Cara in the system under test."""

    def __init__(self, outside: Outside):
        self._outside = outside
        self._numbers = itertools.count(1)
        self._approvers = tuple(
            Principal(
                id=PrincipalId(who.value),
                name=who.value.title(),
                roles=frozenset({ROLE}),
                identities={outside.connector.name: outside.people[who]},
            )
            for who in (Who.BEN, Who.CARA)
        )

    async def new(self, arguments: dict[str, Any] | None = None) -> TicketOrder:
        """A new request for a quote, as an order."""
        request_id = RequestId(f"R-SUITE{next(self._numbers):08}")
        view = asked(self._approvers, arguments, id=request_id)
        key = order_key(request_id, target_of(view.request))
        return TicketOrder(key=key, view=view, approvers=self._approvers)

    async def ticket(self) -> TicketRef:
        """A ticket for a new request."""
        return await self._outside.connector.open_ticket(await self.new())


@pytest.fixture
def orders(outside: Outside) -> Orders:
    """Requests to be asked in the system under test."""
    return Orders(outside)
