"""Pauses in tickets: that what is asked for does not run for now, and that it goes on.

A ticket's text never changes, so both are comments, each said once.
"""

from __future__ import annotations

from collections import OrderedDict

from countersign.approvals.forms.wording import visible
from countersign.approvals.models import Domains, Pause
from countersign.approvals.ports import RequestView, Store, TicketConnector
from countersign.approvals.rules.pausing import among
from countersign.approvals.store import pauses as pause_rows
from countersign.approvals.tickets import TicketRef

NEWEST = 20
"""Pauses that are looked through for those that have ended."""
REMEMBERED = 4_096
"""Comments of which this process knows that they were made, so that it asks nobody."""


class PauseComments:
    """Says in the tickets of one system what is paused."""

    def __init__(self, connector: TicketConnector, store: Store):
        self._connector, self._store = connector, store
        self._said: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def bring_up_to_date(self, ref: TicketRef, view: RequestView, domains: Domains) -> None:
        """Say what holds the request of an open ticket, and what has ended since it was asked."""
        for pause in view.held:
            await self._say(ref, f"pause:{pause.id}", _held(pause))
        newest = await self._store.read(lambda c: pause_rows.page(c, limit=NEWEST))
        asked_at = view.request.created_at
        for pause in among(newest, view.request, view.session, domains):
            if pause.ended_at is not None and pause.ended_at >= asked_at:
                await self._say(ref, f"goes-on:{pause.id}", _ended(pause))

    async def _say(self, ref: TicketRef, key: str, words: str) -> None:
        if (ref.id, key) in self._said:
            return
        await self._connector.comment(ref, words, key=key)
        self._said[ref.id, key] = None
        if len(self._said) > REMEMBERED:
            self._said.popitem(last=False)


def held_words(view: RequestView) -> str:
    """What holds an approved call, and that it goes on by itself; "" if nothing does."""
    said = "; ".join(visible(pause.words).rstrip(".") for pause in view.held)
    return f"It has not run: it is {said}. It goes on by itself after that." if said else ""


def _held(pause: Pause) -> str:
    words = visible(pause.words).rstrip(".")
    return (
        f"{words[:1].upper()}{words[1:]}. It can be decided here as ever, and runs once that has "
        "ended."
    )


def _ended(pause: Pause) -> str:
    return f"Not paused any more: {visible(pause.ended_by_name or '')} lets it go on."
