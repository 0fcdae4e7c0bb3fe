"""The store: transactions, and the follow-up work that rides on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from countersign.approvals.audit.seals import Unsealed
from countersign.approvals.models import Value
from countersign.approvals.ports.unit import STATEMENTS, Moment, Unit

T = TypeVar("T")


class Reader(Protocol):
    """Rows to look at, also of a database that somebody else writes."""

    async def read(self, unit: Callable[[Connection], T]) -> T:
        """Run `unit` on a read-only snapshot. Raises UnavailableError if it cannot be read."""


class Store(Reader, Protocol):
    """Rows with transactions. Units are plain synchronous functions over a Connection."""

    unsealed: Unsealed
    """Where the chains end that its units have added to, until they are sealed."""

    async def unit(self, work: Callable[[Unit], T], moment: Moment) -> T:
        """Do `work` in one transaction and return its value once that is durable.

        An exception from `work` undoes all of it and is raised here, as is IntegrityError for rows
        that were changed without a ledger entry. Cancelling the caller does not undo the unit. It
        does SQL only: no awaiting, no network, no slow work, and nothing outside is asked.
        Raises UnavailableError if the store cannot be written.
        """

    async def write(self, statements: Callable[[Connection], T]) -> T:
        """`unit` for plain statements, which no ledger tells of and nothing follows."""
        return await self.unit(lambda unit: statements(unit.connection), STATEMENTS)


class Job(Value):
    """A doorbell: `kind` names the handler, `id` the row to look at. Carries no work itself.

    Losing, repeating or overlapping a job is harmless: the rows are the truth.
    """

    kind: str
    id: str


class Jobs(Protocol):
    """Follow-up work that rides on the caller's transaction."""

    def enqueue(self, unit: Unit, job: Job) -> None:
        """Ring `job` once the unit is durable; never if it was undone."""

    def enqueue_here(self, unit: Unit, job: Job, *, at: datetime | None = None) -> None:
        """`enqueue` in this process alone, which has leased the row to itself; or, with `at`, not
        before then, and not at all if the row is rung for meanwhile. A sweep does it otherwise."""

    def handle(self, kind: str, handler: Callable[[str], Awaitable[None]]) -> None:
        """Register the handler of `kind`. It must bear being run twice, also at once."""

    async def run(self) -> None:
        """Work until cancelled: doorbells at once, and a sweep over due rows at start-up and
        every few seconds, which finds whatever a lost doorbell left behind."""
