"""Writing: what one vote changes, at once, or with the votes that are cast with it.

However many are written together, they take as many statements as two.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from countersign.approvals.decisions.refusals import refused
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.errors import CountersignError, IntegrityError, NotAuthorisedError
from countersign.approvals.models import Actor, JsonObject, Request, Verdict, Vote
from countersign.approvals.ports import Unit
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import votes as vote_rows


class Counted(NamedTuple):
    """A vote that counts, and what it makes of its request."""

    before: Request
    after: Request
    vote: Vote
    entries: tuple[tuple[str, JsonObject], ...]


class Writing(Protocol):
    """Each method belongs into a transaction."""

    def counted(self, unit: Unit, counted: Counted) -> None:
        """Write it, with its ledger entries. Raises AlreadyDecidedError with who was first."""

    def refused(
        self, unit: Unit, request: Request, actor: Actor, reason: str, verdict: Verdict
    ) -> CountersignError:
        """What somebody is told whose vote does not count, written down where it has to be."""


class _AtOnce:
    def counted(self, unit: Unit, counted: Counted) -> None:
        before, after, vote, entries = counted
        vote_rows.add(unit, before.session_id, [vote])
        decide(unit, before, after)
        ledger_rows.append(unit, before.session_id, *entries)

    def refused(
        self, unit: Unit, request: Request, actor: Actor, reason: str, verdict: Verdict
    ) -> CountersignError:
        return refused(unit, request, actor, reason, verdict=verdict)


AT_ONCE: Writing = _AtOnce()


class Gathered:
    """Keeps what counts until all of it is known. Refusals are told, and not written: who decides
    what they may of several calls has not tried to decide the others."""

    def __init__(self) -> None:
        self._counted: list[Counted] = []

    def counted(self, unit: Unit, counted: Counted) -> None:
        """Keep it."""
        self._counted.append(counted)

    def refused(
        self, unit: Unit, request: Request, actor: Actor, reason: str, verdict: Verdict
    ) -> CountersignError:
        """What they are told."""
        return NotAuthorisedError(reason)

    def write(self, unit: Unit) -> None:
        """Write all of it; the session of it is locked, and so has not changed since it was read.
        Raises IntegrityError if it has."""
        if not self._counted:  # what was a test has ended, and is written
            return
        session_id = self._counted[0].before.session_id
        vote_rows.add(unit, session_id, [each.vote for each in self._counted])
        if not request_rows.replace(unit, *((each.before, each.after) for each in self._counted)):
            raise IntegrityError(f"Requests of {session_id} changed while they were decided.")
        entries = (entry for each in self._counted for entry in each.entries)
        ledger_rows.append(unit, session_id, *entries)
