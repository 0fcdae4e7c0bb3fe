"""Locks of tickets: one writer at a time in each.

What we say in a ticket is looked for before it is written. A webhook, a poll and the courier can be
about the same ticket at once, and if two of them look before either writes, it is said twice.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class TicketLocks:
    """A lock for each ticket, kept as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, ticket_id: str) -> asyncio.Lock:
        """The ticket's lock, for `async with`. It is this process's: other replicas have theirs."""
        return self._locks.setdefault(ticket_id, asyncio.Lock())
