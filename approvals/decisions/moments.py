"""Moments: how things stand outside, read before a transaction that goes by them."""

from __future__ import annotations

from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.ports import Clock, Directory, Moment, ToolCatalog


class Moments:
    """Asks the world what a unit may not ask: time, people, tools, and room to go on here."""

    def __init__(self, clock: Clock, directory: Directory, catalog: ToolCatalog, handoff: Handoff):
        self._clock, self._directory = clock, directory
        self._catalog, self._handoff = catalog, handoff

    def now(self) -> Moment:
        """This moment."""
        people, forms = self._directory.people(), self._catalog.forms()
        return Moment(self._clock.now(), people, forms, self._handoff.room())
