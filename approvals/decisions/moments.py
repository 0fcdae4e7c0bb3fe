"""Moments: how things stand outside, read before a transaction that goes by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.errors import PeopleChangedError
from countersign.approvals.ports import Clock, Directory, Moment, Store, ToolCatalog, Unit

T = TypeVar("T")
TRIES = 3
"""How often a unit is begun that finds each time that people have changed."""


class Moments:
    """Asks the world what a unit may not ask: time, people, tools, and room to go on here."""

    def __init__(
        self,
        clock: Clock,
        directory: Directory,
        catalog: ToolCatalog,
        handoff: Handoff,
        private: Sequence[PrivateRule] = (),
    ):
        self._private = tuple(private)
        self._clock, self._directory = clock, directory
        self._catalog, self._handoff = catalog, handoff

    def now(self) -> Moment:
        """This moment."""
        people, forms, now = self._directory.people(), self._catalog.forms(), self._clock.now()
        return Moment(now, people.at(now), forms, self._handoff.room(), self._private)

    async def refresh(self) -> None:
        """Know at once what has just changed of people. Raises UnavailableError."""
        await self._directory.refresh()

    async def unit(self, store: Store, work: Callable[[Unit], T]) -> T:
        """Do `work` at this moment; anew, with the people of now, where those have changed since
        this process has looked. Raises as `Store.unit`."""
        for _ in range(TRIES - 1):
            try:
                return await store.unit(work, self.now())
            except PeopleChangedError:
                await self._directory.refresh()
        return await store.unit(work, self.now())
